/* The test server: the API, its records, and faults. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void api_echoes(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    reply echo = ask(server, "/api/echo", tokens.access, "some=body");
    reply who = ask(server, "/api/whoami", tokens.access, NULL);
    reply bytes = ask(server, "/api/bytes?n=100000", tokens.access, NULL);

    char *method = json_member(echo.body, "method"), *body = json_member(echo.body, "body");
    assert_string_equal(method, "POST");
    assert_string_equal(body, "some=body");
    assert_non_null(strstr(echo.body, tokens.access));
    assert_string_equal(who.body, "{\"user\":\"alice\",\"scope\":\"read\"}");
    assert_int_equal(bytes.body_size, 100000);
    free(method);
    free(body);
    assert_status(echo, 200);
    assert_status(who, 200);
    assert_status(bytes, 200);
    tokens_free(&tokens);
}

static void slow_requests_are_counted(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.slow_ms = 20;
    ts_server *server = start_server(state, &options);
    tokens tokens = sign_in(server);
    int64_t start_ms = now_ms();

    assert_status(ask(server, "/api/slow?ms=60", tokens.access, NULL), 200);

    assert_true(now_ms() - start_ms >= 60);
    assert_true(server_wait_counter(server, TS_COUNTER(api_slow), 1, PATIENCE_MS));
    tokens_free(&tokens);
}

static void requests_are_recorded(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.record_limit = 2;
    ts_server *server = start_server(state, &options);
    tokens tokens = sign_in(server);
    CURL *curl = curl_easy_init();
    ts_record record;

    for (int i = 0; i < 3; i++) {
        assert_status(ask_with(curl, server_url(server, "/api/x"), tokens.access, NULL), 200);
    }

    curl_easy_cleanup(curl);
    assert_int_equal(server_record_count(server, TS_API), 2);
    assert_true(server_record(server, TS_TOKEN_ENDPOINT, 0, &record));
    assert_string_equal(record.method, "POST");
    assert_non_null(strstr(record.body, "grant_type=password&"));
    assert_int_equal(record.connection, 1);
    server_record_free(&record);
    assert_true(server_record(server, TS_API, 1, &record));
    assert_string_equal(record.path, "/api/x");
    assert_string_equal(record.authorization + strlen("Bearer "), tokens.access);
    assert_non_null(strstr(record.headers, "Accept: */*\n"));
    assert_int_equal(record.connection, 2); /* kept alive */
    server_record_free(&record);
    assert_false(server_record(server, TS_API, 2, &record));
    server_counters_reset(server);
    assert_int_equal(server_record_count(server, TS_API), 0);
    assert_int_equal(server_counters(server).api_requests, 0);
    tokens_free(&tokens);
}

static void fault_applies_to_the_next_requests_only(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    server_fail(server, TS_API, 2, 500);
    server_fail(server, TS_API, 1, 404);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 500);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 500);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 404);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    server_fail(server, TS_API, 0, 503);
    for (int i = 0; i < 4; i++) assert_status(ask(server, "/api/x", tokens.access, NULL), 503);
    assert_status(ask_refresh(server, tokens.refresh), 200);
    server_faults_clear(server, TS_API);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    tokens_free(&tokens);
}

static void fault_can_be_for_a_path(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault fault = {.kind = TS_FAULT_ANSWER, .path = "/api/a", .status = 418};

    server_fault_add(server, TS_API, &fault);

    assert_status(ask(server, "/api/b", tokens.access, NULL), 200);
    assert_status(ask(server, "/api/a", tokens.access, NULL), 418);
    assert_status(ask(server, "/api/ab", tokens.access, NULL), 418);
    tokens_free(&tokens);
}

static void faults_give_any_answer(void **state) {
    ts_server *server = start_server(state, NULL);
    char date[40];
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = 1,
                      .status = 207,
                      .headers = "X-One: 1\nX-Two:  2",
                      .body = "hello"};
    server_http_date(120, date);
    server_fail_oauth(server, 1, 400, "invalid_scope");
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 429, "7");
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 503, date);
    server_captive_portal(server, TS_TOKEN_ENDPOINT, 1);
    server_redirect(server, TS_TOKEN_ENDPOINT, 1, 307, "http://127.0.0.1:1/x");
    server_fault_add(server, TS_TOKEN_ENDPOINT, &fault);

    reply reply = ask_refresh(server, "x");
    assert_string_equal(reply.body, "{\"error\":\"invalid_scope\"}");
    assert_status(reply, 400);
    assert_header(ask_refresh(server, "x"), 429, "Retry-After: 7\r\n");
    reply = ask_refresh(server, "x");
    assert_in_range(curl_getdate(date, NULL), time(NULL) + 100, time(NULL) + 120);
    assert_header(reply, 503, date);
    reply = ask_refresh(server, "x");
    assert_non_null(strstr(reply.body, "<html>"));
    assert_header(reply, 200, "Content-Type: text/html");
    assert_header(ask_refresh(server, "x"), 307, "Location: http://127.0.0.1:1/x\r\n");
    reply = ask_refresh(server, "x");
    assert_string_equal(reply.body, "hello");
    assert_non_null(strstr(reply.headers, "X-One: 1\r\n"));
    assert_header(reply, 207, "X-Two: 2\r\n");
    assert_int_equal(server_counters(server).refresh_grants, 0);
}

static void api_refuses_with_any_challenge(void **state) {
    static const struct {
        ts_challenge challenge;
        const char *header;
    } cases[] = {
        {TS_CHALLENGE_INVALID_TOKEN, "error=\"invalid_token\""},
        {TS_CHALLENGE_INSUFFICIENT_SCOPE, "error=\"insufficient_scope\""},
        {TS_CHALLENGE_BASIC, "WWW-Authenticate: Basic"},
        {TS_CHALLENGE_NEGOTIATE, "WWW-Authenticate: Negotiate"},
    };
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server_refuse_api(server, 1, cases[i].challenge);
        assert_header(ask(server, "/api/x", tokens.access, NULL), 401, cases[i].header);
    }
    server_refuse_api(server, 1, TS_CHALLENGE_NONE);
    reply bare = ask(server, "/api/x", tokens.access, NULL);
    assert_null(strstr(bare.headers, "WWW-Authenticate"));
    assert_status(bare, 401);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_true(server_wait_counter(server, TS_COUNTER(api_401), 5, PATIENCE_MS));
    tokens_free(&tokens);
}

static void connection_closed_before_processing_spends_nothing(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, false);

    assert_fails(ask_refresh(server, tokens.refresh), CURLE_GOT_NOTHING);
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    assert_status(ask_refresh(server, tokens.refresh), 200);
    tokens_free(&tokens);
}

static void connection_closed_after_processing_loses_the_successor(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, true);

    assert_fails(ask_refresh(server, tokens.refresh), CURLE_GOT_NOTHING);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).refreshes_ok, 1);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    tokens_free(&tokens);
}

static void reset_comes_in_the_middle_of_the_answer(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault fault = {.kind = TS_FAULT_RESET, .requests = 1};

    server_fault_add(server, TS_API, &fault);
    reply reply = ask(server, "/api/bytes?n=1000", tokens.access, NULL);

    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 500);
    assert_fails(reply, CURLE_RECV_ERROR);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &fault);
    assert_fails(ask_refresh(server, tokens.refresh), CURLE_RECV_ERROR);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    tokens_free(&tokens);
}

static void trickled_answer_is_whole(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens first = sign_in(server);
    ts_fault fast = {.kind = TS_FAULT_TRICKLE, .requests = 1};
    ts_fault slow = {.kind = TS_FAULT_TRICKLE, .requests = 1, .trickle_ms = 2};

    server_fault_add(server, TS_TOKEN_ENDPOINT, &fast);
    server_fault_add(server, TS_API, &slow);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    int64_t start_ms = now_ms();
    reply reply = ask(server, "/api/x", second.access, NULL);

    assert_true(now_ms() - start_ms >= 2 * 11);
    assert_string_equal(reply.body, "{\"ok\":true}");
    assert_status(reply, 200);
    tokens_free(&first);
    tokens_free(&second);
}

static void odd_bodies(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens first = sign_in(server);
    ts_fault oversized = {.kind = TS_FAULT_OVERSIZED, .requests = 1, .size = 2000000};
    ts_fault nested = {.kind = TS_FAULT_NESTED, .requests = 1, .size = 1000};
    ts_fault zipped = {.kind = TS_FAULT_GZIP, .requests = 2};
    server_fault_add(server, TS_TOKEN_ENDPOINT, &oversized);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &nested);
    server_fault_add(server, TS_API, &zipped);

    reply reply = ask_refresh(server, "x");
    char *padding = json_member(reply.body, "padding");
    assert_int_equal(strlen(padding), 2000000);
    free(padding);
    assert_status(reply, 200);
    reply = ask_refresh(server, "x");
    assert_int_equal(reply.body_size, 2000);
    assert_int_equal(strspn(reply.body, "["), 1000);
    assert_status(reply, 200);
    reply = ask(server, "/api/whoami", first.access, NULL);
    assert_memory_equal(reply.body, "\x1f\x8b", 2);
    assert_header(reply, 200, "Content-Encoding: gzip\r\n");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    reply = ask_with(curl, server_url(server, "/api/whoami"), first.access, NULL);
    assert_string_equal(reply.body, "{\"user\":\"alice\",\"scope\":\"read\"}");
    assert_status(reply, 200);
    curl_easy_cleanup(curl);
    tokens_free(&first);
}

static void delays_are_kept(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault before = {.requests = 1, .delay_before_ms = 40};
    ts_fault both = {.requests = 1, .delay_before_ms = 30, .delay_after_ms = 30};
    server_fault_add(server, TS_API, &before);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &both);
    int64_t start_ms = now_ms();

    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_true(now_ms() - start_ms >= 40);
    start_ms = now_ms();
    assert_status(ask_refresh(server, tokens.refresh), 200);
    assert_true(now_ms() - start_ms >= 60);
    tokens_free(&tokens);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(api_echoes, stop_server),
        cmocka_unit_test_teardown(slow_requests_are_counted, stop_server),
        cmocka_unit_test_teardown(requests_are_recorded, stop_server),
        cmocka_unit_test_teardown(fault_applies_to_the_next_requests_only, stop_server),
        cmocka_unit_test_teardown(fault_can_be_for_a_path, stop_server),
        cmocka_unit_test_teardown(faults_give_any_answer, stop_server),
        cmocka_unit_test_teardown(api_refuses_with_any_challenge, stop_server),
        cmocka_unit_test_teardown(connection_closed_before_processing_spends_nothing, stop_server),
        cmocka_unit_test_teardown(connection_closed_after_processing_loses_the_successor,
                                  stop_server),
        cmocka_unit_test_teardown(reset_comes_in_the_middle_of_the_answer, stop_server),
        cmocka_unit_test_teardown(trickled_answer_is_whole, stop_server),
        cmocka_unit_test_teardown(odd_bodies, stop_server),
        cmocka_unit_test_teardown(delays_are_kept, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
