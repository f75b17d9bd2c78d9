/* Two processes with one sign-in: what one obtained, or was told to wait for, holds for the other. */
#include "support/apps.h"
#include "support/unit.h"

#include <string.h>

static void what_one_obtained_the_other_adopts(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    server_revoke_access_tokens(p.server);
    ask_user(p.a, "alice");
    ask_user(p.b, "alice");

    assert_int_equal(server_counters(p.server).refreshes_ok, 1);
    assert_int_equal(stat_of(p.a, "refreshes"), 1);
    assert_int_equal(stat_of(p.b, "refreshes"), 0);
    assert_int_equal(stat_of(p.b, "adoptions"), 1);
    await_stat(p.b, "events.refreshed", 1);
    apps_free(&p);
}

static void both_in_need_at_once_are_one_refresh(void **state) {
    apps p = apps_new(NULL, NULL);
    long first, second;

    (void)state;
    server_revoke_access_tokens(p.server);
    server_gate_close(p.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    first = app_send(p.a, "get /api/x");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    second = app_send(p.b, "get /api/x");
    for (int i = 0; i < 5; i++) a_moment(); /* longer than it takes to give a dead process up */
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    await_ok(p.a, first);
    await_ok(p.b, second);

    assert_int_equal(server_counters(p.server).refreshes_ok, 1);
    assert_int_equal(server_counters(p.server).peak_concurrent_grants, 1);
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    apps_free(&p);
}

/* In turns, so that each time the other one's token is the newest. */
static void they_take_turns(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    for (int i = 0; i < 4; i++) ask_ok(i % 2 == 0 ? p.a : p.b, "refresh");

    assert_int_equal(server_counters(p.server).refreshes_ok, 4);
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_int_equal(stat_of(p.b, "generation"), 5);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

static void a_server_that_asks_for_patience_has_it_from_both(void **state) {
    apps p = apps_new(NULL, NULL);
    json_t *first, *second;

    (void)state;
    server_revoke_access_tokens(p.server);
    server_fail_retry_after(p.server, TS_TOKEN_ENDPOINT, 1, 429, "5");
    first = ask_error(p.a, "get /api/x", "TACIT_ERR_SERVER");
    second = ask_error(p.b, "get /api/x", "TACIT_ERR_SERVER");

    assert_in_range(answer_number(first, "retry_after_s"), 4, 6);
    assert_in_range(answer_number(second, "retry_after_s"), 1, 6);
    assert_int_equal(answer_number(second, "http_status"), 429);
    assert_retryable(second);
    assert_int_equal(server_counters(p.server).token_requests, 2); /* the sign-in, and the first */
    json_decref(first);
    json_decref(second);
    apps_free(&p);
}

/* R14: five forced refreshes in 30 s, whoever forces them. */
static void the_storm_guard_counts_both(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    for (int i = 0; i < 5; i++) ask_ok(i % 2 == 0 ? p.a : p.b, "refresh");
    json_decref(ask_error(p.a, "refresh", "TACIT_ERR_REFRESH_STORM"));
    json_decref(ask_error(p.b, "refresh", "TACIT_ERR_REFRESH_STORM"));

    assert_int_equal(server_counters(p.server).refresh_grants, 5);
    ask_user(p.b, "alice");
    apps_free(&p);
}

/* ------------------------------------------------------------------ another user */

/* The first request that learns it ends; whatever comes then is the new user's. */
static void another_user_in_one_is_the_user_of_both(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_ok(p.b, "sign-in bob");
    assert_true(
        server_wait_counter(p.server, TS_COUNTER(revocations), 1, APPS_PATIENCE_MS)); /* alice's */
    json_decref(ask_error(p.a, "get /api/whoami", "TACIT_ERR_SIGNED_OUT"));
    ask_user(p.a, "bob");
    ask_user(p.b, "bob");

    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_int_equal(server_counters(p.server).refresh_grants, 0);
    assert_state(p.a, "signed_in");
    apps_free(&p);
}

static void a_request_under_way_is_not_sent_as_another_user(void **state) {
    apps p = apps_new(NULL, NULL);
    json_t *answer;
    long request;

    (void)state;
    server_gate_close(p.server, TS_API, TS_BEFORE_PROCESSING);
    request = app_send(p.a, "get /api/whoami");
    assert_true(server_gate_waiters(p.server, TS_API, 1, APPS_PATIENCE_MS));
    ask_ok(p.b, "sign-in bob");
    assert_true(server_wait_counter(p.server, TS_COUNTER(revocations), 1, APPS_PATIENCE_MS));
    server_gate_open(p.server, TS_API);
    answer = await_answer(p.a, request);

    assert_true(answer_is(answer, "TACIT_ERR_SIGNED_OUT"));
    json_decref(answer);
    ask_user(p.a, "bob");
    apps_free(&p);
}

/* b has never seen the sign-in that it replaces: it is the record's. */
static void a_sign_in_revokes_the_one_it_replaces_whoever_made_it(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_ok(p.a, "sign-in bob");
    assert_true(server_wait_counter(p.server, TS_COUNTER(revocations), 1, APPS_PATIENCE_MS));
    ask_ok(p.b, "sign-in carol");
    await_one_refresh_token(&p);

    json_decref(ask_error(p.a, "get /api/whoami", "TACIT_ERR_SIGNED_OUT"));
    ask_user(p.a, "carol");
    apps_free(&p);
}

/* Its own was an older one: the sign-out leaves bob alone, the sign-in does not. */
static void a_sign_in_revokes_the_one_it_replaces_though_it_is_signed_out_itself(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_ok(p.a, "sign-in bob");
    ask_ok(p.b, "sign-out");
    ask_user(p.a, "bob");
    ask_ok(p.b, "sign-in carol");
    await_one_refresh_token(&p);

    json_decref(ask_error(p.a, "get /api/whoami", "TACIT_ERR_SIGNED_OUT"));
    ask_user(p.a, "carol");
    apps_free(&p);
}

/* The record is there in a moment, and the request has time. */
static void a_process_that_starts_during_a_save_waits_for_it(void **state) {
    apps p = apps_new(NULL, NULL);
    app *later;
    long sign_in, request;
    json_t *answer;

    (void)state;
    ask_ok(p.a, "hold save");
    sign_in = app_send(p.a, "sign-in bob");
    assert_true(server_wait_counter(p.server, TS_COUNTER(password_grants), 2, APPS_PATIENCE_MS));
    a_moment();
    later = apps_start(&p, NULL);
    request = app_send(later, "get /api/whoami 10000");
    a_moment();
    ask_ok(p.a, "free save");
    await_ok(p.a, sign_in);
    answer = await_answer(later, request);

    if (!answer_is(answer, "TACIT_OK")) fail_msg("%s", answer_text(answer, "message"));
    assert_non_null(strstr(answer_text(answer, "body"), "bob"));
    json_decref(answer);
    assert_true(app_free(later));
    apps_free(&p);
}

/* Whoever comes last; the other one's refresh token is revoked, and nobody's is left over. */
static void two_sign_ins_at_once_end_as_one(void **state) {
    apps p = apps_new(NULL, NULL);
    long first = app_send(p.a, "sign-in bob"), second = app_send(p.b, "sign-in carol");
    json_t *last = NULL;

    (void)state;
    await_ok(p.a, first);
    await_ok(p.b, second);
    await_one_refresh_token(&p);
    json_decref(app_ask(p.a, "get /api/whoami")); /* one of the two learns it now */
    json_decref(app_ask(p.b, "get /api/whoami"));
    last = app_ask(p.a, "get /api/whoami");

    assert_true(apps_have_live_record(&p));
    ask_user(p.b, strstr(answer_text(last, "body"), "bob") != NULL ? "bob" : "carol");
    json_decref(last);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_obtained_the_other_adopts),
        cmocka_unit_test(both_in_need_at_once_are_one_refresh),
        cmocka_unit_test(they_take_turns),
        cmocka_unit_test(a_server_that_asks_for_patience_has_it_from_both),
        cmocka_unit_test(the_storm_guard_counts_both),
        cmocka_unit_test(another_user_in_one_is_the_user_of_both),
        cmocka_unit_test(a_request_under_way_is_not_sent_as_another_user),
        cmocka_unit_test(a_sign_in_revokes_the_one_it_replaces_whoever_made_it),
        cmocka_unit_test(a_sign_in_revokes_the_one_it_replaces_though_it_is_signed_out_itself),
        cmocka_unit_test(a_process_that_starts_during_a_save_waits_for_it),
        cmocka_unit_test(two_sign_ins_at_once_end_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
