/* One flight for everyone (R1), late 401s (R3), and flights that outlive their callers (R4). */
#include "support/crowd.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CROWD = 64, PATIENCE_MS = WORLD_PATIENCE_MS };

static world *signed_in_world(const world_options *options) {
    world *w = world_new(options);

    world_sign_in(w);
    server_counters_reset(world_server(w));
    return w;
}

static void wait_held(world *w, ts_part part, int requests) {
    assert_true(server_gate_waiters(world_server(w), part, requests, PATIENCE_MS));
}

/* ------------------------------------------------------------------ R1 */

/* R1 */
static void crowd_that_meets_401_together_causes_one_refresh(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    ts_counters seen;
    crowd *c;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_GET, CROWD, PATIENCE_MS);
    wait_held(w, TS_API, CROWD);
    server_gate_open(server, TS_API);
    crowd_join(c);

    seen = server_counters(server);
    assert_int_equal(crowd_count(c, 200), CROWD);
    assert_int_equal(seen.api_401, CROWD);
    assert_int_equal(seen.token_requests, 1);
    assert_int_equal(stats_of(w).replays, CROWD);
    crowd_free(c);
    world_free(w);
}

/* R1: who comes while the grant is out joins it. */
static void everyone_who_comes_during_a_grant_joins_it(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *renewing, *getting;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    renewing = crowd_start(w, world_session(w), CROWD_RENEW, 1, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    getting = crowd_start(w, world_session(w), CROWD_GET, 16, PATIENCE_MS);
    wait_waiters(w, 17);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(renewing);
    crowd_join(getting);

    assert_int_equal(crowd_count(renewing, TACIT_OK), 1);
    assert_int_equal(crowd_count(getting, 200), 16);
    assert_int_equal(server_counters(server).token_requests, 1);
    crowd_free(getting);
    crowd_free(renewing);
    world_free(w);
}

/* R1: a refresh that the app asks for begins after its call, so it follows the one that is out; all who ask meanwhile share it. */
static void refreshes_asked_for_during_a_grant_share_the_next_one(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *renewing, *refreshing;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    renewing = crowd_start(w, world_session(w), CROWD_RENEW, 1, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    refreshing = crowd_start(w, world_session(w), CROWD_REFRESH, 8, PATIENCE_MS);
    wait_waiters(w, 9);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(renewing);
    crowd_join(refreshing);

    assert_int_equal(crowd_count(renewing, TACIT_OK), 1);
    assert_int_equal(crowd_count(refreshing, TACIT_OK), 8);
    assert_int_equal(server_counters(server).token_requests, 2);
    assert_int_equal(server_counters(server).peak_concurrent_grants, 1);
    crowd_free(refreshing);
    crowd_free(renewing);
    world_free(w);
}

/* R1: two scopes are two tokens of one refresh token. */
static void sessions_of_two_scopes_never_refresh_at_once(void **state) {
    world *w = signed_in_world(NULL);
    tacit_session *other = world_open(w, NULL, "files.read");
    ts_server *server = world_server(w);
    ts_counters seen;
    crowd *first, *second;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    first = crowd_start(w, world_session(w), CROWD_REFRESH, 8, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    second = crowd_start(w, other, CROWD_TOKEN, 8, PATIENCE_MS);
    wait_waiters(w, 16);
    look_a_while();
    assert_int_equal(server_counters(server).concurrent_grants, 1);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(first);
    crowd_join(second);

    seen = server_counters(server);
    assert_int_equal(crowd_count(first, TACIT_OK), 8);
    assert_int_equal(crowd_count(second, TACIT_OK), 8);
    assert_int_equal(seen.peak_concurrent_grants, 1);
    assert_int_equal(seen.refreshes_refused, 0);
    assert_false(seen_any_refresh_token_twice(server));
    crowd_free(second);
    crowd_free(first);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

/* R1: the same store and account in one client are one identity, however often it is opened. */
static void sessions_of_one_scope_share_the_flight(void **state) {
    world *w = signed_in_world(NULL);
    tacit_session *other = world_open(w, NULL, NULL);
    ts_server *server = world_server(w);
    crowd *first, *second;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    first = crowd_start(w, world_session(w), CROWD_GET, 8, PATIENCE_MS);
    second = crowd_start(w, other, CROWD_GET, 8, PATIENCE_MS);
    wait_waiters(w, 16);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(first);
    crowd_join(second);

    assert_int_equal(crowd_count(first, 200) + crowd_count(second, 200), 16);
    assert_int_equal(server_counters(server).token_requests, 1);
    crowd_free(second);
    crowd_free(first);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

/* ------------------------------------------------------------------ R3 */

/* R3. Without the comparison of generations the second half would refresh once more: this is the test that must see it. */
static void late_401_does_not_refresh_again(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    ts_counters seen;
    crowd *c;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_GET, CROWD, PATIENCE_MS);
    wait_held(w, TS_API, CROWD);
    server_gate_release(server, TS_API, CROWD / 2); /* these refresh, and are held again */
    wait_held(w, TS_API, CROWD);
    assert_int_equal(server_counters(server).refreshes_ok, 1);
    server_gate_open(server, TS_API); /* and these read their 401 only now */
    crowd_join(c);

    seen = server_counters(server);
    assert_int_equal(crowd_count(c, 200), CROWD);
    assert_int_equal(seen.api_401, CROWD);
    assert_int_equal(seen.token_requests, 1);
    crowd_free(c);
    world_free(w);
}

/* R3, for apps with an HTTP stack of their own. */
static void renewing_an_older_token_answers_the_current_one_at_once(void **state) {
    world *w = signed_in_world(NULL);
    tacit_token *first = world_token(w), *second = NULL, *again = NULL;

    (void)state;
    assert_int_equal(tacit_session_renew(world_session(w), first, PATIENCE_MS, &second, NULL),
                     TACIT_OK);
    assert_int_equal(tacit_session_renew(world_session(w), first, TACIT_NO_WAIT, &again, NULL),
                     TACIT_OK);

    assert_ptr_equal(again, second);
    assert_int_equal(tacit_token_generation(second), tacit_token_generation(first) + 1);
    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    tacit_token_unref(again);
    tacit_token_unref(second);
    tacit_token_unref(first);
    world_free(w);
}

typedef struct climber {
    world *world;
    pthread_t thread;
    uint64_t reached;
} climber;

/* Refuses the first token, and then the very one that the flight for it has just published. Who wakes up late finds the third. */
static void *climb(void *data) {
    climber *c = data;
    tacit_token *token = world_token(c->world), *newer;

    while (tacit_token_generation(token) < 3) {
        if (tacit_session_renew(world_session(c->world), token, PATIENCE_MS, &newer, NULL) !=
            TACIT_OK)
            break;
        tacit_token_unref(token);
        token = newer;
    }
    c->reached = tacit_token_generation(token);
    tacit_token_unref(token);
    return NULL;
}

/* R1, R3: some refuse the new token while others have yet to wake up with it. */
static void refusing_what_a_flight_has_just_published_takes_exactly_one_more(void **state) {
    enum { CLIMBERS = 16 };
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    climber climbers[CLIMBERS];

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < CLIMBERS; i++) {
        climbers[i].world = w;
        assert_int_equal(pthread_create(&climbers[i].thread, NULL, climb, &climbers[i]), 0);
    }
    wait_waiters(w, CLIMBERS);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    for (int i = 0; i < CLIMBERS; i++) pthread_join(climbers[i].thread, NULL);

    for (int i = 0; i < CLIMBERS; i++) assert_int_equal(climbers[i].reached, 3);
    assert_int_equal(server_counters(server).token_requests, 2);
    assert_int_equal(server_counters(server).peak_concurrent_grants, 1);
    world_free(w);
}

/* R3: a token that is dead when it is published is refused once more, and that answer is the caller's. */
static void refusal_of_the_new_token_is_the_answer(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_GET, 8, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    wait_waiters(w, 8);
    server_revoke_access_tokens(server); /* the one in the held answer too */
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(c);

    assert_int_equal(crowd_count(c, 401), 8);
    assert_int_equal(server_counters(server).api_requests, 16);
    assert_int_equal(server_counters(server).token_requests, 1);
    crowd_free(c);
    world_free(w);
}

/* ------------------------------------------------------------------ R4 */

/* The rotated refresh token is in the store, it is the server's newest, and it is what is sent next. */
static void assert_rotation_is_kept(world *w, fake_store *store) {
    ts_server *server = world_server(w);
    char *newest = server_newest_refresh_token(server), *record = fake_store_record(store);
    char *kept = fake_record_refresh_token(record);

    assert_string_equal(kept, newest);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(seen_refresh_token_count(server, newest), 1);
    assert_int_equal(server_counters(server).refreshes_refused, 0);
    assert_false(seen_any_refresh_token_twice(server));
    free(kept);
    free(record);
    free(newest);
}

/* R4 */
static void timeout_of_the_only_caller_does_not_end_the_flight(void **state) {
    fake_store *store = fake_store_new();
    world *w = signed_in_world(&(world_options){.store = fake_store_handle(store)});
    ts_server *server = world_server(w);
    tacit_error error;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(tacit_session_refresh(world_session(w), 50, &error), TACIT_ERR_TIMEOUT);
    assert_true(error.retryable);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_rotation_is_kept(w, store);
    world_free(w);
    fake_store_free(store);
}

/* R4: the others have longer deadlines, and are served. */
static void timeout_of_one_caller_leaves_the_flight_to_the_others(void **state) {
    world *w = signed_in_world(NULL);
    ts_server *server = world_server(w);
    crowd *patient, *hasty;

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    patient = crowd_start(w, world_session(w), CROWD_RENEW, 4, PATIENCE_MS);
    wait_waiters(w, 4);
    hasty = crowd_start(w, world_session(w), CROWD_GET, 4, 200);
    crowd_join(hasty);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(patient);

    assert_int_equal(crowd_count(hasty, -TACIT_ERR_TIMEOUT), 4);
    assert_int_equal(crowd_count(patient, TACIT_OK), 4);
    assert_int_equal(server_counters(server).token_requests, 1);
    crowd_free(hasty);
    crowd_free(patient);
    world_free(w);
}

/* R4: cancelling a sign-in is about a sign-in. */
static void cancelling_sign_ins_does_not_end_the_flight(void **state) {
    fake_store *store = fake_store_new();
    world *w = signed_in_world(&(world_options){.store = fake_store_handle(store)});
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_REFRESH, 2, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    wait_waiters(w, 2);
    tacit_sign_in_cancel(world_session(w));
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    crowd_join(c);

    assert_int_equal(crowd_count(c, TACIT_OK), 2);
    assert_rotation_is_kept(w, store);
    crowd_free(c);
    world_free(w);
    fake_store_free(store);
}

typedef struct importer {
    world *world;
    pthread_t thread;
    const char *refresh_token;
    tacit_status status;
} importer;

static void *import(void *data) {
    importer *i = data;

    i->status =
        tacit_sign_in_with_refresh_token(world_session(i->world), i->refresh_token, NULL, NULL);
    return NULL;
}

/* R4: the server may have replaced it, so it still signs in. */
static void cancelling_an_import_that_was_sent_keeps_the_rotated_token(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store)});
    ts_server *server = world_server(w);
    char *imported = server_sign_in(server, "alice", "", NULL);
    importer i = {.world = w, .refresh_token = imported};

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&i.thread, NULL, import, &i), 0);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    tacit_sign_in_cancel(world_session(w));
    pthread_join(i.thread, NULL);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    world_wait_event(w, TACIT_EVENT_SIGNED_IN, 1);

    assert_int_equal(i.status, TACIT_ERR_CANCELLED);
    assert_rotation_is_kept(w, store);
    world_free(w);
    fake_store_free(store);
    free(imported);
}

static bool saved_twice(void *store) {
    return fake_store_saved_count(store) == 2;
}

/* R4: the last session goes while the grant is out; the next start finds what the answer brought. */
static void closing_the_last_session_does_not_end_the_flight(void **state) {
    fake_store *store = fake_store_new();
    world *w = signed_in_world(&(world_options){.store = fake_store_handle(store)});
    ts_server *server = world_server(w);
    crowd *c;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    c = crowd_start(w, world_session(w), CROWD_RENEW, 2, PATIENCE_MS);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    wait_waiters(w, 2);
    assert_int_equal(world_close(w, TACIT_NO_WAIT), TACIT_ERR_TIMEOUT);
    crowd_join(c);
    assert_int_equal(crowd_count(c, -TACIT_ERR_CLOSED), 2);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    world_wait(saved_twice, store, "the answer is saved");

    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_rotation_is_kept(w, store);
    crowd_free(c);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowd_that_meets_401_together_causes_one_refresh),
        cmocka_unit_test(everyone_who_comes_during_a_grant_joins_it),
        cmocka_unit_test(refreshes_asked_for_during_a_grant_share_the_next_one),
        cmocka_unit_test(sessions_of_two_scopes_never_refresh_at_once),
        cmocka_unit_test(sessions_of_one_scope_share_the_flight),
        cmocka_unit_test(late_401_does_not_refresh_again),
        cmocka_unit_test(renewing_an_older_token_answers_the_current_one_at_once),
        cmocka_unit_test(refusing_what_a_flight_has_just_published_takes_exactly_one_more),
        cmocka_unit_test(refusal_of_the_new_token_is_the_answer),
        cmocka_unit_test(timeout_of_the_only_caller_does_not_end_the_flight),
        cmocka_unit_test(timeout_of_one_caller_leaves_the_flight_to_the_others),
        cmocka_unit_test(cancelling_sign_ins_does_not_end_the_flight),
        cmocka_unit_test(cancelling_an_import_that_was_sent_keeps_the_rotated_token),
        cmocka_unit_test(closing_the_last_session_does_not_end_the_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
