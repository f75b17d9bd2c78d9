/* Sign-out against whatever is under way: it wins, ends at once what it can, and is carried to its end. */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

typedef struct sign_in {
    pthread_t thread;
    world *world;
    tacit_status status;
    tacit_error error;
} sign_in;

static void *by_password(void *data) {
    sign_in *s = data;

    s->status = tacit_sign_in_with_password(world_session(s->world), "alice", "wonderland", NULL,
                                            &s->error);
    return NULL;
}

static void start_sign_in(sign_in *s, world *w) {
    s->world = w;
    assert_int_equal(pthread_create(&s->thread, NULL, by_password, s), 0);
}

static tacit_status sign_out(world *w, int timeout_ms) {
    return tacit_sign_out(world_session(w), timeout_ms, NULL);
}

static bool has_no_record(void *store) {
    char *record = fake_store_record(store);

    free(record);
    return record == NULL;
}

static bool has_no_live_refresh_token(void *server) {
    return server_counters(server).live_refresh_tokens == 0;
}

/* ------------------------------------------------------------------ against a sign-in */

/* The sign-in has its answer, and looks into the store whose first load failed. */
static void sign_out_overtakes_a_sign_in_that_reads_the_store(void **state) {
    fake_store *store = fake_store_new();
    sign_in in;
    world *w;

    (void)state;
    fake_store_fail(store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    fake_store_fail(store, FAKE_LOAD, TACIT_OK);
    fake_store_gate_close(store, FAKE_LOAD);
    start_sign_in(&in, w);
    assert_true(fake_store_gate_waiter(store, FAKE_LOAD));
    sign_out(w, TACIT_NO_WAIT);
    fake_store_gate_open(store, FAKE_LOAD);
    pthread_join(in.thread, NULL);

    assert_int_equal(in.status, TACIT_ERR_SIGNED_OUT);
    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGNED_IN), 0);
    assert_true(has_no_record(store));
    world_wait(has_no_live_refresh_token, world_server(w), "what was granted is revoked");
    world_free(w);
    fake_store_free(store);
}

/* From the save on it is too late: the answer is not CANCELLED while the session is signed in. */
static void cancelling_during_the_save_comes_too_late(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    sign_in in;

    (void)state;
    fake_store_gate_close(store, FAKE_SAVE);
    start_sign_in(&in, w);
    assert_true(fake_store_gate_waiter(store, FAKE_SAVE));
    tacit_sign_in_cancel(world_session(w));
    fake_store_gate_open(store, FAKE_SAVE);
    pthread_join(in.thread, NULL);

    assert_int_equal(in.status, TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
    fake_store_free(store);
}

/* A password grant that was cancelled is dropped even where the store is still to be read. */
static void cancelling_while_the_store_is_read_drops_the_sign_in(void **state) {
    fake_store *store = fake_store_new();
    sign_in in;
    world *w;

    (void)state;
    fake_store_fail(store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    fake_store_fail(store, FAKE_LOAD, TACIT_OK);
    fake_store_gate_close(store, FAKE_LOAD);
    start_sign_in(&in, w);
    assert_true(fake_store_gate_waiter(store, FAKE_LOAD));
    tacit_sign_in_cancel(world_session(w));
    pthread_join(in.thread, NULL);
    fake_store_gate_open(store, FAKE_LOAD);

    assert_int_equal(in.status, TACIT_ERR_CANCELLED);
    world_wait(has_no_live_refresh_token, world_server(w), "what was granted is revoked");
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(fake_store_calls(store, FAKE_SAVE), 0);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ against a flight */

/* The clock stands still: the re-reads of a refused refresh token would never come. */
static void sign_out_does_not_wait_for_the_rereads_of_a_refusal(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    size_t loads;

    (void)state;
    world_sign_in(w);
    loads = fake_store_calls(store, FAKE_LOAD);
    server_revoke_family(world_server(w));
    tacit_session_refresh(world_session(w), TACIT_NO_WAIT, NULL);
    assert_true(fake_store_wait_calls(store, FAKE_LOAD, loads + 2));
    look_a_while();
    sign_out(w, TACIT_NO_WAIT);

    world_wait(has_no_record, store, "the record is erased");
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ what is revoked */

/* The record's list and the session have the same access token. */
static void after_a_restart_each_token_is_revoked_once(void **state) {
    tacit_store *store = tacit_store_memory();
    world *w = world_new(&(world_options){.store = store});

    (void)state;
    world_sign_in(w);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);

    assert_int_equal(server_counters(world_server(w)).revocation_requests, 2);
    world_free(w);
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ without a session */

/* The only worker is busy for another account, and the session is gone before the job's turn comes. */
static void sign_out_goes_on_after_the_session_is_closed(void **state) {
    fake_store *store = fake_store_new();
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session *other;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_store *memory = tacit_store_memory();
    world *w;

    (void)state;
    client.refresh_threads_max = 1;
    w = world_new(&(world_options){.store = fake_store_handle(store), .client = client});
    world_sign_in(w);
    options.client_id = "test-client";
    options.store = memory;
    other = tacit_session_open(world_client(w), world_provider(w), &options, NULL);
    assert_int_equal(tacit_sign_in_with_password(other, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    tacit_session_refresh(other, TACIT_NO_WAIT, NULL);
    assert_true(server_gate_waiters(world_server(w), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_int_equal(sign_out(w, TACIT_NO_WAIT), TACIT_ERR_TIMEOUT);
    world_close(w, TACIT_NO_WAIT);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);

    world_wait(has_no_record, store, "the record is erased");
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
    tacit_store_unref(memory);
    fake_store_free(store);
}

/* As above, but nobody ever takes the job: nothing of it is left behind either. */
static void shutdown_drops_a_job_whose_turn_never_came(void **state) {
    fake_store *store = fake_store_new();
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session *other;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_store *memory = tacit_store_memory();
    world *w;

    (void)state;
    client.refresh_threads_max = 1;
    w = world_new(&(world_options){.store = fake_store_handle(store), .client = client});
    world_sign_in(w);
    options.client_id = "test-client";
    options.store = memory;
    other = tacit_session_open(world_client(w), world_provider(w), &options, NULL);
    assert_int_equal(tacit_sign_in_with_password(other, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    tacit_session_refresh(other, TACIT_NO_WAIT, NULL);
    assert_true(server_gate_waiters(world_server(w), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    sign_out(w, TACIT_NO_WAIT);
    world_close(w, TACIT_NO_WAIT);

    assert_int_equal(tacit_client_shutdown(world_client(w), 50, NULL), TACIT_ERR_TIMEOUT);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
    tacit_store_unref(memory);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ what is revoked */

/* The token and the hint of the index-th revocation; the token must stand in it. */
static void assert_revoked(world *w, size_t index, const char *token, const char *hint) {
    ts_record record;

    assert_true(server_record(world_server(w), TS_REVOCATION, index, &record));
    assert_non_null(strstr(record.body, token));
    assert_non_null(strstr(record.body, hint));
    server_record_free(&record);
}

/* RFC 7009 section 2.1 */
static void sign_out_revokes_the_refresh_token_then_the_access_tokens(void **state) {
    world *w = world_new(NULL);
    tacit_session *other = world_open(w, NULL, "mail");
    ts_server *server = world_server(w);
    tacit_token *one, *two;
    char *refresh;

    (void)state;
    world_sign_in(w);
    one = world_token(w);
    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &two, NULL), TACIT_OK);
    refresh = server_newest_refresh_token(server);
    assert_true(server_access_token_is_live(server, tacit_token_value(one)));
    assert_true(server_access_token_is_live(server, tacit_token_value(two)));
    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);

    assert_int_equal(server_record_count(server, TS_REVOCATION), 3);
    assert_revoked(w, 0, refresh, "token_type_hint=refresh_token");
    assert_revoked(w, 1, "token=", "token_type_hint=access_token");
    assert_revoked(w, 2, "token=", "token_type_hint=access_token");
    assert_false(server_refresh_token_is_live(server, refresh));
    assert_false(server_access_token_is_live(server, tacit_token_value(one)));
    assert_false(server_access_token_is_live(server, tacit_token_value(two)));
    free(refresh);
    tacit_token_unref(one);
    tacit_token_unref(two);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

static void an_access_token_that_is_over_is_not_revoked(void **state) {
    world *w = world_new(&(world_options){.clock = true,
                                          .session = {.struct_size = sizeof(tacit_session_options),
                                                      .policy = TACIT_POLICY_REACTIVE}});

    (void)state;
    world_sign_in(w);
    world_clock_move(w, 2 * 3600 * 1000);
    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);

    assert_int_equal(server_counters(world_server(w)).revocation_requests, 1);
    world_free(w);
}

/* RFC 7009 section 2.2.1: access tokens need not be revocable. */
static void a_server_that_revokes_no_access_tokens_is_no_failure(void **state) {
    world *w = world_new(NULL);
    ts_fault pass = {.kind = TS_FAULT_NONE, .requests = 1};
    ts_fault refuse = {.kind = TS_FAULT_ANSWER,
                       .requests = 1,
                       .status = 400,
                       .headers = "Content-Type: application/json",
                       .body = "{\"error\": \"unsupported_token_type\"}"};

    (void)state;
    world_sign_in(w);
    server_fault_add(world_server(w), TS_REVOCATION, &pass);
    server_fault_add(world_server(w), TS_REVOCATION, &refuse);

    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 2);
    world_free(w);
}

static void the_first_failure_is_told_and_the_rest_goes_on(void **state) {
    world *w = world_new(NULL);
    tacit_token *token;

    (void)state;
    world_sign_in(w);
    token = world_token(w);
    server_fail(world_server(w), TS_REVOCATION, 1, 503);

    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_ERR_SERVER);
    assert_false(server_access_token_is_live(world_server(w), tacit_token_value(token)));
    tacit_token_unref(token);
    world_free(w);
}

static void *sign_out_main(void *data) {
    sign_in *s = data;

    s->status = sign_out(s->world, PATIENCE_MS);
    return NULL;
}

/* Not for each token. */
static void revocation_takes_five_seconds_at_most(void **state) {
    world *w = world_new(&(world_options){.clock = true});
    sign_in out = {.world = w};

    (void)state;
    world_sign_in(w);
    server_gate_close(world_server(w), TS_REVOCATION, TS_BEFORE_PROCESSING);
    assert_int_equal(pthread_create(&out.thread, NULL, sign_out_main, &out), 0);
    assert_true(server_gate_waiters(world_server(w), TS_REVOCATION, 1, PATIENCE_MS));
    world_clock_move(w, 5000);
    pthread_join(out.thread, NULL);

    assert_int_equal(out.status, TACIT_ERR_TIMEOUT);
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 1);
    server_gate_open(world_server(w), TS_REVOCATION);
    world_free(w);
}

/* ------------------------------------------------------------------ against another sign-in */

static char *other_sign_in(const char *record) {
    return fake_record_with(record, "sign_in_id", "\"000102030405060708090a0b0c0d0e0f\"");
}

/* R16: this one has no refresh token of its own; the record in the store is another's. */
static void sign_out_leaves_another_sign_in_alone(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    char *record, *others;

    (void)state;
    world_sign_in(w);
    record = fake_store_record(store);
    others = other_sign_in(record);
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "access", 3600, NULL, NULL),
                     TACIT_OK);
    world_wait(has_no_live_refresh_token, world_server(w), "the first sign-in is revoked");
    server_counters_reset(world_server(w));
    fake_store_put(store, others);
    assert_int_equal(sign_out(w, PATIENCE_MS), TACIT_OK);

    assert_int_equal(server_counters(world_server(w)).revocations, 0);
    assert_false(has_no_record(store));
    free(others);
    free(record);
    world_free(w);
    fake_store_free(store);
}

/* Another process signed in with the very same refresh token: it is in use. */
static void adopting_a_sign_in_does_not_revoke_its_own_refresh_token(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    char *record, *others;

    (void)state;
    world_sign_in(w);
    record = fake_store_record(store);
    others = other_sign_in(record);
    fake_store_put(store, others);
    world_lose_journals(w); /* which would say that it is ours that counts */
    tacit_session_refresh(world_session(w), PATIENCE_MS, NULL);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(stats_of(w).adoptions, 1);
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 0);
    free(others);
    free(record);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_restart_each_token_is_revoked_once),
        cmocka_unit_test(sign_out_overtakes_a_sign_in_that_reads_the_store),
        cmocka_unit_test(cancelling_during_the_save_comes_too_late),
        cmocka_unit_test(cancelling_while_the_store_is_read_drops_the_sign_in),
        cmocka_unit_test(sign_out_does_not_wait_for_the_rereads_of_a_refusal),
        cmocka_unit_test(sign_out_goes_on_after_the_session_is_closed),
        cmocka_unit_test(shutdown_drops_a_job_whose_turn_never_came),
        cmocka_unit_test(sign_out_revokes_the_refresh_token_then_the_access_tokens),
        cmocka_unit_test(an_access_token_that_is_over_is_not_revoked),
        cmocka_unit_test(a_server_that_revokes_no_access_tokens_is_no_failure),
        cmocka_unit_test(the_first_failure_is_told_and_the_rest_goes_on),
        cmocka_unit_test(revocation_takes_five_seconds_at_most),
        cmocka_unit_test(sign_out_leaves_another_sign_in_alone),
        cmocka_unit_test(adopting_a_sign_in_does_not_revoke_its_own_refresh_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
