/* examples/device_code.c as its user starts it: with a device's store, an encrypted file. */
#include "support/fixture.h"
#include "support/server.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TS_DEVICE_CODE_PROGRAM

enum { PATIENCE_MS = 20000, LINES_MAX = 60 };

typedef struct scene {
    char *directory;
    ts_server *server;
    pthread_t user;
    bool denies;
} scene;

static scene new_scene(void) {
    ts_options options = TS_OPTIONS_INIT;
    scene s = {.directory = fixture_directory_new()};

    assert_non_null(s.directory);
    options.device_interval = "1";
    s.server = server_start(&options);
    assert_non_null(s.server);
    return s;
}

static void free_scene(scene *s) {
    server_stop(s->server);
    fixture_directory_free(s->directory);
}

/* Sits elsewhere, and answers the first code that is asked for. */
static void *answer_code(void *data) {
    const scene *s = data;
    char *code;

    if (!server_wait_counter(s->server, TS_COUNTER(device_polls), 1, PATIENCE_MS)) return NULL;
    code = server_newest_user_code(s->server);
    if (s->denies)
        server_device_deny(s->server, code);
    else
        server_device_approve(s->server, code);
    free(code);
    return NULL;
}

/* With a home of its own, and nothing else of whoever runs the test: no keyring above all. */
static fixture_run start(const scene *s) {
    const char *url = server_url(s->server, "");
    char home[1024], key[1024], run_directory[1024];
    const char *argv[] = {
        "/usr/bin/env", "-i", home,        key, run_directory, TS_DEVICE_CODE_PROGRAM, url,
        "test-client",  url,  "/api/page", NULL};
    fixture_run run;

    snprintf(home, sizeof home, "HOME=%s", s->directory);
    snprintf(key, sizeof key, "TACIT_STORE_KEY_FILE=%s/key", s->directory);
    snprintf(run_directory, sizeof run_directory, "XDG_RUNTIME_DIR=%s", s->directory);
    assert_true(fixture_run_program(argv, NULL, PATIENCE_MS, &run));
    assert_false(run.timed_out);
    return run;
}

static fixture_run start_beside_user(scene *s) {
    fixture_run run;

    assert_int_equal(pthread_create(&s->user, NULL, answer_code, s), 0);
    run = start(s);
    pthread_join(s->user, NULL);
    return run;
}

static void assert_says(const fixture_run *run, const char *text) {
    if (strstr(run->output, text) == NULL) fail_msg("no \"%s\" in:\n%s", text, run->output);
}

static void the_second_start_asks_nobody(void **state) {
    scene s = new_scene();
    fixture_run run = start_beside_user(&s);
    char *code = server_newest_user_code(s.server);

    (void)state;
    assert_non_null(code);
    assert_says(&run, code);
    assert_says(&run, "\n200\n");
    assert_int_equal(run.exit_code, 0);
    fixture_run_free(&run);
    run = start(&s);
    assert_null(strstr(run.output, "enter"));
    assert_memory_equal(run.output, "200\n", 4);
    assert_int_equal(run.exit_code, 0);
    assert_int_equal(server_counters(s.server).device_requests, 1);
    fixture_run_free(&run);
    free(code);
    free_scene(&s);
}

static void a_refusal_is_told(void **state) {
    scene s = new_scene();
    fixture_run run;

    (void)state;
    s.denies = true;
    run = start_beside_user(&s);
    assert_says(&run, "sign-in: TACIT_ERR_ACCESS_DENIED: ");
    assert_int_equal(run.exit_code, 1);
    fixture_run_free(&run);
    free_scene(&s);
}

static void it_is_short_enough_to_be_read(void **state) {
    int lines = 0;
    FILE *file;

    (void)state;
    file = fopen(TS_DEVICE_CODE_SOURCE, "r");
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
    fclose(file);
    assert_in_range(lines, 1, LINES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_start_asks_nobody),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(it_is_short_enough_to_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the example, or without a cipher for its store. */
int main(void) {
    return 0;
}

#endif
