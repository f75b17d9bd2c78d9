/* examples/server_sent_events as its user starts it: no event is lost and none comes twice, whatever ends the streams. */
#include "support/cli.h"
#include "support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef TS_EVENTS_PROGRAM

enum { EVENTS = 60 };

static const char events_path[] = "/api/events?n=60&interval_ms=40";

static cli new_world(int access_lifetime_ms) {
    ts_options options = TS_OPTIONS_INIT;
    cli w;

    options.access_lifetime_ms = access_lifetime_ms;
    w = cli_new(&options);
    w.program = TS_EVENTS_PROGRAM;
    return w;
}

static cli_run start(cli *w, const char *input, const char *path, const char *quiet_s) {
    char *token_endpoint = strdup(server_url(w->server, "/token"));
    const char *const arguments[] = {token_endpoint, "test-client", server_url(w->server, ""),
                                     path,           quiet_s,       NULL};
    cli_run run = cli_start(w, input, arguments);

    free(token_endpoint);
    return run;
}

static cli_run start_signing_in(cli *w, const char *path) {
    return start(w, "alice\nwonderland\n", path, NULL);
}

/* Each once, in order, and nothing else. */
static void assert_all_events(const cli_run *run) {
    const char *rest = run->out;

    for (int i = 1; i <= EVENTS; i++) {
        char expected[64];
        int size = snprintf(expected, sizeof expected, "tick %d of\n%d\n", i, EVENTS);

        if (strncmp(rest, expected, (size_t)size) != 0)
            fail_msg("not event %d, but %.40s; it said: %s", i, rest, run->err);
        rest += size;
    }
    assert_string_equal(rest, "");
}

/* A stream that never began has nothing to go on after. */
static void await_event(const cli_run *run, int number) {
    cli_run out = *run;
    char words[32];

    out.err_path = run->out_path;
    snprintf(words, sizeof words, "tick %d ", number);
    free(cli_await_words(&out, words));
}

static void assert_ends(cli_run *run, int code) {
    cli_await(run);
    if (run->code != code) fail_msg("exit code %d: %s%s", run->code, run->out, run->err);
}

/* Requests of the stream that were answered with it: how often it had to begin anew. */
static long streams(const cli *w) {
    return server_counters(w->server).api_2xx;
}

/* ------------------------------------------------------------------ what ends a stream */

static void tokens_that_expire_cost_no_event(void **state) {
    cli w = new_world(600);
    cli_run run = start_signing_in(&w, events_path);

    (void)state;
    assert_ends(&run, 0);

    assert_all_events(&run);
    assert_true(streams(&w) >= 4);
    assert_true(server_counters(w.server).refreshes_ok >= 2);
    cli_run_free(&run);
    cli_free(&w);
}

/* The next stream begins with a 401. */
static void tokens_that_are_revoked_cost_no_event(void **state) {
    cli w = new_world(3600000);
    cli_run run = start_signing_in(&w, events_path);

    (void)state;
    for (int i = 1; i <= 3; i++) {
        await_event(&run, 10 * i);
        server_revoke_access_tokens(w.server);
    }
    assert_ends(&run, 0);

    assert_all_events(&run);
    assert_int_equal(server_counters(w.server).refreshes_ok, 3);
    assert_int_equal(server_counters(w.server).api_401, 3);
    cli_run_free(&run);
    cli_free(&w);
}

static void a_server_that_goes_away_costs_no_event(void **state) {
    cli w = new_world(3600000);
    cli_run run = start_signing_in(&w, events_path);

    (void)state;
    await_event(&run, 5);
    server_go_away(w.server);
    free(cli_await_words(&run, "TACIT_ERR_NETWORK"));
    assert_true(server_come_back(w.server));
    assert_ends(&run, 0);

    assert_all_events(&run);
    assert_true(streams(&w) >= 2);
    cli_run_free(&run);
    cli_free(&w);
}

static void a_server_that_is_busy_costs_no_event(void **state) {
    cli w = new_world(3600000);
    cli_run run;

    (void)state;
    server_fail_retry_after(w.server, TS_API, 1, 503, "1");
    run = start_signing_in(&w, events_path);
    assert_ends(&run, 0);

    assert_all_events(&run);
    assert_non_null(strstr(run.err, "stream: the server answered 503"));
    cli_run_free(&run);
    cli_free(&w);
}

static void a_stream_that_is_silent_is_taken_for_dead(void **state) {
    cli w = new_world(3600000);
    cli_run run = start(&w, "alice\nwonderland\n", "/api/events?n=2&interval_ms=2500", "1");

    (void)state;
    assert_ends(&run, 0);

    assert_string_equal(run.out, "tick 1 of\n2\ntick 2 of\n2\n");
    assert_true(streams(&w) >= 2);
    cli_run_free(&run);
    cli_free(&w);
}

/* ------------------------------------------------------------------ what ends the program */

static void assert_refused(int status, const char *headers, const char *body, const char *words) {
    cli w = new_world(3600000);
    ts_fault fault = {.kind = TS_FAULT_ANSWER, .status = status, .headers = headers, .body = body};
    cli_run run;

    server_fault_add(w.server, TS_API, &fault);
    run = start_signing_in(&w, events_path);
    assert_ends(&run, 1);

    assert_non_null(strstr(run.err, words));
    assert_int_equal(server_counters(w.server).api_requests, 1);
    cli_run_free(&run);
    cli_free(&w);
}

static void what_is_no_stream_is_told(void **state) {
    (void)state;
    assert_refused(404, NULL, NULL, "stream: the server answered 404\n");
    assert_refused(200, "Content-Type: text/html", "<html>", "which is no event stream");
}

static void an_event_without_end_is_told(void **state) {
    size_t size = (1 << 20) + 100;
    char *body = malloc(size + 1);

    (void)state;
    memset(body, 'x', size);
    body[size] = '\0';
    assert_refused(200, "Content-Type: text/event-stream", body, "longer than");
    free(body);
}

static void a_second_start_asks_nobody(void **state) {
    cli w = new_world(3600000);
    cli_run run = start_signing_in(&w, "/api/events?n=1");

    (void)state;
    assert_ends(&run, 0);
    assert_string_equal(run.out, "tick 1 of\n1\n");
    cli_run_free(&run);
    run = start(&w, "", "/api/events?n=1", NULL);
    assert_ends(&run, 0);

    assert_string_equal(run.out, ""); /* 204: it was over before */
    assert_null(strstr(run.err, "User name"));
    cli_run_free(&run);
    cli_free(&w);
}

static void an_interrupt_ends_it_in_a_stream_and_between_two(void **state) {
    cli w = new_world(3600000);
    cli_run run = start_signing_in(&w, "/api/events?n=2&interval_ms=600000");

    (void)state;
    assert_true(server_wait_counter(w.server, TS_COUNTER(api_2xx), 1, CLI_PATIENCE_MS));
    kill(run.pid, SIGINT);
    assert_ends(&run, 0);
    cli_run_free(&run);

    server_fail_retry_after(w.server, TS_API, 1, 503, "3600");
    run = start(&w, "", events_path, NULL);
    free(cli_await_words(&run, "the server answered 503"));
    kill(run.pid, SIGINT);
    assert_ends(&run, 0);
    assert_string_equal(run.out, "");
    cli_run_free(&run);
    cli_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_that_expire_cost_no_event),
        cmocka_unit_test(tokens_that_are_revoked_cost_no_event),
        cmocka_unit_test(a_server_that_goes_away_costs_no_event),
        cmocka_unit_test(a_server_that_is_busy_costs_no_event),
        cmocka_unit_test(a_stream_that_is_silent_is_taken_for_dead),
        cmocka_unit_test(what_is_no_stream_is_told),
        cmocka_unit_test(an_event_without_end_is_told),
        cmocka_unit_test(a_second_start_asks_nobody),
        cmocka_unit_test(an_interrupt_ends_it_in_a_stream_and_between_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the example, or without a cipher for its store. */
int main(void) {
    return 0;
}

#endif
