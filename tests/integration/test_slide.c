/* Sliding expiration: answers of the API renew the access token. */
#include "support/crowd.h"
#include "support/sliding.h"

#include <stdio.h>
#include <string.h>

static int get(world *w, const char *path) {
    tacit_request request = request_to(server_url(world_server(w), path));

    return status_of(w, &request);
}

static char *current_value(world *w) {
    tacit_token *token = world_token(w);
    char *value;

    assert_non_null(token);
    value = strdup(tacit_token_value(token));
    tacit_token_unref(token);
    assert_non_null(value);
    return value;
}

static void an_answer_renews_the_token(void **state) {
    (void)state;
    world *w = sliding_world();
    char *before = current_value(w), *after;
    tacit_session_stats stats;

    sliding_pass(w, 1200);
    sliding_turn(w, true);
    assert_int_equal(get(w, "/api/x"), 200);
    after = current_value(w);
    stats = stats_of(w);
    sliding_turn(w, false);
    assert_int_equal(get(w, "/api/x"), 200);

    assert_string_not_equal(before, after);
    assert_int_equal(stats.slides, 1);
    assert_int_equal(stats.generation, 2);
    assert_int_equal(stats.expires_in_s, SLIDING_LIFETIME_S);
    assert_int_equal(seen_access_token_count(world_server(w), after), 1);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    free(before);
    free(after);
    world_free(w);
}

/* E: every answer has a new one, and hardly any is of use. */
static void a_young_token_is_kept(void **state) {
    (void)state;
    world *w = sliding_world();

    sliding_turn(w, true);
    sliding_pass(w, 160);
    for (int i = 0; i < 5; i++) assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).slides, 0);

    sliding_pass(w, 10); /* a tenth of what is left then */
    for (int i = 0; i < 5; i++) assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).slides, 1);
    world_free(w);
}

static void answer_with_lifetime(world *w, int lifetime_s) {
    ts_options server = server_options(world_server(w));

    server.access_lifetime_ms = lifetime_s * 1000;
    server_configure(world_server(w), &server);
    assert_int_equal(get(w, "/api/x"), 200);
}

/* ... and does not keep a better one away for long. */
static void a_token_that_ends_earlier_is_not_taken(void **state) {
    (void)state;
    world *w = sliding_world();

    sliding_pass(w, 1200);
    sliding_turn(w, true);
    for (int i = 0; i < 3; i++) answer_with_lifetime(w, 600);
    assert_int_equal(stats_of(w).slides, 0);
    assert_int_equal(stats_of(w).expires_in_s, 600);

    sliding_pass(w, 60);
    answer_with_lifetime(w, SLIDING_LIFETIME_S);
    assert_int_equal(stats_of(w).slides, 1);
    assert_int_equal(stats_of(w).expires_in_s, SLIDING_LIFETIME_S);
    world_free(w);
}

static void an_unknown_lifetime_is_renewed_once_a_minute(void **state) {
    (void)state;
    ts_options server = sliding_server();
    world *w;

    server.jwt = false;
    w = sliding_world_in(&server, NULL);
    sliding_turn(w, true);
    for (int slides = 0; slides < 3; slides++) {
        sliding_pass(w, 59);
        assert_int_equal(get(w, "/api/x"), 200);
        assert_int_equal(stats_of(w).slides, slides);
        sliding_pass(w, 1);
        assert_int_equal(get(w, "/api/x"), 200);
        assert_int_equal(get(w, "/api/x"), 200);
        assert_int_equal(stats_of(w).slides, slides + 1);
    }
    world_free(w);
}

/* ------------------------------------------------------------------ what is not taken */

/* A world whose token any other would replace. */
static world *world_that_takes_any(void) {
    ts_options server = sliding_server();
    world *w;

    server.jwt = false;
    w = sliding_world_in(&server, NULL);
    world_clock_move(w, 61000);
    return w;
}

typedef struct answer_case {
    int status; /* of the answer */
    const char *headers;
    const char *why;
} answer_case;

static void only_a_token_in_a_2xx_is_taken(void **state) {
    static const answer_case cases[] = {
        {200, NULL, "no header"},
        {200, "X-Authorization: Bearer other", "another header"},
        {200, "Authorization: Bearer", "no token"},
        {200, "Authorization: Basic b3RoZXI=", "another scheme"},
        {200, "Authorization: Bearer other one", "more than a token"},
        {304, "Authorization: Bearer other", "a 304"},
        {400, "Authorization: Bearer other", "a 400"},
        {404, "Authorization: Bearer other", "a 404"},
        {500, "Authorization: Bearer other", "a 500"},
    };
    (void)state;
    world *w = world_that_takes_any();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const answer_case *c = &cases[i];
        ts_fault fault = {.kind = TS_FAULT_ANSWER, .requests = 1, .status = c->status};

        fault.headers = c->headers;
        server_fault_add(world_server(w), TS_API, &fault);
        assert_int_equal(get(w, "/api/x"), c->status);
        if (stats_of(w).slides != 0) fail_msg("%s", c->why);
    }
    server_fault_add(world_server(w), TS_API,
                     &(ts_fault){.kind = TS_FAULT_ANSWER,
                                 .requests = 1,
                                 .status = 201,
                                 .headers = "authorization: other"});
    assert_int_equal(get(w, "/api/x"), 201);
    assert_int_equal(stats_of(w).slides, 1);
    world_free(w);
}

/* Some servers give back what they got: that is no other. */
static void what_was_sent_is_no_renewal(void **state) {
    (void)state;
    world *w = world_that_takes_any();
    char *token = current_value(w), line[256];

    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    server_fault_add(world_server(w), TS_API,
                     &(ts_fault){.kind = TS_FAULT_ANSWER, .requests = 1, .headers = line});
    assert_int_equal(get(w, "/api/x"), 200);

    assert_int_equal(stats_of(w).slides, 0);
    assert_int_equal(stats_of(w).generation, 1);
    free(token);
    world_free(w);
}

/* The other server is another port: another origin. */
static void a_foreign_origin_renews_nothing(void **state) {
    (void)state;
    world *w = world_that_takes_any();
    ts_server *other = server_start(NULL);

    assert_non_null(other);
    server_redirect(world_server(w), TS_API, 1, 307, server_url(other, "/api/x"));
    server_fault_add(other, TS_API,
                     &(ts_fault){.kind = TS_FAULT_ANSWER,
                                 .requests = 1,
                                 .headers = "Authorization: Bearer theirs"});
    assert_int_equal(get(w, "/api/x"), 200);

    assert_int_equal(stats_of(w).slides, 0);
    server_stop(other);
    world_free(w);
}

/* What a redirect's answer says counts as little, what the session's own origin says behind it does. */
static void a_redirect_within_the_origin_may_end_with_a_token(void **state) {
    (void)state;
    world *w = world_that_takes_any();

    server_fault_add(world_server(w), TS_API,
                     &(ts_fault){.kind = TS_FAULT_ANSWER,
                                 .requests = 1,
                                 .status = 307,
                                 .headers = "Location: /api/y\nAuthorization: Bearer hop"});
    assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).slides, 0);

    server_redirect(world_server(w), TS_API, 1, 307, "/api/y");
    sliding_turn(w, true);
    assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).slides, 1);
    world_free(w);
}

/* ------------------------------------------------------------------ in which order ever */

/* GETs that the server holds, while others pass. */
static crowd *hold_answers(world *w, int threads, ts_gate_place place) {
    crowd *c;

    server_gate_close(world_server(w), TS_API, place);
    c = crowd_start(w, world_session(w), CROWD_GET, threads, 3600 * 1000);
    assert_true(server_gate_waiters(world_server(w), TS_API, threads, WORLD_PATIENCE_MS));
    server_gate_let_pass(world_server(w), TS_API);
    return c;
}

static void release(crowd *c, world *w, int threads) {
    server_gate_open(world_server(w), TS_API);
    crowd_join(c);
    assert_int_equal(crowd_count(c, 200), threads);
    crowd_free(c);
}

static void an_older_answer_does_not_replace_a_newer_token(void **state) {
    (void)state;
    world *w = sliding_world();
    crowd *late;
    char *newer, *current;

    sliding_pass(w, 1200);
    sliding_turn(w, true);
    late = hold_answers(w, 1, TS_BEFORE_ANSWER);
    sliding_pass(w, 300);
    assert_int_equal(get(w, "/api/x"), 200);
    newer = current_value(w);
    release(late, w, 1);
    current = current_value(w);

    assert_int_equal(stats_of(w).slides, 1);
    assert_string_equal(current, newer);
    free(newer);
    free(current);
    world_free(w);
}

/* Though nothing says how long they live, and the newer one is old enough for a successor by now. */
static void an_older_answer_does_not_replace_a_newer_token_of_unknown_lifetime(void **state) {
    (void)state;
    ts_options server = sliding_server();
    crowd *late;
    world *w;

    server.jwt = false;
    w = sliding_world_in(&server, NULL);
    sliding_pass(w, 70);
    sliding_turn(w, true);
    late = hold_answers(w, 1, TS_BEFORE_ANSWER);
    sliding_pass(w, 10);
    assert_int_equal(get(w, "/api/x"), 200);
    sliding_pass(w, 300);
    release(late, w, 1);

    assert_int_equal(stats_of(w).slides, 1);
    world_free(w);
}

static void many_answers_at_once_are_one_slide(void **state) {
    enum { THREADS = 64 };
    (void)state;
    world *w = sliding_world();
    crowd *c;

    sliding_pass(w, 1200);
    sliding_turn(w, true);
    c = hold_answers(w, THREADS, TS_BEFORE_ANSWER);
    release(c, w, THREADS);

    assert_int_equal(stats_of(w).slides, 1);
    assert_int_equal(stats_of(w).generation, 2);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_free(w);
}

/* R3: each goes out again at once, with the token that is there. */
static void late_401s_of_the_older_token_are_sent_again(void **state) {
    enum { THREADS = 64 };
    (void)state;
    ts_options server = sliding_server();
    world *w;
    crowd *late;

    server.sliding_ends_older_access = true;
    w = sliding_world_in(&server, NULL);
    sliding_pass(w, 1200);
    late = hold_answers(w, THREADS, TS_BEFORE_PROCESSING);
    sliding_turn(w, true);
    assert_int_equal(get(w, "/api/x"), 200);
    sliding_turn(w, false);
    assert_int_equal(stats_of(w).slides, 1);
    release(late, w, THREADS);

    assert_int_equal(server_counters(world_server(w)).api_401, THREADS);
    assert_int_equal(stats_of(w).generation, 2);
    assert_int_equal(stats_of(w).refresh_failures, 0);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    world_free(w);
}

static void a_token_of_an_earlier_sign_in_is_not_taken(void **state) {
    (void)state;
    world *w = world_that_takes_any();
    crowd *late;
    char *bobs, *current;

    sliding_turn(w, true);
    late = hold_answers(w, 1, TS_BEFORE_ANSWER);
    sliding_turn(w, false);
    sliding_sign_in(w, "bob");
    bobs = current_value(w);
    release(late, w, 1);
    current = current_value(w);

    assert_string_equal(current, bobs);
    assert_int_equal(stats_of(w).slides, 0);
    assert_int_equal(stats_of(w).generation, 1);
    free(bobs);
    free(current);
    world_free(w);
}

static void signed_out_nothing_is_taken(void **state) {
    (void)state;
    world *w = world_that_takes_any();
    crowd *late;
    tacit_error error;

    sliding_turn(w, true);
    late = hold_answers(w, 1, TS_BEFORE_ANSWER);
    assert_int_equal(tacit_sign_out(world_session(w), -1, &error), TACIT_OK);
    release(late, w, 1);

    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(stats_of(w).slides, 0);
    world_free(w);
}

/* ------------------------------------------------------------------ the end */

static void the_tokens_end_is_told_once(void **state) {
    (void)state;
    world *w = sliding_world();

    sliding_slide(w, 1200);
    sliding_pass(w, SLIDING_LIFETIME_S + 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);

    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_assert_events(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_free(w);
}

static void a_401_for_the_current_token_is_told_once(void **state) {
    enum { THREADS = 16 };
    (void)state;
    world *w = sliding_world();
    crowd *c;

    sliding_slide(w, 1200);
    server_revoke_access_tokens(world_server(w));
    c = crowd_start(w, world_session(w), CROWD_GET, THREADS, -1);
    crowd_join(c);

    assert_int_equal(crowd_count(c, -TACIT_ERR_SIGN_IN_REQUIRED) + crowd_count(c, 401), THREADS);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_assert_events(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    crowd_free(c);
    world_free(w);
}

/* ------------------------------------------------------------------ beside a refresh token */

static world *sliding_world_with_refresh_token(tacit_policy policy) {
    ts_options server = sliding_server();
    world_options options = {
        .server = &server, .session = TACIT_SESSION_OPTIONS_INIT, .clock = true};
    world *w;

    options.session.policy = policy;
    w = world_new(&options);
    world_sign_in(w);
    return w;
}

static void slides_put_the_refresh_off(void **state) {
    (void)state;
    world *w = sliding_world_with_refresh_token(TACIT_POLICY_PROACTIVE);

    for (int slides = 0; slides < 4; slides++) {
        sliding_slide(w, 1100);
        assert_in_range(stats_of(w).refresh_due_in_s, 1000, SLIDING_LIFETIME_S);
    }
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);

    sliding_pass(w, SLIDING_LIFETIME_S - 1);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 5);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

/* R3: what is granted after a slide is newer than what slid. */
static void a_refresh_comes_after_the_slides_before_it(void **state) {
    (void)state;
    world *w = sliding_world_with_refresh_token(TACIT_POLICY_REACTIVE);
    uint64_t slid;

    for (int slides = 0; slides < 3; slides++) sliding_slide(w, 1100);
    slid = stats_of(w).generation;
    server_revoke_access_tokens(world_server(w));
    assert_int_equal(get(w, "/api/x"), 200);

    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    assert_true(stats_of(w).generation > slid);
    sliding_slide(w, 1100);
    assert_true(stats_of(w).generation > slid + 1);
    world_free(w);
}

static void a_flight_under_way_takes_no_slide(void **state) {
    (void)state;
    world *w = sliding_world_with_refresh_token(TACIT_POLICY_REACTIVE);
    crowd *c;

    sliding_pass(w, 1200);
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_REFRESH, 1, -1);
    wait_token_requests(w, 2); /* the sign-in's, and this one */
    sliding_turn(w, true);
    assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(stats_of(w).slides, 0);
    sliding_turn(w, false);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    crowd_join(c);

    assert_int_equal(crowd_count(c, TACIT_OK), 1);
    assert_int_equal(stats_of(w).generation, 2);
    assert_int_equal(get(w, "/api/x"), 200);
    crowd_free(c);
    world_free(w);
}

static void the_policy_lets_the_api_renew_and_sends_the_refresh_token_on_demand(void **state) {
    (void)state;
    world *w = sliding_world_with_refresh_token(TACIT_POLICY_SLIDING);

    sliding_slide(w, 1200);
    sliding_pass(w, SLIDING_LIFETIME_S + 1);
    look_a_while();
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    assert_int_equal(get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    world_free(w);
}

/* Nothing else could renew it: the end is told when it comes. */
static void the_policy_tells_the_end_without_a_request(void **state) {
    (void)state;
    ts_options server = sliding_server();
    world_options options = {
        .server = &server, .session = TACIT_SESSION_OPTIONS_INIT, .clock = true};
    world *w;

    options.session.policy = TACIT_POLICY_SLIDING;
    w = world_new(&options);
    sliding_sign_in(w, "alice");
    sliding_slide(w, 1200);
    sliding_pass(w, SLIDING_LIFETIME_S - 1);
    look_a_while();
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);

    sliding_pass(w, 2);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_assert_events(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_free(w);
}

static void the_policy_wants_a_header_to_slide_by(void **state) {
    (void)state;
    world *w = world_new(NULL);
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_error error;

    options.client_id = "test-client";
    options.store = world_store(w);
    options.policy = TACIT_POLICY_SLIDING;
    assert_null(tacit_session_open(world_client(w), world_provider(w), &options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "sliding_header"));
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_renews_the_token),
        cmocka_unit_test(a_young_token_is_kept),
        cmocka_unit_test(a_token_that_ends_earlier_is_not_taken),
        cmocka_unit_test(an_unknown_lifetime_is_renewed_once_a_minute),
        cmocka_unit_test(only_a_token_in_a_2xx_is_taken),
        cmocka_unit_test(what_was_sent_is_no_renewal),
        cmocka_unit_test(a_foreign_origin_renews_nothing),
        cmocka_unit_test(a_redirect_within_the_origin_may_end_with_a_token),
        cmocka_unit_test(an_older_answer_does_not_replace_a_newer_token),
        cmocka_unit_test(an_older_answer_does_not_replace_a_newer_token_of_unknown_lifetime),
        cmocka_unit_test(many_answers_at_once_are_one_slide),
        cmocka_unit_test(late_401s_of_the_older_token_are_sent_again),
        cmocka_unit_test(a_token_of_an_earlier_sign_in_is_not_taken),
        cmocka_unit_test(signed_out_nothing_is_taken),
        cmocka_unit_test(the_tokens_end_is_told_once),
        cmocka_unit_test(a_401_for_the_current_token_is_told_once),
        cmocka_unit_test(slides_put_the_refresh_off),
        cmocka_unit_test(a_refresh_comes_after_the_slides_before_it),
        cmocka_unit_test(a_flight_under_way_takes_no_slide),
        cmocka_unit_test(the_policy_lets_the_api_renew_and_sends_the_refresh_token_on_demand),
        cmocka_unit_test(the_policy_tells_the_end_without_a_request),
        cmocka_unit_test(the_policy_wants_a_header_to_slide_by),
    };
    int failed = cmocka_run_group_tests_name("on the caller's thread", tests, NULL, NULL);

    through_engine = true;
    return failed + cmocka_run_group_tests_name("on the engine", tests, NULL, NULL);
}
