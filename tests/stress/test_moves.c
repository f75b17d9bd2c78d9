/*
 * A sign-in moves to another store, and the process that moves it is killed at each of its system calls in turn, while a process of the
 * old version may go on with the old store. Whatever is left, the next process has the sign-in, in one place, and no refresh token was
 * sent twice.
 *
 *     stress_moves [STEP]      every STEP-th system call; default 7
 */
#include "support/crash.h"
#include "support/fixture.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CALLS_MAX = 3000, PATIENCE_MS = 20000 };

static int step = 7;

typedef struct place {
    char old[256], new[256], state[256];
} place;

/* Fresh directories: nothing has moved yet. */
static bool make_place(crash_lane *lane, place *p) {
    if (!crash_clean(lane)) return false;
    snprintf(p->old, sizeof p->old, "%s/old", lane->directory);
    snprintf(p->new, sizeof p->new, "%s/new", lane->directory);
    snprintf(p->state, sizeof p->state, "%s/state", lane->directory);
    return crash_check(lane, mkdir(p->old, 0700) == 0 && mkdir(p->new, 0700) == 0, "no directory");
}

/* Of lanes that have a lock for each store, and of those that have one for both. */
static bool has_own_locks(const crash_lane *lane) {
    return lane->index % 2 == 0;
}

/* An app of the old version works with the old store alone. */
static app *start(crash_lane *lane, const place *p, bool updated, long mark) {
    const char *arguments[10] = {"--directory", updated ? p->new : p->old};
    char number[24];
    int count = 2;

    snprintf(number, sizeof number, "%ld", mark);
    if (has_own_locks(lane)) arguments[count++] = "--own-locks";
    if (updated) arguments[count++] = "--previous", arguments[count++] = p->old;
    if (mark > 0) arguments[count++] = "--mark", arguments[count++] = number;
    return app_start(&(app_options){.server = lane->server,
                                    .directory = lane->directory,
                                    .arguments = arguments,
                                    .with_die_shim = mark > 0});
}

static bool is_empty(const char *directory) {
    char *record = plain_store_record(directory);

    free(record);
    return record == NULL;
}

static bool await_empty(const char *directory) {
    for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
        if (is_empty(directory)) return true;
        poll(NULL, 0, 10);
    }
    return false;
}

/* *died: it was killed, and did not come to its end before. */
static bool move_and_die(crash_lane *lane, const place *p, long call, bool *died) {
    app *app = start(lane, p, true, call);
    json_t *answer = app_ask(app, "load %d", PATIENCE_MS);
    bool ok = crash_check(lane, app != NULL, "no app");

    *died = answer == NULL;
    if (!*died) ok = crash_check(lane, answer_is(answer, "TACIT_OK"), "load after call %ld", call);
    json_decref(answer);
    app_kill(app);
    *died |= app_died_at(app, NULL) > 0;
    app_free(app);
    return ok;
}

/* Either it finds itself signed out, or it has the sign-in and renews it. */
static bool go_on_with_the_old(crash_lane *lane, app *old) {
    json_t *answer = app_ask(old, "refresh %d", PATIENCE_MS);
    bool ok = crash_check(
        lane,
        answer_is(answer, "TACIT_OK") || answer_is(answer, "TACIT_ERR_SIGNED_OUT") ||
            answer_is(answer, "TACIT_ERR_SIGN_IN_REQUIRED"),
        "the old version: %s %s", answer_text(answer, "status"), answer_text(answer, "message"));

    json_decref(answer);
    return ok;
}

static bool prove(crash_lane *lane, const place *p, long call) {
    app *app = start(lane, p, true, 0);
    bool ok = app != NULL && crash_must(lane, app, "load") && crash_must(lane, app, "get /api/x") &&
              crash_must(lane, app, "refresh") &&
              crash_check(lane, await_empty(p->old), "a copy is left after call %ld", call) &&
              crash_check(lane, !is_empty(p->new), "nothing came after call %ld", call) &&
              crash_check(lane, server_counters(lane->server).reuse_detections == 0,
                          "a refresh token was sent twice after call %ld", call);

    return crash_check(lane, app_free(app), "the app did not end well") && ok;
}

static bool kill_at(crash_lane *lane, long call, bool *died) {
    place p;
    app *old;
    bool ok = make_place(lane, &p);

    old = ok ? start(lane, &p, false, 0) : NULL;
    ok = old != NULL && crash_must(lane, old, "sign-in alice") &&
         move_and_die(lane, &p, call, died) && go_on_with_the_old(lane, old) &&
         prove(lane, &p, call);
    crash_check(lane, app_free(old), "the old app did not end well");
    if (!ok) crash_check(lane, false, "killed at call %ld", call);
    return ok;
}

static void kill_at_each(crash_lane *lane) {
    bool died = true;

    for (long call = 1 + lane->index / 2 * step / (lane->count / 2); died && call < CALLS_MAX;
         call += step) {
        if (!kill_at(lane, call, &died)) return;
        lane->runs++;
    }
    crash_check(lane, !died, "it never came to its end");
}

static void whenever_the_mover_dies_the_sign_in_is_in_one_place(void **state) {
    crash_lane lanes[4] = {0};
    long runs = 0;

    (void)state;
    if (!app_has_die_shim()) skip();
    for (int i = 0; i < 4; i++) lanes[i] = (crash_lane){.store = "plain", .index = i, .count = 4};
    crash_run(lanes, 4, kill_at_each);
    for (int i = 0; i < 4; i++) runs += lanes[i].runs;
    print_message("%ld kills\n", runs);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whenever_the_mover_dies_the_sign_in_is_in_one_place),
    };

    if (argc > 1) step = (int)strtol(argv[1], NULL, 10);
    if (step < 1) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
