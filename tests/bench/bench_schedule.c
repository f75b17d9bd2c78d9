/*
 * What it costs to schedule a session's next refresh among many, to be counted by callgrind:
 *
 *   bench_schedule <sessions> <times>
 *
 * As in life, what is due first is taken out and comes back last. Nothing is due while this runs.
 */
#include "bench/setup.h"
#include "session/refresher.h"

#include <stdlib.h>

static bool hold(ti_task *task) {
    (void)task;
    return true;
}

static void do_nothing(ti_task *task) {
    (void)task;
}

static void stepped(void *data) {
    (void)data;
}

int main(int argc, char **argv) {
    static const ti_task_ops ops = {.hold = hold, .run = do_nothing, .release = do_nothing};
    const ti_clock clock = {.injected.boot_ms = NULL};
    if (argc != 3) bench_fail("usage: bench_schedule <sessions> <times>");
    long count = atol(argv[1]), times = atol(argv[2]);
    ti_refresher *refresher = ti_refresher_new(&clock, 1, 64 * 1024, stepped, NULL);
    ti_task *tasks = calloc((size_t)count, sizeof *tasks);
    int64_t due_boot_ms = ti_clock_boot_ms(&clock) + 3600 * 1000;
    if (!refresher || !tasks) bench_fail("no memory");

    for (long i = 0; i < count; i++) {
        tasks[i].ops = &ops;
        if (!ti_refresher_schedule(refresher, &tasks[i], due_boot_ms++)) bench_fail("no thread");
    }
    for (long i = 0; i < times; i++) {
        ti_task *first = &tasks[i % count];
        ti_refresher_forget(refresher, first);
        if (!ti_refresher_schedule(refresher, first, due_boot_ms++)) bench_fail("no memory");
    }
    ti_refresher_stop(refresher, TI_NEVER);
    ti_refresher_free(refresher);
    free(tasks);
    return 0;
}
