/* What goes out for a request, and that one request leaves nothing behind for the next. */
#include "transport_fixture.h"

#include "support/server.h"

#include <strings.h>

/* The newest request that reached the server, outside of its API. */
static ts_record newest(ts_server *server) {
    ts_record record;
    size_t count = server_record_count(server, TS_OTHER);
    assert_true(count > 0);
    assert_true(server_record(server, TS_OTHER, count - 1, &record));
    return record;
}

static bool has(const ts_record *record, const char *line) {
    size_t size = strlen(line);
    for (const char *at = record->headers; at; at = strchr(at, '\n')) {
        if (*at == '\n') at++;
        if (strncasecmp(at, line, size) == 0) return true;
    }
    return false;
}

static size_t read_text(char *buffer, size_t capacity, void *data) {
    const char **text = data;
    size_t size = strlen(*text) < 5 ? strlen(*text) : 5;
    if (size > capacity) size = capacity;
    memcpy(buffer, *text, size);
    *text += size;
    return size;
}

static size_t read_nothing(char *buffer, size_t capacity, void *data) {
    (void)buffer, (void)capacity, (void)data;
    return 0;
}

static size_t abort_reading(char *buffer, size_t capacity, void *data) {
    (void)buffer, (void)capacity, (void)data;
    return TACIT_READ_ABORT;
}

static void methods_and_bodies_follow_each_other_on_one_handle(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const struct {
        const char *method;
        const char *body; /* NULL: none */
        int streamed;     /* 1: size known, 2: unknown */
        const char *expected_method, *length;
    } cases[] = {
        {NULL, NULL, 0, "GET", NULL},
        {NULL, "{\"a\":1}", 0, "POST", "Content-Length: 7"},
        {"HEAD", NULL, 0, "HEAD", NULL},
        {"PUT", "0123456789", 0, "PUT", "Content-Length: 10"},
        {"DELETE", NULL, 0, "DELETE", NULL},
        {"POST", NULL, 0, "POST", "Content-Length: 0"},
        {NULL, NULL, 0, "GET", NULL},
        {NULL, "", 0, "POST", "Content-Length: 0"},
        {"PUT", "0123456789ab", 1, "PUT", "Content-Length: 12"},
        {"GET", NULL, 0, "GET", NULL},
        {NULL, "0123456789ab", 2, "POST", "Transfer-Encoding: chunked"},
        {"HEAD", NULL, 0, "HEAD", NULL},
        {"PATCH", "x", 0, "PATCH", "Content-Length: 1"},
        {"GET", "odd", 0, "GET", "Content-Length: 3"},
        {"AVERYLONGMETHODNAME", NULL, 0, "AVERYLONGMETHODNAME", NULL},
        {NULL, NULL, 0, "GET", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].body;
        ti_http_request request = {.method = cases[i].method};
        if (cases[i].streamed) {
            request.read = read_text;
            request.read_data = &text;
            request.read_size = cases[i].streamed == 1 ? (int64_t)strlen(text) : 0;
        } else if (text) {
            request.body = text;
            request.body_size = strlen(text);
            request.has_body = true;
        }

        tacit_status status =
            fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/nothing"), &request);

        if (status) fail_msg("case %zu: %s", i, f->error.message);
        assert_int_equal(f->answer.status, 404);
        ts_record record = newest(server);
        assert_string_equal(record.method, cases[i].expected_method);
        assert_string_equal(record.body, cases[i].body ? cases[i].body : "");
        if (cases[i].length && !has(&record, cases[i].length)) fail_msg("case %zu: length", i);
        if (!cases[i].length && (has(&record, "Content-Length:") || has(&record, "Transfer-"))) {
            fail_msg("case %zu: %s", i, record.headers);
        }
        assert_false(has(&record, "Expect:"));
        assert_false(has(&record, "Content-Type:"));
        assert_false(has(&record, "User-Agent:"));
        server_record_free(&record);
    }
    assert_int_equal(server_counters(server).connections, 1);
    server_stop(server);
}

static void headers_and_authorization_are_those_of_each_request(void **state) {
    fixture *f = *state;
    f->options.user_agent = "notes/1.0";
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const char *url = server_url(server, "/nothing");
    const char *const many[] = {"X-A: 1",  "X-B: 2", "Content-Type: text/plain", "X-C: 3", "X-D: 4",
                                "Accept:", NULL};
    const char *const one[] = {"X-A: 5", NULL};
    const ti_http_request requests[] = {
        {.authorization = "Authorization: Bearer one"},
        {.headers = many, .body = "a", .body_size = 1, .has_body = true},
        {.authorization = "Authorization: Bearer two", .headers = one},
        {.method = NULL},
    };
    ts_record records[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, &requests[i]), TACIT_OK);
        records[i] = newest(server);
        assert_true(has(&records[i], "User-Agent: notes/1.0"));
    }

    assert_string_equal(records[0].authorization, "Bearer one");
    assert_false(has(&records[0], "X-A:"));
    assert_true(has(&records[0], "Accept:"));
    assert_string_equal(records[1].authorization, "");
    for (size_t i = 0; i < 5; i++) assert_true(has(&records[1], many[i]));
    assert_false(has(&records[1], "Accept:"));
    assert_string_equal(records[2].authorization, "Bearer two");
    assert_true(has(&records[2], "X-A: 5"));
    assert_false(has(&records[2], "X-B:"));
    assert_string_equal(records[3].authorization, "");
    assert_false(has(&records[3], "X-A:"));

    for (size_t i = 0; i < 4; i++) server_record_free(&records[i]);
    server_stop(server);
}

static void paths_follow_each_other_on_one_handle(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *servers[2] = {server_start(NULL), server_start(NULL)};
    assert_true(servers[0] && servers[1]);
    const struct {
        int server;
        const char *path, *expected;
    } cases[] = {{0, "/a", "/a"},     {0, "/a", "/a"},         {0, "/b?c=d", "/b"},
                 {1, "/b?c=d", "/b"}, {1, "/a/../c", "/c"},    {1, "/c", "/c"},
                 {0, "/d#e", "/d"},   {0, "/a%20b", "/a%20b"}, {1, "/a%20b", "/a%20b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_server *server = servers[cases[i].server];

        assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, cases[i].path), NULL),
                         TACIT_OK);

        ts_record record = newest(server);
        if (strncmp(record.path, cases[i].expected, strlen(cases[i].expected)) != 0 &&
            strcmp(record.path, "/a b") != 0) {
            fail_msg("%s became %s", cases[i].path, record.path);
        }
        server_record_free(&record);
    }
    server_stop(servers[0]);
    server_stop(servers[1]);
}

/* As a redirect's: it lives beside the handle's own URL, which is set again afterwards. */
static void a_url_of_the_callers_own_leaves_the_handles_alone(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL), *other_server = server_start(NULL);
    assert_true(server && other_server);
    ti_handle *handle = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    const ti_http_request request = {.deadline_boot_ms = INT64_MAX};
    const ti_url *own = ti_handle_url(handle, server_url(server, "/own"), "url", NULL);

    for (int i = 0; i < 4; i++) {
        ti_url *other = ti_url_parse(server_url(other_server, "/other"), "url", NULL);
        const ti_url *url = i == 1 ? other : own;
        assert_int_equal(ti_handle_send(handle, url, &request, &f->answer, NULL), TACIT_OK);
        ti_url_free(other);

        ts_record record = newest(i == 1 ? other_server : server);
        assert_string_equal(record.path, i == 1 ? "/other" : "/own");
        server_record_free(&record);
    }
    assert_int_equal(server_record_count(server, TS_OTHER), 3);
    assert_int_equal(server_record_count(other_server, TS_OTHER), 1);
    ti_handle_release(f->transport, handle);
    server_stop(server);
    server_stop(other_server);
}

static void credentials_are_for_one_request(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const char *url = server_url(server, "/nothing");
    const ti_http_request request = {.username = "app%20id", .password = "word"};

    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, &request), TACIT_OK);
    ts_record with = newest(server);
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, NULL), TACIT_OK);
    ts_record without = newest(server);

    assert_string_equal(with.authorization, "Basic YXBwJTIwaWQ6d29yZA==");
    assert_string_equal(without.authorization, "");
    server_record_free(&with);
    server_record_free(&without);
    server_stop(server);
}

static void reading_that_stops_ends_the_send(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const ti_http_request aborted = {.read = abort_reading};
    const ti_http_request short_one = {.read = read_nothing, .read_size = 10};

    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), &aborted),
                     TACIT_ERR_CANCELLED);
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), &short_one),
                     TACIT_ERR_CANCELLED);
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), NULL), TACIT_OK);

    server_stop(server);
}

typedef struct progress {
    int calls, stop_after;
    int64_t to_send, received;
} progress;

static bool on_progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                        void *data) {
    (void)sent, (void)to_receive;
    progress *p = data;
    p->to_send = to_send;
    p->received = received;
    return ++p->calls != p->stop_after;
}

static void progress_is_told_and_may_stop(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const char *url = server_url(server, "/nothing"), *text = "0123456789";
    progress told = {.calls = 0}, stopping = {.stop_after = 1};
    ti_http_request request = {
        .read = read_text, .read_data = &text, .progress = on_progress, .progress_data = &told};

    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, &request), TACIT_OK);
    assert_true(told.calls > 0);
    assert_int_equal(told.to_send, -1);
    assert_int_equal(told.received, (int64_t)f->answer.body.size);
    request = (ti_http_request){.progress = on_progress, .progress_data = &stopping};
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, &request), TACIT_ERR_CANCELLED);
    int calls = told.calls;
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, NULL), TACIT_OK);

    assert_int_equal(told.calls, calls);
    assert_int_equal(stopping.calls, 1);
    server_stop(server);
}

static void files_that_cannot_be_read_are_refused(void **state) {
    fixture *f = *state;
    const char **const paths[] = {&f->options.ca_file, &f->options.client_certificate_file,
                                  &f->options.client_key_file};
    for (size_t i = 0; i < 3; i++) {
        *paths[i] = "/nonexistent/file.pem";
        assert_null(ti_transport_new(&f->options, &f->error));
        assert_int_equal(f->error.status, TACIT_ERR_INVALID_ARGUMENT);
        assert_int_equal(f->error.os_error, 2);
        *paths[i] = NULL;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(methods_and_bodies_follow_each_other_on_one_handle),
        FIXTURE_TEST(headers_and_authorization_are_those_of_each_request),
        FIXTURE_TEST(paths_follow_each_other_on_one_handle),
        FIXTURE_TEST(a_url_of_the_callers_own_leaves_the_handles_alone),
        FIXTURE_TEST(credentials_are_for_one_request),
        FIXTURE_TEST(reading_that_stops_ends_the_send),
        FIXTURE_TEST(progress_is_told_and_may_stop),
        FIXTURE_TEST(files_that_cannot_be_read_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
