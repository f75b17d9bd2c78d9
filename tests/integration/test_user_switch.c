/* Sign-in over an earlier one, sign-out, and whose request goes out as whom (R16). */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, REQUESTS = 8 };

/* A server that takes any user. */
static world *world_of_alice(tacit_store *store, bool clock) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    server.username = server.password = NULL;
    w = world_new(&(world_options){.server = &server, .store = store, .clock = clock});
    world_sign_in(w);
    server_counters_reset(world_server(w));
    return w;
}

static void sign_in_as(world *w, const char *user) {
    assert_int_equal(tacit_sign_in_with_password(world_session(w), user, "x", NULL, NULL),
                     TACIT_OK);
}

/* Who the server thinks asks; "" where there is no answer of 200. */
static void whoami(world *w, const char *path, char user[32]) {
    tacit_response *response;

    user[0] = '\0';
    if (tacit_get(world_session(w), server_url(world_server(w), path), &response, NULL) ==
            TACIT_OK &&
        tacit_response_status(response) == 200)
        sscanf(tacit_response_body(response), "%*[^:]: %*[\"]%31[^\"]", user);
    tacit_response_free(response);
}

/* ------------------------------------------------------------------ requests of A */

typedef struct asker {
    pthread_t thread;
    world *world;
    int result;
} asker;

static void *ask_main(void *data) {
    asker *a = data;

    a->result = world_get(a->world, "/api/of-alice");
    return NULL;
}

static void start_askers(asker askers[REQUESTS], world *w) {
    for (int i = 0; i < REQUESTS; i++) {
        askers[i].world = w;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_main, &askers[i]), 0);
    }
    wait_waiters(w, REQUESTS);
}

static void join_askers(asker askers[REQUESTS]) {
    for (int i = 0; i < REQUESTS; i++) pthread_join(askers[i].thread, NULL);
}

/* None of alice's requests carried this token. */
static void assert_never_sent_as(ts_server *server, const char *token) {
    ts_record record;

    for (size_t i = 0; server_record(server, TS_API, i, &record); i++) {
        if (strcmp(record.path, "/api/of-alice") == 0)
            assert_null(strstr(record.authorization, token));
        server_record_free(&record);
    }
}

/* R16: turned away by the sign-out, and not revived by the sign-in that follows. */
static void waiting_requests_end_when_someone_else_signs_in(void **state) {
    world *w = world_of_alice(NULL, false);
    ts_server *server = world_server(w);
    asker askers[REQUESTS];
    char *of_alices_flight;
    tacit_token *bobs;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    start_askers(askers, w);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    of_alices_flight = server_newest_refresh_token(server);
    assert_int_equal(tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);
    join_askers(askers); /* at once: the flight is still held */
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    sign_in_as(w, "bob");
    bobs = world_token(w);

    for (int i = 0; i < REQUESTS; i++) assert_int_equal(askers[i].result, -TACIT_ERR_SIGNED_OUT);
    assert_never_sent_as(server, tacit_token_value(bobs));
    assert_true(server_wait_counter(server, TS_COUNTER(revocation_requests), 2, PATIENCE_MS));
    assert_false(server_refresh_token_is_live(server, of_alices_flight));
    assert_int_equal(world_get(w, "/api/x"), 200);
    free(of_alices_flight);
    tacit_token_unref(bobs);
    world_free(w);
}

static void *sign_in_bob(void *data) {
    sign_in_as(data, "bob");
    return NULL;
}

/* R16: a sign-in comes after the flight; who waited goes on as alice, or not at all. */
static void a_sign_in_during_a_flight_never_sends_a_request_as_the_other(void **state) {
    world *w = world_of_alice(NULL, false);
    ts_server *server = world_server(w);
    asker askers[REQUESTS];
    pthread_t signing_in;
    char *of_alices_flight, user[32];
    tacit_token *bobs;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    start_askers(askers, w);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    of_alices_flight = server_newest_refresh_token(server);
    assert_int_equal(pthread_create(&signing_in, NULL, sign_in_bob, w), 0);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    pthread_join(signing_in, NULL);
    join_askers(askers);
    bobs = world_token(w);

    /* 401: sent again as alice, but her sign-in was revoked on the way */
    for (int i = 0; i < REQUESTS; i++)
        assert_true(askers[i].result == 200 || askers[i].result == 401 ||
                    askers[i].result == -TACIT_ERR_SIGNED_OUT);
    assert_never_sent_as(server, tacit_token_value(bobs));
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, PATIENCE_MS));
    assert_false(server_refresh_token_is_live(server, of_alices_flight));
    whoami(w, "/api/whoami", user);
    assert_string_equal(user, "bob");
    free(of_alices_flight);
    tacit_token_unref(bobs);
    world_free(w);
}

/* R16: a replay across sign-ins. */
static void a_401_that_comes_after_another_signed_in_is_not_replayed(void **state) {
    world *w = world_of_alice(NULL, false);
    ts_server *server = world_server(w);
    asker late = {.world = w};
    tacit_token *alices = world_token(w), *bobs, *newer;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&late.thread, NULL, ask_main, &late), 0);
    assert_true(server_gate_waiters(server, TS_API, 1, PATIENCE_MS));
    sign_in_as(w, "bob");
    server_gate_open(server, TS_API);
    pthread_join(late.thread, NULL);
    bobs = world_token(w);

    assert_int_equal(late.result, -TACIT_ERR_SIGNED_OUT);
    assert_never_sent_as(server, tacit_token_value(bobs));
    assert_int_equal(tacit_session_renew(world_session(w), alices, PATIENCE_MS, &newer, NULL),
                     TACIT_ERR_SIGNED_OUT);
    assert_null(newer);
    assert_int_equal(server_counters(server).refresh_grants, 0);
    tacit_token_unref(alices);
    tacit_token_unref(bobs);
    world_free(w);
}

/* R12, R16: handles that kept alice's token take bob's. */
static void requests_after_a_sign_in_go_out_as_the_new_user(void **state) {
    world *w = world_of_alice(NULL, false);
    char user[32];

    (void)state;
    whoami(w, "/api/whoami", user);
    assert_string_equal(user, "alice");
    sign_in_as(w, "bob");
    whoami(w, "/api/whoami", user);
    assert_string_equal(user, "bob");
    world_free(w);
}

/* ------------------------------------------------------------------ the earlier sign-in */

/* R16 */
static void a_sign_in_over_an_earlier_one_revokes_its_refresh_token(void **state) {
    world *w = world_of_alice(NULL, false);
    ts_server *server = world_server(w);
    char *alices = server_newest_refresh_token(server), *bobs;

    (void)state;
    sign_in_as(w, "bob");
    bobs = server_newest_refresh_token(server);
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, PATIENCE_MS));

    assert_false(server_refresh_token_is_live(server, alices));
    assert_true(server_refresh_token_is_live(server, bobs));
    world_wait_event(w, TACIT_EVENT_SIGNED_IN, 2);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    free(alices);
    free(bobs);
    world_free(w);
}

/* R16: the token that is signed in with again must live. */
static void importing_the_current_refresh_token_does_not_revoke_it(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;
    char *current;

    (void)state;
    server.rotate = false;
    w = signed_in(&(world_options){.server = &server});
    current = server_newest_refresh_token(world_server(w));
    assert_int_equal(tacit_sign_in_with_refresh_token(world_session(w), current, NULL, NULL),
                     TACIT_OK);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_true(server_refresh_token_is_live(world_server(w), current));
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 0);
    free(current);
    world_free(w);
}

/* ------------------------------------------------------------------ sign-out */

static bool record_is_gone(void *store) {
    char *record = fake_store_record(store);

    free(record);
    return record == NULL;
}

/* R16 */
static void an_erase_that_failed_is_tried_again(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_of_alice(fake_store_handle(store), true);
    tacit_error error;

    (void)state;
    fake_store_fail(store, FAKE_ERASE, TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error),
                     TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(server_counters(world_server(w)).revocations, 2); /* both tokens */
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    assert_false(record_is_gone(store));
    fake_store_fail(store, FAKE_ERASE, TACIT_OK);
    world_clock_move(w, 10000);
    world_wait(record_is_gone, store, "the record is erased");

    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    world_free(w);
    fake_store_free(store);
}

/* R16: the retried erase leaves the next user's record alone. */
static void an_erase_that_failed_does_not_take_the_next_sign_in(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_of_alice(fake_store_handle(store), true);

    (void)state;
    fake_store_fail(store, FAKE_ERASE, TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_UNAVAILABLE);
    sign_in_as(w, "bob");
    fake_store_fail(store, FAKE_ERASE, TACIT_OK);
    for (int i = 0; i < 20; i++) world_clock_move(w, 10000);
    world_restart(w);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
    fake_store_free(store);
}

/* R16 */
static void a_sign_out_offline_reports_it_but_is_one(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_of_alice(fake_store_handle(store), false);
    tacit_error error;

    (void)state;
    server_go_away(world_server(w));
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_ERR_NETWORK);

    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_true(record_is_gone(store));
    world_wait_event(w, TACIT_EVENT_SIGNED_OUT, 1);
    server_come_back(world_server(w));
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_OK);
    world_free(w);
    fake_store_free(store);
}

/* R16: a process that never read its record signs out what the store holds. */
static void a_sign_out_right_after_opening_revokes_what_the_store_holds(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_of_alice(fake_store_handle(store), false);
    char *alices = server_newest_refresh_token(world_server(w));

    (void)state;
    fake_store_gate_close(store, FAKE_LOAD);
    world_restart(w);
    assert_int_equal(tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);
    fake_store_gate_open(store, FAKE_LOAD);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(revocations), 1, PATIENCE_MS));

    assert_false(server_refresh_token_is_live(world_server(w), alices));
    world_wait(record_is_gone, store, "the record is erased");
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    free(alices);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_requests_end_when_someone_else_signs_in),
        cmocka_unit_test(a_sign_in_during_a_flight_never_sends_a_request_as_the_other),
        cmocka_unit_test(a_401_that_comes_after_another_signed_in_is_not_replayed),
        cmocka_unit_test(requests_after_a_sign_in_go_out_as_the_new_user),
        cmocka_unit_test(a_sign_in_over_an_earlier_one_revokes_its_refresh_token),
        cmocka_unit_test(importing_the_current_refresh_token_does_not_revoke_it),
        cmocka_unit_test(an_erase_that_failed_is_tried_again),
        cmocka_unit_test(an_erase_that_failed_does_not_take_the_next_sign_in),
        cmocka_unit_test(a_sign_out_offline_reports_it_but_is_one),
        cmocka_unit_test(a_sign_out_right_after_opening_revokes_what_the_store_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
