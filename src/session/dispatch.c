/*
 * Properties: items run in the order of push, one at a time, each once, without a lock; post is called by one thread at a time.
 *
 * Operation: `claimed` is the right to run items: whoever finds items and nobody who has it takes it, and hands it to the app's loop
 * (one posted job), to the thread, or, where neither can be had, uses it itself. The holder runs what is queued and gives it back.
 * Whoever is inside post looks again afterwards, since the job may be over by then; meanwhile nobody else posts.
 *
 * Safety: `lock` guards everything but what is read-only; it is taken under an identity's lock by push, and nothing is locked
 * under it.
 */
#include "session/dispatch.h"

#include "platform/os.h"
#include "session/library_thread.h"

#include <pthread.h>
#include <stdlib.h>

struct ti_dispatch {
    /* set at creation, then read-only */
    unsigned process;      /* that made it */
    const ti_clock *clock; /* used by stop only, which the client calls */
    size_t stack_bytes;
    tacit_post_fn post;
    void *post_data;
    ti_context *context; /* NULL: none to keep */

    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* handed, stopping, ended */
    ti_dispatch_item *first, **last;
    unsigned refs; /* the client, the thread, a posted job, whoever kicks */
    bool claimed;
    bool posting; /* somebody is inside post */
    bool handed;  /* ... by the thread */
    bool running; /* the thread is in a callback */
    bool started, stopping, ended;
    pthread_t thread;
};

static void unref_and_unlock(ti_dispatch *d) {
    bool last = --d->refs == 0;

    pthread_mutex_unlock(&d->lock);
    if (!last) return;
    ti_context_unref(d->context);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static ti_dispatch_item *take_all_locked(ti_dispatch *d) {
    ti_dispatch_item *items = d->first;

    d->first = NULL;
    d->last = &d->first;
    return items;
}

static void run_all(ti_dispatch_item *items) {
    while (items != NULL) {
        ti_dispatch_item *item = items;

        items = item->next;
        item->run(item);
    }
}

/* Runs until nothing is queued, then gives the right back. */
static void drain_locked(ti_dispatch *d) {
    while (d->first != NULL) {
        ti_dispatch_item *items = take_all_locked(d);

        pthread_mutex_unlock(&d->lock);
        run_all(items);
        pthread_mutex_lock(&d->lock);
    }
    d->claimed = false;
}

static void *thread_main(void *argument) {
    ti_dispatch *d = argument;

    pthread_mutex_lock(&d->lock);
    while (d->handed || !d->stopping) {
        if (!d->handed) {
            pthread_cond_wait(&d->changed, &d->lock);
            continue;
        }
        d->handed = false;
        d->running = true;
        drain_locked(d);
        d->running = false;
    }
    d->ended = true;
    pthread_cond_broadcast(&d->changed);
    unref_and_unlock(d);
    return NULL;
}

/* false: there is no thread and none can be had. */
static bool hand_to_thread_locked(ti_dispatch *d) {
    if (!d->started && !d->stopping &&
        ti_library_thread_start(&d->thread, d->stack_bytes, "tacit-dispatch", thread_main, d)) {
        d->started = true;
        d->refs++;
    }
    if (!d->started || d->ended) return false;
    d->handed = true;
    pthread_cond_broadcast(&d->changed);
    return true;
}

/* What the app's loop runs: what is queued by then, so that a busy session does not hold the loop; the rest is posted anew. */
static void run_posted(void *job) {
    ti_dispatch *d = job;
    ti_dispatch_item *items;

    /* A forked child has inherited its parent's loop, and with it this job. */
    if (!ti_os_process_is(d->process)) return;
    pthread_mutex_lock(&d->lock);
    items = take_all_locked(d);
    pthread_mutex_unlock(&d->lock);
    run_all(items);

    pthread_mutex_lock(&d->lock);
    d->claimed = false;
    pthread_mutex_unlock(&d->lock);
    ti_dispatch_kick(d);

    pthread_mutex_lock(&d->lock);
    unref_and_unlock(d);
}

ti_dispatch *ti_dispatch_new(const ti_clock *clock, size_t thread_stack_bytes, tacit_post_fn post,
                             void *post_data) {
    ti_dispatch *d = calloc(1, sizeof *d);

    if (d == NULL) return NULL;
    if (!ti_cond_init(&d->changed)) {
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    d->process = ti_os_process();
    d->clock = clock;
    d->stack_bytes = thread_stack_bytes;
    d->post = post;
    d->post_data = post_data;
    d->last = &d->first;
    d->refs = 1;
    return d;
}

void ti_dispatch_keep(ti_dispatch *d, ti_context *context) {
    d->context = ti_context_ref(context);
}

void ti_dispatch_push(ti_dispatch *d, ti_dispatch_item *item) {
    item->next = NULL;
    pthread_mutex_lock(&d->lock);
    *d->last = item;
    d->last = &item->next;
    pthread_mutex_unlock(&d->lock);
}

/* Lets go of the lock meanwhile. false: there is no post, or it refused. */
static bool post_locked(ti_dispatch *d) {
    bool taken;

    if (d->post == NULL) return false;
    d->posting = true;
    d->refs++; /* the job's, which may run, and end everything, before post has returned */
    pthread_mutex_unlock(&d->lock);
    taken = d->post(run_posted, d, d->post_data);
    pthread_mutex_lock(&d->lock);
    d->posting = false;
    if (!taken) d->refs--;
    return taken;
}

void ti_dispatch_kick(ti_dispatch *d) {
    pthread_mutex_lock(&d->lock);
    d->refs++;
    while (d->first != NULL && !d->claimed && !d->posting) {
        d->claimed = true;
        if (!post_locked(d) && !hand_to_thread_locked(d)) drain_locked(d);
    }
    unref_and_unlock(d);
}

bool ti_dispatch_stop(ti_dispatch *d, int64_t deadline_boot_ms) {
    bool join;

    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->changed);
    while (d->started && !d->ended && ti_clock_boot_ms(d->clock) < deadline_boot_ms)
        ti_clock_wait(d->clock, &d->changed, &d->lock, deadline_boot_ms);
    if (d->started && !d->ended) {
        pthread_mutex_unlock(&d->lock);
        return false;
    }
    join = d->started;
    d->started = false;
    pthread_mutex_unlock(&d->lock);
    if (join) pthread_join(d->thread, NULL);
    return true;
}

void ti_dispatch_clock_moved(ti_dispatch *d) {
    pthread_mutex_lock(&d->lock);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

void ti_dispatch_free(ti_dispatch *d) {
    bool join = false;

    if (d == NULL) return;
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->changed);
    if (d->started) {
        /* A callback may wait for whoever frees the client: then its thread ends by itself. */
        join = !d->running && !d->handed;
        if (!join) pthread_detach(d->thread);
    }
    pthread_mutex_unlock(&d->lock);
    if (join) pthread_join(d->thread, NULL);
    pthread_mutex_lock(&d->lock);
    unref_and_unlock(d);
}
