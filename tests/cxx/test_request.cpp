/* What a request can carry, and what its callbacks may do, on the thread that waits. */
#include "scene.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include <unistd.h>

using tacit::status;

static std::string with_body(scene &s, const tacit::request &request) {
    return std::string(must(s.session.send(request)).body());
}
static bool contains(const std::string &text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/* A file in the working directory, which goes with it. */
struct temporary_file {
    explicit temporary_file(std::string_view text)
        : name("tacit-cxx-" + std::to_string(getpid()) + ".txt") {
        std::ofstream(name) << text;
    }
    ~temporary_file() {
        std::remove(name.c_str());
    }
    std::string text() const {
        std::ostringstream text;

        text << std::ifstream(name).rdbuf();
        return text.str();
    }
    std::string name;
};

static void all_members_reach_the_server() {
    scene s;
    tacit::request request = s.sign_in().to("/api/echo");

    request.method = "PUT";
    request.headers = {"X-One: 1", "Content-Type: text/plain"};
    request.body = "hello";
    request.timeout = 20s;
    request.min_valid = 10s;
    std::string echo = with_body(s, request);
    CHECK(contains(echo, "PUT") && contains(echo, "X-One") && contains(echo, "hello"));

    request.body_view = std::string_view("hello, views").substr(0, 8);
    echo = with_body(s, request);
    CHECK(contains(echo, "hello, v") && !contains(echo, "hello, views"));
}

static void a_response_shows_all_there_is() {
    scene s;
    tacit::request request = s.sign_in().to("/api/moved");
    ts_fault answer = {};

    answer.kind = TS_FAULT_ANSWER;
    answer.requests = 1;
    answer.status = 302;
    answer.headers = "X-Twice: a\nX-Twice: b\nLocation: /api/x";
    server_fault_add(s.server, TS_API, &answer);
    request.no_redirects = true;
    tacit::response response = must(s.session.send(request));

    CHECK(response.status() == 302 && !response.ok() && response.body().empty());
    CHECK(response.header("x-twice").value() == "a" &&
          response.header("X-Twice", 1).value() == "b");
    CHECK(!response.header("X-Twice", 2) && !response.header("X-None"));
    CHECK(response.header_line(0) && !response.header_line(1000));
    CHECK(response.url() == s.url("/api/moved"));
    CHECK(response.attempts() == 1 && response.retries() == 0);
    CHECK(tacit::response().status() == 0 && tacit::response().body().empty());
}

static void a_401_is_invisible() {
    scene s;

    s.sign_in();
    server_revoke_access_tokens(s.server);
    CHECK(must(s.session.get(s.url("/api/x"))).attempts() == 2);
    CHECK(s.session.stats().refreshes == 1);
}

static void a_503_is_tried_again() {
    scene s;
    tacit::request request = s.sign_in().to("/api/x");

    server_fail_retry_after(s.server, TS_API, 1, 503, "0");
    request.retries_max = 2;
    CHECK(must(s.session.send(request)).retries() == 1);
}

static void bodies_stream_both_ways() {
    scene s;
    tacit::request request = s.sign_in().to("/api/echo");
    std::size_t sent = 0;
    int rewinds = 0, reports = 0;
    std::string text;

    server_revoke_access_tokens(s.server); /* so that it is sent twice */
    request.method = "POST";
    request.read_size = 50000;
    request.read = [&](char *buffer, std::size_t capacity) {
        std::size_t size =
            std::min<std::size_t>(50000 - sent, std::min<std::size_t>(capacity, 999));

        std::fill(buffer, buffer + size, 'r');
        sent += size;
        return size;
    };
    request.rewind = [&] {
        sent = 0;
        return ++rewinds > 0;
    };
    request.write = [&](std::string_view piece) {
        text += piece;
        return tacit::flow::go_on;
    };
    request.progress = [&](const tacit::progress &) { return ++reports > 0; };
    CHECK(must(s.session.send(request)).ok());
    CHECK(contains(text, std::string(50000, 'r')) && rewinds == 1 && reports > 0);
}

static void a_writer_may_stop() {
    scene s;
    tacit::request request = s.sign_in().to("/api/bytes?n=100000");

    request.write = [](std::string_view) { return tacit::flow::stop; };
    CHECK(fails_with(s.session.send(request), status::cancelled));
    request.write = nullptr;
    request.progress = [](const tacit::progress &) { return false; };
    CHECK(fails_with(s.session.send(request), status::cancelled));
}

static void a_form_has_parts() {
    scene s;
    temporary_file file("from a file");
    tacit::request request = s.sign_in().to("/api/echo");
    std::string_view left = "from a reader";
    tacit::part text, upload, stream, empty;

    text.name = "text";
    text.data = "from memory";
    upload.name = "upload";
    upload.file = file.name;
    upload.content_type = "text/plain";
    stream.name = "stream";
    stream.read_size = static_cast<std::int64_t>(left.size());
    stream.read = [&](char *buffer, std::size_t capacity) {
        std::size_t size = left.copy(buffer, capacity);

        left.remove_prefix(size);
        return size;
    };
    empty.name = "empty";
    request.parts = {text, upload, stream, empty};
    std::string echo = with_body(s, request);
    CHECK(contains(echo, "from memory") && contains(echo, "from a file"));
    CHECK(contains(echo, "from a reader") && contains(echo, file.name) && contains(echo, "empty"));
}

static void an_answer_goes_into_a_file() {
    scene s;
    temporary_file file("old");
    tacit::request request = s.sign_in().to("/api/bytes?n=5000");

    request.file = file.name;
    CHECK(must(s.session.send(request)).body().empty());
    CHECK(file.text().size() == 5000);
    request.file = "/nonexistent/file";
    CHECK(fails_with(s.session.send(request), status::file));
}

#if TACIT_CXX_EXCEPTIONS

template <class Change> static void throws_seven(Change &&change) {
    scene s;
    tacit::request request = s.sign_in().to("/api/echo");
    int caught = 0, calls = 0;
    auto throw_seven = [&]() -> bool {
        calls++;
        throw 7;
    };

    change(request, throw_seven);
    try {
        static_cast<void>(s.session.send(request));
    } catch (int seven) {
        caught = seven;
    }
    CHECK(caught == 7 && calls == 1);
    CHECK(must(s.session.get(s.url("/api/x"))).ok());
}

static void what_a_callback_throws_comes_out_of_send() {
    throws_seven([](tacit::request &r, auto &throw_seven) {
        r.write = [&](std::string_view) { return throw_seven(), tacit::flow::go_on; };
    });
    throws_seven([](tacit::request &r, auto &throw_seven) {
        r.read = [&](char *, std::size_t) -> std::size_t { return throw_seven(); };
    });
    throws_seven([](tacit::request &r, auto &throw_seven) {
        r.progress = [&](const tacit::progress &) { return throw_seven(); };
    });
    throws_seven([](tacit::request &r, auto &throw_seven) {
        r.parts.resize(1);
        r.parts[0].name = "part";
        r.parts[0].read = [&](char *, std::size_t) -> std::size_t { return throw_seven(); };
    });
}

static void what_a_prompt_throws_comes_out_of_the_sign_in() {
    scene s;
    tacit::sign_in_options options;
    int caught = 0;

    options.device_prompt = [](const tacit::device_prompt &) { throw 7; };
    options.open_url = [](std::string_view) -> bool { throw 8; };
    try {
        static_cast<void>(s.session.sign_in_with_device_code(options));
    } catch (int seven) {
        caught = seven;
    }
    CHECK(caught == 7);
    try {
        static_cast<void>(s.session.sign_in_with_browser(options));
    } catch (int eight) {
        caught = eight;
    }
    CHECK(caught == 8);
    s.sign_in();
}

#endif

int main() {
    return run_tests({
        TEST(all_members_reach_the_server), TEST(a_response_shows_all_there_is),
            TEST(a_401_is_invisible), TEST(a_503_is_tried_again), TEST(bodies_stream_both_ways),
            TEST(a_writer_may_stop), TEST(a_form_has_parts), TEST(an_answer_goes_into_a_file),
#if TACIT_CXX_EXCEPTIONS
            TEST(what_a_callback_throws_comes_out_of_send),
            TEST(what_a_prompt_throws_comes_out_of_the_sign_in),
#endif
    });
}
