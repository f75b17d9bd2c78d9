/* tacit doctor on what real processes do with a sign-in's lock. check_doctor.sh has the rest. */
#include "support/apps.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <tacit/error.h>

#ifdef TS_TACIT_PROGRAM

typedef struct doctor {
    int code;
    char said[16384];
} doctor;

/* On the apps' locks, and with nothing else of whoever runs the test: no keyring above all. */
static doctor ask_doctor(const apps *p) {
    doctor result = {.code = -1};
    char command[1024];
    FILE *output;
    size_t size;

    snprintf(command, sizeof command,
             "env -i HOME='%s/home' XDG_RUNTIME_DIR='%s' TACIT_STORE_KEY_FILE='%s/home/a.key' "
             "'" TS_TACIT_PROGRAM "' doctor --state-dir '%s/state'",
             p->directory, p->directory, p->directory, p->directory);
    output = popen(command, "r");
    assert_non_null(output);
    size = fread(result.said, 1, sizeof result.said - 1, output);
    result.said[size] = '\0';
    result.code = WEXITSTATUS(pclose(output));
    return result;
}

static void assert_says(const doctor *doctor, const char *format, long pid) {
    char text[256];

    snprintf(text, sizeof text, format, pid);
    if (strstr(doctor->said, text) == NULL) fail_msg("no \"%s\" in:\n%s", text, doctor->said);
}

static void an_idle_sign_in_is_no_finding(void **state) {
    apps p = apps_new(NULL, NULL);
    doctor found = ask_doctor(&p);

    (void)state;
    assert_says(&found, "No problem was found.", 0);
    assert_says(&found, "1 journal in", 0);
    assert_int_equal(found.code, 0);
    apps_free(&p);
}

static void a_process_that_stands_still_is_named(void **state) {
    apps p = apps_new(NULL, NULL);
    doctor found;
    long refresh;

    (void)state;
    server_gate_close(p.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(p.a, "refresh");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    found = ask_doctor(&p);
    assert_says(&found, "is held by process %ld", app_pid(p.a));
    assert_int_equal(found.code, 0); /* a refresh takes its time */

    app_freeze(p.a);
    found = ask_doctor(&p);
    assert_says(&found, "is held by process %ld", app_pid(p.a));
    assert_says(&found, "which is stopped", 0);
    assert_says(&found, "kill -CONT %ld", app_pid(p.a));
    assert_int_equal(found.code, 1);

    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    app_thaw(p.a);
    await_ok(p.a, refresh);
    apps_free(&p);
}

static void a_process_that_could_not_save_is_named(void **state) {
    apps p = apps_new(NULL, NULL);
    char fail_save[32];
    doctor found;

    (void)state;
    snprintf(fail_save, sizeof fail_save, "fail save %d", TACIT_ERR_STORE_LOCKED);
    ask_ok(p.a, fail_save);
    ask_ok(p.a, "refresh");
    found = ask_doctor(&p);

    assert_says(&found, "process %ld", app_pid(p.a));
    assert_says(&found, "has a newer sign-in than its store", 0);
    assert_int_equal(found.code, 1);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_sign_in_is_no_finding),
        cmocka_unit_test(a_process_that_stands_still_is_named),
        cmocka_unit_test(a_process_that_could_not_save_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the command. */
int main(void) {
    return 0;
}

#endif
