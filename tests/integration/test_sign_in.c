/* How sign-ins begin, are refused, are given up, and what imported tokens can do (R16). */
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* A sign-in on a thread of its own. */
typedef struct sign_in {
    pthread_t thread;
    world *world;
    int timeout_ms;
    tacit_status status;
    tacit_error error;
} sign_in;

static void *sign_in_main(void *data) {
    sign_in *s = data;
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;

    options.timeout_ms = s->timeout_ms;
    s->status = tacit_sign_in_with_password(world_session(s->world), "alice", "wonderland",
                                            &options, &s->error);
    return NULL;
}

/* Returns when the server holds its grant. */
static void begin_held_sign_in(sign_in *s, world *w) {
    ts_server *server = world_server(w);

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    s->world = w;
    assert_int_equal(pthread_create(&s->thread, NULL, sign_in_main, s), 0);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
}

static void end_sign_in(sign_in *s, tacit_status expected) {
    pthread_join(s->thread, NULL);
    assert_int_equal(s->status, expected);
    assert_int_equal(s->error.status, expected);
}

/* R16 */
static void a_second_sign_in_at_once_is_busy(void **state) {
    world *w = world_new(NULL);
    sign_in first = {.world = w};
    tacit_error error;

    (void)state;
    begin_held_sign_in(&first, w);
    assert_int_equal(
        tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, &error),
        TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_in_with_refresh_token(world_session(w), "r", NULL, &error),
                     TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "a", 60, "r", &error),
                     TACIT_ERR_BUSY);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    end_sign_in(&first, TACIT_OK);

    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    world_sign_in(w); /* not busy any more */
    world_free(w);
}

/* R16 */
static void a_cancelled_sign_in_leaves_nothing_behind(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    sign_in s = {.world = w};
    char *issued;

    (void)state;
    begin_held_sign_in(&s, w);
    tacit_sign_in_cancel(world_session(w));
    end_sign_in(&s, TACIT_ERR_CANCELLED); /* the grant is still out */
    issued = server_newest_refresh_token(server);
    assert_true(server_refresh_token_is_live(server, issued));
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, PATIENCE_MS));

    assert_false(server_refresh_token_is_live(server, issued));
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGNED_IN), 0);
    free(issued);
    world_free(w);
}

static void cancelling_nothing_changes_nothing(void **state) {
    world *w = signed_in(NULL);

    (void)state;
    tacit_sign_in_cancel(world_session(w));
    tacit_sign_in_cancel(NULL);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_sign_in(w); /* and is not remembered */
    world_free(w);
}

/* R4: a grant that was sent goes on. */
static void a_sign_in_that_timed_out_may_still_sign_in(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.timeout_ms = 50};

    (void)state;
    begin_held_sign_in(&s, w);
    end_sign_in(&s, TACIT_ERR_TIMEOUT);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    world_wait_event(w, TACIT_EVENT_SIGNED_IN, 1);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* R16: on failure the earlier sign-in stays. */
static void a_sign_in_that_fails_leaves_the_earlier_one(void **state) {
    world *w = signed_in(NULL);
    tacit_session *session = world_session(w);
    tacit_error error;

    (void)state;
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "wrong", NULL, &error),
                     TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, "invalid_grant");
    assert_int_equal(tacit_sign_in_with_refresh_token(session, "unknown", NULL, &error),
                     TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, "invalid_grant");
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 1, 503);
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error),
                     TACIT_ERR_SERVER);
    server_captive_portal(world_server(w), TS_TOKEN_ENDPOINT, 1);
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error),
                     TACIT_ERR_PROTOCOL);

    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, &error), TACIT_OK);
    assert_int_equal(server_counters(world_server(w)).revocations, 0);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    world_free(w);
}

/* ------------------------------------------------------------------ tokens that the app has */

static tacit_status import(world *w, const char *access, int expires_in_s, const char *refresh) {
    return tacit_sign_in_with_tokens(world_session(w), access, expires_in_s, refresh, NULL);
}

static int64_t expires_in_s(world *w) {
    return stats_of(w).expires_in_s;
}

/* R16 */
static void imported_tokens_are_used_and_renewed(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    char *access, *refresh = server_sign_in(server, "bob", NULL, &access);

    (void)state;
    assert_int_equal(import(w, access, 600, refresh), TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(seen_access_token_count(server, access), 1);
    assert_int_equal(server_counters(server).token_requests, 0);
    assert_in_range(expires_in_s(w), 590, 600);

    server_revoke_access_tokens(server);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(seen_refresh_token_count(server, refresh), 1);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200); /* it was saved */
    free(access);
    free(refresh);
    world_free(w);
}

/* R16 */
static void an_imported_refresh_token_is_proved_by_a_refresh(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    char *refresh = server_sign_in(server, "bob", NULL, NULL), *newest;
    tacit_error error;

    (void)state;
    assert_int_equal(tacit_sign_in_with_refresh_token(world_session(w), refresh, NULL, &error),
                     TACIT_OK);
    assert_int_equal(server_counters(server).refresh_grants, 1);
    newest = server_newest_refresh_token(server);
    assert_true(server_refresh_token_is_live(server, newest)); /* the import did not revoke it */
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(server).revocation_requests, 0);
    free(newest);
    free(refresh);
    world_free(w);
}

static void expect_lifetime(const ts_options *options, int given_s, int64_t least, int64_t most) {
    world *w = world_new(&(world_options){.server = options, .clock = true});
    char *access, *refresh = server_sign_in(world_server(w), "bob", NULL, &access);

    assert_int_equal(import(w, access, given_s, refresh), TACIT_OK);
    if (expires_in_s(w) < least || expires_in_s(w) > most)
        fail_msg("%d: %lld", given_s, (long long)expires_in_s(w));
    free(access);
    free(refresh);
    world_free(w);
}

/* R16 */
static void an_imported_token_lives_as_told_or_as_its_claims_say(void **state) {
    ts_options jwt = TS_OPTIONS_INIT;

    (void)state;
    jwt.jwt = true;
    expect_lifetime(NULL, 600, 600, 600);
    expect_lifetime(NULL, -1, -1, -1);
    expect_lifetime(NULL, 0, -1, -1);
    expect_lifetime(&jwt, 600, 600, 600);
    expect_lifetime(&jwt, -1, 3595, 3600);
    expect_lifetime(&jwt, 0, 3595, 3600);
}

/* R16: without a refresh token the sign-in ends with the token. */
static void without_a_refresh_token_the_sign_in_ends_with_the_token(void **state) {
    world *w = world_new(&(world_options){.clock = true});
    char *access, *refresh = server_sign_in(world_server(w), "bob", NULL, &access);
    tacit_error error;
    tacit_token *token;

    (void)state;
    assert_int_equal(import(w, access, 600, NULL), TACIT_OK);
    world_clock_move(w, 599000);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_clock_move(w, 1000);
    assert_int_equal(tacit_session_token(world_session(w), 0, PATIENCE_MS, &token, &error),
                     TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(error.sign_in_required);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    free(access);
    free(refresh);
    world_free(w);
}

/* R16: also where the app asks for nothing: the timer tells it. */
static void the_end_of_a_token_that_nothing_renews_is_told(void **state) {
    world *w = world_new(&(world_options){.clock = true});
    char *access, *refresh = server_sign_in(world_server(w), "bob", NULL, &access);

    (void)state;
    assert_int_equal(import(w, access, 600, NULL), TACIT_OK);
    world_clock_move(w, 600000);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);

    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    free(access);
    free(refresh);
    world_free(w);
}

static void a_refused_token_that_nothing_renews_ends_the_sign_in(void **state) {
    world *w = world_new(NULL);
    char *access, *refresh = server_sign_in(world_server(w), "bob", NULL, &access);

    (void)state;
    assert_int_equal(import(w, access, 600, NULL), TACIT_OK);
    server_revoke_access_tokens(world_server(w));

    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    free(access);
    free(refresh);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_sign_in_at_once_is_busy),
        cmocka_unit_test(a_cancelled_sign_in_leaves_nothing_behind),
        cmocka_unit_test(cancelling_nothing_changes_nothing),
        cmocka_unit_test(a_sign_in_that_timed_out_may_still_sign_in),
        cmocka_unit_test(a_sign_in_that_fails_leaves_the_earlier_one),
        cmocka_unit_test(imported_tokens_are_used_and_renewed),
        cmocka_unit_test(an_imported_refresh_token_is_proved_by_a_refresh),
        cmocka_unit_test(an_imported_token_lives_as_told_or_as_its_claims_say),
        cmocka_unit_test(without_a_refresh_token_the_sign_in_ends_with_the_token),
        cmocka_unit_test(the_end_of_a_token_that_nothing_renews_is_told),
        cmocka_unit_test(a_refused_token_that_nothing_renews_ends_the_sign_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
