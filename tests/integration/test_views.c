/* Sessions of several scopes share one sign-in: what happens to one scope, and what it means for the others. */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

typedef struct caller {
    pthread_t thread;
    tacit_session *session;
    tacit_status status;
    tacit_error error;
} caller;

static void *refresh(void *data) {
    caller *c = data;

    c->status = tacit_session_refresh(c->session, PATIENCE_MS, &c->error);
    return NULL;
}

static void start(caller *c, tacit_session *session) {
    c->session = session;
    assert_int_equal(pthread_create(&c->thread, NULL, refresh, c), 0);
}

static uint64_t generation_of(tacit_session *session) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(session, &stats);
    return stats.generation;
}

/* R8: the server wants peace, whoever asks. */
static void failure_of_one_scope_is_the_answer_to_the_others(void **state) {
    static const char *const scopes[] = {"a", "b", "c"};
    caller callers[3];
    world *w = world_new(&(world_options){.clock = true});

    (void)state;
    world_sign_in(w);
    server_counters_reset(world_server(w));
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 0, 503);
    for (int i = 0; i < 3; i++) start(&callers[i], world_open(w, NULL, scopes[i]));
    wait_waiters(w, 3);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    for (int i = 0; i < 3; i++) pthread_join(callers[i].thread, NULL);

    look_a_while();
    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(callers[i].status, TACIT_ERR_SERVER);
        assert_true(callers[i].error.retry_after_s > 0);
        tacit_session_close(callers[i].session, TACIT_NO_WAIT);
    }
    world_free(w);
}

/* Imported without a refresh token: the sign-in ends with its token, not because another scope has none. */
static void scope_without_a_token_does_not_end_a_sign_in_that_lives(void **state) {
    world *w = world_new(&(world_options){.clock = true});
    tacit_session *other;
    tacit_token *token;

    (void)state;
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "access", 3600, NULL, NULL),
                     TACIT_OK);
    other = world_open(w, NULL, "other");
    world_clock_move(w, 60 * 1000);
    look_a_while();
    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &token, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);

    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    token = world_token(w);
    assert_string_equal(tacit_token_value(token), "access");
    tacit_token_unref(token);
    world_clock_move(w, 3600 * 1000);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    tacit_session_close(other, TACIT_NO_WAIT);
    world_free(w);
}

/* Without events, which would keep its view alive for a while after the close. */
static tacit_session *open_quietly(world *w) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    options.client_id = "test-client";
    options.scope = "other";
    options.store = world_store(w);
    session = tacit_session_open(world_client(w), world_provider(w), &options, NULL);
    assert_non_null(session);
    return session;
}

/* The record that was loaded holds an older token of the same scope. */
static void scope_that_is_opened_again_goes_on_with_its_newest_token(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    tacit_session *other = open_quietly(w);
    uint64_t newest;

    (void)state;
    world_sign_in(w);
    assert_int_equal(tacit_session_refresh(other, PATIENCE_MS, NULL), TACIT_OK);
    tacit_session_close(other, PATIENCE_MS);
    fake_store_gate_close(store, FAKE_LOAD);
    world_restart(w);
    other = open_quietly(w);
    fake_store_gate_open(store, FAKE_LOAD);
    assert_int_equal(tacit_session_refresh(other, PATIENCE_MS, NULL), TACIT_OK);
    newest = generation_of(other);
    tacit_session_close(other, PATIENCE_MS);

    other = open_quietly(w);
    assert_int_equal(generation_of(other), newest);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_of_one_scope_is_the_answer_to_the_others),
        cmocka_unit_test(scope_without_a_token_does_not_end_a_sign_in_that_lives),
        cmocka_unit_test(scope_that_is_opened_again_goes_on_with_its_newest_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
