/* A process that holds the lock stands still (SIGSTOP), or its store does: that costs the others a retryable error, and nothing else. */
#include "support/apps.h"
#include "support/unit.h"

#include <stdio.h>
#include <time.h>

enum { WORKERS = 4 /* refresh_threads_max's default */ };

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A refresh makes the tokens before it useless, so that the others are in need. */
static apps in_need(const char *const *arguments) {
    ts_options options = TS_OPTIONS_INIT;

    options.refresh_ends_older_access = true;
    return apps_new(&options, arguments);
}

/* a stands still with the answer to a refresh of each account in its socket; the numbers of the commands. */
static void freeze_during_refreshes(apps *p, const char *const *accounts, int count,
                                    long *commands) {
    server_gate_close(p->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < count; i++) commands[i] = app_send(p->a, "@%s refresh", accounts[i]);
    assert_true(server_gate_waiters(p->server, TS_TOKEN_ENDPOINT, count, APPS_PATIENCE_MS));
    app_freeze(p->a);
    server_gate_open(p->server, TS_TOKEN_ENDPOINT);
}

static void the_others_get_a_retryable_error_in_time(void **state) {
    static const char *const accounts[] = {"default"};
    apps p = in_need(NULL);
    int64_t began_ms;
    json_t *answer;
    long refresh;

    (void)state;
    freeze_during_refreshes(&p, accounts, 1, &refresh);
    began_ms = now_ms();
    answer = app_ask(p.b, "get /api/x 1500");

    assert_false(answer_is(answer, "TACIT_OK"));
    assert_retryable(answer);
    assert_in_range(now_ms() - began_ms, 0, 2500);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    json_decref(answer);
    app_thaw(p.a);
    await_ok(p.a, refresh);
    ask_user(p.b, "alice");
    ask_user(p.a, "alice");
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    assert_int_equal(stat_of(p.b, "adoptions"), 1);
    apps_free(&p);
}

/* A request that waits patiently is served when the holder goes on. */
static void who_waits_long_enough_gets_what_the_holder_obtained(void **state) {
    static const char *const accounts[] = {"default"};
    apps p = in_need(NULL);
    json_t *answer;
    long refresh, request;

    (void)state;
    freeze_during_refreshes(&p, accounts, 1, &refresh);
    request = app_send(p.b, "get /api/x 15000");
    a_moment();
    app_thaw(p.a);
    await_ok(p.a, refresh);
    answer = await_answer(p.b, request);

    assert_true(answer_is(answer, "TACIT_OK"));
    assert_int_equal(answer_number(answer, "answer"), 200);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    json_decref(answer);
    apps_free(&p);
}

/* As many identities wait for the stopped process as there are workers, and one more has none to wait for. */
static void waiting_for_it_takes_no_worker(void **state) {
    static const char *const arguments[] = {"--account", "default", "--account", "second",
                                            "--account", "third",   "--account", "fourth",
                                            "--account", "other",   NULL};
    static const char *const accounts[WORKERS] = {"default", "second", "third", "fourth"};
    apps p = in_need(arguments);
    long refreshes[WORKERS], requests[WORKERS];
    int64_t began_ms;
    char line[64];

    (void)state;
    for (int i = 1; i < WORKERS; i++) {
        snprintf(line, sizeof line, "@%s sign-in alice", accounts[i]);
        ask_ok(p.a, line);
    }
    assert_true(app_free(p.b)); /* which has loaded that nobody is signed in there */
    p.b = apps_start(&p, arguments);
    ask_ok(p.b, "@other sign-in bob");
    freeze_during_refreshes(&p, accounts, WORKERS, refreshes);
    for (int i = 0; i < WORKERS; i++) requests[i] = app_send(p.b, "@%s refresh 15000", accounts[i]);
    a_moment();
    began_ms = now_ms();
    ask_ok(p.b, "@other refresh");

    assert_in_range(now_ms() - began_ms, 0, 1000);
    assert_int_equal(server_counters(p.server).refresh_grants, WORKERS + 1);
    app_thaw(p.a);
    for (int i = 0; i < WORKERS; i++) {
        await_ok(p.a, refreshes[i]);
        await_ok(p.b, requests[i]);
    }
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    apps_free(&p);
}

/* R7: a store call that is overdue keeps the lock, since it may still write; the others wait, and lose nothing. */
static void a_save_that_hangs_keeps_the_others_out(void **state) {
    static const char *const arguments[] = {"--store-timeout-ms", "300", NULL};
    apps p = in_need(arguments);
    json_t *answer;

    (void)state;
    ask_ok(p.a, "hold save");
    ask_ok(p.a, "refresh 10000"); /* goes on from memory */
    answer = app_ask(p.b, "get /api/x 1500");
    assert_false(answer_is(answer, "TACIT_OK"));
    assert_retryable(answer);
    json_decref(answer);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    ask_user(p.a, "alice");
    ask_ok(p.a, "free save");
    await_stat(p.a, "events.store_recovered", 1);
    ask_user(p.b, "alice");

    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    assert_int_equal(stat_of(p.b, "adoptions"), 1);
    apps_free(&p);
}

/* A process that ends has nothing of its own to finish there. */
static void quitting_does_not_wait_for_it(void **state) {
    static const char *const accounts[] = {"default"};
    apps p = in_need(NULL);
    int64_t began_ms;
    long refresh;

    (void)state;
    freeze_during_refreshes(&p, accounts, 1, &refresh);
    app_send(p.b, "get /api/x 30000");
    a_moment();
    began_ms = now_ms();
    assert_true(app_free(p.b));
    assert_in_range(now_ms() - began_ms, 0, 2000);

    p.b = apps_start(&p, NULL);
    app_thaw(p.a);
    await_ok(p.a, refresh);
    ask_user(p.b, "alice");
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    apps_free(&p);
}

/* The lock goes with the process, however long it stood still. */
static void a_stopped_holder_that_is_killed_lets_go(void **state) {
    static const char *const accounts[] = {"default"};
    ts_options options = TS_OPTIONS_INIT;
    apps p;
    json_t *answer = NULL;
    long refresh;

    (void)state;
    options.grace_ms = 20000;
    options.refresh_ends_older_access = true;
    p = apps_new(&options, NULL);
    freeze_during_refreshes(&p, accounts, 1, &refresh);
    json_decref(app_ask(p.b, "get /api/x 500"));
    app_kill(p.a);
    for (int64_t began_ms = now_ms(); now_ms() - began_ms < APPS_PATIENCE_MS; a_moment()) {
        answer = app_ask(p.b, "get /api/x 10000");
        if (answer_is(answer, "TACIT_OK")) break;
        assert_retryable(answer);
        json_decref(answer);
        answer = NULL;
    }
    assert_non_null(answer);

    assert_int_equal(answer_number(answer, "answer"), 200);
    assert_int_equal(server_counters(p.server).refresh_grants, 2);
    assert_int_equal(server_counters(p.server).grace_uses, 1);
    json_decref(answer);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_others_get_a_retryable_error_in_time),
        cmocka_unit_test(who_waits_long_enough_gets_what_the_holder_obtained),
        cmocka_unit_test(waiting_for_it_takes_no_worker),
        cmocka_unit_test(a_save_that_hangs_keeps_the_others_out),
        cmocka_unit_test(quitting_does_not_wait_for_it),
        cmocka_unit_test(a_stopped_holder_that_is_killed_lets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
