/* The client, and what is known of an authorization server. */
#ifndef TACIT_CXX_CLIENT_HPP
#define TACIT_CXX_CLIENT_HPP

#include <tacit/client.h>
#include <tacit/provider.h>

#include <tacit/cxx/handle.hpp>
#include <tacit/cxx/text.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tacit {

enum class log_level : int {
    standard = 0, /* warnings and errors */
    error = TACIT_LOG_ERROR,
    warning = TACIT_LOG_WARNING,
    info = TACIT_LOG_INFO,
    debug = TACIT_LOG_DEBUG
};

/* What post hands to the app's loop: to be called there, once. A pair of pointers, which may be
 * copied. */
class job {
  public:
    job(void (*run)(void *), void *data) noexcept : run_(run), data_(data) {
    }
    void operator()() const {
        run_(data_);
    }

  private:
    void (*run_)(void *);
    void *data_;
};

/* For tests: see tacit_clock. Called on any thread. */
class clock {
  public:
    virtual ~clock() = default;
    virtual std::chrono::milliseconds boot() noexcept = 0;
    virtual std::chrono::milliseconds wall() noexcept = 0;
};

/* As tacit_client_options; an empty string, an empty function and 0 are the default. */
struct client_options {
    std::string application_id = {};
    std::string user_agent = {};
    std::string ca_file = {};
    std::string ca_pem = {};
    std::string pinned_public_key = {};
    std::optional<std::string> proxy = {}; /* "": none, whatever the environment says */
    std::string client_certificate_file = {};
    std::string client_key_file = {};
    std::string state_dir = {};
    timeout connect_timeout = {};
    timeout request_timeout = {};
    timeout refresh_timeout = {};
    timeout store_timeout = {};
    unsigned refresh_threads_max = 0;
    unsigned idle_connections_max = 0;
    std::size_t thread_stack_bytes = 0;
    std::size_t response_bytes_max = 0;
    std::function<void(tacit::log_level, std::string_view message)> log = {};
    tacit::log_level log_level = tacit::log_level::standard;
    std::function<bool(job)> post = {}; /* false: not taken */
    std::shared_ptr<tacit::clock> clock = {};
    unsigned calls_max = 0;
    unsigned calls_waiting_max = 0;
};

namespace detail {

/* A client's callbacks; the client deletes them when it needs them no more. */
struct client_hooks {
    explicit client_hooks(client_options &o)
        : log(std::move(o.log)), post(std::move(o.post)), clock(std::move(o.clock)) {
    }

    void fill(tacit_client_options &c, tacit_clock &c_clock) noexcept {
        if (log) c.log = on_log;
        if (post) c.post = on_post;
        c.log_data = c.post_data = c.release_data = c_clock.clock_data = this;
        c.release = on_release;
        c_clock.boot_ms = boot_ms;
        c_clock.wall_ms = wall_ms;
        if (clock) c.clock = &c_clock;
    }

  private:
    static client_hooks &of(void *data) noexcept {
        return *static_cast<client_hooks *>(data);
    }
    static void on_log(tacit_log_level level, const char *message, void *data) noexcept {
        of(data).log(static_cast<log_level>(level), message);
    }
    static bool on_post(void (*run)(void *), void *c_job, void *data) noexcept {
        return of(data).post(job(run, c_job));
    }
    static void on_release(void *data) noexcept {
        delete &of(data);
    }
    static int64_t boot_ms(void *data) noexcept {
        return of(data).clock->boot().count();
    }
    static int64_t wall_ms(void *data) noexcept {
        return of(data).clock->wall().count();
    }

    std::function<void(log_level, std::string_view)> log;
    std::function<bool(job)> post;
    std::shared_ptr<tacit::clock> clock;
};

} // namespace detail

using client_stats = tacit_client_stats;

/* Thread-safe but for moving and destroying, which never waits: shutdown() does. Sessions keep what
 * is behind it alive. */
class client : public detail::handle<tacit_client, tacit_client_unref> {
  public:
    using handle::handle;

    static result<client> make(client_options options = {}) {
        auto hooks = std::make_unique<detail::client_hooks>(options);
        tacit_client_options c = TACIT_CLIENT_OPTIONS_INIT;
        tacit_clock c_clock = TACIT_CLOCK_INIT;
        detail::packer pack;
        tacit::error why;
        tacit_error failure;

        fill(c, options, pack);
        hooks->fill(c, c_clock);
        if (!pack.check(why)) return why;
        auto made = detail::made<client>(tacit_client_new(&c, &failure), failure);
        if (made) static_cast<void>(hooks.release());
        return made;
    }

    result<void> shutdown(timeout timeout = {}) const {
        tacit_error error;

        tacit_client_shutdown(get(), timeout.argument(), &error);
        return detail::outcome(error);
    }
    void network_changed() const noexcept {
        tacit_client_network_changed(get());
    }
    void clock_moved() const noexcept {
        tacit_client_clock_moved(get());
    }
    client_stats stats() const noexcept {
        client_stats stats = TACIT_CLIENT_STATS_INIT;

        tacit_client_get_stats(get(), &stats);
        return stats;
    }

  private:
    static void fill(tacit_client_options &c, const client_options &o, detail::packer &pack) {
        c.application_id = pack.string("application_id", o.application_id);
        c.user_agent = pack.string("user_agent", o.user_agent);
        c.ca_file = pack.string("ca_file", o.ca_file);
        c.ca_pem = pack.string("ca_pem", o.ca_pem);
        c.pinned_public_key = pack.string("pinned_public_key", o.pinned_public_key);
        c.proxy = pack.string("proxy", o.proxy);
        c.client_certificate_file =
            pack.string("client_certificate_file", o.client_certificate_file);
        c.client_key_file = pack.string("client_key_file", o.client_key_file);
        c.state_dir = pack.string("state_dir", o.state_dir);
        c.connect_timeout_ms = o.connect_timeout.option();
        c.request_timeout_ms = o.request_timeout.option();
        c.refresh_timeout_ms = o.refresh_timeout.option();
        c.store_timeout_ms = o.store_timeout.option();
        c.refresh_threads_max = o.refresh_threads_max;
        c.idle_connections_max = o.idle_connections_max;
        c.thread_stack_bytes = o.thread_stack_bytes;
        c.response_bytes_max = o.response_bytes_max;
        c.log_level = static_cast<tacit_log_level>(o.log_level);
        c.calls_max = o.calls_max;
        c.calls_waiting_max = o.calls_waiting_max;
    }
};

enum class answer_kind : int {
    sign_in = TACIT_ANSWER_SIGN_IN,
    refresh = TACIT_ANSWER_REFRESH,
    api = TACIT_ANSWER_API
};

/* Immutable. Sessions keep what is behind it alive. */
class provider : public detail::handle<tacit_provider, tacit_provider_unref> {
  public:
    using handle::handle;

    static result<provider> from_json(const text &json) {
        return from(json, "json", tacit_provider_from_json);
    }
    static result<provider> from_issuer(const text &issuer) {
        return from(issuer, "issuer", tacit_provider_from_issuer);
    }
    /* What tacit reads from a captured answer, as JSON: tacit_provider_read_answer(). */
    result<std::string> read_answer(answer_kind kind, std::string_view answer) const {
        tacit_error error;
        auto json = detail::owned(tacit_provider_read_answer(
            get(), static_cast<tacit_answer_kind>(kind), answer.data(), answer.size(), &error));

        if (!json) return tacit::error(error);
        return std::string(json.get());
    }

  private:
    static result<provider> from(const text &source, const char *name,
                                 tacit_provider *(*make)(const char *, tacit_error *)) {
        tacit::error why;
        tacit_error error;

        if (!source.check(name, why)) return why;
        return detail::made<provider>(make(source.c_str(), &error), error);
    }
};

/* Of the library that runs. */
inline std::string_view version() noexcept {
    return tacit_version();
}

/* See tacit_global_init(). */
inline result<void> global_init(unsigned flags) {
    tacit_error error;

    tacit_global_init(flags, &error);
    return detail::outcome(error);
}

} // namespace tacit

#endif
