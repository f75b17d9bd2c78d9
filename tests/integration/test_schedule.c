/* When a token is renewed, and that nobody waits for it who need not (R3, R8, R13 and the schedule). */
#include "support/crowd.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, LIFETIME_S = 3600 };

static world *signed_in_world(const world_options *given) {
    world_options options = given == NULL ? (world_options){.clock = true} : *given;
    world *w;

    options.clock = true;
    w = world_new(&options);
    world_sign_in(w);
    server_counters_reset(world_server(w));
    return w;
}

static long token_requests(world *w) {
    return server_counters(world_server(w)).token_requests;
}

static void assert_renewed_at(world *w, int64_t s) {
    world_clock_move(w, s * 1000 - 1);
    look_a_while();
    assert_int_equal(token_requests(w), 0);
    world_clock_move(w, 1);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    assert_int_equal(token_requests(w), 1);
}

/* ------------------------------------------------------------------ proactive */

/* The grant is held for as long as the test likes: requests go on with the token that still lives. */
static void proactive_refresh_never_delays_a_request(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    tacit_token *before = world_token(w), *after;
    crowd *c;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    world_clock_move(w, (LIFETIME_S - 300) * 1000);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    c = crowd_start(w, world_session(w), CROWD_GET, 16, PATIENCE_MS);
    crowd_join(c); /* while the grant is out */

    assert_int_equal(crowd_count(c, 200), 16);
    assert_int_equal(seen_access_token_count(server, tacit_token_value(before)), 16);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    after = world_token(w);
    assert_ptr_not_equal(after, before);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(token_requests(w), 1);
    assert_int_equal(stats_of(w).refreshes_forced, 0);
    tacit_token_unref(after);
    tacit_token_unref(before);
    crowd_free(c);
    world_free(w);
}

/* A 401 that comes while the proactive grant is out waits for it, and causes no second one (R1). */
static void request_refused_during_a_proactive_refresh_joins_it(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    world_clock_move(w, (LIFETIME_S - 300) * 1000);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    server_refuse_api(server, 8, TS_CHALLENGE_INVALID_TOKEN);
    c = crowd_start(w, world_session(w), CROWD_GET, 8, PATIENCE_MS);
    wait_waiters(w, 8);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(c);

    assert_int_equal(crowd_count(c, 200), 8);
    assert_int_equal(token_requests(w), 1);
    crowd_free(c);
    world_free(w);
}

/* 10 % of the life, 30 to 300 s, once to twice, never more than half. */
static void automatic_lead_follows_the_lifetime(void **state) {
    static const struct {
        int lifetime_s, earliest_s, latest_s;
    } cases[] = {
        {7200, 7200 - 600, 7200 - 300}, /* 720 s are cut to 300 */
        {1000, 800, 900},
        {100, 50, 70}, /* at least 30 s, at most half */
        {10, 5, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ts_options server = TS_OPTIONS_INIT;
        world *w;

        server.access_lifetime_ms = cases[i].lifetime_s * 1000;
        w = signed_in_world(&(world_options){.server = &server});
        assert_in_range(stats_of(w).refresh_due_in_s, cases[i].earliest_s - 1, cases[i].latest_s);
        assert_int_equal(stats_of(w).expires_in_s, cases[i].lifetime_s);
        world_free(w);
    }
}

static void refresh_in_of_the_server_wins(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.extra_members = "{\"refresh_in\":120}";
    w = signed_in_world(&(world_options){
        .server = &server,
        .session = {.struct_size = sizeof(tacit_session_options), .refresh_lead_s = 600}});
    assert_renewed_at(w, 120);
    assert_int_equal(stats_of(w).refresh_due_in_s, 120);
    world_free(w);
}

static void refresh_in_beyond_the_lifetime_is_cut_to_it(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.extra_members = "{\"refresh_in\":86400}";
    w = signed_in_world(&(world_options){.server = &server});
    assert_renewed_at(w, LIFETIME_S);
    world_free(w);
}

static void lead_of_the_app_is_taken(void **state) {
    world *w = signed_in_world(&(world_options){
        .session = {.struct_size = sizeof(tacit_session_options), .refresh_lead_s = 100}});

    (void)state;
    assert_renewed_at(w, LIFETIME_S - 100);
    world_free(w);
}

static void lead_of_the_app_is_at_most_half_the_lifetime(void **state) {
    world *w = signed_in_world(&(world_options){
        .session = {.struct_size = sizeof(tacit_session_options), .refresh_lead_s = 86400}});

    (void)state;
    assert_renewed_at(w, LIFETIME_S / 2);
    world_free(w);
}

/* A server whose tokens are over in a second gets no more than one grant a second. */
static void proactive_refreshes_are_a_second_apart(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.expires_in = "1";
    w = signed_in_world(&(world_options){.server = &server});
    world_clock_move(w, 500); /* half of its life */
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    stats_of(w);
    for (size_t n = 1; n < 4; n++) {
        world_clock_move(w, 999);
        look_a_while();
        assert_int_equal(server_counters(world_server(w)).refreshes_ok, n);
        world_clock_move(w, 1);
        world_wait_event(w, TACIT_EVENT_REFRESHED, n + 1);
        stats_of(w);
    }
    world_free(w);
}

/* Nothing says when it ends: used until a 401. */
static void token_of_unknown_lifetime_is_used_until_a_401(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.expires_in = "";
    w = signed_in_world(&(world_options){.server = &server});
    assert_int_equal(stats_of(w).expires_in_s, -1);
    assert_int_equal(stats_of(w).refresh_due_in_s, -1);
    world_clock_move(w, 30LL * 24 * 3600 * 1000);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(token_requests(w), 0);
    server_revoke_access_tokens(world_server(w));
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(token_requests(w), 1);
    world_free(w);
}

/* ------------------------------------------------------------------ reactive, and on need */

static world *reactive_world(tacit_store *store) {
    return signed_in_world(
        &(world_options){.store = store,
                         .session = {.struct_size = sizeof(tacit_session_options),
                                     .policy = TACIT_POLICY_REACTIVE}});
}

static void reactive_policy_renews_when_a_request_needs_it(void **state) {
    world *w = reactive_world(NULL);

    (void)state;
    assert_int_equal(stats_of(w).refresh_due_in_s, -1);
    world_clock_move(w, LIFETIME_S * 1000 - 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_clock_move(w, 1);
    look_a_while();
    assert_int_equal(token_requests(w), 0);
    assert_int_equal(world_get(w, "/api/x"), 200);

    assert_int_equal(token_requests(w), 1);
    assert_int_equal(server_counters(world_server(w)).api_requests, 2);
    world_free(w);
}

/* A record whose token is over: it is not sent, not even once. */
static void expired_record_is_refreshed_on_first_need(void **state) {
    world *w = reactive_world(NULL);
    tacit_token *old = world_token(w);

    (void)state;
    world_clock_move(w, 2 * LIFETIME_S * 1000);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);

    assert_int_equal(token_requests(w), 1);
    assert_int_equal(seen_access_token_count(world_server(w), tacit_token_value(old)), 0);
    tacit_token_unref(old);
    world_free(w);
}

static void expired_record_is_refreshed_in_the_background_within_a_minute(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);
    world_clock_move(w, 2 * LIFETIME_S * 1000);
    world_restart(w);
    world_wait_event(w, TACIT_EVENT_LOADED, 2);
    assert_in_range(stats_of(w).refresh_due_in_s, 0, 60);
    world_clock_move(w, 60 * 1000);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(token_requests(w), 1);
    world_free(w);
}

/* A record whose token lives is used as it is. */
static void living_record_is_used_after_a_restart(void **state) {
    world *w = reactive_world(NULL);

    (void)state;
    world_clock_move(w, 1000 * 1000);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).expires_in_s, LIFETIME_S - 1000);
    assert_int_equal(token_requests(w), 0);
    world_free(w);
}

/* R3: what another client saved is newer, but over: it is adopted, and nobody is served with it. */
static void adopted_token_that_is_over_is_not_handed_out(void **state) {
    fake_store *store = fake_store_new();
    world *w = reactive_world(fake_store_handle(store));
    char *record = fake_store_record(store), *newer = fake_record_at(record, 5);
    tacit_token *token = NULL;

    (void)state;
    world_clock_move(w, 2 * LIFETIME_S * 1000);
    fake_store_put(store, newer);
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    assert_int_equal(tacit_session_token(world_session(w), 0, TACIT_NO_WAIT, &token, NULL),
                     TACIT_ERR_TIMEOUT);
    assert_true(server_gate_waiters(world_server(w), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_int_equal(tacit_session_token(world_session(w), 0, TACIT_NO_WAIT, &token, NULL),
                     TACIT_ERR_TIMEOUT);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    assert_int_equal(tacit_session_token(world_session(w), 0, PATIENCE_MS, &token, NULL), TACIT_OK);

    assert_int_equal(tacit_token_generation(token), 6);
    assert_int_equal(token_requests(w), 1);
    tacit_token_unref(token);
    free(newer);
    free(record);
    world_free(w);
    fake_store_free(store);
}

/* A refresh that the app asks for is a grant, also where the record was not even read. */
static void refresh_right_after_opening_is_a_grant(void **state) {
    world *w = reactive_world(NULL);

    (void)state;
    world_restart(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(token_requests(w), 1);
    world_free(w);
}

/* ------------------------------------------------------------------ min_valid_s */

static void assert_token(world *w, int min_valid_s, uint64_t generation) {
    tacit_token *token;

    assert_int_equal(tacit_session_token(world_session(w), min_valid_s, PATIENCE_MS, &token, NULL),
                     TACIT_OK);
    assert_int_equal(tacit_token_generation(token), generation);
    tacit_token_unref(token);
}

static void min_valid_s_renews_a_token_that_lives_too_short(void **state) {
    world *w = reactive_world(NULL);

    (void)state;
    assert_token(w, 1000, 1);
    world_clock_move(w, 2000 * 1000); /* 1600 s are left */
    assert_token(w, 1599, 1);
    assert_token(w, 1601, 2);
    world_free(w);
}

/* Else one who asks for more than the server gives would get a grant each time. */
static void min_valid_s_is_capped_at_half_the_lifetime(void **state) {
    world *w = reactive_world(NULL);

    (void)state;
    assert_token(w, 86400, 1);
    world_clock_move(w, (LIFETIME_S / 2 - 1) * 1000);
    assert_token(w, 86400, 1);
    world_clock_move(w, 2000);
    assert_token(w, 86400, 2);
    assert_token(w, 86400, 2);
    assert_int_equal(token_requests(w), 1);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proactive_refresh_never_delays_a_request),
        cmocka_unit_test(request_refused_during_a_proactive_refresh_joins_it),
        cmocka_unit_test(automatic_lead_follows_the_lifetime),
        cmocka_unit_test(refresh_in_of_the_server_wins),
        cmocka_unit_test(refresh_in_beyond_the_lifetime_is_cut_to_it),
        cmocka_unit_test(lead_of_the_app_is_taken),
        cmocka_unit_test(lead_of_the_app_is_at_most_half_the_lifetime),
        cmocka_unit_test(proactive_refreshes_are_a_second_apart),
        cmocka_unit_test(token_of_unknown_lifetime_is_used_until_a_401),
        cmocka_unit_test(reactive_policy_renews_when_a_request_needs_it),
        cmocka_unit_test(expired_record_is_refreshed_on_first_need),
        cmocka_unit_test(expired_record_is_refreshed_in_the_background_within_a_minute),
        cmocka_unit_test(living_record_is_used_after_a_restart),
        cmocka_unit_test(adopted_token_that_is_over_is_not_handed_out),
        cmocka_unit_test(refresh_right_after_opening_is_a_grant),
        cmocka_unit_test(min_valid_s_renews_a_token_that_lives_too_short),
        cmocka_unit_test(min_valid_s_is_capped_at_half_the_lifetime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
