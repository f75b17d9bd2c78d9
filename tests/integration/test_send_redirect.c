/* Redirects, and what the token is kept from. */
#include "support/sending.h"

static void redirects_are_followed_with_the_token(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *method, *next;
        size_t body;
    } rows[] = {{301, "POST", "GET", 0},
                {302, "PUT", "PUT", 2},
                {303, "PUT", "GET", 0},
                {307, "POST", "POST", 2},
                {308, "PATCH", "PATCH", 2}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world *w = signed_in(NULL);
        tacit_request request = request_to(server_url(world_server(w), "/api/a"));
        tacit_response *response;
        ts_record record;

        server_redirect(world_server(w), TS_API, 1, rows[i].status, "/api/b?c=d");
        request.method = rows[i].method;
        request.body = "{}";
        request.body_size = 2;
        response = must_send(w, &request);

        assert_int_equal(tacit_response_status(response), 200);
        assert_int_equal(tacit_response_attempts(response), 1);
        assert_string_equal(tacit_response_url(response),
                            server_url(world_server(w), "/api/b?c=d"));
        record = record_of(world_server(w), 1);
        assert_string_equal(record.method, rows[i].next);
        assert_int_equal(record.body_size, rows[i].body);
        assert_memory_equal(record.authorization, "Bearer ", 7);
        server_record_free(&record);
        tacit_response_free(response);
        world_free(w);
    }
}

static void a_stream_is_rewound_for_a_redirect(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream s = {.size = 3000, .piece = 1000};
    tacit_request request = request_to(server_url(world_server(w), "/api/a"));
    ts_record record;

    server_redirect(world_server(w), TS_API, 1, 307, "/api/b");
    request.read = read_stream;
    request.rewind = rewind_stream;
    request.read_data = &s;

    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(s.rewinds, 1);
    record = record_of(world_server(w), 1);
    assert_int_equal(record.body_size, 3000);
    server_record_free(&record);
    world_free(w);
}

/* The other server is another port: another origin. */
static void a_foreign_origin_never_sees_the_token(void **state) {
    (void)state;
    static const char *const headers[] = {"Cookie: a=b", "X-Api-Key: k", "X-Plain: p", NULL};
    world *w = signed_in(NULL);
    ts_server *other = server_start(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/a"));
    tacit_response *response;
    ts_record record;

    server_redirect(world_server(w), TS_API, 1, 307, server_url(other, "/api/b"));
    server_redirect(other, TS_API, 1, 307, server_url(other, "/api/c"));
    request.headers = headers;
    request.body = "{}";
    request.body_size = 2;
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 401);
    assert_string_equal(tacit_response_url(response), server_url(other, "/api/c"));
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    assert_int_equal(server_record_count(other, TS_API), 2);
    for (size_t i = 0; i < 2; i++) {
        record = record_of(other, i);
        assert_string_equal(record.authorization, "");
        assert_null(strstr(record.headers, "Cookie"));
        assert_null(strstr(record.headers, "X-Api-Key"));
        assert_non_null(strstr(record.headers, "X-Plain: p\n"));
        assert_int_equal(record.body_size, 2);
        server_record_free(&record);
    }
    tacit_response_free(response);

    assert_int_equal(world_get(w, "/api/a"), 200); /* the token is still at hand */
    server_stop(other);
    world_free(w);
}

static void a_foreign_origin_cannot_lead_the_token_back(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    ts_server *other = server_start(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/a"));
    ts_record record;

    server_redirect(world_server(w), TS_API, 1, 307, server_url(other, "/api/b"));
    server_redirect(other, TS_API, 1, 307, server_url(world_server(w), "/api/delete-all"));

    assert_int_equal(status_of(w, &request), 401);
    record = record_of(world_server(w), 1);
    assert_string_equal(record.authorization, "");
    server_record_free(&record);
    server_stop(other);
    world_free(w);
}

static void redirects_in_a_circle_end(void **state) {
    (void)state;
    world *w = signed_in(NULL);

    server_redirect(world_server(w), TS_API, 0, 302, "/api/again");

    assert_int_equal(world_get(w, "/api/a"), 302);
    assert_int_equal(server_counters(world_server(w)).api_requests, 11);
    world_free(w);
}

static void a_redirect_to_a_stranger_over_http_is_refused(void **state) {
    (void)state;
    world *w = signed_in(NULL);

    server_redirect(world_server(w), TS_API, 1, 302, "http://api.example.com/");
    assert_int_equal(world_get(w, "/api/a"), -TACIT_ERR_INSECURE_URL);

    server_redirect(world_server(w), TS_API, 1, 302, "myapp://done");
    assert_int_equal(world_get(w, "/api/a"), 302);
    world_free(w);
}

static void no_redirects_makes_it_the_answer(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/a"));
    tacit_response *response;

    server_redirect(world_server(w), TS_API, 1, 302, "/api/b");
    request.no_redirects = true;
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 302);
    assert_string_equal(tacit_response_header(response, "location"), "/api/b");
    tacit_response_free(response);
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_are_followed_with_the_token),
        cmocka_unit_test(a_stream_is_rewound_for_a_redirect),
        cmocka_unit_test(a_foreign_origin_never_sees_the_token),
        cmocka_unit_test(a_foreign_origin_cannot_lead_the_token_back),
        cmocka_unit_test(redirects_in_a_circle_end),
        cmocka_unit_test(a_redirect_to_a_stranger_over_http_is_refused),
        cmocka_unit_test(no_redirects_makes_it_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
