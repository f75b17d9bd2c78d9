/* The old version of an app runs beside the new one, which keeps its sign-in elsewhere: in processes, with a lock and journal for each
 * store, and with one for both. */
#include "support/apps.h"
#include "support/fixture.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char one_lock[] = "one lock", own_locks[] = "own locks"; /* *state */

/* The old version has signed in. */
typedef struct scene {
    apps apps; /* without a and b */
    bool own_locks;
    char old_directory[256], new_directory[256];
    app *old;
} scene;

static app *start(scene *s, bool updated) {
    const char *arguments[6] = {"--directory", updated ? s->new_directory : s->old_directory};
    int count = 2;

    if (updated) {
        arguments[count++] = "--previous";
        arguments[count++] = s->old_directory;
    }
    if (s->own_locks) arguments[count++] = "--own-locks";
    return apps_start(&s->apps, arguments);
}

static scene scene_new(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    scene s = {.apps = {.directory = fixture_directory_new()}, .own_locks = *state == own_locks};

    assert_non_null(s.apps.directory);
    options.username = options.password = NULL;
    s.apps.server = server_start(&options);
    assert_non_null(s.apps.server);
    snprintf(s.old_directory, sizeof s.old_directory, "%s/old", s.apps.directory);
    snprintf(s.new_directory, sizeof s.new_directory, "%s/new", s.apps.directory);
    assert_int_equal(mkdir(s.old_directory, 0700), 0);
    assert_int_equal(mkdir(s.new_directory, 0700), 0);
    s.old = start(&s, false);
    ask_ok(s.old, "sign-in alice");
    return s;
}

static void scene_free(scene *s) {
    for (int part = 0; part < TS_PARTS; part++) server_gate_open(s->apps.server, (ts_part)part);
    assert_true(app_free(s->old));
    server_stop(s->apps.server);
    fixture_directory_free(s->apps.directory);
}

static bool has_record(const char *directory) {
    char *record = plain_store_record(directory);

    free(record);
    return record != NULL;
}

static void assert_moved(scene *s, app *app) {
    ask_user(app, "alice");
    ask_ok(app, "refresh");
    for (int waited = 0; has_record(s->old_directory) && waited < APPS_PATIENCE_MS; waited += 10)
        poll(NULL, 0, 10);
    assert_false(has_record(s->old_directory));
    assert_true(has_record(s->new_directory));
    assert_int_equal(server_counters(s->apps.server).reuse_detections, 0);
}

static void the_old_version_finds_itself_signed_out(void **state) {
    scene s = scene_new(state);
    app *new = start(&s, true);
    json_t *answer;

    assert_moved(&s, new);
    answer = app_ask(s.old, "refresh");
    assert_false(answer_is(answer, "TACIT_OK"));
    assert_state(s.old, "signed_out");
    ask_user(new, "alice");
    assert_false(has_record(s.old_directory));

    json_decref(answer);
    assert_true(app_free(new));
    scene_free(&s);
}

/* One journal says that this is the later sign-in; of two neither is. */
static void who_signs_in_with_the_old_version_meanwhile_moves_too(void **state) {
    scene s = scene_new(state);
    app *new = start(&s, true);
    json_t *answer;

    assert_moved(&s, new);
    answer = app_ask(s.old, "refresh");
    assert_false(answer_is(answer, "TACIT_OK"));
    ask_ok(s.old, "sign-in bob");
    json_decref(answer);
    answer = app_ask(new, "refresh"); /* it may have been alice's */
    json_decref(ask_patiently(new, "load"));
    ask_user(new, "bob");
    for (int waited = 0; has_record(s.old_directory) && waited < APPS_PATIENCE_MS; waited += 10)
        poll(NULL, 0, 10);
    assert_false(has_record(s.old_directory));
    json_decref(app_ask(s.old, "refresh"));

    assert_state(s.old, "signed_out");
    assert_state(new, "signed_in");
    json_decref(answer);
    assert_true(app_free(new));
    scene_free(&s);
}

static void two_that_move_at_once_move_once(void **state) {
    scene s = scene_new(state);
    app *first = start(&s, true), *second = start(&s, true);
    long loads[2] = {app_send(first, "load"), app_send(second, "load")};

    await_ok(first, loads[0]);
    await_ok(second, loads[1]);
    assert_moved(&s, first);
    assert_moved(&s, second);

    assert_state(first, "signed_in");
    assert_true(app_free(first));
    assert_true(app_free(second));
    scene_free(&s);
}

static void a_refresh_of_the_old_version_is_waited_for(void **state) {
    scene s = scene_new(state);
    long refresh, load;
    app *new;

    server_gate_close(s.apps.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(s.old, "refresh");
    assert_true(server_gate_waiters(s.apps.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    new = start(&s, true);
    load = app_send(new, "load");
    a_moment();
    assert_false(has_record(s.new_directory));
    server_gate_open(s.apps.server, TS_TOKEN_ENDPOINT);
    await_ok(s.old, refresh);
    await_ok(new, load);

    assert_moved(&s, new);
    assert_int_equal(stat_of(new, "generation"), 3);
    assert_true(app_free(new));
    scene_free(&s);
}

/* It lives, and holds what counts. */
static void what_the_old_version_could_not_save_is_waited_for(void **state) {
    scene s = scene_new(state);
    app *new;
    json_t *answer;

    ask_ok(s.old, "fail save 65"); /* TACIT_ERR_STORE_FAILED */
    ask_ok(s.old, "refresh");
    new = start(&s, true);
    answer = ask_error(new, "load", "TACIT_ERR_STORE_UNAVAILABLE");
    assert_retryable(answer);
    json_decref(answer);
    assert_false(has_record(s.new_directory));
    ask_ok(s.old, "fail save 0");
    answer = ask_patiently(new, "load");
    assert_true(answer_is(answer, "TACIT_OK"));
    json_decref(answer);

    assert_moved(&s, new);
    assert_int_equal(stat_of(new, "generation"), 3);
    assert_true(app_free(new));
    scene_free(&s);
}

/* R2, over the move: an answer may be lost, and the retry is one. */
static void a_grant_that_the_old_version_died_in_is_tried_again_once(void **state) {
    scene s = scene_new(state);
    json_t *answer;
    app *new;

    server_gate_close(s.apps.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    app_send(s.old, "refresh");
    assert_true(server_gate_waiters(s.apps.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    app_kill(s.old);
    server_gate_open(s.apps.server, TS_TOKEN_ENDPOINT);
    new = start(&s, true);
    ask_ok(new, "load");
    answer = ask_patiently(new, "refresh");

    assert_answer_lost(new, answer);
    assert_int_equal(server_counters(s.apps.server).refresh_grants, 2);
    json_decref(answer);
    assert_true(app_free(new));
    scene_free(&s);
}

static void patience_that_the_server_asked_for_is_had_over_the_move(void **state) {
    scene s = scene_new(state);
    json_t *answer;
    app *new;

    server_fail_retry_after(s.apps.server, TS_TOKEN_ENDPOINT, 1, 429, "30");
    json_decref(ask_error(s.old, "refresh", "TACIT_ERR_SERVER"));
    new = start(&s, true);
    ask_ok(new, "load");
    answer = ask_error(new, "refresh", "TACIT_ERR_SERVER");

    assert_in_range(answer_number(answer, "retry_after_s"), 20, 31);
    assert_int_equal(server_counters(s.apps.server).token_requests, 2); /* the sign-in's, too */
    json_decref(answer);
    assert_true(app_free(new));
    scene_free(&s);
}

#define WITH_EITHER(test)                                                                          \
    {#test ", with own locks", test, NULL, NULL, own_locks}, {                                     \
#test ", with one lock", test, NULL, NULL, one_lock                                        \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_EITHER(the_old_version_finds_itself_signed_out),
        {"who_signs_in_with_the_old_version_meanwhile_moves_too",
         who_signs_in_with_the_old_version_meanwhile_moves_too, NULL, NULL, one_lock},
        WITH_EITHER(two_that_move_at_once_move_once),
        WITH_EITHER(a_refresh_of_the_old_version_is_waited_for),
        WITH_EITHER(what_the_old_version_could_not_save_is_waited_for),
        WITH_EITHER(a_grant_that_the_old_version_died_in_is_tried_again_once),
        WITH_EITHER(patience_that_the_server_asked_for_is_had_over_the_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
