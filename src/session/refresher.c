/*
 * Properties: a due task runs at once as long as a thread is free; one thread (the leader) waits for the earliest, the others for a
 * turn; no thread exists before the first task, and never more than threads_max.
 *
 * Operation: the leader waits on the timer. When a task is due it takes it out, lets a follower lead (or starts one), and runs it.
 * A thread without a task follows. Scheduling something earlier than the leader waits for wakes the timer.
 *
 * Safety: `lock` guards everything but what is read-only. Lock order: an identity's lock may be held around schedule and wake,
 * never taken under `lock`. Tasks run without it.
 */
#include "session/refresher.h"

#include "platform/os.h"
#include "session/library_thread.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct worker {
    struct worker *next; /* guarded by lock */
    pthread_t thread;
    ti_refresher *refresher;
    bool
        orphaned; /* the refresher was freed on this very thread, which frees this struct when it ends */
    bool ended; /* guarded by lock: only the join is left */
} worker;

struct ti_refresher {
    /* set at creation, then read-only */
    const ti_clock *clock;
    ti_os_timer *timer;
    size_t stack_bytes;
    unsigned workers_max;
    void (*stepped)(void *data);
    void *stepped_data;

    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t turn;  /* a follower may lead, or stop */
    pthread_cond_t ended; /* a worker ended */
    ti_heap heap;
    size_t running; /* tasks that run; each has room in the heap to come back to */
    worker *workers;
    unsigned worker_count, free_workers; /* free: leading or waiting for a turn */
    bool led;                            /* somebody waits on the timer */
    int64_t leader_waits_for;
    bool stopping;
};

/* ------------------------------------------------------------------ the heap */

static ti_task *task_of(ti_heap_node *node) {
    return (ti_task *)((char *)node - offsetof(ti_task, node));
}

/* ------------------------------------------------------------------ the threads */

static void *worker_main(void *argument);

static bool start_worker_locked(ti_refresher *r) {
    worker *w = calloc(1, sizeof *w);

    if (w == NULL) return false;
    w->refresher = r;
    if (!ti_library_thread_start(&w->thread, r->stack_bytes, "tacit-refresh", worker_main, w)) {
        free(w);
        return false;
    }
    w->next = r->workers;
    r->workers = w;
    r->worker_count++;
    r->free_workers++;
    return true;
}

/* Sees to it that somebody waits for the earliest task. false: nobody can, ever. */
static bool ensure_leader_locked(ti_refresher *r) {
    if (r->stopping || r->heap.count == 0) return true;
    if (r->led) {
        if (ti_heap_due(&r->heap) < r->leader_waits_for) ti_os_timer_wake(r->timer);
        return true;
    }
    if (r->free_workers > 0) {
        pthread_cond_signal(&r->turn);
        return true;
    }
    if (r->worker_count >= r->workers_max) return true;
    return start_worker_locked(r) || r->worker_count > 0;
}

static void wait_as_leader_locked(ti_refresher *r) {
    int64_t until = ti_heap_due(&r->heap);
    unsigned why;

    r->leader_waits_for = until;
    /* The timer counts real time; under an injected clock it must be told when that has moved. */
    if (until != TI_NEVER) until = ti_os_boot_ms() + (until - ti_clock_boot_ms(r->clock));
    r->led = true;
    pthread_mutex_unlock(&r->lock);
    why = ti_os_timer_wait(r->timer, until);
    if (why & TI_OS_TIMER_CLOCK_STEP) r->stepped(r->stepped_data);
    pthread_mutex_lock(&r->lock);
    r->led = false;
}

/* The earliest task where it is due, held and marked; else NULL. */
static ti_task *take_due_locked(ti_refresher *r) {
    int64_t now = ti_clock_boot_ms(r->clock);

    while (ti_heap_due(&r->heap) <= now) {
        ti_task *task = task_of(ti_heap_first(&r->heap));

        ti_heap_take(&r->heap, &task->node);
        if (!task->ops->hold(task)) continue;
        task->running = true;
        task->again_boot_ms = TI_NEVER;
        r->running++;
        return task;
    }
    return NULL;
}

static ti_task *next_task_locked(ti_refresher *r) {
    for (;;) {
        ti_task *task;

        if (r->stopping) return NULL;
        task = r->led ? NULL : take_due_locked(r);
        if (task != NULL) return task;
        if (r->led || r->heap.count == 0)
            pthread_cond_wait(&r->turn, &r->lock);
        else
            wait_as_leader_locked(r);
    }
}

static void run_task(ti_refresher *r, ti_task *task) {
    task->ops->run(task);

    pthread_mutex_lock(&r->lock);
    task->running = false;
    r->running--;
    if (task->again_boot_ms != TI_NEVER) ti_heap_put(&r->heap, &task->node, task->again_boot_ms);
    r->free_workers++;
    ensure_leader_locked(r);
    pthread_mutex_unlock(&r->lock);
}

static void *worker_main(void *argument) {
    worker *w = argument;
    ti_refresher *r = w->refresher;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        ti_task *task = next_task_locked(r);

        if (task == NULL) break;
        r->free_workers--;
        ensure_leader_locked(r);
        pthread_mutex_unlock(&r->lock);
        run_task(r, task);
        task->ops->release(task);
        if (w->orphaned) {
            free(w);
            return NULL;
        }
        pthread_mutex_lock(&r->lock);
    }
    w->ended = true;
    pthread_cond_broadcast(&r->ended);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ------------------------------------------------------------------ the rest */

ti_refresher *ti_refresher_new(const ti_clock *clock, unsigned threads_max,
                               size_t thread_stack_bytes, void (*stepped)(void *data), void *data) {
    ti_refresher *r = calloc(1, sizeof *r);

    if (r == NULL) return NULL;
    r->timer = ti_os_timer_new();
    if (r->timer == NULL || !ti_cond_init(&r->ended)) {
        ti_os_timer_free(r->timer);
        free(r);
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->turn, NULL);
    r->clock = clock;
    r->stack_bytes = thread_stack_bytes;
    r->workers_max = threads_max;
    r->stepped = stepped;
    r->stepped_data = data;
    return r;
}

bool ti_refresher_schedule(ti_refresher *r, ti_task *task, int64_t due_boot_ms) {
    bool ok = true;

    if (due_boot_ms == TI_NEVER) return true;
    pthread_mutex_lock(&r->lock);
    if (task->running) {
        if (due_boot_ms < task->again_boot_ms) task->again_boot_ms = due_boot_ms;
    } else if (task->node.place == 0) {
        ok = ti_heap_reserve(&r->heap, r->heap.count + r->running + 1);
        if (ok) ti_heap_put(&r->heap, &task->node, due_boot_ms);
    } else if (due_boot_ms < task->node.due_boot_ms) {
        ti_heap_move(&r->heap, &task->node, due_boot_ms);
    }
    ok = ok && ensure_leader_locked(r);
    pthread_mutex_unlock(&r->lock);
    return ok;
}

void ti_refresher_forget(ti_refresher *r, ti_task *task) {
    pthread_mutex_lock(&r->lock);
    if (task->node.place != 0) ti_heap_take(&r->heap, &task->node);
    task->again_boot_ms = TI_NEVER;
    pthread_mutex_unlock(&r->lock);
}

void ti_refresher_wake(ti_refresher *r) {
    ti_os_timer_wake(r->timer);
}

/* Joins what has ended, or, where all must, everything; the calling thread's own worker is cut loose instead. */
static void join_workers(worker *list) {
    while (list != NULL) {
        worker *w = list;

        list = w->next;
        if (pthread_equal(w->thread, pthread_self())) {
            pthread_detach(w->thread);
            w->orphaned = true;
            continue;
        }
        pthread_join(w->thread, NULL);
        free(w);
    }
}

static void stop_locked(ti_refresher *r) {
    r->stopping = true;
    pthread_cond_broadcast(&r->turn);
    ti_os_timer_wake(r->timer);
}

static bool all_ended_locked(const ti_refresher *r) {
    for (const worker *w = r->workers; w != NULL; w = w->next)
        if (!w->ended) return false;
    return true;
}

bool ti_refresher_stop(ti_refresher *r, int64_t deadline_boot_ms) {
    worker *list = NULL;
    bool ended;

    pthread_mutex_lock(&r->lock);
    stop_locked(r);
    while (!all_ended_locked(r) && ti_clock_boot_ms(r->clock) < deadline_boot_ms)
        ti_clock_wait(r->clock, &r->ended, &r->lock, deadline_boot_ms);
    ended = all_ended_locked(r);
    if (ended) {
        list = r->workers;
        r->workers = NULL;
        r->worker_count = r->free_workers = 0;
    }
    pthread_mutex_unlock(&r->lock);
    join_workers(list);
    return ended;
}

void ti_refresher_free(ti_refresher *r) {
    if (r == NULL) return;
    pthread_mutex_lock(&r->lock);
    stop_locked(r);
    pthread_mutex_unlock(&r->lock);
    join_workers(r->workers);
    ti_os_timer_free(r->timer);
    pthread_cond_destroy(&r->ended);
    pthread_cond_destroy(&r->turn);
    pthread_mutex_destroy(&r->lock);
    ti_heap_free(&r->heap);
    free(r);
}
