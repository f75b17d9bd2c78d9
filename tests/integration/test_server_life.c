/* The test server: gates, going away, /__control. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void gate_before_processing_holds_the_flight(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    background refresh = {.server = server, .refresh = tokens.refresh};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    begin_request(&refresh);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).concurrent_grants, 1);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    server_gate_open(server, TS_TOKEN_ENDPOINT);

    assert_status(finish_request(&refresh), 200);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).held, 0);
    tokens_free(&tokens);
}

static void gate_before_the_answer_releases_in_order(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server), other = sign_in(server);
    background jobs[2] = {{.server = server, .refresh = tokens.refresh},
                          {.server = server, .refresh = other.refresh}};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    begin_request(&jobs[0]);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    begin_request(&jobs[1]);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 2, PATIENCE_MS));
    assert_false(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 3, 1));
    server_gate_release(server, TS_TOKEN_ENDPOINT, 1);
    assert_status(finish_request(&jobs[0]), 200);
    assert_int_equal(server_counters(server).held, 1);
    server_gate_open(server, TS_TOKEN_ENDPOINT);

    assert_status(finish_request(&jobs[1]), 200);
    assert_int_equal(server_counters(server).peak_concurrent_grants, 2);
    tokens_free(&tokens);
    tokens_free(&other);
}

static void many_requests_can_be_held(void **state) {
    enum { JOBS = 32 };
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    background jobs[JOBS];

    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (background){.server = server, .path = "/api/x", .token = tokens.access};
        begin_request(&jobs[i]);
    }
    assert_true(server_gate_waiters(server, TS_API, JOBS, PATIENCE_MS));
    server_gate_open(server, TS_API);

    for (int i = 0; i < JOBS; i++) assert_status(finish_request(&jobs[i]), 200);
    tokens_free(&tokens);
}

static void stopping_releases_what_is_held(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    background held = {.server = server, .refresh = tokens.refresh};
    background slow = {.server = server, .path = "/api/slow?ms=600000", .token = tokens.access};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    begin_request(&held);
    begin_request(&slow);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_true(server_wait_counter(server, TS_COUNTER(api_requests), 1, PATIENCE_MS));
    server_go_away(server);

    /* Answered or cut off: either way it is over. */
    reply over = finish_request(&held);
    reply_free(&over);
    over = finish_request(&slow);
    reply_free(&over);
    tokens_free(&tokens);
}

static void server_goes_away_and_comes_back_with_its_state(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    server_go_away(server);
    server_go_away(server);
    assert_fails(ask(server, "/api/x", tokens.access, NULL), CURLE_COULDNT_CONNECT);
    assert_fails(ask_refresh(server, tokens.refresh), CURLE_COULDNT_CONNECT);
    assert_true(server_come_back(server));
    assert_true(server_come_back(server));
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_status(ask_refresh(server, tokens.refresh), 200);
    tokens_free(&tokens);
}

static reply refresh_at(CURL *curl, const char *url, const char *refresh_token) {
    char form[512];

    snprintf(form, sizeof form, "grant_type=refresh_token&client_id=test-client&refresh_token=%s",
             refresh_token);
    return ask_with(curl, url, NULL, form);
}

static void authorization_server_goes_away_alone(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.own_authorization_port = true;
    ts_server *server = start_server(state, &options);
    CURL *curl = curl_easy_init();
    char *url = json_member(server_provider_json(server), "token_endpoint");
    tokens tokens = sign_in(server);

    server_authorization_go_away(server);
    assert_fails(refresh_at(curl, url, tokens.refresh), CURLE_COULDNT_CONNECT);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_true(server_authorization_come_back(server));
    assert_status(refresh_at(curl, url, tokens.refresh), 200);
    server_go_away(server);
    assert_fails(refresh_at(curl, url, tokens.refresh), CURLE_COULDNT_CONNECT);
    assert_true(server_come_back(server));
    assert_status(refresh_at(curl, url, tokens.refresh), 400);

    free(url);
    curl_easy_cleanup(curl);
    tokens_free(&tokens);
}

static void control_drives_the_server(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    assert_status(ask(server, "/__control", NULL,
                      "{\"fault\":{\"part\":\"api\",\"kind\":\"answer\",\"requests\":1,"
                      "\"status\":503},\"options\":{\"access_lifetime_ms\":0}}"),
                  200);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 503);
    assert_status(
        ask(server, "/__control", NULL, "{\"refuse_api\":{\"requests\":1,\"challenge\":3}}"), 200);
    assert_header(ask(server, "/api/x", tokens.access, NULL), 401, "Basic");
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    struct tokens stillborn = sign_in(server);
    assert_status(ask(server, "/api/x", stillborn.access, NULL), 401);
    reply counters = ask(server, "/__control", NULL, NULL);
    assert_non_null(strstr(counters.body, "\"password_grants\":2"));
    assert_non_null(strstr(counters.body, "\"api_requests\":4"));
    assert_status(counters, 200);
    assert_status(ask(server, "/__control", NULL, "{\"revoke_family\":true}"), 200);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    assert_status(ask(server, "/__control", NULL, "[1]"), 400);
    assert_status(ask(server, "/__control", NULL, "{\"typo\":1}"), 400);
    assert_status(ask(server, "/__control", NULL, "{\"options\":{\"typo\":1}}"), 400);
    assert_status(ask(server, "/__control", NULL, "{\"fault\":{\"part\":\"api\",\"x\":1}}"), 400);
    assert_status(ask(server, "/__control", NULL, "nonsense"), 400);
    tokens_free(&tokens);
    tokens_free(&stillborn);
}

static void control_works_the_gates(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    background jobs[2] = {{.server = server, .path = "/api/x", .token = tokens.access},
                          {.server = server, .path = "/api/x", .token = tokens.access}};

    assert_status(ask(server, "/__control", NULL, "{\"close_gate\":{\"part\":\"api\"}}"), 200);
    for (int i = 0; i < 2; i++) begin_request(&jobs[i]);
    assert_true(server_gate_waiters(server, TS_API, 2, PATIENCE_MS));
    assert_status(ask(server, "/__control", NULL, "{\"release\":{\"part\":\"api\"}}"), 200);
    assert_int_equal(server_counters(server).held, 1);
    assert_status(ask(server, "/__control", NULL, "{\"open_gate\":\"api\"}"), 200);

    for (int i = 0; i < 2; i++) assert_status(finish_request(&jobs[i]), 200);
    tokens_free(&tokens);
}

static void control_sends_the_server_away_for_a_while(void **state) {
    ts_server *server = start_server(state, NULL); /* without a second port */
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    long status = 0;

    assert_status(ask(server, "/__control", NULL, "{\"authorization_away_ms\":2000}"), 400);
    assert_status(ask(server, "/__control", NULL, "{\"away_ms\":2000}"), 200);
    while (status != CURLE_COULDNT_CONNECT && now_ms() < deadline_ms) {
        reply reply = ask(server, "/x", NULL, NULL);
        status = reply.code;
        reply_free(&reply);
    }
    assert_int_equal(status, CURLE_COULDNT_CONNECT);
    while (status != 404 && now_ms() < deadline_ms) {
        reply reply = ask(server, "/x", NULL, NULL);
        status = reply.code ? 0 : reply.status;
        reply_free(&reply);
    }
    assert_int_equal(status, 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(gate_before_processing_holds_the_flight, stop_server),
        cmocka_unit_test_teardown(gate_before_the_answer_releases_in_order, stop_server),
        cmocka_unit_test_teardown(many_requests_can_be_held, stop_server),
        cmocka_unit_test_teardown(stopping_releases_what_is_held, stop_server),
        cmocka_unit_test_teardown(server_goes_away_and_comes_back_with_its_state, stop_server),
        cmocka_unit_test_teardown(authorization_server_goes_away_alone, stop_server),
        cmocka_unit_test_teardown(control_drives_the_server, stop_server),
        cmocka_unit_test_teardown(control_works_the_gates, stop_server),
        cmocka_unit_test_teardown(control_sends_the_server_away_for_a_while, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
