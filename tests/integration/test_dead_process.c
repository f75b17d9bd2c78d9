/* A process died with a grant under way, or with an answer that it could not save: what the others make of it. */
#include "support/apps.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ts_options with_grace(int grace_ms) {
    ts_options options = TS_OPTIONS_INIT;

    options.grace_ms = grace_ms;
    options.refresh_ends_older_access = true; /* who holds an older token is in need */
    return options;
}

/* a dies between the post and the answer. */
static void kill_during_a_grant(apps *p, ts_gate_place place) {
    server_gate_close(p->server, TS_TOKEN_ENDPOINT, place);
    app_send(p->a, "refresh");
    assert_true(server_gate_waiters(p->server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    app_kill(p->a);
}

static void assert_ok(json_t *answer) {
    if (!answer_is(answer, "TACIT_OK"))
        fail_msg("%s %s", answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
}

/* ------------------------------------------------------------------ an unknown outcome */

static void an_answer_lost_with_its_process_is_asked_for_again_within_the_grace(void **state) {
    ts_options options = with_grace(10000);
    apps p = apps_new(&options, NULL);
    int64_t posted_ms = now_ms();

    (void)state;
    kill_during_a_grant(&p, TS_BEFORE_ANSWER);
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    assert_ok(ask_patiently(p.b, "get /api/x"));

    assert_in_range(now_ms() - posted_ms, 900, 5000); /* not at once: the first may be under way */
    assert_int_equal(server_counters(p.server).refresh_grants, 2);
    assert_int_equal(server_counters(p.server).grace_uses, 1);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

static void without_grace_the_error_says_that_an_answer_was_lost(void **state) {
    ts_options options = with_grace(0);
    apps p = apps_new(&options, NULL);
    json_t *answer;
    app *later;

    (void)state;
    kill_during_a_grant(&p, TS_BEFORE_ANSWER);
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    answer = ask_patiently(p.b, "get /api/x");

    assert_answer_lost(p.b, answer);
    json_decref(answer);
    assert_int_equal(server_counters(p.server).refresh_grants, 2);
    assert_state(p.b, "signed_out");
    later = apps_start(&p, NULL);
    ask_ok(later, "load");
    assert_state(later, "signed_out");
    a_moment();
    assert_int_equal(server_counters(p.server).refresh_grants, 2); /* refused once is enough */
    assert_true(app_free(later));
    apps_free(&p);
}

/* It reaches the server only when the next process has posted too. */
static void a_post_that_outlives_its_process_does_no_harm(void **state) {
    ts_options options = with_grace(10000);
    apps p = apps_new(&options, NULL);
    long refresh;

    (void)state;
    kill_during_a_grant(&p, TS_BEFORE_PROCESSING);
    refresh = app_send(p.b, "refresh 15000");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 2, APPS_PATIENCE_MS));
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    await_ok(p.b, refresh);

    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

/* As long as its access token lives, nobody notices. */
static void a_lost_answer_delays_no_request_with_a_living_token(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    apps p;
    int64_t began_ms;

    (void)state;
    options.grace_ms = 10000;
    p = apps_new(&options, NULL);
    kill_during_a_grant(&p, TS_BEFORE_ANSWER);
    began_ms = now_ms();
    ask_user(p.b, "alice");

    assert_in_range(now_ms() - began_ms, 0, 900);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    apps_free(&p);
}

/* ------------------------------------------------------------------ an answer that was not saved */

/* a goes on from memory; b's record is older than what a was answered. */
static apps with_an_unsaved_answer(int grace_ms) {
    ts_options options = with_grace(grace_ms);
    apps p = apps_new(&options, NULL);

    ask_ok(p.a, "fail save 62");
    ask_ok(p.a, "refresh");
    await_stat(p.a, "events.store_failed", 1);
    ask_user(p.a, "alice");
    return p;
}

static void while_the_writer_lives_the_others_wait_for_its_save(void **state) {
    apps p = with_an_unsaved_answer(0);
    json_t *answer = ask_error(p.b, "get /api/x 5000", "TACIT_ERR_STORE_UNAVAILABLE");

    (void)state;
    assert_retryable(answer);
    json_decref(answer);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    ask_ok(p.a, "fail save 0");
    await_stat(p.a, "events.store_recovered", 1); /* by itself */
    assert_ok(ask_patiently(p.b, "get /api/x"));
    assert_int_equal(stat_of(p.b, "adoptions"), 1);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    apps_free(&p);
}

static void a_dead_writers_successor_is_asked_for_once_within_the_grace(void **state) {
    apps p = with_an_unsaved_answer(10000);

    (void)state;
    app_kill(p.a);
    assert_ok(ask_patiently(p.b, "get /api/x"));

    assert_int_equal(server_counters(p.server).refresh_grants, 2);
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

static void a_dead_writers_successor_is_lost_without_grace_and_the_error_says_so(void **state) {
    apps p = with_an_unsaved_answer(0);
    json_t *answer;

    (void)state;
    app_kill(p.a);
    answer = ask_patiently(p.b, "get /api/x");

    assert_answer_lost(p.b, answer);
    json_decref(answer);
    assert_int_equal(server_counters(p.server).refresh_grants, 2); /* one attempt */
    assert_state(p.b, "signed_out");
    apps_free(&p);
}

/* R16: somebody signed in as bob and died unsaved: that is signed out, not alice again. */
static void a_sign_in_that_died_unsaved_does_not_bring_the_old_user_back(void **state) {
    apps p = apps_new(NULL, NULL);
    json_t *answer;
    app *later;

    (void)state;
    ask_ok(p.a, "fail save 62");
    ask_ok(p.a, "sign-in bob");
    ask_user(p.a, "bob");
    assert_true(server_wait_counter(p.server, TS_COUNTER(revocations), 1, APPS_PATIENCE_MS));
    answer = ask_error(p.b, "get /api/x 5000", "TACIT_ERR_STORE_UNAVAILABLE");
    assert_retryable(answer);
    json_decref(answer);
    app_kill(p.a);
    json_decref(ask_patiently(p.b, "get /api/x"));
    assert_state(p.b, "signed_out");
    later = apps_start(&p, NULL);
    ask_ok(later, "load");

    assert_state(later, "signed_out");
    assert_int_equal(server_counters(p.server).refresh_grants, 0);
    ask_ok(later, "sign-in carol");
    ask_user(later, "carol");
    assert_true(app_free(later));
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_lost_with_its_process_is_asked_for_again_within_the_grace),
        cmocka_unit_test(without_grace_the_error_says_that_an_answer_was_lost),
        cmocka_unit_test(a_post_that_outlives_its_process_does_no_harm),
        cmocka_unit_test(a_lost_answer_delays_no_request_with_a_living_token),
        cmocka_unit_test(while_the_writer_lives_the_others_wait_for_its_save),
        cmocka_unit_test(a_dead_writers_successor_is_asked_for_once_within_the_grace),
        cmocka_unit_test(a_dead_writers_successor_is_lost_without_grace_and_the_error_says_so),
        cmocka_unit_test(a_sign_in_that_died_unsaved_does_not_bring_the_old_user_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
