/* refreshes_per_hour_max: a server's alarm is kept away from, and nobody is signed out for that. */
#include "support/limited.h"
#include "support/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, LIMIT = 6, IN_BACKGROUND = LIMIT / 2, MOST = LIMIT - 1 };

#define MIN_MS (INT64_C(60) * 1000)

static const char alarm_of_six[] = "{\"dialect\":{\"refreshes_per_hour_max\":6}}";

/* With tokens of four minutes, of which the background would renew fifteen and more in an hour. */
static world *signed_in_to_an_alarm(tacit_policy policy) {
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.clock = true, .server = &server};

    server.expires_in = "240";
    server.metadata_members = alarm_of_six;
    options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    options.session.policy = policy;
    return signed_in(&options);
}

static long refreshes(world *w) {
    return server_counters(world_server(w)).refresh_grants;
}

/* Five minutes: at the end of them the background is through with what it may do. */
static void let_time_pass(world *w, long refreshes_then) {
    world_clock_move(w, 5 * MIN_MS);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(refreshes_ok), refreshes_then,
                                    PATIENCE_MS));
    world_wait_event(w, TACIT_EVENT_REFRESHED, (size_t)refreshes_then);
    look_a_while();
    assert_int_equal(refreshes(w), refreshes_then);
}

static tacit_error must_wait(world *w) {
    tacit_error error;

    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error),
                     TACIT_ERR_REFRESH_STORM);
    return error;
}

static void the_background_takes_half_and_who_needs_one_the_rest_but_one(void **state) {
    world *w = signed_in_to_an_alarm(TACIT_POLICY_PROACTIVE);
    tacit_error error;

    (void)state;
    for (long n = 1; n <= 11; n++) let_time_pass(w, n < IN_BACKGROUND ? n : IN_BACKGROUND);
    assert_in_range(stats_of(w).refresh_due_in_s, 1, 3600 - 49 * 60);
    for (long n = IN_BACKGROUND + 1; n <= MOST; n++)
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    error = must_wait(w);

    assert_int_equal(refreshes(w), MOST);
    assert_true(error.retryable);
    assert_in_range(error.retry_after_s, 60, 11 * 60); /* the first of the hour was 50 min ago */
    world_wait_event(w, TACIT_EVENT_REFRESH_STORM, 1);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(w, "/api/x"), 200); /* with the token that lives */
    world_clock_move(w, (int64_t)error.retry_after_s * 1000);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
}

static void who_comes_while_there_is_none_left_is_answered_at_once(void **state) {
    world *w = signed_in_to_an_alarm(TACIT_POLICY_REACTIVE);

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        world_clock_move(w, 3 * MIN_MS); /* beyond half of a token's life: no storm */
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    }
    for (int n = 0; n < 20; n++) must_wait(w);
    world_wait_event(w, TACIT_EVENT_REFRESH_STORM, 1);
    look_a_while();

    assert_int_equal(refreshes(w), MOST);
    world_assert_events(w, TACIT_EVENT_REFRESH_STORM, 1);
    world_free(w);
}

/* A refresh token from elsewhere is refreshed by its sign-in. */
static void an_import_counts(void **state) {
    world *w = signed_in_to_an_alarm(TACIT_POLICY_REACTIVE);

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        char *refresh_token = server_sign_in(world_server(w), "alice", NULL, NULL);

        assert_int_equal(
            tacit_sign_in_with_refresh_token(world_session(w), refresh_token, NULL, NULL),
            TACIT_OK);
        free(refresh_token);
    }
    must_wait(w);

    assert_int_equal(refreshes(w), MOST);
    world_free(w);
}

/* ------------------------------------------------------------------ processes that share a sign-in */

/* On a store with a journal, and with tokens that nobody renews by himself. */
static limited limited_by_an_alarm(void) {
    ts_options server = TS_OPTIONS_INIT;

    server.expires_in = "86400";
    server.metadata_members = alarm_of_six;
    return limited_new(&server, 0, 0);
}

/* A minute after the one before: no storm. */
static tacit_status refresh_later(const limited *l, tacit_session *session) {
    pass(l, MIN_MS);
    return tacit_session_refresh(session, PATIENCE_MS, NULL);
}

static void a_restart_forgets_nothing(void **state) {
    limited l = limited_by_an_alarm();

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        assert_int_equal(refresh_later(&l, world_session(l.world)), TACIT_OK);
        world_restart(l.world);
        assert_int_equal(tacit_session_load(world_session(l.world), PATIENCE_MS, NULL, NULL),
                         TACIT_OK);
    }
    must_wait(l.world);
    assert_int_equal(refreshes(l.world), MOST);

    pass(&l, HOUR_MS);
    assert_int_equal(tacit_session_refresh(world_session(l.world), PATIENCE_MS, NULL), TACIT_OK);
    limited_free(&l);
}

/* Closed after each refresh, as by a command; the one that stays open hears of them all. */
static void processes_count_together(void **state) {
    limited l = limited_by_an_alarm();

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        tacit_client *client = other_client(&l);
        tacit_session *other = other_session(&l, client);

        assert_int_equal(refresh_later(&l, other), TACIT_OK);
        tacit_session_close(other, PATIENCE_MS);
        assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
        tacit_client_unref(client);
    }
    must_wait(l.world);
    assert_int_equal(refreshes(l.world), MOST);
    limited_free(&l);
}

/* Every write beyond the first byte of a file fails, as on a full disk. */
static void let_files_grow(bool may) {
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may ? limit.rlim_max : 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The journal cannot be written, and without it no grant is sent. */
static void what_was_not_sent_does_not_count(void **state) {
    limited l = limited_by_an_alarm();

    (void)state;
    let_files_grow(false);
    for (int n = 1; n < MOST; n++)
        assert_int_equal(refresh_later(&l, world_session(l.world)), TACIT_ERR_STORE_FAILED);
    let_files_grow(true);
    assert_int_equal(refreshes(l.world), 0);

    for (int n = 1; n <= MOST; n++)
        assert_int_equal(refresh_later(&l, world_session(l.world)), TACIT_OK);
    must_wait(l.world);
    limited_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_background_takes_half_and_who_needs_one_the_rest_but_one),
        cmocka_unit_test(who_comes_while_there_is_none_left_is_answered_at_once),
        cmocka_unit_test(an_import_counts),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(processes_count_together),
        cmocka_unit_test(what_was_not_sent_does_not_count),
    };

    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
