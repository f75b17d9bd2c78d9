/*
 * Several processes on one sign-in: they refresh as often as one would, and nobody is signed out.
 *
 *     stress_processes [PROCESSES [SECONDS [SEED]]]      default 6, 10, and a seed of its own, which is printed
 */
#include "support/app.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum {
    PROCESSES_MAX = 64,
    THREADS = 2,
    REQUESTS_PER_S = 20,
    LIFETIME_MS = 3000,
    WARM_UP_MS = 1000,
    STOPPED_MS_MAX = 2500
};

static int processes = 6, seconds = 10;
static unsigned seed;

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Some processes with the same store and state, on a server of their own. */
typedef struct group {
    ts_server *server;
    char *directory;
    app *apps[PROCESSES_MAX];
    int count;
    ts_counters warm, end; /* after the first second; at the end */
    json_t *told[PROCESSES_MAX];
} group;

static void must(json_t *answer) {
    if (!answer_is(answer, "TACIT_OK"))
        fail_msg("%s %s", answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
}

static group group_new(int count) {
    ts_options options = TS_OPTIONS_INIT;
    group g = {.count = count};

    options.threads = 4;
    options.record_limit = 0;
    options.access_lifetime_ms = LIFETIME_MS;
    g.server = server_start(&options);
    g.directory = fixture_directory_new();
    assert_true(g.server != NULL && g.directory != NULL);
    for (int i = 0; i < count; i++) {
        g.apps[i] = app_start(&(app_options){.server = g.server, .directory = g.directory});
        assert_non_null(g.apps[i]);
        if (i == 0) must(app_ask(g.apps[0], "sign-in alice"));
        must(app_ask(g.apps[i], "load"));
    }
    return g;
}

static void group_start(group *g) {
    for (int i = 0; i < g->count; i++)
        must(app_ask(g->apps[i], "start %d %d", THREADS, REQUESTS_PER_S));
}

static void group_stop(group *g) {
    g->end = server_counters(g->server);
    for (int i = 0; i < g->count; i++) {
        g->told[i] = app_ask(g->apps[i], "stop");
        assert_true(answer_is(g->told[i], "TACIT_OK"));
    }
}

static void group_free(group *g) {
    for (int i = 0; i < g->count; i++) {
        json_decref(g->told[i]);
        assert_true(app_free(g->apps[i]));
    }
    server_stop(g->server);
    fixture_directory_free(g->directory);
}

static void assert_undisturbed(const json_t *told) {
    assert_string_equal(answer_text(told, "state"), "signed_in");
    assert_int_equal(answer_number(told, "events.signed_out"), 0);
    assert_int_equal(answer_number(told, "events.sign_in_required"), 0);
    assert_int_equal(answer_number(told, "unauthorized"), 0);
    assert_int_equal(answer_number(told, "other"), 0);
    assert_int_equal(json_object_size(json_object_get(told, "errors")), 0);
    assert_true(answer_number(told, "ok") > 0);
}

static void several_refresh_as_often_as_one(void **state) {
    group alone = group_new(1), all = group_new(processes);
    long refreshes_alone, refreshes_all, adoptions = 0;

    (void)state;
    group_start(&alone);
    group_start(&all);
    poll(NULL, 0, WARM_UP_MS);
    alone.warm = server_counters(alone.server);
    all.warm = server_counters(all.server);
    poll(NULL, 0, seconds * 1000 - WARM_UP_MS);
    group_stop(&alone);
    group_stop(&all);

    refreshes_alone = alone.end.refreshes_ok - alone.warm.refreshes_ok;
    refreshes_all = all.end.refreshes_ok - all.warm.refreshes_ok;
    for (int i = 0; i < processes; i++) adoptions += answer_number(all.told[i], "adoptions");
    print_message("%d processes, %d s: %ld refreshes (one process: %ld), %ld adoptions, "
                  "%ld requests, %ld 401s, %ld reuses\n",
                  processes, seconds, refreshes_all, refreshes_alone, adoptions,
                  all.end.api_requests, all.end.api_401, all.end.reuse_detections);
    assert_undisturbed(alone.told[0]);
    for (int i = 0; i < processes; i++) assert_undisturbed(all.told[i]);
    assert_int_equal(all.end.reuse_detections, 0);
    assert_int_equal(all.end.refreshes_refused, 0);
    assert_int_equal(all.end.peak_concurrent_grants, 1);
    assert_int_equal(all.end.api_401, all.warm.api_401);
    assert_true(refreshes_alone > 0);
    /* At most 1.2 times; and one more, since the windows need not begin alike. */
    assert_true(5 * refreshes_all <= 6 * refreshes_alone + 5);
    if (processes > 1) assert_true(adoptions >= refreshes_all * (processes - 1) / 2);
    group_free(&alone);
    group_free(&all);
}

/* ------------------------------------------------------------------ some of them stopped */

/* Longer than a token is good for without a renewal, and often with the lock. */
static void stop_at_random(group *g, int64_t end_ms) {
    while (now_ms() < end_ms) {
        int frozen = rand_r(&seed) % g->count;

        app_freeze(g->apps[frozen]);
        poll(NULL, 0, rand_r(&seed) % STOPPED_MS_MAX);
        app_thaw(g->apps[frozen]);
        poll(NULL, 0, rand_r(&seed) % (STOPPED_MS_MAX / 4));
    }
}

static void stopping_some_at_random_loses_nothing(void **state) {
    group all = group_new(processes);

    (void)state;
    print_message("seed %u\n", seed);
    group_start(&all);
    stop_at_random(&all, now_ms() + seconds * 1000);
    poll(NULL, 0, LIFETIME_MS); /* everybody comes to rest */
    group_stop(&all);

    print_message("%ld refreshes, %ld requests, %ld 401s, %ld reuses\n", all.end.refreshes_ok,
                  all.end.api_requests, all.end.api_401, all.end.reuse_detections);
    for (int i = 0; i < processes; i++) {
        assert_string_equal(answer_text(all.told[i], "state"), "signed_in");
        assert_int_equal(answer_number(all.told[i], "events.sign_in_required"), 0);
        assert_int_equal(answer_number(all.told[i], "unauthorized"), 0);
        assert_int_equal(answer_number(all.told[i], "errors.TACIT_ERR_SIGN_IN_REQUIRED"), 0);
        must(app_ask(all.apps[i], "get /api/x 10000"));
    }
    assert_int_equal(all.end.reuse_detections, 0);
    assert_int_equal(all.end.peak_concurrent_grants, 1);
    group_free(&all);
}

/* ------------------------------------------------------------------ all at once */

/* As after a night: the record is there, its access token is over, and everybody starts. */
static void started_at_once_they_refresh_once(void **state) {
    group all = group_new(processes);
    ts_options options = server_options(all.server);
    long requests[PROCESSES_MAX];

    (void)state;
    for (int i = 0; i < all.count; i++) {
        assert_true(app_free(all.apps[i]));
        all.apps[i] = NULL;
    }
    all.warm = server_counters(all.server);
    poll(NULL, 0, LIFETIME_MS + 100);
    options.access_lifetime_ms = 3600000; /* the next one outlives the slowest start */
    server_configure(all.server, &options);
    for (int i = 0; i < all.count; i++) {
        all.apps[i] = app_start(&(app_options){.server = all.server, .directory = all.directory});
        assert_non_null(all.apps[i]);
        requests[i] = app_send(all.apps[i], "get /api/x 10000");
    }
    for (int i = 0; i < all.count; i++)
        must(app_answer_to(all.apps[i], requests[i], LIFETIME_MS * 5));

    all.end = server_counters(all.server);
    assert_int_equal(all.end.refreshes_ok - all.warm.refreshes_ok, 1);
    assert_int_equal(all.end.api_2xx - all.warm.api_2xx, processes);
    group_free(&all);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(several_refresh_as_often_as_one),
                                       cmocka_unit_test(started_at_once_they_refresh_once),
                                       cmocka_unit_test(stopping_some_at_random_loses_nothing)};

    if (argc > 1) processes = atoi(argv[1]);
    if (argc > 2) seconds = atoi(argv[2]);
    seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : (unsigned)time(NULL);
    if (processes < 1 || processes > PROCESSES_MAX || seconds < 2) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
