/* The background's threads: which task runs when. */
#include "support/unit.h"

#include "session/refresher.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

enum { PATIENCE_S = 20, HOUR_MS = 3600 * 1000 };

typedef struct background {
    ti_refresher *refresher;
    ti_task again, later;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int runs;          /* of `again`; guarded by lock */
    atomic_int looked; /* at the clock, by a thread that runs no task */
} background;

static _Thread_local bool runs_task;

static int64_t boot_ms(void *data) {
    background *b = data;

    if (!runs_task) atomic_fetch_add(&b->looked, 1);
    return ti_os_boot_ms();
}

static bool hold(ti_task *task) {
    (void)task;
    return true;
}

static void release(ti_task *task) {
    (void)task;
}

static void ignore_run(ti_task *task) {
    (void)task;
}

static void ignore_step(void *data) {
    (void)data;
}

static background *of(ti_task *task) {
    return (background *)((char *)task - offsetof(background, again));
}

/* The first run asks for a second, but not before another thread waits for what is due later: a
 * leader looks at the clock and waits in one go, under the lock that scheduling takes. */
static void run_again(ti_task *task) {
    background *b = of(task);
    bool first;

    runs_task = true;
    pthread_mutex_lock(&b->lock);
    first = ++b->runs == 1;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (first) {
        int before = atomic_load(&b->looked);

        assert_true(ti_refresher_schedule(b->refresher, &b->later, ti_os_boot_ms() + HOUR_MS));
        while (atomic_load(&b->looked) == before) sched_yield();
        assert_true(ti_refresher_schedule(b->refresher, task, ti_os_boot_ms()));
    }
    runs_task = false;
}

static bool wait_for_runs(background *b, int runs) {
    struct timespec at;
    bool came;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&b->lock);
    while (b->runs < runs && pthread_cond_timedwait(&b->changed, &b->lock, &at) == 0) {
    }
    came = b->runs >= runs;
    pthread_mutex_unlock(&b->lock);
    return came;
}

static void scheduled_while_it_runs_it_runs_again_at_once(void **state) {
    static const ti_task_ops again = {hold, run_again, release};
    static const ti_task_ops later = {hold, ignore_run, release};
    background b = {.again.ops = &again,
                    .later.ops = &later,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER};
    ti_clock clock = {.injected = {.boot_ms = boot_ms, .clock_data = &b}};
    (void)state;
    b.refresher = ti_refresher_new(&clock, 2, 256 * 1024, ignore_step, NULL);
    assert_non_null(b.refresher);

    assert_true(ti_refresher_schedule(b.refresher, &b.again, ti_os_boot_ms()));

    assert_true(wait_for_runs(&b, 2));
    ti_refresher_stop(b.refresher, TI_NEVER);
    ti_refresher_free(b.refresher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scheduled_while_it_runs_it_runs_again_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
