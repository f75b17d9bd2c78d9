/*
 * Processes that are killed at random moments while they use and renew their tokens. After each kill the record is the old or the
 * new one, whole, and a fresh process goes on; only where the server gives no grace, and rotated, and the answer was never saved, is
 * the sign-in lost, and then the error says so.
 *
 *     stress_crashes [KILLS [SEED]]      default 24, and a seed of its own, which is printed
 */
#include "support/crash.h"
#include "support/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { LANES_EACH = 2, LIFE_MS_MAX = 1300, CROWD = 4 };

static long kills = 24;
static unsigned seed;

/* The server takes its time, so that many kills fall between the post and the save. */
static void slow_down(crash_lane *lane) {
    ts_fault slow = {.kind = TS_FAULT_NONE, .delay_before_ms = 150, .delay_after_ms = 250};

    server_fault_add(lane->server, TS_TOKEN_ENDPOINT, &slow);
}

static void kill_at_random(crash_lane *lane, app *victim) {
    poll(NULL, 0, rand_r(&lane->seed) % LIFE_MS_MAX);
    if (server_counters(lane->server).concurrent_grants > 0) lane->mid_flight++;
    app_kill(victim);
    crash_settle(lane);
}

/* Each process takes over from the one before, proves that it can, and is killed in its turn. */
static void one_after_the_other(crash_lane *lane) {
    app *app = crash_app(lane, false);
    bool ok = app != NULL && crash_must(lane, app, "sign-in alice");

    slow_down(lane);
    while (ok && lane->runs < lane->limit) {
        lane->runs++;
        ok = crash_must(lane, app, "start 2 50");
        kill_at_random(lane, app);
        app_free(app);
        app = ok ? crash_app(lane, false) : NULL;
        ok = app != NULL && crash_prove(lane, app, "get /api/x 10000");
    }
    crash_check(lane, server_counters(lane->server).reuse_detections <= lane->lost,
                "%ld reuses, but %ld sign-ins were lost",
                server_counters(lane->server).reuse_detections, lane->lost);
    crash_check(lane, app_free(app), "the last app did not end well");
}

/* ------------------------------------------------------------------ among others that live */

static bool join_in(crash_lane *lane, app **app) {
    *app = crash_app(lane, false);
    return *app != NULL && crash_must(lane, *app, "load") && crash_must(lane, *app, "start 1 20");
}

/* Nobody was signed out, and what failed could be tried again. */
static bool leave(crash_lane *lane, app *app) {
    json_t *told = app_ask(app, "stop");
    bool ok = crash_check(lane, answer_is(told, "TACIT_OK"), "no answer") &&
              crash_check(lane,
                          answer_number(told, "events.sign_in_required") == 0 &&
                              answer_number(told, "events.signed_out") == 0 &&
                              answer_number(told, "errors.TACIT_ERR_SIGN_IN_REQUIRED") == 0 &&
                              answer_number(told, "errors.TACIT_ERR_SIGNED_OUT") == 0,
                          "an app was signed out");

    json_decref(told);
    return ok && crash_prove(lane, app, "get /api/x 10000");
}

/* One of several is killed, and a fresh one takes its place, again and again. */
static void one_among_others(crash_lane *lane) {
    app *apps[CROWD] = {NULL};
    bool ok = (apps[0] = crash_app(lane, false)) != NULL &&
              crash_must(lane, apps[0], "sign-in alice") && crash_must(lane, apps[0], "start 1 20");

    slow_down(lane);
    for (int i = 1; ok && i < CROWD; i++) ok = join_in(lane, &apps[i]);
    while (ok && lane->runs < lane->limit) {
        int i = rand_r(&lane->seed) % CROWD;

        lane->runs++;
        poll(NULL, 0, rand_r(&lane->seed) % (LIFE_MS_MAX / CROWD));
        if (server_counters(lane->server).concurrent_grants > 0) lane->mid_flight++;
        app_kill(apps[i]);
        app_free(apps[i]);
        ok = join_in(lane, &apps[i]);
    }
    for (int i = 0; i < CROWD; i++) {
        ok = ok && leave(lane, apps[i]);
        crash_check(lane, app_free(apps[i]), "an app did not end well");
    }
    crash_check(lane, server_counters(lane->server).reuse_detections == 0, "%ld reuses",
                server_counters(lane->server).reuse_detections);
}

/* ------------------------------------------------------------------ the tests */

static void run_lanes(crash_lane *lanes, int count, void (*body)(crash_lane *lane)) {
    long runs = 0, mid_flight = 0, lost = 0;

    for (int i = 0; i < count; i++) {
        lanes[i].index = i;
        lanes[i].seed = seed + (unsigned)i;
        lanes[i].limit = (kills + count - 1) / count;
    }
    print_message("seed %u\n", seed);
    crash_run(lanes, count, body);
    for (int i = 0; i < count; i++) {
        runs += lanes[i].runs;
        mid_flight += lanes[i].mid_flight;
        lost += lanes[i].lost;
    }
    print_message("%ld kills, %ld of them during a grant; %ld sign-ins lost without grace, and "
                  "said so\n",
                  runs, mid_flight, lost);
    assert_true(runs >= kills);
}

static void killed_one_after_the_other(void **state) {
    crash_lane lanes[3 * LANES_EACH] = {0};
    int count = 0;

    (void)state;
    for (int i = 0; i < LANES_EACH; i++) {
        lanes[count++] = (crash_lane){.store = "plain", .grace_ms = 10000};
        lanes[count++] = (crash_lane){.store = "plain", .grace_ms = 0};
        lanes[count++] = (crash_lane){.store = "file", .grace_ms = 10000};
    }
    run_lanes(lanes, count, one_after_the_other);
}

static void killed_among_others(void **state) {
    /* Kills come faster than retries here, and may hit several of them in a row. */
    crash_lane lanes[] = {{.store = "plain", .grace_ms = 120000},
                          {.store = "file", .grace_ms = 120000}};

    (void)state;
    run_lanes(lanes, 2, one_among_others);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_one_after_the_other),
                                       cmocka_unit_test(killed_among_others)};

    if (argc > 1) kills = atol(argv[1]);
    seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)time(NULL);
    if (kills < 1) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
