/* examples/device with a clock that begins in 1970, as without a battery, and is set while it runs. */
#include "support/device.h"
#include "support/device_tally.h"
#include "support/server_telemetry.h"
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef TS_WALL_CLOCK_SHIM

static const char fast[] = "\"interval_ms\":20,\"flush_ms\":100,\"timeout_ms\":3000";

typedef struct scene {
    device device;
    char *clock_file;
    char variable[256];
    const char *environment[3];
} scene;

static void set_clock(const scene *s, int64_t ahead_s) {
    int file = open(s->clock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, &ahead_s, sizeof ahead_s, 0), sizeof ahead_s);
    close(file);
}

/* Minutes after the epoch. */
static void set_1970(const scene *s) {
    set_clock(s, 300 - (int64_t)time(NULL));
}

static void begin_with(scene *s, bool tls) {
    *s = (scene){.device = device_new(&(device_options){.settings = fast, .tls = tls})};
    s->clock_file = fixture_path(s->device.directory, "clock");
    snprintf(s->variable, sizeof s->variable, "TS_WALL_CLOCK_FILE=%s", s->clock_file);
    s->environment[0] = s->variable;
    s->environment[1] = "LD_PRELOAD=" TS_WALL_CLOCK_SHIM;
}

static void begin(scene *s) {
    begin_with(s, true);
}

static void end(scene *s) {
    free(s->clock_file);
    device_free(&s->device);
}

static void assert_dated_today(const tally *t) {
    assert_int_equal(t->undated, 0);
    assert_in_range(t->first_unix_ms / 1000, time(NULL) - 120, time(NULL));
    assert_in_range(t->last_unix_ms / 1000, time(NULL) - 120, time(NULL));
}

static void the_first_boot_waits_for_the_time(void **state) {
    scene s;
    tally t;

    (void)state;
    begin(&s);
    set_1970(&s);
    device_start(&s.device, s.environment);
    device_await_words(&s.device, "the system's clock is wrong, it says 1970-01-01");
    device_await_spool_files(&s.device, 1);
    assert_int_equal(server_counters(s.device.server).device_requests, 0);
    set_clock(&s, 0);
    device_approve(&s.device, 1);
    device_await_readings(&s.device, 100);
    device_terminate(&s.device, 1);

    t = tally_of(s.device.server);
    assert_int_equal(t.runs, 1);
    assert_int_equal(t.missing + t.dropped, 0);
    assert_dated_today(&t);
    end(&s);
}

/* With a token that is stored: nobody is asked, and everything goes on when the clock steps. */
static void a_restart_in_1970_goes_on_when_the_clock_steps(void **state) {
    scene s;
    tally t;

    (void)state;
    begin(&s);
    set_clock(&s, 0);
    device_start(&s.device, s.environment);
    device_approve(&s.device, 1);
    device_await_readings(&s.device, 5);
    device_terminate(&s.device, 1);
    set_1970(&s);
    device_start(&s.device, s.environment);
    device_await_words(&s.device, "the system's clock is wrong, it says 1970-01-01");
    device_await_spool_files(&s.device, 1);
    set_clock(&s, 0);
    tally_await_runs(s.device.server, 2, DEVICE_PATIENCE_MS);
    device_terminate(&s.device, 1);

    t = tally_of(s.device.server);
    assert_int_equal(t.runs, 2);
    assert_dated_today(&t);
    assert_int_equal(server_counters(s.device.server).device_requests, 1);
    end(&s);
}

/* A run of this boot that never knew the time: the next one dates it. */
static void what_was_never_dated_is_dated_later(void **state) {
    scene s;
    tally t;

    (void)state;
    begin(&s);
    set_1970(&s);
    device_start(&s.device, s.environment);
    device_await_spool_files(&s.device, 1);
    device_terminate(&s.device, 1);
    set_clock(&s, 0);
    device_start(&s.device, s.environment);
    device_approve(&s.device, 1);
    tally_await_runs(s.device.server, 2, DEVICE_PATIENCE_MS);
    device_terminate(&s.device, 1);

    t = tally_of(s.device.server);
    assert_dated_today(&t);
    end(&s);
}

/* An hour, as the server asked, is no hour any more. */
static void a_step_of_the_clock_ends_every_pause(void **state) {
    scene s;

    (void)state;
    begin_with(&s, false);
    set_1970(&s);
    device_start(&s.device, s.environment);
    device_approve(&s.device, 1);
    device_await_words(&s.device, "online: ");
    server_fail_retry_after(s.device.server, TS_API, 1, 503, "3600");
    device_await_words(&s.device, "the server answers 503");
    device_await_spool_files(&s.device, 1);
    set_clock(&s, 0);
    device_await_readings(&s.device, 5);
    device_terminate(&s.device, 1);

    assert_int_equal(tally_of(s.device.server).missing, 0);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_boot_waits_for_the_time),
        cmocka_unit_test(a_restart_in_1970_goes_on_when_the_clock_steps),
        cmocka_unit_test(what_was_never_dated_is_dated_later),
        cmocka_unit_test(a_step_of_the_clock_ends_every_pause),
    };

    return device_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}

#else

/* A sanitizer's runtime does not let another library be loaded before it. */
int main(void) {
    return 0;
}

#endif
