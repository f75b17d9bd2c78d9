/* Tokens that are refused faster than they may be renewed (R14). */
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

enum { PATIENCE_MS = WORLD_PATIENCE_MS, SHORT_MAX = 5, HOURLY_MAX = 10 };

/* With the injected clock; the timer forces nothing and would only count grants of its own. */
static world *signed_in_world(const ts_options *server) {
    world_options options = {
        .server = server, .clock = true, .session = TACIT_SESSION_OPTIONS_INIT};
    world *w;

    options.session.policy = TACIT_POLICY_REACTIVE;
    w = signed_in(&options);
    server_counters_reset(world_server(w));
    return w;
}

static void must_refresh(world *w) {
    tacit_error error;

    if (tacit_session_refresh(world_session(w), PATIENCE_MS, &error) != TACIT_OK)
        fail_msg("%s: %s", tacit_status_name(error.status), error.message);
}

static void must_storm(world *w, int retry_after_s) {
    tacit_error error;

    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error),
                     TACIT_ERR_REFRESH_STORM);
    assert_int_equal(error.retry_after_s, retry_after_s);
    assert_true(error.retryable);
}

/* R14 */
static void five_forced_refreshes_in_half_a_minute_are_the_most(void **state) {
    world *w = signed_in_world(NULL);
    world_event event;

    (void)state;
    for (int i = 0; i < SHORT_MAX; i++) {
        must_refresh(w);
        world_clock_move(w, 1000);
    }
    must_storm(w, 60);
    must_storm(w, 60);

    world_wait_event(w, TACIT_EVENT_REFRESH_STORM, 1);
    assert_true(world_event_at(w, TACIT_EVENT_REFRESH_STORM, 0, &event));
    assert_int_equal(event.event.state, TACIT_STATE_SIGNED_IN);
    assert_int_equal(event.error.status, TACIT_ERR_REFRESH_STORM);
    assert_int_equal(event.error.retry_after_s, 60);
    assert_int_equal(server_counters(world_server(w)).token_requests, SHORT_MAX);
    assert_int_equal(stats_of(w).refreshes_forced, SHORT_MAX);
    assert_int_equal(world_get(w, "/api/x"), 200); /* the current token is kept */
    world_free(w);
}

/* R14 */
static void slower_forced_refreshes_are_no_storm_until_ten_in_an_hour(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    for (int i = 0; i < HOURLY_MAX; i++) {
        must_refresh(w);
        world_clock_move(w, 8000); /* four in half a minute */
    }

    must_storm(w, 60);
    assert_int_equal(server_counters(world_server(w)).token_requests, HOURLY_MAX);
    world_free(w);
}

/* R14 */
static void the_pause_doubles_up_to_a_quarter_of_an_hour(void **state) {
    static const int pauses_s[] = {60, 120, 240, 480, 900, 900};
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.expires_in = "36000"; /* young all the time */
    w = signed_in_world(&server);
    for (int i = 0; i < HOURLY_MAX; i++) {
        must_refresh(w);
        world_clock_move(w, 10000);
    }
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        must_storm(w, pauses_s[i]);
        world_clock_move(w, (int64_t)pauses_s[i] * 1000 - 1);
        must_storm(w, 1);
        world_clock_move(w, 1);
    }

    world_wait_event(w, TACIT_EVENT_REFRESH_STORM, sizeof pauses_s / sizeof *pauses_s);
    assert_int_equal(server_counters(world_server(w)).token_requests, HOURLY_MAX);
    world_free(w);
}

/* R14: a quiet hour, and all is forgotten. */
static void after_the_pause_refreshes_may_be_forced_again(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.expires_in = "36000"; /* young all the time */
    w = signed_in_world(&server);
    for (int i = 0; i < SHORT_MAX; i++) must_refresh(w);
    must_storm(w, 60);
    world_clock_move(w, 60000);
    must_refresh(w);
    world_clock_move(w, 3600000);
    for (int i = 0; i < SHORT_MAX; i++) must_refresh(w);
    must_storm(w, 60);

    world_wait_event(w, TACIT_EVENT_REFRESH_STORM, 2);
    world_free(w);
}

/* R14: a sign-in of the user's own is not held up. */
static void a_storm_does_not_stop_a_sign_in(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    for (int i = 0; i < SHORT_MAX; i++) must_refresh(w);
    must_storm(w, 60);
    world_sign_in(w);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* R14: forced by 401s. */
static void a_401_in_a_storm_is_an_error_that_says_when(void **state) {
    world *w = signed_in_world(NULL);
    tacit_error error;

    (void)state;
    for (int i = 0; i < SHORT_MAX; i++) {
        server_revoke_access_tokens(world_server(w));
        assert_int_equal(world_get(w, "/api/x"), 200);
    }
    server_revoke_access_tokens(world_server(w));

    assert_int_equal(world_get_error(w, "/api/x", &error), -TACIT_ERR_REFRESH_STORM);
    assert_int_equal(error.retry_after_s, 60);
    assert_int_equal(server_counters(world_server(w)).token_requests, SHORT_MAX);
    world_clock_move(w, 60000);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void force_a_dozen(const ts_options *server, int64_t age_ms) {
    world *w = signed_in_world(server);

    for (int i = 0; i < 12; i++) {
        world_clock_move(w, age_ms);
        must_refresh(w);
    }
    assert_int_equal(server_counters(world_server(w)).token_requests, 12);
    assert_int_equal(world_event_count(w, TACIT_EVENT_REFRESH_STORM), 0);
    world_free(w);
}

/* R14 */
static void refusing_a_token_past_half_its_life_does_not_count(void **state) {
    ts_options server = TS_OPTIONS_INIT;

    (void)state;
    server.expires_in = "4";
    force_a_dozen(&server, 2000);
}

/* R14 */
static void a_token_of_unknown_life_counts_for_a_minute(void **state) {
    ts_options server = TS_OPTIONS_INIT;

    (void)state;
    server.expires_in = "";
    force_a_dozen(&server, 60000);
}

/* R14: what the schedule or an expired token asks for is not forced. */
static void refreshes_of_expired_tokens_do_not_count(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.expires_in = "2";
    w = signed_in_world(&server);
    for (int i = 0; i < 12; i++) {
        world_clock_move(w, 2000);
        assert_int_equal(world_get(w, "/api/x"), 200);
    }

    assert_int_equal(server_counters(world_server(w)).token_requests, 12);
    assert_int_equal(stats_of(w).refreshes_forced, 0);
    world_free(w);
}

/* R14 */
static void an_origin_that_refuses_fresh_tokens_forces_none_until_it_accepts_one(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);

    (void)state;
    server_refuse_api(server, 0, TS_CHALLENGE_INVALID_TOKEN);
    for (int i = 0; i < 4; i++) assert_int_equal(world_get(w, "/api/x"), 401);
    assert_int_equal(server_counters(server).token_requests, 1);

    server_faults_clear(server, TS_API);
    assert_int_equal(world_get(w, "/api/x"), 200);
    server_revoke_access_tokens(server);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(server).token_requests, 2);
    world_free(w);
}

/* R14: one bad origin takes nothing from the others. */
static void an_origin_that_refuses_does_not_speak_for_another(void **state) {
    ts_server *other = server_start(NULL); /* does not know the tokens */
    ts_server *own = server_start(NULL);
    const char *origins[] = {server_url(own, ""), server_url(other, ""), NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_client *client = tacit_client_new(NULL, NULL);
    tacit_provider *provider = tacit_provider_from_json(server_provider_json(own), NULL);
    tacit_response *response;
    tacit_session *session;

    (void)state;
    options.client_id = "test-client";
    options.origins = origins;
    options.store = tacit_store_memory();
    session = tacit_session_open(client, provider, &options, NULL);
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tacit_get(session, server_url(other, "/api/x"), &response, NULL),
                         TACIT_OK);
        assert_int_equal(tacit_response_status(response), 401);
        tacit_response_free(response);
    }
    assert_int_equal(server_counters(own).refresh_grants, 1);
    server_revoke_access_tokens(own);
    assert_int_equal(tacit_get(session, server_url(own, "/api/x"), &response, NULL), TACIT_OK);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(server_counters(own).refresh_grants, 2);
    tacit_response_free(response);
    tacit_session_close(session, PATIENCE_MS);
    tacit_client_shutdown(client, PATIENCE_MS, NULL);
    tacit_client_unref(client);
    tacit_provider_unref(provider);
    tacit_store_unref(options.store);
    server_stop(own);
    server_stop(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_forced_refreshes_in_half_a_minute_are_the_most),
        cmocka_unit_test(slower_forced_refreshes_are_no_storm_until_ten_in_an_hour),
        cmocka_unit_test(the_pause_doubles_up_to_a_quarter_of_an_hour),
        cmocka_unit_test(after_the_pause_refreshes_may_be_forced_again),
        cmocka_unit_test(a_storm_does_not_stop_a_sign_in),
        cmocka_unit_test(a_401_in_a_storm_is_an_error_that_says_when),
        cmocka_unit_test(refusing_a_token_past_half_its_life_does_not_count),
        cmocka_unit_test(a_token_of_unknown_life_counts_for_a_minute),
        cmocka_unit_test(refreshes_of_expired_tokens_do_not_count),
        cmocka_unit_test(an_origin_that_refuses_fresh_tokens_forces_none_until_it_accepts_one),
        cmocka_unit_test(an_origin_that_refuses_does_not_speak_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
