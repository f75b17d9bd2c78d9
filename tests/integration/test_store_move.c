/* The app chose another store: its sign-in moves there. With a lock and journal for each store, and with one for both. */
#include "support/fake_store.h"
#include "support/fixture.h"
#include "support/journal.h"
#include "support/seen.h"
#include "support/unit.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, STORE_TIMEOUT_MS = 200 };

/* alice has signed in with the old store. */
typedef struct scene {
    world *world;
    fake_store *old, *new;
    char *places[2];     /* of the locks; NULL: the client's state_dir */
    char *refresh_token; /* hers */
} scene;

static char one_lock[] = "one lock", own_locks[] = "own locks"; /* *state */

static fake_store *make_store(const char *description, char **place, const char *locks,
                              size_t size_max) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    *place = locks == own_locks ? fixture_directory_new() : NULL;
    ops.description = description;
    ops.lock_directory = *place;
    ops.record_size_max = size_max;
    return fake_store_new_as(&ops);
}

static bool is_empty(void *store) {
    char *record = fake_store_record(store);

    free(record);
    return record == NULL;
}

static bool is_filled(void *store) {
    return !is_empty(store);
}

static scene scene_with(const char *locks, const world_options *given, size_t size_max) {
    world_options options = *given;
    ts_options server = TS_OPTIONS_INIT;
    scene s;
    char *record;

    server.username = server.password = NULL;
    s.old = make_store("the old store", &s.places[0], locks, 0);
    s.new = make_store("the new store", &s.places[1], locks, size_max);
    options.client = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    options.client.store_timeout_ms = STORE_TIMEOUT_MS;
    options.server = &server;
    options.store = fake_store_handle(s.old);
    s.world = world_new(&options);
    world_sign_in(s.world);
    world_wait(is_filled, s.old, "the sign-in is saved"); /* late, on a slow machine */
    record = fake_store_record(s.old);
    s.refresh_token = fake_record_refresh_token(record);
    free(record);
    return s;
}

static scene scene_new(void **state) {
    return scene_with(*state, &(world_options){.store = NULL}, 0);
}

static void scene_free(scene *s) {
    world_free(s->world);
    fake_store_free(s->old);
    fake_store_free(s->new);
    for (int i = 0; i < 2; i++) fixture_directory_free(s->places[i]);
    free(s->refresh_token);
}

/* The app is updated, and started. */
static void restart_in(scene *s, fake_store *store, fake_store *previous) {
    assert_int_equal(world_close(s->world, PATIENCE_MS), TACIT_OK);
    world_restart_in(s->world, fake_store_handle(store),
                     previous == NULL ? NULL : fake_store_handle(previous));
}

static void update(scene *s) {
    restart_in(s, s->new, s->old);
}

/* A call that hung may still be on its way out. */
static bool load(tacit_session *session, tacit_session_state *state, tacit_error *error) {
    int tries = PATIENCE_MS / 10;

    while (tacit_session_load(session, PATIENCE_MS, state, error) != TACIT_OK)
        if (!error->retryable || --tries == 0 || poll(NULL, 0, 10) != 0) return false;
    return true;
}

static void assert_loads_as(scene *s, tacit_session_state expected) {
    tacit_session_state state;
    tacit_error error;

    if (!load(world_session(s->world), &state, &error))
        fail_msg("%s %s", tacit_status_name(error.status), error.message);
    assert_int_equal(state, expected);
}

static void assert_unknown_for(scene *s, tacit_status expected) {
    tacit_session_state state;
    tacit_error error;

    assert_int_equal(tacit_session_load(world_session(s->world), PATIENCE_MS, &state, &error),
                     expected);
    assert_int_equal(state, TACIT_STATE_UNKNOWN);
    assert_non_null(strstr(error.message, "the old store"));
}

static void assert_empty(fake_store *store) {
    assert_true(is_empty(store));
}

static void assert_holds(fake_store *store, const char *refresh_token) {
    char *record = fake_store_record(store), *found;

    assert_non_null(record);
    found = fake_record_refresh_token(record);
    assert_string_equal(found, refresh_token);
    free(found);
    free(record);
}

/* She is signed in, her record is where it belongs and nowhere else, and it is good for a refresh. */
static void assert_moved_from(scene *s, fake_store *from, fake_store *to) {
    assert_loads_as(s, TACIT_STATE_SIGNED_IN);
    world_wait(is_empty, from, "the previous store is empty");
    assert_holds(to, s->refresh_token);
    assert_int_equal(world_get(s->world, "/api/x"), 200);
    assert_int_equal(tacit_session_refresh(world_session(s->world), PATIENCE_MS, NULL), TACIT_OK);
    assert_false(seen_any_refresh_token_twice(world_server(s->world)));
    assert_int_equal(server_counters(world_server(s->world)).reuse_detections, 0);
    assert_empty(from);
}

static void assert_moved(scene *s) {
    assert_moved_from(s, s->old, s->new);
}

static void sign_in_as(scene *s, const char *user) {
    tacit_error error;

    if (tacit_sign_in_with_password(world_session(s->world), user, "x", NULL, &error) != TACIT_OK)
        fail_msg("%s %s", tacit_status_name(error.status), error.message);
}

static void take_refresh_token(scene *s, fake_store *store) {
    char *record = fake_store_record(store);

    free(s->refresh_token);
    s->refresh_token = fake_record_refresh_token(record);
    free(record);
}

typedef struct issued {
    ts_server *server;
    const char *refresh_token;
} issued;

static bool is_revoked(void *token) {
    const issued *i = token;

    return !server_refresh_token_is_live(i->server, i->refresh_token);
}

/* ------------------------------------------------------------------ as it should go */

static void the_sign_in_moves_to_the_new_store(void **state) {
    scene s = scene_new(state);
    world_event loaded;

    update(&s);
    assert_moved(&s);

    world_assert_events(s.world, TACIT_EVENT_LOADED, 2);
    assert_true(world_event_at(s.world, TACIT_EVENT_LOADED, 1, &loaded));
    assert_int_equal(loaded.event.state, TACIT_STATE_SIGNED_IN);
    assert_non_null(strstr(loaded.message, "the new store"));
    assert_non_null(strstr(loaded.message, "moved there from the old store"));
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_STORE_FAILED), 0);
    scene_free(&s);
}

static void once_moved_the_previous_store_is_left_alone(void **state) {
    scene s = scene_new(state);
    size_t loads, erases;

    update(&s);
    assert_moved(&s);
    loads = fake_store_calls(s.old, FAKE_LOAD);
    erases = fake_store_calls(s.old, FAKE_ERASE);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(fake_store_calls(s.old, FAKE_LOAD), loads);
    assert_int_equal(fake_store_calls(s.old, FAKE_ERASE), erases);
    scene_free(&s);
}

static void access_tokens_of_all_views_move_too(void **state) {
    scene s = scene_new(state);
    tacit_session *other = world_open(s.world, NULL, "other");
    tacit_token *token, *moved;

    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &token, NULL), TACIT_OK);
    tacit_session_close(other, TACIT_NO_WAIT);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    other = world_open(s.world, NULL, "other");
    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &moved, NULL), TACIT_OK);

    assert_string_equal(tacit_token_value(moved), tacit_token_value(token));
    tacit_token_unref(moved);
    tacit_token_unref(token);
    tacit_session_close(other, TACIT_NO_WAIT);
    scene_free(&s);
}

static void who_the_user_is_moves_too(void **state) {
    world_options options = {.session = TACIT_SESSION_OPTIONS_INIT};
    scene s;
    char *before, *after;

    options.session.scope = "openid";
    s = scene_with(*state, &options, 0);
    before = tacit_session_claims_json(world_session(s.world), NULL);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    after = tacit_session_claims_json(world_session(s.world), NULL);

    assert_non_null(before);
    assert_string_equal(after, before);
    tacit_free(before);
    tacit_free(after);
    scene_free(&s);
}

static void a_sign_in_is_as_old_as_it_was(void **state) {
    world_options options = {.session = TACIT_SESSION_OPTIONS_INIT, .clock = true};
    scene s;

    options.session.max_age_s = 1000;
    s = scene_with(*state, &options, 0);
    world_clock_move(s.world, 600 * 1000);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    world_wait(is_empty, s.old, "the previous store is empty"); /* no call sees the clock jump */
    world_clock_move(s.world, 600 * 1000);
    world_wait_event(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_wait(is_empty, s.new, "the record is erased");

    scene_free(&s);
}

static void it_can_move_to_and_fro(void **state) {
    scene s = scene_new(state);

    for (int i = 0; i < 3; i++) {
        fake_store *from = i % 2 == 0 ? s.old : s.new, *to = i % 2 == 0 ? s.new : s.old;
        char *record;

        restart_in(&s, to, from);
        assert_moved_from(&s, from, to);
        record = fake_store_record(to);
        free(s.refresh_token);
        s.refresh_token = fake_record_refresh_token(record);
        free(record);
    }
    scene_free(&s);
}

/* The move to the new store ended before it could erase the record in the old one. */
static void it_moves_back_over_what_was_left_there(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_ERASE, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    take_refresh_token(&s, s.new);
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    fake_store_fail(s.old, FAKE_ERASE, TACIT_OK);
    assert_false(is_empty(s.old));
    world_restart_in(s.world, fake_store_handle(s.old), fake_store_handle(s.new));

    assert_moved_from(&s, s.new, s.old);
    scene_free(&s);
}

/* ... and that one, which still has it to erase, looks again before it does. */
static void what_moved_back_is_not_taken_for_what_was_left(void **state) {
    scene s = scene_new(state);
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options back = TACIT_SESSION_OPTIONS_INIT;
    tacit_session_state known;
    tacit_session *session;
    tacit_client *client;

    fake_store_fail(s.old, FAKE_ERASE, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    options.state_dir = world_state_dir(s.world);
    client = tacit_client_new(&options, NULL);
    back.client_id = "test-client";
    back.store = fake_store_handle(s.old);
    back.previous_store = fake_store_handle(s.new);
    session = tacit_session_open(client, world_provider(s.world), &back, NULL);
    assert_non_null(session);
    assert_true(load(session, &known, &(tacit_error){.status = TACIT_OK}));
    assert_int_equal(known, TACIT_STATE_SIGNED_IN);
    fake_store_fail(s.old, FAKE_ERASE, TACIT_OK);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);

    assert_holds(s.old, s.refresh_token);
    tacit_session_close(session, PATIENCE_MS);
    tacit_client_unref(client);
    scene_free(&s);
}

static void what_lies_only_in_this_process_moves_out_of_it_and_into_it(void **state) {
    scene s = scene_new(state);
    fake_store *memory = fake_store_new_process_only();

    restart_in(&s, memory, s.old);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    world_wait(is_empty, s.old, "the file is empty");
    restart_in(&s, s.new, memory);
    assert_moved_from(&s, memory, s.new);

    scene_free(&s);
    fake_store_free(memory);
}

/* ------------------------------------------------------------------ nothing to move */

static size_t count_files(const char *directory) {
    DIR *opened = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

static void nothing_is_made_where_nobody_ever_signed_in(void **state) {
    scene s = scene_new(state);
    char *place = NULL;
    fake_store *never = make_store("never used", &place, own_locks, 0);

    restart_in(&s, s.new, never);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    assert_int_equal(count_files(place), 0);
    assert_int_equal(fake_store_calls(never, FAKE_ERASE), 0);
    scene_free(&s);
    fake_store_free(never);
    fixture_directory_free(place);
}

static void the_store_itself_is_no_previous_one(void **state) {
    scene s = scene_new(state);

    restart_in(&s, s.old, s.old);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);

    assert_holds(s.old, s.refresh_token);
    scene_free(&s);
}

static void who_signed_out_before_the_update_stays_signed_out(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_ERASE, TACIT_ERR_STORE_FAILED);
    tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL);
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    fake_store_fail(s.old, FAKE_ERASE, TACIT_OK);
    world_restart_in(s.world, fake_store_handle(s.new), fake_store_handle(s.old));
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);
    world_wait(is_empty, s.old, "what the sign-out left is erased");

    assert_empty(s.new);
    scene_free(&s);
}

static void a_sign_in_in_the_new_store_counts_and_the_old_one_stays(void **state) {
    scene s = scene_new(state);

    restart_in(&s, s.new, NULL);
    sign_in_as(&s, "bob");
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    assert_holds(s.old, s.refresh_token);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT); /* nobody comes back by that */

    assert_holds(s.old, s.refresh_token);
    assert_empty(s.new);
    scene_free(&s);
}

/* ... but what was signed out of there before counts no more than nothing. */
static void an_earlier_sign_out_of_the_new_store_keeps_nothing_from_moving(void **state) {
    scene s = scene_new(state);
    char *record;

    restart_in(&s, s.new, NULL);
    sign_in_as(&s, "bob");
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    restart_in(&s, s.old, NULL);
    sign_in_as(&s, "carol");
    record = fake_store_record(s.old);
    free(s.refresh_token);
    s.refresh_token = fake_record_refresh_token(record);
    free(record);
    update(&s);

    assert_moved(&s);
    scene_free(&s);
}

/* The app went back to the version before, and forth again: the one journal names who signed in last. */
static void who_signed_in_to_the_old_store_since_moves_too(void **state) {
    scene s = scene_new(state);
    issued before = {.server = world_server(s.world)};

    update(&s);
    assert_moved(&s);
    take_refresh_token(&s, s.new);
    before.refresh_token = s.refresh_token;
    s.refresh_token = NULL;
    restart_in(&s, s.old, NULL);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);
    sign_in_as(&s, "bob");
    take_refresh_token(&s, s.old);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);

    assert_moved(&s);
    world_wait(is_revoked, &before, "what it replaced is revoked");
    free((char *)before.refresh_token);
    scene_free(&s);
}

/* ... but nobody moves because of whom it names in neither of the two. */
static void the_record_of_somebody_else_stays_where_it_is(void **state) {
    scene s = scene_new(state);
    fake_store *third = make_store("a third store", &(char *){NULL}, one_lock, 0);
    char *alices;

    take_refresh_token(&s, s.old);
    alices = fake_store_record(s.old);
    restart_in(&s, third, NULL);
    sign_in_as(&s, "carol");
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    fake_store_put(s.new, alices);
    world_restart_in(s.world, fake_store_handle(s.new), fake_store_handle(s.old));
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    assert_holds(s.old, s.refresh_token);
    assert_holds(s.new, s.refresh_token);
    assert_true(server_refresh_token_is_live(world_server(s.world), s.refresh_token));
    free(alices);
    scene_free(&s);
    fake_store_free(third);
}

static void the_refused_one_moves_and_is_not_sent_again(void **state) {
    scene s = scene_with(*state, &(world_options){.clock = true}, 0);

    server_revoke_family(world_server(s.world));
    assert_int_equal(tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
    wait_sign_in_required(s.world);
    server_counters_reset(world_server(s.world));
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_wait(is_empty, s.old, "the previous store is empty");

    assert_int_equal(server_counters(world_server(s.world)).token_requests, 0);
    scene_free(&s);
}

/* ------------------------------------------------------------------ the previous store does not answer */

static void a_previous_store_that_does_not_answer_says_nothing(void **state) {
    static const tacit_status answers[] = {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_UNAVAILABLE,
                                           TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_FAILED};
    scene s = scene_new(state);

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        size_t told = world_event_count(s.world, TACIT_EVENT_STORE_FAILED);

        fake_store_fail(s.old, FAKE_LOAD, answers[i]);
        update(&s);
        assert_unknown_for(&s, answers[i]);
        world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, told + 1);
        assert_empty(s.new);
    }
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    assert_moved(&s);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    scene_free(&s);
}

static void it_is_asked_again_by_itself(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    world_wait_event(s.world, TACIT_EVENT_LOADED, 2);

    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_IN);
    assert_moved(&s);
    scene_free(&s);
}

static void whoever_signs_in_meanwhile_is_signed_in(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    sign_in_as(&s, "bob");
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT); /* bob's sign-out brings nobody back */

    assert_holds(s.old, s.refresh_token);
    scene_free(&s);
}

static void a_sign_out_before_the_load_ends_what_would_have_moved(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_LOCKED); /* it did not end it */
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_LOCKED); /* nor does the next */
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    fake_store_gate_close(s.old, FAKE_LOAD); /* so that the sign-out comes first */
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    fake_store_gate_open(s.old, FAKE_LOAD);
    tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL);
    world_wait(is_empty, s.old, "the previous store is empty");
    assert_false(server_refresh_token_is_live(world_server(s.world), s.refresh_token));
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    assert_empty(s.new);
    scene_free(&s);
}

static void a_sign_out_that_failed_there_can_be_tried_again(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK); /* the user unlocked it */
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    world_wait(is_empty, s.old, "the previous store is empty");
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    assert_false(server_refresh_token_is_live(world_server(s.world), s.refresh_token));
    assert_empty(s.new);
    scene_free(&s);
}

/* sign_in.h: while the client lives. One of the two is locked until then. */
static void assert_sign_out_is_tried_again(void **state, bool of_new) {
    scene s = scene_new(state);
    issued hers = {world_server(s.world), s.refresh_token};
    fake_store *locked = of_new ? s.new : s.old;

    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    fake_store_fail(locked, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    world_restart_in(s.world, fake_store_handle(s.new), fake_store_handle(s.old));
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_LOCKED);
    assert_holds(s.old, s.refresh_token);
    fake_store_fail(locked, FAKE_LOAD, TACIT_OK);
    world_wait(is_empty, s.old, "the previous store is empty");
    world_wait(is_revoked, &hers, "her refresh token is revoked");
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    assert_empty(s.new);
    scene_free(&s);
}

static void a_sign_out_that_failed_there_is_tried_again_by_itself(void **state) {
    assert_sign_out_is_tried_again(state, false);
}

static void a_sign_out_that_failed_here_is_tried_again_there_too(void **state) {
    assert_sign_out_is_tried_again(state, true);
}

static void a_sign_out_ends_what_is_left_there_too(void **state) {
    scene s = scene_new(state);

    fake_store_fail(s.old, FAKE_ERASE, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    assert_empty(s.new);
    assert_holds(s.old, s.refresh_token);
    fake_store_fail(s.old, FAKE_ERASE, TACIT_OK);
    update(&s); /* it is left where the process ends before it can be erased */
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);

    if (*state == own_locks) world_wait(is_empty, s.old, "the previous store is empty");
    assert_empty(s.new);
    scene_free(&s);
}

/* ------------------------------------------------------------------ the new store */

static void what_does_not_fit_stays_where_it_is(void **state) {
    scene s = scene_with(*state, &(world_options){.store = NULL}, 100);
    tacit_error error;

    update(&s);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, &error),
                     TACIT_ERR_STORE_TOO_LARGE);

    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_UNKNOWN);
    assert_holds(s.old, s.refresh_token);
    assert_empty(s.new);
    restart_in(&s, s.old, NULL); /* back to the version before */
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    scene_free(&s);
}

/* The move ends between the save and the mark in the old store's journal; then the version before goes on. */
static void end_before_the_mark(scene *s) {
    assert_int_equal(world_close(s->world, PATIENCE_MS), TACIT_OK);
    fake_store_gate_close(s->new, FAKE_SAVE);
    world_restart_in(s->world, fake_store_handle(s->new), fake_store_handle(s->old));
    world_wait_event(s->world, TACIT_EVENT_STORE_FAILED, 1);
    world_close(s->world, TACIT_NO_WAIT);
    fake_store_gate_open(s->new, FAKE_SAVE);
    world_wait(is_filled, s->new, "the record is in both stores");
    world_restart_in(s->world, fake_store_handle(s->old), NULL);
    assert_loads_as(s, TACIT_STATE_SIGNED_IN);
}

static void a_refusal_that_the_old_store_met_meanwhile_moves_too(void **state) {
    scene s = scene_new(state);

    end_before_the_mark(&s);
    server_revoke_family(world_server(s.world));
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);
    server_counters_reset(world_server(s.world));
    update(&s);
    assert_loads_as(&s, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_wait(is_empty, s.old, "the previous store is empty");

    assert_int_equal(server_counters(world_server(s.world)).token_requests, 0);
    scene_free(&s);
}

/* ... whatever becomes of the revocation of the older one, and of the access token beside it. */
static void a_sign_out_revokes_what_went_on_in_the_old_store(void **state) {
    scene s = scene_new(state);
    issued newer = {.server = world_server(s.world)};

    end_before_the_mark(&s);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    take_refresh_token(&s, s.old);
    newer.refresh_token = s.refresh_token;
    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    server_fail(world_server(s.world), TS_REVOCATION, 2, 503);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_ERR_SERVER);
    world_wait(is_empty, s.old, "the previous store is empty");
    world_wait(is_revoked, &newer, "the newer refresh token is revoked");

    assert_empty(s.new);
    scene_free(&s);
}

static void what_went_on_in_the_old_store_is_not_lost_when_its_save_fails(void **state) {
    scene s = scene_new(state);
    tacit_error error;

    end_before_the_mark(&s);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    take_refresh_token(&s, s.old);

    for (int i = 0; i < 2; i++) { /* the first try says in the journal what it takes over */
        fake_store_fail(s.new, FAKE_SAVE, TACIT_ERR_STORE_LOCKED);
        update(&s);
        assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, &error),
                         TACIT_ERR_STORE_LOCKED);
    }
    fake_store_fail(s.old, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    update(&s);
    assert_unknown_for(&s, TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.new, FAKE_SAVE, TACIT_OK);
    fake_store_fail(s.old, FAKE_LOAD, TACIT_OK);
    update(&s);
    assert_moved(&s);
    scene_free(&s);
}

/* Of a clock that stands still otherwise: whoever finds a lock taken asks again a little later. */
static void pass_until_empty(const scene *s, fake_store *store) {
    for (int i = 0; i < 250 && !is_empty(store); i++) {
        world_clock_move(s->world, 100);
        usleep(20 * 1000);
    }
}

/* R7: the old version died, and what it had asked a keyring daemon to save was saved after the move. */
static void what_a_dead_process_saved_there_late_moves_too(void **state) {
    char *place, *before, *late, one[] = "one lock";
    scene s = scene_with(one, &(world_options){.clock = true}, 0);
    fake_store *new = make_store("a newer store", &place, *state, 0);
    ti_journal_image note;

    before = fake_store_record(s.old);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    take_refresh_token(&s, s.old);
    late = fake_store_record(s.old);
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    journal_read(s.world, &note);
    note.journal.state = TI_JOURNAL_ANSWERED;
    note.journal.writer = 4711;
    journal_write(s.world, &note);
    fake_store_put(s.old, before);
    world_restart_in(s.world, fake_store_handle(new), fake_store_handle(s.old));
    assert_loads_as(&s, TACIT_STATE_SIGNED_IN);
    pass_until_empty(&s, s.old);
    fake_store_put(s.old, late);
    world_clock_move(s.world, 32 * 1000);
    pass_until_empty(&s, s.old);

    assert_moved_from(&s, s.old, new);
    free(before);
    free(late);
    scene_free(&s);
    fake_store_free(new);
    fixture_directory_free(place);
}

/* A keyring may do what it said it could not. */
static void a_save_that_was_done_after_all_is_in_nobodys_way(void **state) {
    scene s = scene_new(state);
    char *record = fake_store_record(s.old), *saved;
    tacit_error error;

    saved = fake_record_with(record, "sign_in_id", "\"00112233445566778899aabbccddeeff\"");
    fake_store_fail(s.new, FAKE_SAVE, TACIT_ERR_STORE_UNAVAILABLE);
    update(&s);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, &error),
                     TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    fake_store_put(s.new, *state == one_lock ? saved : record);
    fake_store_fail(s.new, FAKE_SAVE, TACIT_OK);
    world_restart_in(s.world, fake_store_handle(s.new), fake_store_handle(s.old));
    assert_moved(&s);
    free(saved);
    free(record);
    scene_free(&s);
}

static void access_tokens_that_do_not_fit_are_left_out(void **state) {
    scene s = scene_with(*state, &(world_options){.store = NULL}, 400);
    char *before = fake_store_record(s.old);

    assert_true(strlen(before) > 400);
    update(&s);
    assert_moved(&s);

    free(before);
    scene_free(&s);
}

/* ------------------------------------------------------------------ each call fails or hangs once */

static void break_call(fake_store *store, fake_call call, bool hangs) {
    if (hangs)
        fake_store_gate_close(store, call);
    else
        fake_store_fail(store, call, TACIT_ERR_STORE_UNAVAILABLE);
}

static void mend_call(fake_store *store, fake_call call) {
    fake_store_gate_open(store, call);
    fake_store_fail(store, call, TACIT_OK);
}

/* The trouble lasts until the app was told, or ended, or started again in its midst. */
static void with_trouble(void **state, bool of_new, fake_call call, bool hangs, bool restarts) {
    scene s = scene_new(state);
    fake_store *troubled = of_new ? s.new : s.old;

    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    break_call(troubled, call, hangs);
    world_restart_in(s.world, fake_store_handle(s.new), fake_store_handle(s.old));
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    if (restarts) {
        world_close(s.world, TACIT_NO_WAIT);
        mend_call(troubled, call);
        world_restart(s.world);
    } else {
        mend_call(troubled, call);
        tacit_client_network_changed(world_client(s.world)); /* no pause is waited for */
    }
    assert_moved(&s);
    scene_free(&s);
}

static void whichever_call_fails_nothing_is_lost(void **state) {
    static const struct {
        bool of_new;
        fake_call call;
    } calls[] = {{true, FAKE_LOAD}, {true, FAKE_SAVE}, {false, FAKE_LOAD}, {false, FAKE_ERASE}};

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int how = 0; how < 4; how++)
            with_trouble(state, calls[i].of_new, calls[i].call, how & 1, how & 2);
}

/* ------------------------------------------------------------------ options */

static void sessions_of_a_sign_in_have_one_previous_store(void **state) {
    scene s = scene_new(state);
    fake_store *third = fake_store_new();
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;
    tacit_error error;

    update(&s);
    assert_moved(&s);
    options.client_id = "test-client";
    options.store = fake_store_handle(s.new);
    options.previous_store = fake_store_handle(third);
    assert_null(
        tacit_session_open(world_client(s.world), world_provider(s.world), &options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "options->previous_store"));
    options.previous_store = fake_store_handle(s.old);
    for (int i = 0; i < 2; i++) { /* the same, or none named */
        session =
            tacit_session_open(world_client(s.world), world_provider(s.world), &options, &error);
        assert_non_null(session);
        tacit_session_close(session, TACIT_NO_WAIT);
        options.previous_store = NULL;
    }
    scene_free(&s);
    fake_store_free(third);
}

#define WITH_EITHER(test)                                                                          \
    {#test ", with own locks", test, NULL, NULL, own_locks}, {                                     \
#test ", with one lock", test, NULL, NULL, one_lock                                        \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_EITHER(the_sign_in_moves_to_the_new_store),
        WITH_EITHER(once_moved_the_previous_store_is_left_alone),
        WITH_EITHER(access_tokens_of_all_views_move_too),
        WITH_EITHER(who_the_user_is_moves_too),
        WITH_EITHER(a_sign_in_is_as_old_as_it_was),
        WITH_EITHER(a_sign_out_that_failed_there_can_be_tried_again),
        WITH_EITHER(a_sign_out_that_failed_there_is_tried_again_by_itself),
        WITH_EITHER(a_sign_out_that_failed_here_is_tried_again_there_too),
        WITH_EITHER(a_sign_out_ends_what_is_left_there_too),
        WITH_EITHER(it_can_move_to_and_fro),
        WITH_EITHER(it_moves_back_over_what_was_left_there),
        {"what_moved_back_is_not_taken_for_what_was_left",
         what_moved_back_is_not_taken_for_what_was_left, NULL, NULL, own_locks},
        WITH_EITHER(what_lies_only_in_this_process_moves_out_of_it_and_into_it),
        WITH_EITHER(nothing_is_made_where_nobody_ever_signed_in),
        WITH_EITHER(the_store_itself_is_no_previous_one),
        WITH_EITHER(who_signed_out_before_the_update_stays_signed_out),
        WITH_EITHER(a_sign_in_in_the_new_store_counts_and_the_old_one_stays),
        WITH_EITHER(an_earlier_sign_out_of_the_new_store_keeps_nothing_from_moving),
        {"who_signed_in_to_the_old_store_since_moves_too",
         who_signed_in_to_the_old_store_since_moves_too, NULL, NULL, one_lock},
        {"the_record_of_somebody_else_stays_where_it_is",
         the_record_of_somebody_else_stays_where_it_is, NULL, NULL, one_lock},
        WITH_EITHER(the_refused_one_moves_and_is_not_sent_again),
        WITH_EITHER(a_previous_store_that_does_not_answer_says_nothing),
        WITH_EITHER(it_is_asked_again_by_itself),
        WITH_EITHER(whoever_signs_in_meanwhile_is_signed_in),
        WITH_EITHER(a_sign_out_before_the_load_ends_what_would_have_moved),
        WITH_EITHER(what_does_not_fit_stays_where_it_is),
        {"what_went_on_in_the_old_store_is_not_lost_when_its_save_fails",
         what_went_on_in_the_old_store_is_not_lost_when_its_save_fails, NULL, NULL, own_locks},
        {"a_refusal_that_the_old_store_met_meanwhile_moves_too",
         a_refusal_that_the_old_store_met_meanwhile_moves_too, NULL, NULL, own_locks},
        {"a_sign_out_revokes_what_went_on_in_the_old_store",
         a_sign_out_revokes_what_went_on_in_the_old_store, NULL, NULL, own_locks},
        WITH_EITHER(what_a_dead_process_saved_there_late_moves_too),
        WITH_EITHER(a_save_that_was_done_after_all_is_in_nobodys_way),
        WITH_EITHER(access_tokens_that_do_not_fit_are_left_out),
        WITH_EITHER(whichever_call_fails_nothing_is_lost),
        WITH_EITHER(sessions_of_a_sign_in_have_one_previous_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
