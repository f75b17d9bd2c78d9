/* After a refresh that failed (R8): the token is kept, the next try is put off, and who needs a token meanwhile hears why. */
#include "support/crowd.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, HOUR_MS = 3600 * 1000 };

/* With the injected clock, and nothing counted yet. */
static world *signed_in_world(const world_options *given) {
    world_options options = given == NULL ? (world_options){.clock = true} : *given;
    world *w;

    options.clock = true;
    w = world_new(&options);
    world_sign_in(w);
    server_counters_reset(world_server(w));
    return w;
}

static world *world_with_policy(tacit_policy policy) {
    return signed_in_world(&(world_options){
        .session = {.struct_size = sizeof(tacit_session_options), .policy = policy}});
}

static tacit_status refresh(world *w, tacit_error *error) {
    return tacit_session_refresh(world_session(w), PATIENCE_MS, error);
}

static long token_requests(world *w) {
    return server_counters(world_server(w)).token_requests;
}

/* ------------------------------------------------------------------ the token is kept */

/* R8 */
static void failing_refreshes_keep_the_current_token(void **state) {
    world *w = signed_in_world(NULL);
    tacit_token *before = world_token(w), *after;
    world_event failed;
    tacit_error error;

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 0, 503);
    assert_int_equal(refresh(w, &error), TACIT_ERR_SERVER);
    assert_int_equal(error.http_status, 503);
    assert_true(error.retryable);
    assert_true(error.retry_after_s > 0);

    after = world_token(w);
    assert_ptr_equal(after, before);
    assert_int_equal(world_get(w, "/api/x"), 200);
    wait_failed_refreshes(w, 1);
    assert_true(world_event_at(w, TACIT_EVENT_REFRESH_FAILED, 0, &failed));
    assert_int_equal(failed.event.expires_in_s, 3600);
    assert_int_equal(failed.event.error->status, TACIT_ERR_SERVER);
    assert_int_equal(failed.event.state, TACIT_STATE_SIGNED_IN);
    assert_int_equal(stats_of(w).refresh_failures, 1);
    assert_int_equal(stats_of(w).last_error, TACIT_ERR_SERVER);
    tacit_token_unref(after);
    tacit_token_unref(before);
    world_free(w);
}

/* R8: when the token's life is over nothing is left to send, and the error says why. */
static void token_that_ends_while_refreshes_fail_is_not_sent(void **state) {
    world *w = signed_in_world(NULL);
    tacit_error error;

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 0, 503);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_SERVER);
    world_clock_move(w, HOUR_MS);
    wait_token_requests(w, 2); /* the background tries again */
    wait_failed_refreshes(w, 2);

    assert_int_equal(world_get_error(w, "/api/x", &error), -TACIT_ERR_SERVER);
    assert_int_equal(server_counters(world_server(w)).api_requests, 0);
    world_free(w);
}

/* ------------------------------------------------------------------ how long */

/* R8: 1 s + random(0 .. min(5 min, 2^n s)). */
static void pauses_double_from_failure_to_failure(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 0, 503);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_SERVER);
    /* From here on the background does it, since the token's time has come. */
    world_clock_move(w, HOUR_MS);
    for (int n = 1; n <= 12; n++) {
        int64_t longest_s = n < 9 ? 1 << n : 300, due_s;

        wait_token_requests(w, n + 1);
        wait_failed_refreshes(w, (size_t)n + 1);
        due_s = stats_of(w).refresh_due_in_s;
        assert_in_range(due_s, 1, 1 + longest_s);
        world_clock_move(w, 999);
        look_a_while();
        assert_int_equal(token_requests(w), n + 1);
        world_clock_move(w, (1 + longest_s) * 1000);
    }
    wait_token_requests(w, 14);
    wait_failed_refreshes(w, 14);
    assert_int_equal(token_requests(w), 14);
    world_free(w);
}

/* R8 */
static void success_ends_the_backoff(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 1, 503);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_SERVER);
    world_clock_move(w, 2000);
    assert_int_equal(refresh(w, NULL), TACIT_OK);
    assert_int_equal(refresh(w, NULL), TACIT_OK);

    assert_int_equal(token_requests(w), 3);
    assert_true(stats_of(w).refresh_due_in_s > 2000);
    assert_int_equal(stats_of(w).last_error, TACIT_OK);
    world_free(w);
}

typedef struct retry_after_case {
    const char *header; /* NULL: an HTTP date in date_s */
    int date_s, status, expected_s;
} retry_after_case;

/* R8: a caller hears the server's wish, and not a moment earlier does the background try. */
static void assert_obeyed(const retry_after_case *wish) {
    world *w = world_with_policy(TACIT_POLICY_REACTIVE);
    tacit_error error;
    char date[40];

    server_http_date(wish->date_s, date);
    server_fail_retry_after(world_server(w), TS_TOKEN_ENDPOINT, 1, wish->status,
                            wish->header != NULL ? wish->header : date);
    assert_int_equal(refresh(w, &error), TACIT_ERR_SERVER);
    /* A date has whole seconds, and a second may pass between the two clocks. */
    assert_in_range(error.retry_after_s, wish->expected_s - 2, wish->expected_s + 3);

    world_clock_move(w, (int64_t)(wish->expected_s - 3) * 1000);
    assert_int_equal(refresh(w, &error), TACIT_ERR_SERVER);
    assert_in_range(error.retry_after_s, 1, 6);
    assert_int_equal(token_requests(w), 1);
    world_clock_move(w, 6000);
    assert_int_equal(refresh(w, &error), TACIT_OK);
    assert_int_equal(token_requests(w), 2);
    world_free(w);
}

/* R8: RFC 9110 section 10.2.3 has both forms. */
static void retry_after_is_obeyed_in_both_forms_up_to_an_hour(void **state) {
    static const retry_after_case cases[] = {
        {.header = "120", .status = 429, .expected_s = 120},
        {.header = "120", .status = 503, .expected_s = 120},
        {.date_s = 90, .status = 503, .expected_s = 90},
        {.date_s = 90, .status = 429, .expected_s = 90},
        {.header = "7200", .status = 429, .expected_s = 3600},
        {.date_s = 86400, .status = 503, .expected_s = 3600},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_obeyed(&cases[i]);
}

/* ------------------------------------------------------------------ meanwhile */

/* R8: a crowd that needs a token during the pause costs the server nothing. */
static void callers_get_the_last_error_at_once_during_the_pause(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 429, "300");
    server_revoke_access_tokens(server);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SERVER);
    world_clock_move(w, 100 * 1000);
    c = crowd_start(w, world_session(w), CROWD_GET, 16, PATIENCE_MS);
    crowd_join(c);

    assert_int_equal(crowd_count(c, -TACIT_ERR_SERVER), 16);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(crowd_error(c, i)->http_status, 429);
        assert_int_equal(crowd_error(c, i)->retry_after_s, 200);
    }
    assert_int_equal(token_requests(w), 1);
    crowd_free(c);
    world_clock_move(w, 200 * 1000);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(token_requests(w), 2);
    world_free(w);
}

/* R8: everyone who joined the failed flight gets its error, not one more flight. */
static void failure_is_handed_to_everyone_who_joined(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 500);
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    c = crowd_start(w, world_session(w), CROWD_GET, 32, PATIENCE_MS);
    wait_waiters(w, 32);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(c);

    assert_int_equal(crowd_count(c, -TACIT_ERR_SERVER), 32);
    for (int i = 0; i < 32; i++) assert_int_equal(crowd_error(c, i)->http_status, 500);
    assert_int_equal(token_requests(w), 1);
    crowd_free(c);
    world_free(w);
}

/* R8: nothing was sent, so a request may try again after 2 s, however long the background waits by then. */
static void refresh_that_was_not_sent_may_be_asked_for_again_after_2_s(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    tacit_error error;

    (void)state;
    server_go_away(server);
    for (int n = 0; n < 4; n++) { /* by then the background's pause can be up to 9 s */
        assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);
        assert_false(error.outcome_unknown);
        assert_int_equal(error.retry_after_s, 2);
        world_clock_move(w, 1999);
        assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);
        assert_int_equal(error.retry_after_s, 1);
        assert_int_equal(stats_of(w).refresh_failures, n + 1);
        world_clock_move(w, 1);
    }
    assert_true(server_come_back(server));
    assert_int_equal(refresh(w, &error), TACIT_OK);
    assert_int_equal(token_requests(w), 1);
    world_free(w);
}

/* ------------------------------------------------------------------ unknown outcomes */

static world *world_with_grace(int grace_ms, tacit_policy policy) {
    ts_options server = TS_OPTIONS_INIT;

    server.grace_ms = grace_ms;
    return signed_in_world(&(world_options){
        .server = &server,
        .session = {.struct_size = sizeof(tacit_session_options), .policy = policy}});
}

/* R8, R2: the answer was lost; one retry comes after 1 s with the same refresh token, and grace lets it through. */
static void lost_answer_is_asked_for_again_after_1_s_within_the_grace(void **state) {
    world *w = world_with_grace(60000, TACIT_POLICY_PROACTIVE);
    ts_server *server = world_server(w);
    char *first, *second;
    tacit_error error;

    (void)state;
    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, true);
    assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);
    assert_true(error.outcome_unknown);
    assert_int_equal(error.retry_after_s, 1);
    world_clock_move(w, 999);
    assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);
    assert_int_equal(token_requests(w), 1);
    world_clock_move(w, 1);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    first = seen_refresh_token(server, 0);
    second = seen_refresh_token(server, 1);
    assert_string_equal(first, second);
    assert_int_equal(server_counters(server).grace_uses, 1);
    assert_int_equal(token_requests(w), 2);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(refresh(w, &error), TACIT_OK); /* with the successor */
    assert_int_equal(server_counters(server).reuse_detections, 0);
    free(second);
    free(first);
    world_free(w);
}

/* R8: without grace the retry is refused, and the error says that it may have been a lost answer. */
static void lost_answer_without_grace_says_that_the_outcome_was_unknown(void **state) {
    world *w = world_with_grace(0, TACIT_POLICY_PROACTIVE);
    world_event over;

    (void)state;
    server_close_connections(world_server(w), TS_TOKEN_ENDPOINT, 1, true);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_NETWORK);
    world_clock_move(w, 1000);
    wait_token_requests(w, 2);
    wait_sign_in_required(w);

    assert_true(world_event_at(w, TACIT_EVENT_SIGN_IN_REQUIRED, 0, &over));
    assert_true(over.event.error->outcome_unknown);
    assert_true(over.event.error->sign_in_required);
    assert_string_equal(over.event.error->oauth_error, "invalid_grant");
    assert_int_equal(token_requests(w), 2);
    world_free(w);
}

/* R8: one early retry, exactly; then the server has peace, and with the reactive policy until somebody needs a token. */
static void second_lost_answer_is_followed_by_the_usual_pause(void **state) {
    world *w = world_with_grace(60000, TACIT_POLICY_REACTIVE);

    (void)state;
    server_close_connections(world_server(w), TS_TOKEN_ENDPOINT, 2, true);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_NETWORK);
    world_clock_move(w, 1000);
    wait_token_requests(w, 2);
    wait_failed_refreshes(w, 2);
    world_clock_move(w, 600 * 1000);
    look_a_while();
    assert_int_equal(token_requests(w), 2);

    assert_int_equal(refresh(w, NULL), TACIT_OK);
    assert_int_equal(token_requests(w), 3);
    world_free(w);
}

/* R8: the grace is short, whatever failed before. */
static void lost_answer_after_other_failures_gets_its_early_retry_too(void **state) {
    world *w = world_with_grace(60000, TACIT_POLICY_REACTIVE);
    tacit_error error;

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 4, 503);
    for (int n = 0; n < 4; n++) {
        assert_int_equal(refresh(w, NULL), TACIT_ERR_SERVER);
        world_clock_move(w, 600 * 1000);
    }
    server_close_connections(world_server(w), TS_TOKEN_ENDPOINT, 1, true);
    assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);
    assert_int_equal(error.retry_after_s, 1);
    world_clock_move(w, 1000);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(token_requests(w), 6);
    world_free(w);
}

/* ------------------------------------------------------------------ what ends it */

static void step_wall_clock(world *w) {
    world_wall_step(w,
                    40LL * 365 * 24 * HOUR_MS); /* a device that booted in 1970 learns the time */
}

static void change_network(world *w) {
    tacit_client_network_changed(world_client(w));
}

/* R8: the token is over, so that the background wants one; the pause is an hour. */
static void assert_ends_backoff(void (*happen)(world *)) {
    world *w = signed_in_world(NULL);

    server_fail_retry_after(world_server(w), TS_TOKEN_ENDPOINT, 1, 503, "3600");
    world_clock_move(w, HOUR_MS);
    wait_failed_refreshes(w, 1);
    assert_int_equal(refresh(w, NULL), TACIT_ERR_SERVER);
    assert_int_equal(token_requests(w), 1);
    happen(w);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(token_requests(w), 2);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* R8 */
static void change_of_network_ends_the_backoff(void **state) {
    (void)state;
    assert_ends_backoff(change_network);
}

/* R8 */
static void step_of_the_wall_clock_ends_the_backoff(void **state) {
    (void)state;
    assert_ends_backoff(step_wall_clock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_refreshes_keep_the_current_token),
        cmocka_unit_test(token_that_ends_while_refreshes_fail_is_not_sent),
        cmocka_unit_test(pauses_double_from_failure_to_failure),
        cmocka_unit_test(success_ends_the_backoff),
        cmocka_unit_test(retry_after_is_obeyed_in_both_forms_up_to_an_hour),
        cmocka_unit_test(callers_get_the_last_error_at_once_during_the_pause),
        cmocka_unit_test(failure_is_handed_to_everyone_who_joined),
        cmocka_unit_test(refresh_that_was_not_sent_may_be_asked_for_again_after_2_s),
        cmocka_unit_test(lost_answer_is_asked_for_again_after_1_s_within_the_grace),
        cmocka_unit_test(lost_answer_without_grace_says_that_the_outcome_was_unknown),
        cmocka_unit_test(second_lost_answer_is_followed_by_the_usual_pause),
        cmocka_unit_test(lost_answer_after_other_failures_gets_its_early_retry_too),
        cmocka_unit_test(change_of_network_ends_the_backoff),
        cmocka_unit_test(step_of_the_wall_clock_ends_the_backoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
