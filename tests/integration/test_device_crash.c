/* examples/device with a server that loses answers and a power that goes at any moment. */
#include "support/device.h"
#include "support/device_tally.h"
#include "support/server_telemetry.h"
#include "support/unit.h"

#include <time.h>

#ifdef TS_DEVICE_PARTS

#include "examples/device/spool.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIVES = 16 };

/* Slow enough that a machine which stands still for a second loses nothing for want of room. */
static const char fast[] = "\"interval_ms\":10,\"flush_ms\":20,\"timeout_ms\":2000";

/* It takes longer than the daemon waits, which has measured more when it comes again. */
static void an_answer_that_was_lost_doubles_nothing(void **state) {
    device d = device_new(
        &(device_options){.settings = "\"interval_ms\":10,\"flush_ms\":60000,\"timeout_ms\":300"});

    (void)state;
    device_sign_in(&d);
    device_await_empty_spool(&d);
    server_gate_close(d.server, TS_API, TS_BEFORE_ANSWER);
    assert_true(server_gate_waiters(d.server, TS_API, 2, DEVICE_PATIENCE_MS));
    server_gate_open(d.server, TS_API);
    device_await_readings(&d, 100);
    device_terminate(&d, 1);

    assert_int_equal(tally_of(d.server).missing, 0);
    assert_true(server_telemetry(d.server).repeats >= 1);
    device_free(&d);
}

/* ------------------------------------------------------------------ the end */

static void count_readings(const batch *b, void *data) {
    *(long *)data += b->count;
}

/* One batch in the air, and in memory more than the next one takes. */
static void all_that_is_in_memory_is_on_the_disk_at_the_end(void **state) {
    device d = device_new(
        &(device_options){.settings = "\"interval_ms\":2,\"flush_ms\":60000,\"timeout_ms\":30000"});
    char *directory = fixture_path(d.directory, "state");
    long readings = 0;
    spool *s;

    (void)state;
    device_sign_in(&d);
    device_await_empty_spool(&d);
    server_gate_close(d.server, TS_API, TS_BEFORE_ANSWER);
    assert_true(server_gate_waiters(d.server, TS_API, 1, DEVICE_PATIENCE_MS));
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* nobody tells what it has measured */
    device_terminate(&d, 1);
    s = spool_open(directory, (size_t)1 << 20, count_readings, &readings);

    assert_non_null(s);
    assert_true(readings > 2L * BATCH_READINGS_MAX);
    spool_close(s);
    free(directory);
    device_free(&d);
}

/* ------------------------------------------------------------------ sudden ends */

/* How far the runs of the spool reach. */
typedef struct kept {
    long runs;
    struct {
        int64_t run, next;
    } of_run[TALLY_RUNS_MAX];
} kept;

static void see(const batch *b, void *data) {
    kept *k = data;
    long i = 0;

    while (i < k->runs && k->of_run[i].run != b->run_boot_ms) i++;
    assert_true(i < TALLY_RUNS_MAX);
    if (i == k->runs) k->runs++;
    k->of_run[i].run = b->run_boot_ms;
    if (b->count > 0) k->of_run[i].next = (int64_t)b->readings[b->count - 1].seq + 1;
}

static void look_into_spool(const device *d, kept *k) {
    char *directory = fixture_path(d->directory, "state");
    spool *s = spool_open(directory, (size_t)1 << 20, see, k);

    assert_non_null(s);
    spool_close(s);
    free(directory);
}

static void assert_has_all(const tally *t, const kept *k) {
    for (long i = 0; i < k->runs; i++) {
        int64_t next = -1;

        for (long j = 0; j < t->runs; j++)
            if (t->of_run[j].run == k->of_run[i].run) next = t->of_run[j].next;
        if (next < k->of_run[i].next)
            fail_msg("of run %lld the spool had %lld, and %lld came", (long long)k->of_run[i].run,
                     (long long)k->of_run[i].next, (long long)next);
    }
}

static void make_trouble(const device *d, int life) {
    switch (life % 4) {
    case 0:
        server_go_away(d->server);
        break;
    case 1:
        server_close_connections(d->server, TS_API, 2, true);
        break;
    case 2:
        server_fail(d->server, TS_API, 3, 503);
        break;
    default: /* it goes well */
        break;
    }
}

static void live_for(device *d, int ms) {
    device_start(d, NULL);
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL); /* whatever it does then */
    device_kill(d);
}

static void death_at_any_moment_costs_nothing_that_was_kept(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    unsigned seed = (unsigned)time(NULL);
    kept k = {.runs = 0};
    tally t;

    (void)state;
    print_message("seed %u\n", seed);
    device_sign_in(&d);
    device_terminate(&d, 1);
    for (int life = 0; life < LIVES; life++) {
        make_trouble(&d, life);
        live_for(&d, 40 + (int)(rand_r(&seed) % 400));
        look_into_spool(&d, &k);
        server_faults_clear(d.server, TS_API);
        assert_true(server_come_back(d.server));
    }
    device_start(&d, NULL);
    device_await_empty_spool(&d);
    device_await_readings(&d, 1);
    device_terminate(&d, 1);

    t = tally_of(d.server);
    assert_true(k.runs > 0);
    assert_has_all(&t, &k);
    assert_int_equal(t.missing + t.dropped, 0);
    assert_int_equal(server_counters(d.server).device_requests, 1);
    device_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_was_lost_doubles_nothing),
        cmocka_unit_test(all_that_is_in_memory_is_on_the_disk_at_the_end),
        cmocka_unit_test(death_at_any_moment_costs_nothing_that_was_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the example. */
int main(void) {
    return 0;
}

#endif
