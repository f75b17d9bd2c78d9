/* A refresh token whose end is known: renewed before, told of where that does not help, and kept with the record. */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, DAY_S = 86400, HOUR_S = 3600 };

#define HOUR_MS (INT64_C(1000) * HOUR_S)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

/* Each token answer says so from now on; below 0: nothing. */
static void set_refresh_lifetime(ts_server *server, long seconds, bool rotate) {
    ts_options options = server_options(server);
    char members[64];

    snprintf(members, sizeof members, "{\"refresh_expires_in\":%ld}", seconds);
    options.extra_members = seconds < 0 ? NULL : members;
    options.rotate = rotate;
    server_configure(server, &options);
}

/* Signed in, with a refresh token of a day and a clock that stands still. */
static world *signed_in_for_a_day(tacit_policy policy, tacit_store *store) {
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.clock = true, .server = &server, .store = store};

    server.extra_members = "{\"refresh_expires_in\":86400}";
    options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    options.session.policy = policy;
    return signed_in(&options);
}

static void wait_refreshes(world *w, long count) {
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(refreshes_ok), count, PATIENCE_MS));
    world_wait_event(w, TACIT_EVENT_REFRESHED, (size_t)count);
}

static void assert_told(world *w, size_t count) {
    look_a_while();
    world_assert_events(w, TACIT_EVENT_SIGN_IN_ENDS, count);
}

static void assert_refreshes(world *w, long count) {
    look_a_while();
    assert_int_equal(server_counters(world_server(w)).refresh_grants, count);
}

/* ------------------------------------------------------------------ renewed */

static void an_idle_app_keeps_its_sign_in(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);

    (void)state;
    for (long day = 1; day <= 5; day++) {
        assert_int_equal(stats_of(w).sign_in_ends_in_s, DAY_S);
        assert_in_range(stats_of(w).refresh_due_in_s, 18 * HOUR_S - 600, 18 * HOUR_S - 300);
        world_clock_move(w, 17 * HOUR_MS);
        assert_refreshes(w, day - 1);
        world_clock_move(w, HOUR_MS);
        wait_refreshes(w, day);
    }

    assert_told(w, 0);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void a_session_that_was_closed_renews_nothing(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);

    (void)state;
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);
    world_clock_move(w, 20 * HOUR_MS);

    assert_refreshes(w, 0);
    assert_told(w, 0);
    world_free(w);
}

static void refresh_after(world *w, int64_t ms) {
    world_clock_move(w, ms);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
}

/* From one day to the next the server's operator thinks better of it. */
static void a_lifetime_that_becomes_shorter_is_put_off_all_the_same(void **state) {
    enum { TIMES = 24 };
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);

    (void)state;
    set_refresh_lifetime(world_server(w), 8 * HOUR_S, true);
    refresh_after(w, HOUR_MS);
    for (int i = 1; i < TIMES; i++) refresh_after(w, HOUR_MS / 2);

    assert_int_equal(stats_of(w).sign_in_ends_in_s, 8 * HOUR_S);
    assert_in_range(stats_of(w).refresh_due_in_s, 6 * HOUR_S - 600, 6 * HOUR_S - 300);
    world_clock_move(w, 5 * HOUR_MS);
    assert_told(w, 0);
    world_clock_move(w, HOUR_MS);
    wait_refreshes(w, TIMES + 1);
    assert_told(w, 0);
    world_free(w);
}

static void a_refresh_that_fails_is_told_of_and_tried_again(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);
    world_event told;

    (void)state;
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 1, 503);
    world_clock_move(w, 18 * HOUR_MS);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    assert_true(world_event_at(w, TACIT_EVENT_SIGN_IN_ENDS, 0, &told));
    assert_int_equal(told.event.sign_in_ends_in_s, 6 * HOUR_S);
    assert_int_equal(told.event.state, TACIT_STATE_SIGNED_IN);
    assert_null(told.event.error);
    world_clock_move(w, 60000);
    wait_refreshes(w, 1);

    assert_int_equal(stats_of(w).sign_in_ends_in_s, DAY_S);
    assert_told(w, 1);
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 1, 503);
    world_clock_move(w, 18 * HOUR_MS); /* another end, which has not been told of */
    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 2);
    world_free(w);
}

/* ------------------------------------------------------------------ an end of its own */

/* The server counts on, from the same day. */
static world *in_its_last_hours(tacit_store *store) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, store);

    set_refresh_lifetime(world_server(w), 6 * HOUR_S, true);
    world_clock_move(w, 18 * HOUR_MS);
    wait_refreshes(w, 1);
    return w;
}

static void an_end_that_no_refresh_puts_off_is_told_once(void **state) {
    world *w = in_its_last_hours(NULL);
    world_event told;

    (void)state;
    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    assert_true(world_event_at(w, TACIT_EVENT_SIGN_IN_ENDS, 0, &told));
    assert_int_equal(told.event.sign_in_ends_in_s, 6 * HOUR_S);
    for (int hours = 1; hours <= 7; hours++) {
        set_refresh_lifetime(world_server(w), (6 - hours) * HOUR_S, true);
        world_clock_move(w, HOUR_MS);
        look_a_while();
    }

    assert_refreshes(w, 1);
    assert_told(w, 1);
    assert_int_equal(stats_of(w).sign_in_ends_in_s, 0);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    world_free(w);
}

/* As the access token is renewed every hour, and each answer says how little is left. */
static void refreshes_on_the_way_do_not_move_the_warning(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_PROACTIVE, NULL);
    world_event told;

    (void)state;
    for (long hour = 1; hour <= 17; hour++) {
        set_refresh_lifetime(world_server(w), DAY_S - hour * HOUR_S, true);
        world_clock_move(w, HOUR_MS);
        wait_refreshes(w, hour);
        assert_in_range(stats_of(w).sign_in_ends_in_s, DAY_S - hour * HOUR_S - 1,
                        DAY_S - hour * HOUR_S);
    }
    assert_told(w, 0);
    set_refresh_lifetime(world_server(w), 6 * HOUR_S, true);
    world_clock_move(w, HOUR_MS);

    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    assert_true(world_event_at(w, TACIT_EVENT_SIGN_IN_ENDS, 0, &told));
    assert_int_equal(told.event.sign_in_ends_in_s, 6 * HOUR_S);
    world_free(w);
}

static void a_start_in_the_last_hours_tells_it_again(void **state) {
    fake_store *store = fake_store_new();
    world *w = in_its_last_hours(fake_store_handle(store));

    (void)state;
    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_told(w, 1); /* first it is tried whether a refresh helps */
    set_refresh_lifetime(world_server(w), 6 * HOUR_S - 60, true);
    world_clock_move(w, 60000);

    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 2);
    world_clock_move(w, HOUR_MS);
    assert_told(w, 2);
    assert_refreshes(w, 2);
    world_free(w);
    fake_store_free(store);
}

static void a_refresh_token_that_stays_keeps_its_end(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);

    (void)state;
    set_refresh_lifetime(world_server(w), -1, false);
    world_clock_move(w, HOUR_MS);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(stats_of(w).sign_in_ends_in_s, 23 * HOUR_S);
    world_clock_move(w, 17 * HOUR_MS);

    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    assert_refreshes(w, 1); /* which moved nothing */
    world_free(w);
}

static void a_new_refresh_token_without_a_lifetime_has_no_known_end(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);

    (void)state;
    set_refresh_lifetime(world_server(w), -1, true);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(stats_of(w).sign_in_ends_in_s, -1);
    world_clock_move(w, 3 * DAY_MS);
    assert_refreshes(w, 1);
    assert_told(w, 0);
    world_free(w);
}

/* ------------------------------------------------------------------ said and kept */

static void every_event_says_when_the_sign_in_ends(void **state) {
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, NULL);
    world_event event;

    (void)state;
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_wait_event(w, TACIT_EVENT_SIGNED_OUT, 1);

    assert_true(world_event_at(w, TACIT_EVENT_LOADED, 0, &event));
    assert_int_equal(event.event.sign_in_ends_in_s, -1);
    assert_true(world_event_at(w, TACIT_EVENT_SIGNED_IN, 0, &event));
    assert_int_equal(event.event.sign_in_ends_in_s, DAY_S);
    assert_true(world_event_at(w, TACIT_EVENT_REFRESHED, 0, &event));
    assert_int_equal(event.event.sign_in_ends_in_s, DAY_S);
    assert_true(world_event_at(w, TACIT_EVENT_SIGNED_OUT, 0, &event));
    assert_int_equal(event.event.sign_in_ends_in_s, -1);
    assert_int_equal(stats_of(w).sign_in_ends_in_s, -1);
    world_free(w);
}

typedef struct reopening {
    int64_t wall_step_ms, left_s;
    const char *why;
} reopening;

/* R13 */
static void a_stored_end_is_what_the_wall_clock_says_within_the_lifetime(void **state) {
    static const reopening cases[] = {
        {0, DAY_S, "no time passed"},
        {HOUR_MS, 23 * HOUR_S, "an hour passed"},
        {-HOUR_MS, DAY_S, "the clock was put back"},
        {-50 * YEAR_MS, DAY_S, "the device boots in the seventies"},
        {50 * YEAR_MS, 0, "the clock is far ahead"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_store *store = fake_store_new();
        world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, fake_store_handle(store));

        world_wall_step(w, cases[i].wall_step_ms);
        world_restart(w);
        assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
        if (stats_of(w).sign_in_ends_in_s != cases[i].left_s)
            fail_msg("%s: %lld s", cases[i].why, (long long)stats_of(w).sign_in_ends_in_s);
        assert_int_equal(world_get(w, "/api/x"), 200);
        world_free(w);
        fake_store_free(store);
    }
}

/* Another process: a client of its own on the same store. */
static void another_process_takes_the_end_over(void **state) {
    fake_store *store = fake_store_new();
    world *w = signed_in_for_a_day(TACIT_POLICY_REACTIVE, fake_store_handle(store));
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_token *before, *newer;
    tacit_client *client;
    tacit_session *other;

    (void)state;
    client_options.state_dir = world_state_dir(w);
    client = tacit_client_new(&client_options, NULL);
    options.client_id = "test-client";
    options.store = world_store(w);
    options.policy = TACIT_POLICY_REACTIVE;
    other = tacit_session_open(client, world_provider(w), &options, NULL);
    assert_int_equal(tacit_session_load(other, PATIENCE_MS, NULL, NULL), TACIT_OK);
    tacit_session_get_stats(other, &stats);
    assert_in_range(stats.sign_in_ends_in_s, DAY_S - 60, DAY_S);

    set_refresh_lifetime(world_server(w), 3 * DAY_S, true);
    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &before, NULL), TACIT_OK);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_session_renew(other, before, PATIENCE_MS, &newer, NULL), TACIT_OK);

    tacit_session_get_stats(other, &stats);
    assert_in_range(stats.sign_in_ends_in_s, 3 * DAY_S - 60, 3 * DAY_S);
    assert_int_equal(stats.adoptions, 1);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    tacit_token_unref(before);
    tacit_token_unref(newer);
    tacit_session_close(other, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
    world_free(w);
    fake_store_free(store);
}

static void another_sign_in_has_an_end_of_its_own(void **state) {
    fake_store *store = fake_store_new();
    world *w = in_its_last_hours(fake_store_handle(store));
    char *record;

    (void)state;
    world_wait_event(w, TACIT_EVENT_SIGN_IN_ENDS, 1);
    set_refresh_lifetime(world_server(w), -1, true);
    world_sign_in(w);

    assert_int_equal(stats_of(w).sign_in_ends_in_s, -1);
    record = fake_store_record(store);
    assert_null(strstr(record, "refresh_expires"));
    free(record);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_app_keeps_its_sign_in),
        cmocka_unit_test(a_session_that_was_closed_renews_nothing),
        cmocka_unit_test(a_lifetime_that_becomes_shorter_is_put_off_all_the_same),
        cmocka_unit_test(a_refresh_that_fails_is_told_of_and_tried_again),
        cmocka_unit_test(an_end_that_no_refresh_puts_off_is_told_once),
        cmocka_unit_test(refreshes_on_the_way_do_not_move_the_warning),
        cmocka_unit_test(a_start_in_the_last_hours_tells_it_again),
        cmocka_unit_test(a_refresh_token_that_stays_keeps_its_end),
        cmocka_unit_test(a_new_refresh_token_without_a_lifetime_has_no_known_end),
        cmocka_unit_test(every_event_says_when_the_sign_in_ends),
        cmocka_unit_test(a_stored_end_is_what_the_wall_clock_says_within_the_lifetime),
        cmocka_unit_test(another_process_takes_the_end_over),
        cmocka_unit_test(another_sign_in_has_an_end_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
