/* Requests and their token: replays, deadlines, origins, the end of a session. */
#include "support/sending.h"

#include <pthread.h>

static void a_revoked_token_is_renewed_and_the_request_replayed(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_response *response;

    server_revoke_access_tokens(world_server(w));
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_attempts(response), 2);
    tacit_session_get_stats(world_session(w), &stats);
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.replays, 1);
    assert_int_equal(stats.refreshes, 1);
    tacit_response_free(response);
    world_free(w);
}

static void what_a_newer_token_cannot_help_is_the_answer(void **state) {
    (void)state;
    static const ts_challenge challenges[] = {TS_CHALLENGE_INSUFFICIENT_SCOPE, TS_CHALLENGE_BASIC,
                                              TS_CHALLENGE_NEGOTIATE};
    world *w = signed_in(NULL);

    for (size_t i = 0; i < sizeof challenges / sizeof *challenges; i++) {
        server_refuse_api(world_server(w), 1, challenges[i]);
        assert_int_equal(world_get(w, "/api/x"), 401);
    }
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);

    server_refuse_api(world_server(w), 1, TS_CHALLENGE_NONE);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

/* R14: an origin that refuses whatever it gets costs one refresh, not one for each request. */
static void an_origin_that_always_refuses_forces_one_refresh(void **state) {
    (void)state;
    world *w = signed_in(NULL);

    server_refuse_api(world_server(w), 100, TS_CHALLENGE_INVALID_TOKEN);
    for (int i = 0; i < 5; i++) assert_int_equal(world_get(w, "/api/x"), 401);

    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

static void min_valid_renews_what_would_expire_under_way(void **state) {
    (void)state;
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {
        .server = &server, .session = TACIT_SESSION_OPTIONS_INIT, .clock = true};
    tacit_request request;
    world *w;

    server.access_lifetime_ms = 100000;
    options.session.policy = TACIT_POLICY_REACTIVE;
    w = signed_in(&options);
    request = request_to(server_url(world_server(w), "/api/x"));
    request.min_valid_s = 1000; /* capped at half the lifetime */
    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);

    world_clock_move(w, 60000);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

static void the_timeout_includes_the_wait_for_a_refresh(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));

    server_revoke_access_tokens(world_server(w));
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    request.timeout_ms = 300;
    assert_false(must_fail(w, &request, TACIT_ERR_TIMEOUT).outcome_unknown);

    /* R4: the flight went on, and serves whoever comes next. */
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

static void the_timeout_ends_a_slow_answer(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));

    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    request.timeout_ms = 200;
    assert_true(must_fail(w, &request, TACIT_ERR_TIMEOUT).outcome_unknown);
    world_free(w);
}

typedef struct closing {
    ts_server *server;
    tacit_session *session;
    bool came;
} closing;

static void *close_session(void *data) {
    closing *c = data;

    c->came = server_gate_waiters(c->server, TS_API, 1, WORLD_PATIENCE_MS);
    tacit_session_close(c->session, TACIT_NO_WAIT);
    return NULL;
}

static void closing_ends_a_request_under_way(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    closing c = {.server = world_server(w), .session = world_open(w, NULL, NULL)};
    tacit_session *session = tacit_session_ref(c.session);
    const char *url = server_url(c.server, "/api/x");
    tacit_response *response;
    tacit_error error;
    pthread_t thread;

    server_gate_close(c.server, TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, close_session, &c), 0);
    assert_int_equal(tacit_get(session, url, &response, &error), TACIT_ERR_CLOSED);
    pthread_join(thread, NULL);
    assert_true(c.came);
    assert_true(error.outcome_unknown);

    assert_int_equal(tacit_get(session, url, &response, &error), TACIT_ERR_CLOSED);
    assert_false(error.outcome_unknown);
    tacit_session_unref(session);
    world_free(w);
}

static void urls_that_take_turns_go_where_they_say(void **state) {
    (void)state;
    static const char *const paths[] = {"/api/a", "/api/b?x=1", "/api/a",
                                        "/api/a", "/api/b?x=2", "/api/%41"};
    world *w = signed_in(NULL);

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ts_record record;
        size_t size = strcspn(paths[i], "?");

        assert_int_equal(world_get(w, paths[i]), 200);
        record = record_of(world_server(w), i);
        if (i < 5) assert_memory_equal(record.path, paths[i], size);
        server_record_free(&record);
    }
    world_free(w);
}

static void nothing_goes_to_an_origin_that_was_not_named(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    ts_server *other = server_start(NULL);
    tacit_request request = request_to(server_url(other, "/api/x"));

    must_fail(w, &request, TACIT_ERR_ORIGIN_NOT_ALLOWED);

    assert_int_equal(server_counters(other).connections, 0);
    server_stop(other);
    world_free(w);
}

static void signed_out_there_is_nothing_to_send_with(void **state) {
    (void)state;
    world *w = world_new(NULL);

    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(server_counters(world_server(w)).api_requests, 0);
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_token_is_renewed_and_the_request_replayed),
        cmocka_unit_test(what_a_newer_token_cannot_help_is_the_answer),
        cmocka_unit_test(an_origin_that_always_refuses_forces_one_refresh),
        cmocka_unit_test(min_valid_renews_what_would_expire_under_way),
        cmocka_unit_test(the_timeout_includes_the_wait_for_a_refresh),
        cmocka_unit_test(the_timeout_ends_a_slow_answer),
        cmocka_unit_test(closing_ends_a_request_under_way),
        cmocka_unit_test(urls_that_take_turns_go_where_they_say),
        cmocka_unit_test(nothing_goes_to_an_origin_that_was_not_named),
        cmocka_unit_test(signed_out_there_is_nothing_to_send_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
