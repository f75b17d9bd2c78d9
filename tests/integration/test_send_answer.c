/* What comes: answers of all shapes, and the callbacks that take them. */
#include "support/raw_world.h"
#include "support/sending.h"

#include <stdlib.h>

#define ANSWER(bytes) (&(raw_options){.answer = bytes})

static void answers_without_a_body_have_an_empty_one(void **state) {
    (void)state;
    static const int statuses[] = {200, 201, 204, 304, 404, 500};
    world *w = signed_in(NULL);

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ts_fault fault = {.kind = TS_FAULT_ANSWER, .requests = 1, .status = statuses[i]};
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        tacit_response *response;

        server_fault_add(world_server(w), TS_API, &fault);
        response = must_send(w, &request);
        assert_int_equal(tacit_response_status(response), statuses[i]);
        assert_string_equal(tacit_response_body(response), "");
        assert_int_equal(tacit_response_body_size(response), 0);
        tacit_response_free(response);
    }
    world_free(w);
}

static void a_head_request_has_headers_only(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=5000"));
    tacit_response *response;

    request.method = "HEAD";
    response = must_send(w, &request);

    assert_string_equal(tacit_response_header(response, "content-length"), "5000");
    assert_int_equal(tacit_response_body_size(response), 0);
    tacit_response_free(response);
    assert_int_equal(world_get(w, "/api/x"), 200); /* on the same connection */
    world_free(w);
}

static void gzip_passes_through(void **state) {
    (void)state;
    ts_fault fault = {.kind = TS_FAULT_GZIP, .requests = 1};
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=5000"));
    tacit_response *response;

    server_fault_add(world_server(w), TS_API, &fault);
    response = must_send(w, &request);

    assert_string_equal(tacit_response_header(response, "Content-Encoding"), "gzip");
    assert_memory_equal(tacit_response_body(response), "\x1f\x8b", 2);
    tacit_response_free(response);
    world_free(w);
}

static void unusual_answers_are_read(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int status;
        const char *body, *header;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
         "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-A: trailer\r\n\r\n",
         200, "abcde", "1"},
        {"HTTP/1.1 103 Early Hints\r\nX-A: hint\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: final\r\n\r\nok",
         200, "ok", "final"},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", NULL},
        {"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 5\r\n\r\nshort", 418, "short", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        raw_world raw = raw_world_new(ANSWER(rows[i].bytes));
        tacit_request request = request_to(raw_server_url(raw.server));
        tacit_response *response = must_send(raw.world, &request);
        const char *header = tacit_response_header(response, "X-A");

        assert_int_equal(tacit_response_status(response), rows[i].status);
        assert_string_equal(tacit_response_body(response), rows[i].body);
        if (rows[i].header == NULL) assert_null(header);
        if (rows[i].header != NULL) assert_string_equal(header, rows[i].header);
        tacit_response_free(response);
        raw_world_free(&raw);
    }
}

static void half_an_answer_is_none(void **state) {
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-",
    };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        raw_world raw = raw_world_new(&(raw_options){.answer = answers[i], .then = RAW_CLOSE});
        tacit_request request = request_to(raw_server_url(raw.server));

        assert_true(must_fail(raw.world, &request, TACIT_ERR_NETWORK).outcome_unknown);
        raw_world_free(&raw);
    }
}

/* "X-Big: " and so many bytes. */
static char *answer_with_header(size_t size) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Big: ";
    char *answer = calloc(1, sizeof head + size + 5);

    memcpy(answer, head, sizeof head - 1);
    memset(answer + sizeof head - 1, 'h', size);
    memcpy(answer + sizeof head - 1 + size, "\r\n\r\n", 4);
    return answer;
}

static void big_headers_are_read(void **state) {
    (void)state;
    char *answer = answer_with_header(60000);
    raw_world raw = raw_world_new(ANSWER(answer));
    tacit_request request = request_to(raw_server_url(raw.server));
    tacit_response *response = must_send(raw.world, &request);

    assert_int_equal(strlen(tacit_response_header(response, "x-big")), 60000);
    tacit_response_free(response);
    raw_world_free(&raw);
    free(answer);
}

static void an_answer_over_the_limit_is_too_large(void **state) {
    (void)state;
    world_options options = {.client = TACIT_CLIENT_OPTIONS_INIT};
    world *w;
    stream s = {.take_max = SIZE_MAX};
    tacit_request request;

    options.client.response_bytes_max = 1000;
    w = signed_in(&options);
    assert_int_equal(world_get(w, "/api/bytes?n=1000"), 200);
    assert_int_equal(world_get(w, "/api/bytes?n=1001"), -TACIT_ERR_TOO_LARGE);

    request = request_to(server_url(world_server(w), "/api/bytes?n=5000"));
    request.write = write_stream; /* has no limit */
    request.write_data = &s;
    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(s.received, 5000);
    world_free(w);
}

/*
 * Callbacks
 */

static bool stop_at_once(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                         void *data) {
    (void)sent, (void)to_send, (void)received, (void)to_receive;
    ++*(int *)data;
    return false;
}

static bool go_on(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive, void *data) {
    int64_t *last = data;

    (void)to_send, (void)to_receive;
    last[0] = sent;
    last[1] = received;
    return true;
}

static void only_good_bodies_reach_the_writer(void **state) {
    (void)state;
    static const ts_fault answers[] = {
        {.kind = TS_FAULT_ANSWER, .requests = 1, .status = 206, .body = "part"},
        {.kind = TS_FAULT_ANSWER, .requests = 1, .status = 500, .body = "trouble"},
        {.kind = TS_FAULT_ANSWER, .requests = 1, .status = 403, .body = "no"},
    };
    world *w = signed_in(NULL);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        bool good = answers[i].status < 300;
        stream s = {.take_max = SIZE_MAX};
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        tacit_response *response;

        server_fault_add(world_server(w), TS_API, &answers[i]);
        request.write = write_stream;
        request.write_data = &s;
        response = must_send(w, &request);
        assert_int_equal(s.received, good ? strlen(answers[i].body) : 0);
        assert_string_equal(tacit_response_body(response), good ? "" : answers[i].body);
        tacit_response_free(response);
    }
    world_free(w);
}

static void the_401_before_a_replay_does_not_reach_the_writer(void **state) {
    (void)state;
    ts_fault refusal = {.kind = TS_FAULT_ANSWER, .requests = 1, .status = 401, .body = "expired!"};
    world *w = signed_in(NULL);
    stream s = {.take_max = SIZE_MAX};
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=300"));

    server_fault_add(world_server(w), TS_API, &refusal);
    request.write = write_stream;
    request.write_data = &s;

    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(s.received, 300);
    world_free(w);
}

static void callbacks_stop_the_request(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request reader = request_to(server_url(world_server(w), "/api/x"));
    tacit_request writer = request_to(server_url(world_server(w), "/api/bytes?n=200000"));
    tacit_request progress = writer;
    stream aborts = {.abort = true}, stops = {.take_max = 10};
    int calls = 0;

    reader.read = read_stream;
    reader.read_data = &aborts;
    must_fail(w, &reader, TACIT_ERR_CANCELLED);
    assert_int_equal(aborts.reads, 1);

    writer.write = write_stream;
    writer.write_data = &stops;
    must_fail(w, &writer, TACIT_ERR_CANCELLED);

    progress.progress = stop_at_once;
    progress.progress_data = &calls;
    must_fail(w, &progress, TACIT_ERR_CANCELLED);
    assert_int_equal(calls, 1);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void progress_counts_what_went_and_came(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=200000"));
    int64_t last[2] = {0, 0};

    request.body = "12345";
    request.body_size = 5;
    request.progress = go_on;
    request.progress_data = last;

    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(last[0], 5);
    assert_int_equal(last[1], 200000);
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_without_a_body_have_an_empty_one),
        cmocka_unit_test(a_head_request_has_headers_only),
        cmocka_unit_test(gzip_passes_through),
        cmocka_unit_test(unusual_answers_are_read),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(big_headers_are_read),
        cmocka_unit_test(an_answer_over_the_limit_is_too_large),
        cmocka_unit_test(only_good_bodies_reach_the_writer),
        cmocka_unit_test(the_401_before_a_replay_does_not_reach_the_writer),
        cmocka_unit_test(callbacks_stop_the_request),
        cmocka_unit_test(progress_counts_what_went_and_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
