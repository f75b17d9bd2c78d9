/*
 * Properties: every call that was started ends once; what is on the wire never exceeds calls_max, and what waits is bounded when it
 * starts.
 *
 * Operation: other threads only ask: they put a call into the inbox, with what is to come to it, and wake the loop. The thread does
 * what was asked, ends or moves on what is due, fills the wire, and lets the loop run until the next due time. All calls that have not
 * ended are in the heap, where a shaken loop finds those whose session closes.
 *
 * Safety: `lock` guards the inbox, the heap and the thread's state; it is taken under an identity's lock (a waiter is woken), and nothing
 * is locked under it. While there are calls the engine holds the client; its thread may therefore be the one that ends the client, and
 * is then cut loose. Calls and the thread count the engine, so that a handle that outlives it can still be cancelled.
 */
#include "call/engine_internal.h"

#include "base/error.h"
#include "session/library_thread.h"

#include <stdlib.h>

/* Idle for so long, it lets go of connections that a burst left behind. */
enum { TRIM_AFTER_MS = 10 * 1000 };

/* With the last call the client may go, and the engine with it. false: it did. */
static bool let_go_of_client(ti_engine *engine) {
    bool idle;

    pthread_mutex_lock(&engine->lock);
    idle = engine->busy && engine->heap.count == 0;
    if (idle) engine->busy = false;
    pthread_mutex_unlock(&engine->lock);
    if (idle) tacit_client_unref(engine->client);
    return !engine->freed; /* set on this thread only */
}

static void deliver(ti_engine *engine) {
    if (!engine->delivers) return;
    engine->delivers = false;
    ti_dispatch_kick(engine->client->dispatch);
}

/* When to look again. false: it is time to end. */
static bool find_next(ti_engine *engine, int64_t *next_boot_ms) {
    bool goes_on;

    pthread_mutex_lock(&engine->lock);
    goes_on = !engine->stopping || engine->heap.count > 0;
    *next_boot_ms = ti_heap_due(&engine->heap);
    pthread_mutex_unlock(&engine->lock);
    return goes_on;
}

/* Idle: once, some time after the last call. */
static int64_t trim(ti_engine *engine, int64_t next) {
    int64_t now;

    if (next != TI_NEVER) {
        engine->trim_boot_ms = 0;
        return next;
    }
    now = ti_clock_boot_ms(engine->clock);
    if (engine->trim_boot_ms == 0) engine->trim_boot_ms = ti_boot_plus(now, TRIM_AFTER_MS);
    if (engine->trim_boot_ms <= now) {
        ti_loop_trim(engine->loop);
        engine->trim_boot_ms = TI_NEVER;
    }
    return engine->trim_boot_ms;
}

/* false: the thread is to end. */
static bool turn(ti_engine *engine) {
    int64_t next;

    if (ti_loop_was_shaken(engine->loop)) ti_engine_ask_closing(engine);
    ti_engine_empty_inbox(engine);
    ti_engine_end_due(engine);
    ti_engine_fill_wire(engine);
    deliver(engine);
    if (!let_go_of_client(engine)) return false;
    if (!find_next(engine, &next)) return false;
    ti_loop_run(engine->loop, trim(engine, next));
    return true;
}

static void *thread_main(void *argument) {
    ti_engine *engine = argument;

    while (turn(engine)) continue;
    pthread_mutex_lock(&engine->lock);
    engine->ended = true;
    pthread_cond_broadcast(&engine->ended_cond);
    pthread_mutex_unlock(&engine->lock);
    ti_engine_unref(engine);
    return NULL;
}

bool ti_engine_start_thread_locked(ti_engine *engine) {
    if (engine->started) return true;
    atomic_fetch_add(&engine->refs, 1);
    engine->started = ti_library_thread_start(&engine->thread, engine->client->thread_stack_bytes,
                                              "tacit-engine", thread_main, engine);
    if (!engine->started) atomic_fetch_sub(&engine->refs, 1);
    return engine->started;
}

/* ------------------------------------------------------------------ a client's part */

static bool stop(ti_client_part *part, int64_t deadline_boot_ms) {
    ti_engine *engine = (ti_engine *)part;
    bool join, left;

    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    ti_loop_wake(engine->loop);
    while (engine->started && !engine->ended && ti_clock_boot_ms(engine->clock) < deadline_boot_ms)
        ti_clock_wait(engine->clock, &engine->ended_cond, &engine->lock, deadline_boot_ms);
    left = engine->started && !engine->ended;
    join = engine->started && engine->ended;
    if (join) engine->started = false;
    pthread_mutex_unlock(&engine->lock);
    if (join) pthread_join(engine->thread, NULL);
    return !left;
}

static void clock_moved(ti_client_part *part) {
    ti_engine *engine = (ti_engine *)part;

    pthread_mutex_lock(&engine->lock);
    pthread_cond_broadcast(&engine->ended_cond);
    pthread_mutex_unlock(&engine->lock);
}

/* There are no calls any more, since they hold the client. */
static void free_part(ti_client_part *part) {
    ti_engine *engine = (ti_engine *)part;
    bool own;

    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    ti_loop_wake(engine->loop);
    own = engine->started && pthread_equal(engine->thread, pthread_self());
    if (own) engine->freed = true;
    pthread_mutex_unlock(&engine->lock);
    if (own)
        pthread_detach(engine->thread);
    else if (engine->started)
        pthread_join(engine->thread, NULL);
    ti_loop_free(engine->loop);
    ti_engine_unref(engine);
}

static ti_client_part *new_part(tacit_client *client, tacit_error *error) {
    ti_engine *engine = calloc(1, sizeof *engine);

    if (engine == NULL || !ti_cond_init(&engine->ended_cond)) {
        free(engine);
        return ti_error_no_memory(error), NULL;
    }
    pthread_mutex_init(&engine->lock, NULL);
    atomic_init(&engine->refs, 1);
    engine->part = (ti_client_part){.stop = stop, .clock_moved = clock_moved, .free = free_part};
    engine->client = client;
    engine->clock = &client->context->clock;
    engine->wire_max = client->calls_max;
    engine->waiting_max = client->calls_waiting_max;
    engine->inbox_last = &engine->inbox;
    engine->queue_last = &engine->queue;
    engine->loop = ti_loop_new(client->transport, client->calls_max, error);
    if (engine->loop != NULL) return &engine->part;
    ti_engine_unref(engine);
    return NULL;
}

ti_engine *ti_engine_of(tacit_client *client, tacit_error *error) {
    ti_engine *engine = (ti_engine *)ti_client_part_of(client, new_part, error);

    if (engine != NULL) atomic_fetch_add_explicit(&engine->refs, 1, memory_order_relaxed);
    return engine;
}

void ti_engine_unref(ti_engine *engine) {
    if (atomic_fetch_sub_explicit(&engine->refs, 1, memory_order_acq_rel) > 1) return;
    ti_heap_free(&engine->heap);
    pthread_cond_destroy(&engine->ended_cond);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}
