/* What slid, and the store: saved now and then, at the end, and found by the next process. */
#include "support/sliding.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct stored {
    world *world;
    fake_store *store;
} stored;

static stored begin_with(int lifetime_s) {
    stored s = {.store = fake_store_new()};
    ts_options server = sliding_server();

    server.access_lifetime_ms = lifetime_s * 1000;
    s.world = sliding_world_in(&server, fake_store_handle(s.store));
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 1); /* the sign-in */
    return s;
}

static stored begin(void) {
    return begin_with(SLIDING_LIFETIME_S);
}

static void end(stored *s) {
    world_free(s->world);
    fake_store_free(s->store);
}

/* The one access token in the record; yours. */
static char *stored_value(fake_store *store) {
    char *record = fake_store_record(store), *value;
    json_t *json = json_loads(record, 0, NULL);
    const json_t *tokens = json_object_get(json, "access_tokens");

    assert_int_equal(json_array_size(tokens), 1);
    value = strdup(json_string_value(json_object_get(json_array_get(tokens, 0), "value")));
    json_decref(json);
    free(record);
    return value;
}

static bool store_has_current_token(void *data) {
    const stored *s = data;
    tacit_token *token = world_token(s->world);
    char *value = stored_value(s->store);
    bool same = strcmp(value, tacit_token_value(token)) == 0;

    tacit_token_unref(token);
    free(value);
    return same;
}

static void await_saved(stored *s) {
    world_wait(store_has_current_token, s, "the store has the current token");
}

static void assert_not_saved(stored *s, size_t saves) {
    look_a_while();
    assert_false(store_has_current_token(s));
    assert_int_equal(fake_store_calls(s->store, FAKE_SAVE), saves);
}

/* ------------------------------------------------------------------ when */

static void what_slides_is_saved_at_most_once_a_minute(void **state) {
    (void)state;
    stored s = begin_with(22);

    sliding_slide(s.world, 11);
    await_saved(&s);
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 2);

    for (int slides = 0; slides < 5; slides++) sliding_slide(s.world, 11);
    assert_not_saved(&s, 2);
    sliding_pass(s.world, 5);
    await_saved(&s);
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 3);
    end(&s);
}

static void a_minute_without_a_slide_saves_nothing(void **state) {
    (void)state;
    stored s = begin();

    sliding_slide(s.world, 1200);
    await_saved(&s);
    sliding_pass(s.world, 120);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    look_a_while();
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 2);
    end(&s);
}

/* The store is to be looked at again by then, since the sign-in replaced another: that is no reason to wait. */
static void closing_saves_what_slid(void **state) {
    (void)state;
    stored s = begin_with(22);
    tacit_token *token;
    char *saved;

    sliding_sign_in(s.world, "bob");
    sliding_slide(s.world, 11);
    await_saved(&s);
    sliding_slide(s.world, 11);
    token = world_token(s.world);
    assert_not_saved(&s, 3);
    assert_int_equal(world_close(s.world, TACIT_TIMEOUT_DEFAULT), TACIT_OK);
    saved = stored_value(s.store);

    assert_string_equal(saved, tacit_token_value(token));
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 4);
    free(saved);
    tacit_token_unref(token);
    end(&s);
}

/* Nobody holds on to the session, and another process saved an older token, or none. */
static void slide_until_the_end(bool others_have_one) {
    stored s = begin_with(22);
    tacit_token *token;
    char *record, *tokens, *others, *saved, generation[24];

    sliding_slide(s.world, 11);
    await_saved(&s);
    sliding_slide(s.world, 11);
    token = world_token(s.world);
    record = fake_store_record(s.store);
    snprintf(generation, sizeof generation, "%ld", fake_record_generation(record) + 1);
    tokens = others_have_one ? strdup(record) : fake_record_with(record, "access_tokens", "[]");
    others = fake_record_with(tokens, "generation", generation);
    fake_store_put(s.store, others);
    fake_store_gate_close(s.store, FAKE_LOAD);
    world_close(s.world, TACIT_NO_WAIT);
    assert_true(fake_store_gate_waiter(s.store, FAKE_LOAD));
    fake_store_gate_open(s.store, FAKE_LOAD);
    assert_true(fake_store_wait_calls(s.store, FAKE_SAVE, 3));
    world_restart(s.world);
    saved = stored_value(s.store);

    assert_string_equal(saved, tacit_token_value(token));
    free(saved);
    free(others);
    free(tokens);
    free(record);
    tacit_token_unref(token);
    end(&s);
}

static void what_slid_until_the_end_outlives_what_another_process_saved(void **state) {
    (void)state;
    slide_until_the_end(true);
    slide_until_the_end(false);
}

/* One try, and no more: there is nobody to tell. */
static void closing_does_not_wait_for_a_store_that_fails(void **state) {
    (void)state;
    stored s = begin_with(22);

    sliding_slide(s.world, 11);
    await_saved(&s);
    sliding_slide(s.world, 11);
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    assert_int_equal(world_close(s.world, TACIT_TIMEOUT_DEFAULT), TACIT_OK);

    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 3);
    end(&s);
}

static void a_restart_goes_on_with_what_slid(void **state) {
    (void)state;
    stored s = begin();
    tacit_session_state signed_in;
    tacit_error error;

    sliding_slide(s.world, 1200);
    await_saved(&s);
    sliding_pass(s.world, 1200);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), -1, &signed_in, &error), TACIT_OK);

    assert_int_equal(signed_in, TACIT_STATE_SIGNED_IN);
    assert_in_range(stats_of(s.world).expires_in_s, 590, 600);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    sliding_slide(s.world, 1);
    await_saved(&s);
    end(&s);
}

/* Another session of the same sign-in and scope, which does not share the world's token; close it yourself. */
static tacit_session *open_beside(const stored *s) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    options.client_id = "test-client";
    options.store = fake_store_handle(s->store);
    options.refresh_lead_s = 7;
    session = tacit_session_open(world_client(s->world), world_provider(s->world), &options, NULL);
    assert_non_null(session);
    assert_int_equal(tacit_session_load(session, -1, NULL, NULL), TACIT_OK);
    return session;
}

/* The record has one token for both. */
static void of_two_sessions_the_token_that_lives_longer_is_saved(void **state) {
    (void)state;
    stored s = begin();
    tacit_session *beside;
    tacit_token *token;
    size_t saves;
    char *saved;

    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), -1, NULL, NULL), TACIT_OK);
    beside = open_beside(&s);
    sliding_slide(s.world, 1200);
    await_saved(&s);
    saves = fake_store_calls(s.store, FAKE_SAVE);
    sliding_pass(s.world, 120);
    look_a_while();
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), saves);

    token = world_token(s.world);
    assert_int_equal(world_close(s.world, TACIT_TIMEOUT_DEFAULT), TACIT_OK);
    assert_int_equal(tacit_session_close(beside, TACIT_TIMEOUT_DEFAULT), TACIT_OK);
    saved = stored_value(s.store);
    assert_string_equal(saved, tacit_token_value(token));
    free(saved);
    tacit_token_unref(token);
    end(&s);
}

/* Its token is older than the last, and lives. */
static void a_crash_before_the_save_costs_only_the_newest_token(void **state) {
    (void)state;
    stored s = begin();
    char *record;

    sliding_slide(s.world, 600);
    await_saved(&s);
    record = fake_store_record(s.store);
    sliding_slide(s.world, 600);
    assert_int_equal(world_close(s.world, TACIT_TIMEOUT_DEFAULT), TACIT_OK);
    fake_store_put(s.store, record);
    world_lose_journals(s.world); /* before it is read, as the record is */
    world_restart(s.world);

    assert_int_equal(world_get(s.world, "/api/x"), 200);
    sliding_slide(s.world, 600);
    await_saved(&s);
    free(record);
    end(&s);
}

/* ------------------------------------------------------------------ a store with trouble */

/* The sign-in ends with the store's token, one day: the user is to know. */
static void a_store_that_fails_is_told_and_tried_again(void **state) {
    (void)state;
    stored s = begin();

    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    sliding_slide(s.world, 1200);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(fake_store_calls(s.store, FAKE_SAVE), 2);

    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    sliding_pass(s.world, 61);
    await_saved(&s);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_int_equal(stats_of(s.world).adoptions, 0);
    end(&s);
}

static world *world_with_refresh_token(fake_store *store) {
    ts_options server = sliding_server();
    world *w = world_new(
        &(world_options){.server = &server, .store = fake_store_handle(store), .clock = true});

    world_sign_in(w);
    return w;
}

/* R5 is about refresh tokens. */
static void with_a_refresh_token_it_is_neither_told_nor_in_the_way(void **state) {
    (void)state;
    fake_store *store = fake_store_new();
    world *w = world_with_refresh_token(store);

    fake_store_fail(store, FAKE_SAVE, TACIT_ERR_STORE_FAILED);
    sliding_slide(w, 1200);
    assert_true(fake_store_wait_calls(store, FAKE_SAVE, 2));
    look_a_while();
    assert_int_equal(world_event_count(w, TACIT_EVENT_STORE_FAILED), 0);

    fake_store_fail(store, FAKE_SAVE, TACIT_OK);
    sliding_pass(w, SLIDING_LIFETIME_S - 10);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 2);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 1);
    assert_int_equal(stats_of(w).adoptions, 0);
    world_free(w);
    fake_store_free(store);
}

/* A save that was given up may still be done: the record is this process's own then. */
static void a_save_that_comes_late_is_nobody_elses(void **state) {
    (void)state;
    stored s = begin();

    fake_store_gate_close(s.store, FAKE_SAVE);
    sliding_slide(s.world, 1200);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    world_clock_move(s.world, 6000); /* longer than a store may take */
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    fake_store_gate_open(s.store, FAKE_SAVE);
    await_saved(&s);
    sliding_pass(s.world, 120);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);

    assert_int_equal(stats_of(s.world).adoptions, 0);
    world_assert_events(s.world, TACIT_EVENT_REFRESHED, 1);
    end(&s);
}

static void a_sign_out_during_the_save_is_the_last_word(void **state) {
    (void)state;
    stored s = begin();
    tacit_error error;

    fake_store_gate_close(s.store, FAKE_SAVE);
    sliding_slide(s.world, 1200);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    tacit_sign_out(world_session(s.world), TACIT_NO_WAIT, &error);
    fake_store_gate_open(s.store, FAKE_SAVE);
    assert_true(fake_store_wait_calls(s.store, FAKE_ERASE, 1));
    world_restart(s.world);

    assert_null(fake_store_record(s.store));
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    end(&s);
}

/* ------------------------------------------------------------------ beside the refresh token */

/* Only the record has the token. */
static void a_sign_out_before_the_load_revokes_it(void **state) {
    stored s = begin();

    (void)state;
    fake_store_fail(s.store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), WORLD_PATIENCE_MS, NULL, NULL),
                     TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.store, FAKE_LOAD, TACIT_OK);
    assert_int_equal(server_counters(world_server(s.world)).live_access_tokens, 1);
    assert_int_equal(tacit_sign_out(world_session(s.world), WORLD_PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(server_counters(world_server(s.world)).live_access_tokens, 0);
    end(&s);
}

static void what_slid_is_saved_with_the_same_refresh_token(void **state) {
    (void)state;
    fake_store *store = fake_store_new();
    world *w = world_with_refresh_token(store);
    stored s = {w, store};
    char *before = fake_store_record(store), *after, *refresh_before, *refresh_after;

    sliding_slide(w, 1200);
    await_saved(&s);
    after = fake_store_record(store);
    refresh_before = fake_record_refresh_token(before);
    refresh_after = fake_record_refresh_token(after);

    assert_string_equal(refresh_before, refresh_after);
    assert_true(fake_record_generation(after) > fake_record_generation(before));
    free(before);
    free(after);
    free(refresh_before);
    free(refresh_after);

    world_restart(w);
    server_revoke_access_tokens(world_server(w));
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 1);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_slides_is_saved_at_most_once_a_minute),
        cmocka_unit_test(a_minute_without_a_slide_saves_nothing),
        cmocka_unit_test(closing_saves_what_slid),
        cmocka_unit_test(what_slid_until_the_end_outlives_what_another_process_saved),
        cmocka_unit_test(closing_does_not_wait_for_a_store_that_fails),
        cmocka_unit_test(a_restart_goes_on_with_what_slid),
        cmocka_unit_test(of_two_sessions_the_token_that_lives_longer_is_saved),
        cmocka_unit_test(a_crash_before_the_save_costs_only_the_newest_token),
        cmocka_unit_test(a_store_that_fails_is_told_and_tried_again),
        cmocka_unit_test(with_a_refresh_token_it_is_neither_told_nor_in_the_way),
        cmocka_unit_test(a_save_that_comes_late_is_nobody_elses),
        cmocka_unit_test(a_sign_out_during_the_save_is_the_last_word),
        cmocka_unit_test(a_sign_out_before_the_load_revokes_it),
        cmocka_unit_test(what_slid_is_saved_with_the_same_refresh_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
