/* What goes: methods, headers, bodies in memory and streamed. */
#include "support/sending.h"

#include <stdlib.h>

static void methods_arrive_as_they_are(void **state) {
    (void)state;
    static const char *const methods[] = {"GET",    "POST",    "PUT",   "PATCH",
                                          "DELETE", "OPTIONS", "PURGE", "HEAD"};
    world *w = signed_in(NULL);
    long connection = 0;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        ts_record record;

        request.method = methods[i];
        assert_int_equal(status_of(w, &request), 200);
        record = record_of(world_server(w), i);
        assert_string_equal(record.method, methods[i]);
        if (i == 0) connection = record.connection;
        assert_int_equal(record.connection, connection);
        server_record_free(&record);
    }
    world_free(w);
}

static void bodies_in_memory_arrive_whole(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 100000, 3000000};
    world *w = signed_in(NULL);
    char *body = calloc(1, 3000000);

    memset(body, 'x', 3000000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        ts_record record;

        request.body = body;
        request.body_size = sizes[i];
        assert_int_equal(status_of(w, &request), 200);
        record = record_of(world_server(w), i);
        assert_string_equal(record.method, "POST");
        assert_int_equal(record.body_size, sizes[i]);
        assert_memory_equal(record.body, body, sizes[i]);
        assert_non_null(strstr(record.headers, "Content-Length: "));
        server_record_free(&record);
    }
    free(body);
    world_free(w);
}

static void the_callers_headers_arrive(void **state) {
    (void)state;
    static const char *const headers[] = {"X-One: 1", "Content-Type: a/b", NULL};
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    ts_record record;

    request.headers = headers;
    request.body = "{}";
    request.body_size = 2;
    assert_int_equal(status_of(w, &request), 200);

    record = record_of(world_server(w), 0);
    assert_non_null(strstr(record.headers, "X-One: 1\n"));
    assert_non_null(strstr(record.headers, "Content-Type: a/b\n"));
    assert_null(strstr(record.headers, "Expect"));
    assert_memory_equal(record.authorization, "Bearer ", 7);
    server_record_free(&record);
    world_free(w);
}

static void streamed_bodies_arrive_whole(void **state) {
    (void)state;
    world *w = signed_in(NULL);

    for (int known = 0; known < 2; known++) {
        stream s = {.size = 200000, .piece = 1777};
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        ts_record record;

        request.method = "PUT";
        request.read = read_stream;
        request.read_data = &s;
        request.read_size = known ? (int64_t)s.size : -1;
        assert_int_equal(status_of(w, &request), 200);
        record = record_of(world_server(w), (size_t)known);
        assert_int_equal(record.body_size, 200000);
        assert_int_equal(record.body[199999], 'a' + 199999 % 26);
        assert_int_equal(strstr(record.headers, "Transfer-Encoding: chunked") != NULL, !known);
        server_record_free(&record);
    }
    world_free(w);
}

static void a_stream_is_rewound_and_sent_again(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream s = {.size = 50000, .piece = 10000};
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_response *response;
    ts_record record;

    request.read = read_stream;
    request.rewind = rewind_stream;
    request.read_data = &s;
    server_revoke_access_tokens(world_server(w));
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_attempts(response), 2);
    assert_int_equal(s.rewinds, 1);
    record = record_of(world_server(w), 1);
    assert_int_equal(record.body_size, 50000);
    server_record_free(&record);
    tacit_response_free(response);
    world_free(w);
}

static void a_stream_that_cannot_be_rewound_is_the_callers_to_send_anew(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream s = {.size = 50000, .piece = 10000};
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_error error;

    request.read = read_stream;
    request.read_data = &s;
    server_revoke_access_tokens(world_server(w));
    error = must_fail(w, &request, TACIT_ERR_BODY_NOT_REPLAYABLE);
    assert_int_equal(error.http_status, 401);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 1);

    s.at = 0;
    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 1);
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_arrive_as_they_are),
        cmocka_unit_test(bodies_in_memory_arrive_whole),
        cmocka_unit_test(the_callers_headers_arrive),
        cmocka_unit_test(streamed_bodies_arrive_whole),
        cmocka_unit_test(a_stream_is_rewound_and_sent_again),
        cmocka_unit_test(a_stream_that_cannot_be_rewound_is_the_callers_to_send_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
