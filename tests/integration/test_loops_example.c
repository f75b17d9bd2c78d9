/* The programs of examples/loops: everything of tacit's comes to a loop that has one thread, each call once, and the end waits
 * neither for the loop nor for the network. The programs themselves abort where they are called on another thread. */
#include "support/cli.h"
#include "support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 20 }; /* as in app.c; the last is cancelled */

static const char *const programs[] = {
#ifdef TS_LOOP_EPOLL
    TS_LOOP_EPOLL,
#endif
#ifdef TS_LOOP_GLIB
    TS_LOOP_GLIB,
#endif
#ifdef TS_LOOP_LIBUV
    TS_LOOP_LIBUV,
#endif
    NULL};

static cli new_world(const char *program) {
    ts_options options = TS_OPTIONS_INIT;
    cli w;

    options.device_interval = "1";
    w = cli_new(&options);
    w.program = program;
    return w;
}

static cli_run start(cli *w) {
    const char *url = server_url(w->server, "");
    const char *const arguments[] = {url, "test-client", url, "/api/page", NULL};

    return cli_start(w, NULL, arguments);
}

/* The user, elsewhere. */
static void enter_code(const cli *w, const cli_run *run,
                       bool (*answer)(ts_server *server, const char *user_code)) {
    char *code;

    free(cli_await_words(run, " and enter "));
    code = server_newest_user_code(w->server);
    assert_true(answer(w->server, code));
    free(code);
}

static cli_run start_signed_in(cli *w) {
    cli_run run = start(w);

    enter_code(w, &run, server_device_approve);
    return run;
}

static void await_output(const cli_run *run, const char *words) {
    cli_run out = *run;

    out.err_path = run->out_path;
    free(cli_await_words(&out, words));
}

static void assert_ends(cli_run *run, int code) {
    cli_await(run);
    if (run->code != code) fail_msg("exit code %d: %s%s", run->code, run->out, run->err);
}

/* Each request once: the last as it was cancelled, the others with these words. */
static void assert_answers(const cli_run *run, const char *words) {
    int lines = 0;

    for (const char *c = run->out; *c != '\0'; c++) lines += *c == '\n';
    for (int i = 1; i <= REQUESTS; i++) {
        char line[64], first[64];

        snprintf(line, sizeof line, "\n%d: %s\n", i, i < REQUESTS ? words : "TACIT_ERR_CANCELLED");
        snprintf(first, sizeof first, "%s", line + 1);
        if (strstr(run->out, line) == NULL && strncmp(run->out, first, strlen(first)) != 0)
            fail_msg("no \"%s\" in:\n%s", first, run->out);
    }
    assert_int_equal(lines, REQUESTS);
}

static void for_each_loop(void (*test)(cli *w)) {
    for (const char *const *program = programs; *program != NULL; program++) {
        cli w = new_world(*program);

        test(&w);
        cli_free(&w);
    }
}

/* ------------------------------------------------------------------ to the end */

static void is_answered(cli *w) {
    cli_run run;

    server_gate_close(w->server, TS_API, TS_BEFORE_ANSWER);
    run = start_signed_in(w);
    await_output(&run, "20: TACIT_ERR_CANCELLED\n");
    assert_true(server_gate_waiters(w->server, TS_API, REQUESTS - 1, CLI_PATIENCE_MS));
    server_gate_open(w->server, TS_API);
    assert_ends(&run, 0);
    assert_answers(&run, "{\"ok\":true}");
    cli_run_free(&run);

    run = start(w); /* the second time nobody is asked */
    assert_ends(&run, 0);
    assert_answers(&run, "{\"ok\":true}");
    assert_null(strstr(run.err, " and enter "));
    cli_run_free(&run);
}

static void every_request_is_answered_on_the_loop(void **state) {
    (void)state;
    for_each_loop(is_answered);
}

static void tells_refusal(cli *w) {
    cli_run run = start(w);

    enter_code(w, &run, server_device_deny);
    assert_run((cli_await(&run), run), 1, "", "sign-in: TACIT_ERR_ACCESS_DENIED: ");
}

static void a_refusal_is_told(void **state) {
    (void)state;
    for_each_loop(tells_refusal);
}

/* ------------------------------------------------------------------ an early end */

static void ends_while_requests_wait(cli *w) {
    cli_run run;

    server_gate_close(w->server, TS_API, TS_BEFORE_ANSWER);
    run = start_signed_in(w);
    await_output(&run, "20: TACIT_ERR_CANCELLED\n");
    assert_true(server_gate_waiters(w->server, TS_API, REQUESTS - 1, CLI_PATIENCE_MS));
    kill(run.pid, SIGINT);
    assert_ends(&run, 0);

    assert_answers(&run, "TACIT_ERR_CLOSED");
    cli_run_free(&run);
}

static void an_interrupt_ends_what_waits(void **state) {
    (void)state;
    for_each_loop(ends_while_requests_wait);
}

static void ends_while_it_signs_in(cli *w) {
    cli_run run = start(w);

    free(cli_await_words(&run, " and enter "));
    kill(run.pid, SIGINT);
    assert_run((cli_await(&run), run), 1, "", "sign-in: TACIT_ERR_CLOSED: ");
}

static void an_interrupt_ends_a_sign_in(void **state) {
    (void)state;
    for_each_loop(ends_while_it_signs_in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_answered_on_the_loop),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(an_interrupt_ends_what_waits),
        cmocka_unit_test(an_interrupt_ends_a_sign_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
