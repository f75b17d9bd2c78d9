/* Expiry is counted from sending the grant, on a clock that runs during suspend (R13). */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, LIFETIME_S = 3600 };

#define TEN_YEARS_MS ((int64_t)10 * 365 * 24 * 3600 * 1000)

static int64_t expires_in_s(world *w) {
    tacit_token *token = world_token(w);
    int64_t seconds = tacit_token_expires_in_s(token);

    assert_non_null(token);
    tacit_token_unref(token);
    return seconds;
}

static void *sign_in_elsewhere(void *data) {
    world_sign_in(data);
    return NULL;
}

static void sign_in_while_the_answer_takes(world *w, int64_t ms) {
    ts_server *server = world_server(w);
    pthread_t thread;

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, sign_in_elsewhere, w), 0);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    world_clock_move(w, ms);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    pthread_join(thread, NULL);
}

/* R13 */
static void a_lifetime_counts_from_sending_the_grant(void **state) {
    world *w = world_new(&(world_options){.clock = true});

    (void)state;
    sign_in_while_the_answer_takes(w, 20000);

    assert_int_equal(expires_in_s(w), LIFETIME_S - 20);
    world_free(w);
}

/* R13: an exp claim is a wall-clock time; what counts is how far it lay ahead when the grant was sent. */
static void an_exp_claim_counts_from_sending_the_grant_too(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.jwt = true;
    server.expires_in = "";
    w = world_new(&(world_options){.clock = true, .server = &server});
    sign_in_while_the_answer_takes(w, 20000);

    assert_in_range(expires_in_s(w), LIFETIME_S - 22, LIFETIME_S - 19);
    world_free(w);
}

/* R13 */
static void steps_of_the_wall_clock_do_not_touch_a_live_token(void **state) {
    static const int64_t steps_ms[] = {TEN_YEARS_MS, -2 * TEN_YEARS_MS, -60000, 3600000};
    world *w = signed_in(&(world_options){.clock = true});
    tacit_token *before = world_token(w), *after;
    int64_t due_in_s = stats_of(w).refresh_due_in_s;

    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        world_wall_step(w, steps_ms[i]);
        assert_int_equal(expires_in_s(w), LIFETIME_S);
        assert_int_equal(stats_of(w).refresh_due_in_s, due_in_s);
        assert_int_equal(world_get(w, "/api/x"), 200);
    }

    after = world_token(w);
    assert_ptr_equal(after, before);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    tacit_token_unref(before);
    tacit_token_unref(after);
    world_free(w);
}

typedef struct reopening {
    int64_t wall_step_ms, left_s;
    const char *why;
} reopening;

static void reopen(const reopening *c) {
    fake_store *store = fake_store_new();
    world *w = signed_in(&(world_options){.clock = true, .store = fake_store_handle(store)});
    tacit_token *token;
    int64_t left_s;

    world_wall_step(w, c->wall_step_ms);
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    left_s = stats_of(w).expires_in_s;
    if (left_s != c->left_s) fail_msg("%s: %lld s are left", c->why, (long long)left_s);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(w, "/api/x"), 200);
    token = world_token(w);
    assert_int_equal(tacit_token_generation(token), c->left_s > 0 ? 1 : 2);
    tacit_token_unref(token);
    world_free(w);
    fake_store_free(store);
}

/* R13: the wall clock matters only for a stored record, and never beyond 0 .. lifetime. */
static void a_stored_token_lives_what_the_wall_clock_says_within_its_lifetime(void **state) {
    static const reopening cases[] = {
        {0, LIFETIME_S, "no time passed"},
        {600000, LIFETIME_S - 600, "ten minutes passed"},
        {-600000, LIFETIME_S, "the clock was put back"},
        {-5 * TEN_YEARS_MS, LIFETIME_S, "the device boots in the seventies"},
        {(int64_t)LIFETIME_S * 1000, 0, "just over"},
        {TEN_YEARS_MS, 0, "the clock is far ahead"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) reopen(&cases[i]);
}

/* R13: from 1970 forward again, as NTP does it, nothing is lost. */
static void a_device_that_boots_in_1970_loses_nothing(void **state) {
    fake_store *store = fake_store_new();
    world *w = signed_in(&(world_options){.clock = true, .store = fake_store_handle(store)});
    char *record;

    (void)state;
    world_wall_step(w, -5 * TEN_YEARS_MS);
    world_restart(w);
    server_go_away(world_server(w)); /* as TLS fails where no certificate is valid yet */
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_ERR_NETWORK);
    record = fake_store_record(store);
    assert_int_equal(fake_record_generation(record), 1);
    free(record);
    server_come_back(world_server(w));
    world_wall_step(w, 5 * TEN_YEARS_MS); /* ends the backoff */

    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    world_free(w);
    fake_store_free(store);
}

/* R13 */
static void a_suspend_beyond_the_expiry_is_followed_by_a_refresh_at_once(void **state) {
    world *w = signed_in(&(world_options){.clock = true});
    tacit_token *dead = world_token(w);

    (void)state;
    world_clock_move(w, 2 * LIFETIME_S * 1000);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(expires_in_s(w), LIFETIME_S);
    assert_int_equal(seen_access_token_count(world_server(w), tacit_token_value(dead)), 0);
    tacit_token_unref(dead);
    world_free(w);
}

static void *get_elsewhere(void *data) {
    assert_int_equal(world_get(data, "/api/x"), 200);
    return NULL;
}

/* R13 */
static void requests_after_a_suspend_wait_and_never_use_the_dead_token(void **state) {
    world *w = signed_in(&(world_options){.clock = true});
    ts_server *server = world_server(w);
    tacit_token *dead = world_token(w), *token;
    pthread_t thread;

    (void)state;
    assert_int_equal(world_get(w, "/api/x"), 200); /* a handle keeps the token now */
    server_counters_reset(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    world_clock_move(w, 2 * LIFETIME_S * 1000);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_int_equal(tacit_session_token(world_session(w), 0, TACIT_NO_WAIT, &token, NULL),
                     TACIT_ERR_TIMEOUT);
    assert_null(token);
    assert_int_equal(pthread_create(&thread, NULL, get_elsewhere, w), 0);
    wait_waiters(w, 1);
    assert_int_equal(server_counters(server).api_requests, 0);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    pthread_join(thread, NULL);

    assert_int_equal(seen_access_token_count(server, tacit_token_value(dead)), 0);
    assert_int_equal(server_counters(server).api_requests, 1);
    assert_int_equal(server_counters(server).token_requests, 1);
    tacit_token_unref(dead);
    world_free(w);
}

/* R13: within the token's life a suspend is time like any other. */
static void a_short_suspend_costs_life_and_nothing_else(void **state) {
    world *w = signed_in(&(world_options){.clock = true});

    (void)state;
    world_clock_move(w, 600000);

    assert_int_equal(expires_in_s(w), LIFETIME_S - 600);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lifetime_counts_from_sending_the_grant),
        cmocka_unit_test(an_exp_claim_counts_from_sending_the_grant_too),
        cmocka_unit_test(steps_of_the_wall_clock_do_not_touch_a_live_token),
        cmocka_unit_test(a_stored_token_lives_what_the_wall_clock_says_within_its_lifetime),
        cmocka_unit_test(a_device_that_boots_in_1970_loses_nothing),
        cmocka_unit_test(a_suspend_beyond_the_expiry_is_followed_by_a_refresh_at_once),
        cmocka_unit_test(requests_after_a_suspend_wait_and_never_use_the_dead_token),
        cmocka_unit_test(a_short_suspend_costs_life_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
