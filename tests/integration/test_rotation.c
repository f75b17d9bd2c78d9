/* Refresh tokens that are replaced: each is sent once (R2), saved before its access token is used (R5), and never overwritten by an
 * older one (R7). */
#include "support/crowd.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, HOUR_MS = 3600 * 1000 };

/* With the injected clock, which may be moved as far as one likes while a grant is under way, and a store to look into; nothing is
 * counted yet. */
typedef struct scene {
    fake_store *store;
    world *world;
    ts_server *server;
    size_t saves; /* for saves_again() */
} scene;

static scene new_scene_with(int store_timeout_ms) {
    fake_store *store = fake_store_new();
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    world *w;

    client.store_timeout_ms = store_timeout_ms;
    client.refresh_timeout_ms = INT_MAX;
    w = world_new(
        &(world_options){.client = client, .store = fake_store_handle(store), .clock = true});
    world_sign_in(w);
    server_counters_reset(world_server(w));
    return (scene){.store = store, .world = w, .server = world_server(w)};
}

/* ... and while a store call is. */
static scene new_scene(void) {
    return new_scene_with(INT_MAX);
}

static void free_scene(scene *s) {
    world_free(s->world);
    fake_store_free(s->store);
}

static tacit_status refresh(const scene *s, tacit_error *error) {
    return tacit_session_refresh(world_session(s->world), PATIENCE_MS, error);
}

/* What the store holds is what the server gave last. */
static bool newest_is_saved(void *data) {
    const scene *s = data;
    char *newest = server_newest_refresh_token(s->server), *record = fake_store_record(s->store);
    char *kept = record == NULL ? NULL : fake_record_refresh_token(record);
    bool same = kept != NULL && strcmp(kept, newest) == 0;

    free(kept);
    free(record);
    free(newest);
    return same;
}

static void wait_newest_saved(scene *s) {
    world_wait(newest_is_saved, s, "the newest record is saved");
}

/* A save was tried after `saves` was set. */
static bool saves_again(void *data) {
    const scene *s = data;

    return fake_store_calls(s->store, FAKE_SAVE) > s->saves;
}

static bool is_recovered(void *data) {
    return world_event_count(((scene *)data)->world, TACIT_EVENT_STORE_RECOVERED) > 0;
}

typedef struct movement {
    scene *scene;
    bool (*so)(void *scene);
} movement;

static bool is_so_by_now(void *data) {
    const movement *m = data;

    if (m->so(m->scene)) return true;
    world_clock_move(m->scene->world, 10 * 1000);
    return false;
}

/* The next try is some seconds after the last has failed, whenever that is done: the clock goes on until it came. */
static void move_until(scene *s, bool (*so)(void *scene), const char *what) {
    movement m = {s, so};

    world_wait(is_so_by_now, &m, what);
}

static void assert_nothing_spent_was_sent(const scene *s) {
    assert_false(seen_any_refresh_token_twice(s->server));
    assert_int_equal(server_counters(s->server).reuse_detections, 0);
    assert_int_equal(server_counters(s->server).refreshes_refused, 0);
}

/* Every save of a sign-in that brought another refresh token has a generation above all before it. */
static void assert_generations_only_grow(const scene *s) {
    char *token = NULL;
    long generation = 0;
    char *record;

    for (size_t i = 0; (record = fake_store_saved(s->store, i)) != NULL; i++) {
        char *next = fake_record_refresh_token(record);
        bool same = token != NULL && strcmp(token, next) == 0;

        if (same)
            assert_int_equal(fake_record_generation(record), generation);
        else
            assert_true(fake_record_generation(record) > generation);
        generation = fake_record_generation(record);
        free(token);
        free(record);
        token = next;
    }
    free(token);
}

/* ------------------------------------------------------------------ R2 */

/* R2: across failures, restarts and further sessions. */
static void spent_refresh_token_never_appears_again(void **state) {
    scene s = new_scene();
    tacit_session *other;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(refresh(&s, NULL), TACIT_OK);
        world_clock_move(s.world, 60 * 1000);
    }
    server_revoke_access_tokens(s.server);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_clock_move(s.world, 60 * 1000);
    world_restart(s.world);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    other = world_open(s.world, NULL, "files.read");
    assert_int_equal(tacit_session_refresh(other, PATIENCE_MS, NULL), TACIT_OK);
    tacit_session_close(other, PATIENCE_MS);

    assert_int_equal(server_counters(s.server).refreshes_ok, 6);
    assert_nothing_spent_was_sent(&s);
    assert_generations_only_grow(&s);
    assert_true(newest_is_saved(&s));
    free_scene(&s);
}

/* R2: a server that answers without a refresh token means: keep the one you have (RFC 6749 section 6). */
static void answer_without_a_refresh_token_keeps_the_current_one(void **state) {
    scene s = new_scene();
    ts_options options = server_options(s.server);
    char *token = server_newest_refresh_token(s.server), *record, *kept;

    (void)state;
    options.rotate = false;
    server_configure(s.server, &options);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);

    record = fake_store_record(s.store);
    kept = fake_record_refresh_token(record);
    assert_string_equal(kept, token);
    assert_int_equal(seen_refresh_token_count(s.server, token), 2);
    assert_int_equal(fake_record_generation(record), 3);
    free(kept);
    free(record);
    free(token);
    free_scene(&s);
}

/* ------------------------------------------------------------------ R5: saved first */

/* R5: the save is held; meanwhile requests go on with the old token, and none carries the new one. */
static void no_request_uses_a_token_that_is_not_saved_yet(void **state) {
    scene s = new_scene();
    tacit_token *before = world_token(s.world), *meanwhile, *after;
    crowd *c;

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    c = crowd_start(s.world, world_session(s.world), CROWD_REFRESH, 1, PATIENCE_MS);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    assert_int_equal(server_counters(s.server).refreshes_ok, 1);
    for (int i = 0; i < 8; i++) assert_int_equal(world_get(s.world, "/api/x"), 200);
    meanwhile = world_token(s.world);
    assert_ptr_equal(meanwhile, before);
    assert_int_equal(seen_access_token_count(s.server, tacit_token_value(before)), 8);
    fake_store_gate_open(s.store, FAKE_SAVE);
    crowd_join(c);

    after = world_token(s.world);
    assert_ptr_not_equal(after, before);
    assert_true(newest_is_saved(&s));
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(seen_access_token_count(s.server, tacit_token_value(after)), 1);
    tacit_token_unref(after);
    tacit_token_unref(meanwhile);
    tacit_token_unref(before);
    crowd_free(c);
    free_scene(&s);
}

/* R5: those whose token was refused wait for the save too. */
static void replays_wait_for_the_save(void **state) {
    scene s = new_scene();
    crowd *c;

    (void)state;
    server_revoke_access_tokens(s.server);
    fake_store_gate_close(s.store, FAKE_SAVE);
    c = crowd_start(s.world, world_session(s.world), CROWD_GET, 8, PATIENCE_MS);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    wait_waiters(s.world, 8);
    look_a_while();
    assert_int_equal(server_counters(s.server).api_requests, 8);
    assert_int_equal(server_counters(s.server).api_401, 8);
    fake_store_gate_open(s.store, FAKE_SAVE);
    crowd_join(c);

    assert_int_equal(crowd_count(c, 200), 8);
    assert_true(newest_is_saved(&s));
    crowd_free(c);
    free_scene(&s);
}

/* R5: a sign-in is saved before it is used, too. */
static void sign_in_is_saved_before_it_is_used(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store)});

    (void)state;
    world_sign_in(w);
    assert_int_equal(fake_store_saved_count(store), 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(fake_store_saved_count(store), 1);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ R5: when saving fails */

/* R5: works on from memory, and says so once. */
static void session_works_on_from_memory_where_saving_fails(void **state) {
    scene s = new_scene();
    char *first = fake_store_record(s.store), *now;
    world_event failed;

    (void)state;
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    for (int i = 0; i < 3; i++) { /* it is tried again by itself */
        s.saves = fake_store_calls(s.store, FAKE_SAVE);
        move_until(&s, saves_again, "the save is tried again");
    }
    world_assert_events(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_true(world_event_at(s.world, TACIT_EVENT_STORE_FAILED, 0, &failed));
    assert_int_equal(failed.event.error->status, TACIT_ERR_STORE_FAILED);
    assert_int_equal(failed.event.state, TACIT_STATE_SIGNED_IN);
    now = fake_store_record(s.store);
    assert_string_equal(now, first); /* what was there is still there */
    free(now);

    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    move_until(&s, is_recovered, "the store works again");
    assert_true(newest_is_saved(&s));
    world_restart(s.world);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_assert_events(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(server_counters(s.server).token_requests, 1);
    free(first);
    free_scene(&s);
}

/* R5: what could not be saved is not put at risk by another rotation that nobody needs. */
static void no_proactive_grant_is_sent_while_the_head_is_unsaved(void **state) {
    scene s = new_scene();

    (void)state;
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    for (int i = 0; i < 4; i++) {
        world_clock_move(s.world, HOUR_MS);
        s.saves = fake_store_calls(s.store, FAKE_SAVE);
        move_until(&s, saves_again, "the save is tried again");
        look_a_while();
        assert_int_equal(server_counters(s.server).token_requests, 1);
    }
    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    move_until(&s, is_recovered, "the store works again");
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 2); /* now it is time */

    assert_nothing_spent_was_sent(&s);
    wait_newest_saved(&s);
    free_scene(&s);
}

/* R5: a request needs one: the save is tried once more before the refresh token goes out. */
static void needed_grant_first_tries_the_save_again(void **state) {
    scene s = new_scene();
    char *second, *record, *kept;
    size_t saves, saved;

    (void)state;
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    second = server_newest_refresh_token(s.server);
    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    saved = fake_store_saved_count(s.store);
    server_gate_close(s.server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    assert_true(server_gate_waiters(s.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));

    record = fake_store_record(s.store); /* while the grant is out */
    kept = fake_record_refresh_token(record);
    assert_string_equal(kept, second);
    assert_int_equal(fake_store_saved_count(s.store), saved + 1);
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    saves = fake_store_calls(s.store, FAKE_SAVE);
    server_gate_open(s.server, TS_TOKEN_ENDPOINT);
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 2);
    assert_true(fake_store_calls(s.store, FAKE_SAVE) > saves);

    /* And where that save fails as well, the grant is sent all the same. */
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    move_until(&s, newest_is_saved, "the newest record is saved");
    assert_nothing_spent_was_sent(&s);
    assert_generations_only_grow(&s);
    free(kept);
    free(record);
    free(second);
    free_scene(&s);
}

/* R5, R7: overdue is like failed; what comes back late is not taken for the newest. */
static void save_that_hangs_holds_nobody_up(void **state) {
    scene s = new_scene_with(5000);
    crowd *c;

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    c = crowd_start(s.world, world_session(s.world), CROWD_REFRESH, 1, PATIENCE_MS);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    world_clock_move(s.world, 4999);
    look_a_while();
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_REFRESHED), 0);
    world_clock_move(s.world, 1); /* store_timeout_ms */
    crowd_join(c);
    assert_int_equal(crowd_count(c, TACIT_OK), 1);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);

    /* One more rotation while the first save still hangs: the store gets no second call. */
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 2); /* the sign-in's, and this one */
    fake_store_gate_open(s.store, FAKE_SAVE);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);

    assert_true(newest_is_saved(&s));
    world_assert_events(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_nothing_spent_was_sent(&s);
    assert_generations_only_grow(&s);
    crowd_free(c);
    free_scene(&s);
}

/* R5: a late answer that is still the newest needs no second save. */
static void late_save_of_the_head_counts(void **state) {
    scene s = new_scene_with(5000);
    crowd *c;

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    c = crowd_start(s.world, world_session(s.world), CROWD_REFRESH, 1, PATIENCE_MS);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    world_clock_move(s.world, 5000);
    crowd_join(c);
    fake_store_gate_open(s.store, FAKE_SAVE);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    look_a_while();

    assert_true(newest_is_saved(&s));
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 2);
    crowd_free(c);
    free_scene(&s);
}

/* ------------------------------------------------------------------ R7 */

/* R7: a store that gives back what it held before (a restored backup) is not believed. */
static void older_record_that_comes_back_is_replaced_and_never_sent(void **state) {
    scene s = new_scene();
    char *older = fake_store_record(s.store);

    (void)state;
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    fake_store_put(s.store, older);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);

    assert_true(newest_is_saved(&s));
    assert_nothing_spent_was_sent(&s);
    assert_generations_only_grow(&s);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    free(older);
    free_scene(&s);
}

/* R7: a record that vanished is not a sign-out. */
static void lost_record_is_told_and_saved_again(void **state) {
    scene s = new_scene();
    world_event lost;

    (void)state;
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    fake_store_put(s.store, NULL);
    server_fail(s.server, TS_TOKEN_ENDPOINT, 1, 503); /* so that it is the old head that is saved */
    assert_int_equal(refresh(&s, NULL), TACIT_ERR_SERVER);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);

    assert_true(world_event_at(s.world, TACIT_EVENT_STORE_FAILED, 0, &lost));
    assert_int_equal(lost.event.error->status, TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(lost.event.state, TACIT_STATE_SIGNED_IN);
    world_assert_events(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_true(newest_is_saved(&s));
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_generations_only_grow(&s);
    free_scene(&s);
}

/* R7: whatever cannot be read is left as it is; the session works on from memory. */
static void assert_left_alone(const char *(*make)(const char *record)) {
    scene s = new_scene();
    char *good = fake_store_record(s.store), *now;
    const char *bad = make(good);
    size_t saved = fake_store_saved_count(s.store);

    fake_store_put(s.store, bad);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_clock_move(s.world, 2 * HOUR_MS);
    look_a_while();
    now = fake_store_record(s.store);
    assert_string_equal(now, bad);
    assert_int_equal(fake_store_saved_count(s.store), saved);
    assert_int_equal(fake_store_calls(s.store, FAKE_ERASE), 0);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    free(now);

    fake_store_put(s.store, good); /* it can be read again: old, so the newest goes over it */
    move_until(&s, newest_is_saved, "the newest record is saved");
    assert_nothing_spent_was_sent(&s);
    free((char *)bad);
    free(good);
    free_scene(&s);
}

static const char *make_garbage(const char *record) {
    (void)record;
    return strdup("\x01garbage");
}

static const char *make_half(const char *record) {
    return strndup(record, strlen(record) / 2);
}

static const char *make_later_version(const char *record) {
    return fake_record_with(record, "tacit_record", "2");
}

static const char *make_foreign_issuer(const char *record) {
    return fake_record_with(record, "issuer", "\"https://other.example\"");
}

static const char *make_foreign_client(const char *record) {
    return fake_record_with(record, "client_id", "\"another\"");
}

/* R7 */
static void record_that_cannot_be_read_is_never_overwritten(void **state) {
    (void)state;
    assert_left_alone(make_garbage);
    assert_left_alone(make_half);
    assert_left_alone(make_later_version);
}

/* R7 */
static void foreign_record_is_never_overwritten(void **state) {
    (void)state;
    assert_left_alone(make_foreign_issuer);
    assert_left_alone(make_foreign_client);
}

/* R7: grants that failed have used up their generations. */
static void generations_are_never_used_twice(void **state) {
    scene s = new_scene();

    (void)state;
    for (int i = 0; i < 4; i++) {
        if (i > 0) server_fail(s.server, TS_TOKEN_ENDPOINT, i, 503);
        for (int n = 0; n < i; n++) {
            assert_int_equal(refresh(&s, NULL), TACIT_ERR_SERVER);
            world_clock_move(s.world, 120 * 1000);
        }
        assert_int_equal(refresh(&s, NULL), TACIT_OK);
        world_clock_move(s.world, 120 * 1000);
        if (i == 2) world_restart(s.world);
    }

    assert_generations_only_grow(&s);
    assert_int_equal(server_counters(s.server).reuse_detections, 0);
    free_scene(&s);
}

/* ------------------------------------------------------------------ two clients on one store */

static tacit_session *open_elsewhere(const scene *s, tacit_client **client) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    *client = tacit_client_new(NULL, NULL);
    options.client_id = "test-client";
    options.store = fake_store_handle(s->store);
    options.policy = TACIT_POLICY_REACTIVE;
    session = tacit_session_open(*client, world_provider(s->world), &options, NULL);
    assert_non_null(session);
    return session;
}

/* R2, R3: what another client obtained is adopted, and costs no grant. */
static void newer_record_of_another_client_is_adopted(void **state) {
    scene s = new_scene();
    tacit_client *client;
    tacit_session *other = open_elsewhere(&s, &client);
    world_event adopted;

    (void)state;
    assert_int_equal(tacit_session_refresh(other, PATIENCE_MS, NULL), TACIT_OK);
    server_counters_reset(s.server);
    world_clock_move(s.world, HOUR_MS); /* ours is over; the other one lives, says its record */
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 1);

    assert_true(world_event_at(s.world, TACIT_EVENT_REFRESHED, 0, &adopted));
    assert_int_equal(adopted.event.generation, 2);
    assert_int_equal(stats_of(s.world).adoptions, 1);
    tacit_session_close(other, PATIENCE_MS);
    tacit_client_shutdown(client, PATIENCE_MS, NULL);
    tacit_client_unref(client);
    free_scene(&s);
}

static bool is_second_saved(void *data) {
    char *record = fake_store_record(data);
    long generation = fake_record_generation(record);

    free(record);
    return generation == 2;
}

/* R2: a save that is owed waits for a load that hangs for longer than shutdown() was given. */
static void what_a_shutdown_leaves_behind_is_saved_afterwards(void **state) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    fake_store *store = fake_store_new();
    world *w;

    (void)state;
    client.store_timeout_ms = 50;
    w = world_new(&(world_options){.client = client, .store = fake_store_handle(store)});
    world_sign_in(w);
    fake_store_fail(store, FAKE_SAVE, TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    fake_store_gate_close(store, FAKE_LOAD);
    assert_int_equal(world_close(w, 10), TACIT_ERR_TIMEOUT);
    assert_true(fake_store_gate_waiter(store, FAKE_LOAD));
    assert_int_equal(tacit_client_shutdown(world_client(w), 100, NULL), TACIT_ERR_TIMEOUT);
    fake_store_fail(store, FAKE_SAVE, TACIT_OK);
    fake_store_gate_open(store, FAKE_LOAD);

    world_wait(is_second_saved, store, "the successor is saved");
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spent_refresh_token_never_appears_again),
        cmocka_unit_test(answer_without_a_refresh_token_keeps_the_current_one),
        cmocka_unit_test(no_request_uses_a_token_that_is_not_saved_yet),
        cmocka_unit_test(replays_wait_for_the_save),
        cmocka_unit_test(sign_in_is_saved_before_it_is_used),
        cmocka_unit_test(session_works_on_from_memory_where_saving_fails),
        cmocka_unit_test(no_proactive_grant_is_sent_while_the_head_is_unsaved),
        cmocka_unit_test(needed_grant_first_tries_the_save_again),
        cmocka_unit_test(save_that_hangs_holds_nobody_up),
        cmocka_unit_test(late_save_of_the_head_counts),
        cmocka_unit_test(older_record_that_comes_back_is_replaced_and_never_sent),
        cmocka_unit_test(lost_record_is_told_and_saved_again),
        cmocka_unit_test(record_that_cannot_be_read_is_never_overwritten),
        cmocka_unit_test(foreign_record_is_never_overwritten),
        cmocka_unit_test(generations_are_never_used_twice),
        cmocka_unit_test(newer_record_of_another_client_is_adopted),
        cmocka_unit_test(what_a_shutdown_leaves_behind_is_saved_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
