/*
 * The background: tasks ordered by due time in one heap, and the few threads that run them.
 *
 * A task lies inside what it works for (an identity). It is run by one thread at a time; scheduling it while it runs takes effect when it
 * has run.
 */
#ifndef TI_REFRESHER_H
#define TI_REFRESHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/heap.h"

typedef struct ti_refresher ti_refresher;
typedef struct ti_task ti_task;

typedef struct ti_task_ops {
    bool (*hold)(
        ti_task *
            task); /* keeps the owner for the run; false: it is about to go. Called under the refresher's lock */
    void (*run)(ti_task *task);     /* may block on the network and the store */
    void (*release)(ti_task *task); /* after the run; may be the owner's end, and the refresher's */
} ti_task_ops;

struct ti_task {
    const ti_task_ops *ops; /* set at creation, then read-only */
    /* guarded by the refresher's lock */
    ti_heap_node node;
    bool running;
    int64_t again_boot_ms; /* while it runs: TI_NEVER, or when to run again */
};

/* Starts no thread. stepped: the wall clock was set; called on a thread of the refresher without a lock. */
ti_refresher *ti_refresher_new(const ti_clock *clock, unsigned threads_max,
                               size_t thread_stack_bytes, void (*stepped)(void *data), void *data);

/* Runs the task at due_boot_ms, or earlier where it was scheduled earlier. Never blocks. false: no memory, or the system gives no
 * thread. */
bool ti_refresher_schedule(ti_refresher *refresher, ti_task *task, int64_t due_boot_ms);
/* Takes the task out of the heap. After the owner's last reference went it is not touched again. */
void ti_refresher_forget(ti_refresher *refresher, ti_task *task);
/* Looks at the clock again: it was moved. */
void ti_refresher_wake(ti_refresher *refresher);

/* Ends the threads, each after the task it runs; waits until deadline_boot_ms. false: one is still at work. Not on its own threads. */
bool ti_refresher_stop(ti_refresher *refresher, int64_t deadline_boot_ms);
/* When no task is left. On any thread, its own included: that one ends when it comes back from its task. */
void ti_refresher_free(ti_refresher *refresher);

#endif
