/* A request to the API, and what came back. */
#ifndef TACIT_CXX_REQUEST_HPP
#define TACIT_CXX_REQUEST_HPP

#include <tacit/request.h>

#include <tacit/cxx/handle.hpp>
#include <tacit/cxx/text.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tacit {

/* What a write function makes of its piece. pause: offered again after call::resume(). */
enum class flow { go_on, stop, pause };

/* 0: the end; read_abort; read_pause: asked again after call::resume(). */
using read_function = std::function<std::size_t(char *buffer, std::size_t capacity)>;
inline constexpr std::size_t read_abort = TACIT_READ_ABORT;
inline constexpr std::size_t read_pause = TACIT_READ_PAUSE;

struct progress {
    std::int64_t sent, to_send, received, to_receive; /* -1: unknown */
};

/* One field of a form, as tacit_part: data, or a file, or what read gives. */
struct part {
    std::string name = {};
    std::string data = {};
    std::string file_name = {};
    std::string content_type = {};
    std::string file = {};
    read_function read = {};
    std::function<bool()> rewind = {};
    std::int64_t read_size = 0;
};

/*
 * As tacit_request. Asynchronous calls take it over as a whole, callbacks included, and destroy it
 * after their completion: what the callbacks refer to must live until then.
 */
struct request {
    std::string url = {};
    std::string method = {};               /* "": GET, or POST with a body */
    std::vector<std::string> headers = {}; /* "Name: value" */
    std::string body = {};
    /* Instead of body, without a copy: borrowed until send() returns; until the completion where
     * body_owner keeps it, and copied by asynchronous calls where nothing does. */
    std::string_view body_view = {};
    std::shared_ptr<const void> body_owner = {};
    read_function read = {};
    std::function<bool()> rewind = {};
    std::int64_t read_size = 0; /* 0: unknown */
    std::function<flow(std::string_view piece)> write = {};
    std::function<bool(const tacit::progress &)> progress = {}; /* false stops */
    tacit::timeout timeout = {};
    std::chrono::seconds min_valid = std::chrono::seconds(0);
    bool no_redirects = false;
    std::vector<part> parts = {};
    std::string file = {};
    bool file_resume = false;
    unsigned retries_max = 0;
};

/* Yours alone; its texts are valid as long as it is. */
class response : public detail::handle<tacit_response, tacit_response_free> {
  public:
    using handle::handle;

    int status() const noexcept {
        return tacit_response_status(get());
    }
    /* 2xx */
    bool ok() const noexcept {
        return status() / 100 == 2;
    }
    /* The index-th of that name. */
    std::optional<std::string_view> header(const text &name, std::size_t index = 0) const noexcept {
        return known(tacit_response_header_at(get(), name.c_str(), index));
    }
    /* "Name: value", as it came; none: there are no more. */
    std::optional<std::string_view> header_line(std::size_t index) const noexcept {
        return known(tacit_response_header_line(get(), index));
    }
    std::string_view body() const noexcept {
        const char *body = tacit_response_body(get());

        return body ? std::string_view(body, tacit_response_body_size(get())) : std::string_view();
    }
    std::string_view url() const noexcept {
        return detail::view(tacit_response_url(get()));
    }
    int attempts() const noexcept {
        return tacit_response_attempts(get());
    }
    int retries() const noexcept {
        return tacit_response_retries(get());
    }

  private:
    static std::optional<std::string_view> known(const char *text) noexcept {
        if (!text) return std::nullopt;
        return std::string_view(text);
    }
};

namespace detail {

/* A stream of a request or of a part, for C. The first exception of any of them ends the request. */
struct stream {
    const read_function *read;
    const std::function<bool()> *rewind;
    std::exception_ptr *thrown;

    static std::size_t on_read(char *buffer, std::size_t capacity, void *data) noexcept {
        const stream &self = *static_cast<stream *>(data);

        return guarded(*self.thrown, read_abort, [&] { return (*self.read)(buffer, capacity); });
    }
    static bool on_rewind(void *data) noexcept {
        const stream &self = *static_cast<stream *>(data);

        return guarded(*self.thrown, false, [&] { return (*self.rewind)(); });
    }
};

/* A request as C sees it; what its callbacks threw. Stays where it is, and so does the request. */
class request_frame {
  public:
    request_frame(const request &r, bool asynchronous) : r_(r) {
        bool borrowed = !asynchronous || r.body_view.empty() || r.body_owner;

        c_.url = r.url.c_str();
        c_.method = pack_.string("method", r.method);
        c_.headers = pack_.strings("headers", r.headers);
        c_.file = pack_.string("file", r.file);
        c_.file_resume = r.file_resume;
        fill_body(r.body_view.empty() ? std::string_view(r.body) : r.body_view);
        if (borrowed) c_.body_release = [](void *) {};
        fill_streams();
        fill_parts();
        c_.timeout_ms = r.timeout.option();
        c_.min_valid_s = whole_seconds(r.min_valid);
        c_.no_redirects = r.no_redirects;
        c_.retries_max = r.retries_max;
    }
    request_frame(const request_frame &) = delete;
    request_frame &operator=(const request_frame &) = delete;

    const tacit_request *c() const noexcept {
        return &c_;
    }
    bool check(error &why) const {
        if (r_.url.find('\0') != std::string::npos) why = text::nul_inside("url");
        return r_.url.find('\0') == std::string::npos && pack_.check(why);
    }
    const std::exception_ptr &thrown() const noexcept {
        return thrown_;
    }
    /* What a completion gets. */
    result<response> outcome(tacit_response *c, const tacit_error *failure) const {
        response answer(c);
        tacit_error cancelled = failure ? *failure : tacit_error(TACIT_ERROR_INIT);

        if (!failure && !thrown_) return result<response>(std::move(answer));
        if (thrown_) cancelled.status = TACIT_ERR_CANCELLED;
        if (!failure) {
            static constexpr char why[] = "A callback of the request threw an exception.";
            std::memcpy(cancelled.message, why, sizeof why);
        }
        return error(cancelled, thrown_);
    }

  private:
    void fill_body(std::string_view body) noexcept {
        if (body.empty()) return;
        c_.body = body.data();
        c_.body_size = body.size();
    }
    void fill_streams() noexcept {
        if (r_.read) c_.read = stream::on_read;
        if (r_.read && r_.rewind) c_.rewind = stream::on_rewind;
        c_.read_size = r_.read_size;
        c_.read_data = &stream_;
        if (r_.write) c_.write = on_write;
        if (r_.progress) c_.progress = on_progress;
        c_.write_data = c_.progress_data = this;
    }
    void fill_parts() {
        if (r_.parts.empty()) return;
        streams_.reserve(r_.parts.size());
        parts_.reserve(r_.parts.size());
        for (const part &p : r_.parts) parts_.push_back(c_part(p));
        for (const tacit_part &p : parts_) part_list_.push_back(&p);
        part_list_.push_back(nullptr);
        c_.parts = part_list_.data();
    }
    tacit_part c_part(const part &p) {
        tacit_part c = TACIT_PART_INIT;
        bool elsewhere = p.read || !p.file.empty();

        c.name = p.name.c_str();
        if (p.name.find('\0') != std::string::npos) pack_.string("name", p.name);
        c.file_name = pack_.string("file_name", p.file_name);
        c.content_type = pack_.string("content_type", p.content_type);
        c.file = pack_.string("file", p.file);
        if (!elsewhere || !p.data.empty()) c.data = p.data.data();
        c.size = p.data.size();
        c.read_size = p.read_size;
        c.read_data = &streams_.emplace_back(stream{&p.read, &p.rewind, &thrown_});
        if (p.read) c.read = stream::on_read;
        if (p.read && p.rewind) c.rewind = stream::on_rewind;
        return c;
    }

    static std::size_t on_write(const char *data, std::size_t size, void *frame) noexcept {
        request_frame &self = *static_cast<request_frame *>(frame);
        flow answer = guarded(self.thrown_, flow::stop,
                              [&] { return self.r_.write(std::string_view(data, size)); });

        if (answer == flow::pause) return TACIT_WRITE_PAUSE;
        return answer == flow::go_on ? size : static_cast<std::size_t>(-1);
    }
    static bool on_progress(std::int64_t sent, std::int64_t to_send, std::int64_t received,
                            std::int64_t to_receive, void *frame) noexcept {
        request_frame &self = *static_cast<request_frame *>(frame);

        return guarded(self.thrown_, false, [&] {
            return self.r_.progress({sent, to_send, received, to_receive});
        });
    }

    const request &r_;
    tacit_request c_ = TACIT_REQUEST_INIT;
    packer pack_;
    std::exception_ptr thrown_;
    stream stream_ = {&r_.read, &r_.rewind, &thrown_};
    std::vector<stream> streams_;
    std::vector<tacit_part> parts_;
    std::vector<const tacit_part *> part_list_;
};

} // namespace detail
} // namespace tacit

#endif
