/* examples/device as a device starts it: its first boot, the next ones, and its end. */
#include "support/device.h"
#include "support/device_tally.h"
#include "support/sanitizer.h"
#include "support/server_telemetry.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QUICK_MS = 2500 }; /* "a second or two", and a machine that is busy */

enum { SLOWER = ADDRESS_SANITIZER || THREAD_SANITIZER ? 4 : 1 };

static const char fast[] = "\"interval_ms\":20,\"flush_ms\":100,\"timeout_ms\":3000";

static ts_options polls_every_second(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.device_interval = "1";
    return options;
}

static void assert_quick(int64_t took_ms) {
    if (took_ms > (int64_t)QUICK_MS * SLOWER) fail_msg("its end took %lld ms", (long long)took_ms);
}

/* ------------------------------------------------------------------ the first boot, and the next */

static void the_user_is_asked_once(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    tally t;

    (void)state;
    device_sign_in(&d);
    device_await_readings(&d, 10);
    assert_quick(device_terminate(&d, 1));
    device_start(&d, NULL);
    tally_await_runs(d.server, 2, DEVICE_PATIENCE_MS);
    assert_quick(device_terminate(&d, 1));

    t = tally_of(d.server);
    assert_int_equal(t.missing + t.dropped, 0);
    assert_int_equal(t.undated, 0);
    assert_in_range(t.last_unix_ms / 1000, time(NULL) - 60, time(NULL));
    assert_int_equal(server_counters(d.server).device_requests, 1);
    device_free(&d);
}

static void another_code_follows_one_that_ran_out(void **state) {
    ts_options options = polls_every_second();
    device d;

    (void)state;
    options.device_expires_in_s = 1;
    d = device_new(&(device_options){.server = &options, .settings = fast});
    device_start(&d, NULL);
    device_await_words(&d, "within 1 s");
    options.device_expires_in_s = 60;
    server_configure(d.server, &options);
    device_approve(&d, 2);

    device_await_readings(&d, 1);
    device_terminate(&d, 1);
    assert_int_equal(tally_of(d.server).missing, 0);
    device_free(&d);
}

static void assert_shows(const char *path, const char *wanted) {
    char text[512] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    if (strstr(text, wanted) == NULL) fail_msg("no %s in %s", wanted, text);
}

static void the_display_is_a_file_too(void **state) {
    char settings[256], *directory = fixture_directory_new();
    char *path = fixture_path(directory, "status");
    device d;

    (void)state;
    snprintf(settings, sizeof settings, "%s,\"status_file\":\"%s\"", fast, path);
    d = device_new(&(device_options){.settings = settings});
    device_start(&d, NULL);
    device_await_words(&d, " and enter ");
    assert_shows(path, "\"user_code\"");
    device_terminate(&d, 1);

    assert_shows(path, "\"stopped\"");
    device_free(&d);
    free(path);
    fixture_directory_free(directory);
}

/* As of a secure element. */
static void the_key_may_come_from_elsewhere(void **state) {
    char settings[256], *path, *directory = fixture_directory_new();
    FILE *file;
    device d;

    (void)state;
    path = fixture_path(directory, "fuses");
    file = fopen(path, "w");
    for (int i = 0; i < 32; i++) fputc(i, file);
    fclose(file);
    snprintf(settings, sizeof settings, "%s,\"key_nvmem\":\"%s\"", fast, path);
    d = device_new(&(device_options){.settings = settings});
    device_sign_in(&d);
    device_terminate(&d, 1);
    device_start(&d, NULL);
    tally_await_runs(d.server, 2, DEVICE_PATIENCE_MS);
    device_terminate(&d, 1);

    assert_int_equal(server_counters(d.server).device_requests, 1);
    device_free(&d);
    free(path);
    fixture_directory_free(directory);
}

/* ------------------------------------------------------------------ the end */

typedef enum moment {
    AT_DISCOVERY,
    AT_THE_CODE,
    AT_THE_PROMPT,
    AT_A_POLL,
    OFFLINE,
    MOMENTS
} moment;

static void go_to(device *d, moment where) {
    static const ts_part parts[] = {
        [AT_DISCOVERY] = TS_METADATA, [AT_THE_CODE] = TS_DEVICE, [AT_A_POLL] = TS_TOKEN_ENDPOINT};
    bool held = where != AT_THE_PROMPT && where != OFFLINE;

    if (held) server_gate_close(d->server, parts[where], TS_BEFORE_ANSWER);
    if (where == OFFLINE) server_go_away(d->server);
    device_start(d, NULL);
    if (held) assert_true(server_gate_waiters(d->server, parts[where], 1, DEVICE_PATIENCE_MS));
    if (where == AT_THE_PROMPT) device_await_words(d, " and enter ");
    if (where == OFFLINE) device_await_words(d, "trouble: ");
}

static void it_ends_quickly_while_it_signs_in(void **state) {
    (void)state;
    for (moment where = AT_DISCOVERY; where < MOMENTS; where++) {
        device d = device_new(&(device_options){.settings = fast});

        go_to(&d, where);
        device_await_spool_files(&d, 1);
        assert_quick(device_terminate(&d, 1 + where % 2));
        device_free(&d);
    }
}

/* What was in the air is on the disk, under its key: the server took it, and takes it no second time. */
static void it_ends_quickly_while_the_server_hangs(void **state) {
    device d = device_new(&(device_options){.settings = fast});

    (void)state;
    device_sign_in(&d);
    device_await_empty_spool(&d); /* what is in the air comes from memory */
    server_gate_close(d.server, TS_API, TS_BEFORE_ANSWER);
    assert_true(server_gate_waiters(d.server, TS_API, 1, DEVICE_PATIENCE_MS));
    assert_quick(device_terminate(&d, 2));
    assert_int_equal(device_spool_files(&d), 1);
    server_gate_open(d.server, TS_API);
    device_start(&d, NULL);
    tally_await_runs(d.server, 2, DEVICE_PATIENCE_MS);
    device_terminate(&d, 1);

    assert_int_equal(tally_of(d.server).missing, 0);
    assert_true(server_telemetry(d.server).repeats >= 1);
    device_free(&d);
}

static void it_ends_quickly_while_it_renews_its_token(void **state) {
    device d = device_new(
        &(device_options){.settings = "\"interval_ms\":20,\"flush_ms\":100,\"timeout_ms\":500"});

    (void)state;
    device_sign_in(&d);
    server_gate_close(d.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    server_revoke_access_tokens(d.server);
    assert_true(server_gate_waiters(d.server, TS_TOKEN_ENDPOINT, 1, DEVICE_PATIENCE_MS));
    device_await_spool_files(&d, 1);
    assert_quick(device_terminate(&d, 1));
    server_gate_open(d.server, TS_TOKEN_ENDPOINT);
    device_free(&d);
}

/* The daemon goes on writing meanwhile. */
static void remove_state(const device *d) {
    bool there = true;

    for (int tries = 0; tries < 1000 && there; tries++) {
        char *directory = fixture_path(d->directory, "state");

        fixture_directory_free(directory);
        directory = fixture_path(d->directory, "state");
        there = access(directory, F_OK) == 0;
        free(directory);
    }
    assert_false(there);
}

/* What is in memory has to be given up then. */
static void it_ends_quickly_without_a_disk(void **state) {
    device d = device_new(&(device_options){.settings = "\"interval_ms\":1,\"flush_ms\":20"});

    (void)state;
    device_start(&d, NULL);
    device_await_words(&d, " and enter ");
    remove_state(&d);
    device_await_words(&d, "the spool cannot be written");
    nanosleep(&(struct timespec){.tv_nsec = 500 * 1000000L}, NULL); /* until memory is full, too */
    assert_quick(device_terminate(&d, 1));
    device_free(&d);
}

/* ------------------------------------------------------------------ wrong from the start */

static void a_wrong_configuration_is_told(void **state) {
    static const struct {
        const char *further, *says;
    } rows[] = {
        {"\"surprise\":1", "surprise"},
        {"\"interval_ms\":0", "not positive"},
        {"\"interval_ms\":\"1\"", "integer"},
        {"\"key_file\":\"a\",\"key_nvmem\":\"b\"", "one of key_file and key_nvmem"},
        {"\"provider\":{}", "either issuer or provider"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        device d = device_new(&(device_options){.settings = rows[i].further});

        device_start(&d, NULL);
        assert_int_equal(device_await(&d), 2);
        if (!device_said(&d, rows[i].says)) fail_msg("it does not say \"%s\"", rows[i].says);
        device_free(&d);
    }
}

static void a_directory_has_one_daemon(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    pid_t first;

    (void)state;
    device_start(&d, NULL);
    device_await_words(&d, " and enter ");
    first = d.pid;
    device_start(&d, NULL);
    assert_int_equal(device_await(&d), 1);
    assert_true(device_said(&d, "device.lock"));
    d.pid = first;
    device_terminate(&d, 1);
    device_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_is_asked_once),
        cmocka_unit_test(another_code_follows_one_that_ran_out),
        cmocka_unit_test(the_display_is_a_file_too),
        cmocka_unit_test(the_key_may_come_from_elsewhere),
        cmocka_unit_test(it_ends_quickly_while_it_signs_in),
        cmocka_unit_test(it_ends_quickly_while_the_server_hangs),
        cmocka_unit_test(it_ends_quickly_while_it_renews_its_token),
        cmocka_unit_test(it_ends_quickly_without_a_disk),
        cmocka_unit_test(a_wrong_configuration_is_told),
        cmocka_unit_test(a_directory_has_one_daemon),
    };

    return device_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
