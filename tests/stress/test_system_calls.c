/*
 * Processes that die at each system call of a refresh, of a sign-in and of a sign-out: the n-th, for n = 1, 2, 3 ... until it is through
 * before it comes to that; and once more in the middle of each write. A fresh process goes on from there.
 *
 *     stress_system_calls [EVERY]      every so-many-th call; default: each, and with the keyring, which takes hundreds, each 17th
 */
#include "support/crash.h"
#include "support/keyring.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 2000, LANES_EACH = 6, KEYRING_EVERY = 17, AFTERMATH_MS = 50, DEATH_MS = 20000 };

static int every = 1;

/* What a process dies in, and what must be true for the next. */
typedef struct scene {
    const char *command;
    bool (*before)(crash_lane *lane, app *victim); /* NULL: nothing */
    bool (*after)(crash_lane *lane, app *successor);
} scene;

/* ------------------------------------------------------------------ one death */

/* true: it died; *writes: in a call that writes. false: the command was over before, or there is a problem. */
static bool dies(crash_lane *lane, const scene *scene, long n, bool torn, bool *writes) {
    app *victim = crash_app(lane, true);
    const char *call = NULL;
    bool died = false,
         ready = victim != NULL && (scene->before == NULL || scene->before(lane, victim));
    json_t *answer;

    if (ready) {
        json_decref(app_ask(victim, "mark %ld %s", n, torn ? "torn" : ""));
        answer = app_ask(victim, "%s", scene->command);
        if (answer != NULL)
            poll(NULL, 0, AFTERMATH_MS); /* the caller has its answer, and the work goes on */
        json_decref(answer);
        json_decref(app_ask(victim, "unmark"));
        died = app_died_at(victim, &call) > 0;
    }
    if (died) {
        lane->runs++;
        *writes = strstr(call, "write") != NULL || strstr(call, "send") != NULL;
        crash_check(lane, app_wait_death(victim, DEATH_MS), "%ld: it lives", n);
    }
    crash_check(lane, app_free(victim), "%ld: it did not end well", n);
    crash_settle(lane);
    return died && lane->problem[0] == '\0';
}

static bool run_once(crash_lane *lane, const scene *scene, long n, bool torn, bool *writes) {
    app *successor;
    bool ok, died = crash_clean(lane) && dies(lane, scene, n, torn, writes);

    if (!died) return false;
    successor = crash_app(lane, false);
    ok = successor != NULL && scene->after(lane, successor);
    ok = crash_check(lane, app_free(successor), "it did not end well") && ok;
    if (!ok) { /* which call it was */
        size_t size = strlen(lane->problem);
        snprintf(lane->problem + size, sizeof lane->problem - size, " [%s, call %ld%s]",
                 scene->command, n, torn ? ", torn" : "");
    }
    return ok;
}

static void die_at_each_call(crash_lane *lane, const scene *scene) {
    long n = 1 + lane->index * lane->step;
    bool writes = false;

    while (n < CALLS_MAX && run_once(lane, scene, n, false, &writes)) {
        if (writes) run_once(lane, scene, n, true, &writes);
        n += (long)lane->count * lane->step;
    }
    crash_check(lane, n < CALLS_MAX, "there is no end of system calls");
}

/* ------------------------------------------------------------------ the scenes */

static bool signed_in_as_alice(crash_lane *lane, app *victim) {
    return crash_must(lane, victim, "sign-in alice");
}

static bool refreshes(crash_lane *lane, app *successor) {
    return crash_prove(lane, successor, "refresh 10000");
}

static void refresh_lane(crash_lane *lane) {
    static const scene refresh = {"refresh", signed_in_as_alice, refreshes};
    ts_counters counters;

    die_at_each_call(lane, &refresh);
    counters = server_counters(lane->server);
    crash_check(lane, counters.reuse_detections <= lane->lost, "%ld reuses, %ld sign-ins lost",
                counters.reuse_detections, lane->lost);
}

/* Loads; whether somebody is signed in. */
static bool loads_signed_in(crash_lane *lane, app *successor) {
    json_t *loaded = app_ask(successor, "load");
    const char *state = answer_text(loaded, "state");
    bool in = state != NULL && strcmp(state, "signed_in") == 0;

    crash_check(lane, answer_is(loaded, "TACIT_OK") && strcmp(state, "unknown") != 0, "load: %s %s",
                answer_text(loaded, "status"), answer_text(loaded, "message"));
    json_decref(loaded);
    return in;
}

static bool works(crash_lane *lane, app *successor) {
    json_t *answer = app_ask(successor, "get /api/whoami 10000");

    crash_check(lane, answer_number(answer, "answer") == 200, "signed in, but: %s %s (%ld)",
                answer_text(answer, "status"), answer_text(answer, "message"),
                answer_number(answer, "answer"));
    json_decref(answer);
    return lane->problem[0] == '\0';
}

/* In as the old user or the new one, or out; never stuck between them. */
static bool in_or_out(crash_lane *lane, app *successor) {
    bool ok = loads_signed_in(lane, successor) ? works(lane, successor)
                                               : crash_must(lane, successor, "sign-in carol");

    return ok && lane->problem[0] == '\0' && crash_prove(lane, successor, "refresh 10000");
}

static void sign_in_lane(crash_lane *lane) {
    static const scene sign_in = {"sign-in bob", signed_in_as_alice, in_or_out};

    die_at_each_call(lane, &sign_in);
    crash_check(lane, lane->lost == 0, "%ld lost", lane->lost);
}

static bool signed_in_and_counted(crash_lane *lane, app *victim) {
    bool ok = crash_must(lane, victim, "sign-in alice");

    server_counters_reset(lane->server);
    return ok;
}

static bool is_erased_soon(crash_lane *lane) {
    for (int waited = 0; waited < DEATH_MS; waited += 10) {
        char *record = plain_store_record(lane->directory);

        free(record);
        if (record == NULL) return true;
        poll(NULL, 0, 10);
    }
    return crash_check(lane, false, "signed out, but the record stays");
}

/* Not begun, or carried to its end by the next process. */
static bool out_for_good(crash_lane *lane, app *successor) {
    bool revoked = server_counters(lane->server).revocations > 0;

    if (loads_signed_in(lane, successor)) {
        crash_check(lane, !revoked, "revoked, and not signed out");
        return works(lane, successor);
    }
    return is_erased_soon(lane) && crash_must(lane, successor, "sign-in carol") &&
           works(lane, successor);
}

static void sign_out_lane(crash_lane *lane) {
    static const scene sign_out = {"sign-out", signed_in_and_counted, out_for_good};

    die_at_each_call(lane, &sign_out);
}

/* ------------------------------------------------------------------ the tests */

static void die_everywhere(const char *store, int grace_ms, int step,
                           void (*body)(crash_lane *lane)) {
    crash_lane lanes[LANES_EACH] = {0};
    long runs = 0, lost = 0;

    if (!app_has_die_shim()) skip();
    for (int i = 0; i < LANES_EACH; i++)
        lanes[i] = (crash_lane){
            .store = store, .grace_ms = grace_ms, .index = i, .count = LANES_EACH, .step = step};
    crash_run(lanes, LANES_EACH, body);
    for (int i = 0; i < LANES_EACH; i++) {
        runs += lanes[i].runs;
        lost += lanes[i].lost;
    }
    print_message("%ld deaths, %ld sign-ins lost\n", runs, lost);
    assert_true(runs > 0);
    if (grace_ms > 0) assert_int_equal(lost, 0);
}

static void each_call_of_a_refresh_with_grace(void **state) {
    (void)state;
    die_everywhere("plain", 10000, every, refresh_lane);
}

static void each_call_of_a_refresh_without_grace(void **state) {
    (void)state;
    die_everywhere("plain", 0, every, refresh_lane);
}

static void each_call_of_a_refresh_with_the_file_store(void **state) {
    (void)state;
    die_everywhere("file", 10000, every, refresh_lane);
}

/* The real service, which may finish the save of a process that died. */
static void each_call_of_a_refresh_with_the_keyring(void **state) {
    (void)state;
    if (!app_has_die_shim()) skip();
    keyring_home_make();
    keyring_bus_start();
    keyring_service_start("a password");
    die_everywhere("keyring", 10000, every * KEYRING_EVERY, refresh_lane);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
}

static void each_call_of_a_sign_in_as_another(void **state) {
    (void)state;
    die_everywhere("plain", 0, every, sign_in_lane);
}

static void each_call_of_a_sign_out(void **state) {
    (void)state;
    die_everywhere("plain", 0, every, sign_out_lane);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_a_refresh_with_grace),
        cmocka_unit_test(each_call_of_a_refresh_without_grace),
        cmocka_unit_test(each_call_of_a_refresh_with_the_file_store),
        cmocka_unit_test(each_call_of_a_refresh_with_the_keyring),
        cmocka_unit_test(each_call_of_a_sign_in_as_another),
        cmocka_unit_test(each_call_of_a_sign_out),
    };

    if (argc > 1) every = atoi(argv[1]);
    if (every < 1) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
