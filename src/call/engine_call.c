/* Calls of the engine: what is asked of them, when they are due, their place on the wire, their end. See engine.c for what holds. */
#include "call/engine_internal.h"

#include "base/error.h"

#include <stdlib.h>

enum {
    ASKED_BEGIN = 1,
    ASKED_WOKEN = 2,
    ASKED_PAUSE = 4,
    ASKED_RESUME = 8,
    ASKED_CANCEL = 16,
    ASKED_CLOSE = 32
};

static ti_engine_call *call_of(ti_heap_node *node) {
    return (ti_engine_call *)((char *)node - offsetof(ti_engine_call, node));
}

/* ------------------------------------------------------------------ the inbox */

/* instead: what is not to come any more. */
static void ask_locked(ti_engine_call *call, unsigned what, unsigned instead) {
    ti_engine *engine = call->engine;
    bool first = engine->inbox == NULL;

    if (call->node.place == 0) return; /* it has ended */
    if (call->asked == 0) {
        call->next = NULL;
        call->link = engine->inbox_last;
        *engine->inbox_last = call;
        engine->inbox_last = &call->next;
    }
    call->asked = (call->asked & ~instead) | what;
    if (first) ti_loop_wake(engine->loop);
}

static void ask(ti_engine_call *call, unsigned what, unsigned instead) {
    pthread_mutex_lock(&call->engine->lock);
    ask_locked(call, what, instead);
    pthread_mutex_unlock(&call->engine->lock);
}

/* What was asked of it; it is out of the inbox. */
static unsigned take_asked_locked(ti_engine_call *call) {
    ti_engine *engine = call->engine;
    unsigned asked = call->asked;

    if (asked == 0) return 0;
    *call->link = call->next;
    if (call->next == NULL)
        engine->inbox_last = call->link;
    else
        call->next->link = call->link;
    call->asked = 0;
    return asked;
}

static void on_woken(ti_waiter *waiter) {
    ask((ti_engine_call *)((char *)waiter - offsetof(ti_engine_call, waiter)), ASKED_WOKEN, 0);
}

void ti_engine_wake(ti_engine_call *call) {
    ask(call, ASKED_WOKEN, 0);
}

void ti_engine_call_cancel(tacit_call *base) {
    ask((ti_engine_call *)base, ASKED_CANCEL, 0);
}

void ti_engine_call_pause(tacit_call *base, bool on) {
    unsigned what = on ? ASKED_PAUSE : ASKED_RESUME;

    ask((ti_engine_call *)base, what, (ASKED_PAUSE | ASKED_RESUME) ^ what);
}

/* A call that has ended is not touched any more. */
static void do_asked(ti_engine_call *call, unsigned asked) {
    const ti_engine_ops *ops = call->ops;
    bool pauses = (asked & (ASKED_PAUSE | ASKED_RESUME)) != 0;
    tacit_status why = asked & ASKED_CLOSE ? TACIT_ERR_CLOSED : TACIT_ERR_CANCELLED;

    if ((asked & (ASKED_CANCEL | ASKED_CLOSE)) != 0 && ops->stop(call, why)) return;
    if (pauses) ops->pause(call, (asked & ASKED_RESUME) == 0);
    if (asked & ASKED_BEGIN)
        ops->begin(call);
    else if (asked & ASKED_WOKEN)
        ops->woken(call);
}

void ti_engine_empty_inbox(ti_engine *engine) {
    ti_engine_call *call;
    unsigned asked = 0;

    do {
        pthread_mutex_lock(&engine->lock);
        call = engine->inbox;
        if (call != NULL) asked = take_asked_locked(call);
        pthread_mutex_unlock(&engine->lock);
        if (call != NULL) do_asked(call, asked);
    } while (call != NULL);
}

/* ------------------------------------------------------------------ what is due, and what closes */

void ti_engine_ask_closing(ti_engine *engine) {
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 1; i <= engine->heap.count; i++) {
        ti_engine_call *call = call_of(engine->heap.nodes[i]);

        if (atomic_load(ti_session_closing(call->session))) ask_locked(call, ASKED_CLOSE, 0);
    }
    pthread_mutex_unlock(&engine->lock);
}

static ti_engine_call *find_due(ti_engine *engine, int64_t now) {
    ti_engine_call *call = NULL;

    pthread_mutex_lock(&engine->lock);
    if (ti_heap_due(&engine->heap) <= now) call = call_of(ti_heap_first(&engine->heap));
    pthread_mutex_unlock(&engine->lock);
    return call;
}

void ti_engine_end_due(ti_engine *engine) {
    int64_t now = ti_clock_boot_ms(engine->clock);
    ti_engine_call *call;

    while ((call = find_due(engine, now)) != NULL) call->ops->due(call);
}

void ti_engine_move_due(ti_engine_call *call, int64_t due_boot_ms) {
    ti_engine *engine = call->engine;

    pthread_mutex_lock(&engine->lock);
    ti_heap_move(&engine->heap, &call->node, due_boot_ms);
    pthread_mutex_unlock(&engine->lock);
}

/* ------------------------------------------------------------------ the wire */

static void add_bound(ti_engine *engine) {
    atomic_fetch_add_explicit(&engine->bound, 1, memory_order_relaxed);
}

static void drop_bound(ti_engine *engine) {
    atomic_fetch_sub_explicit(&engine->bound, 1, memory_order_relaxed);
}

void ti_engine_queue(ti_engine_call *call, bool in_front) {
    ti_engine *engine = call->engine;
    ti_engine_call **link = in_front ? &engine->queue : engine->queue_last;

    if (in_front) add_bound(engine); /* it comes back */
    call->behind = *link;
    call->in_front = link;
    *link = call;
    if (call->behind == NULL)
        engine->queue_last = &call->behind;
    else
        call->behind->in_front = &call->behind;
}

static void take_from_queue(ti_engine_call *call) {
    if (call->in_front == NULL) return;
    *call->in_front = call->behind;
    if (call->behind == NULL)
        call->engine->queue_last = call->in_front;
    else
        call->behind->in_front = call->in_front;
    call->in_front = NULL;
}

void ti_engine_unqueue(ti_engine_call *call) {
    take_from_queue(call);
    drop_bound(call->engine);
}

void ti_engine_leave_wire(ti_engine_call *call) {
    call->engine->wired--;
    drop_bound(call->engine);
}

void ti_engine_fill_wire(ti_engine *engine) {
    while (engine->queue != NULL && engine->wired < engine->wire_max) {
        ti_engine_call *call = engine->queue;

        take_from_queue(call);
        engine->wired++;
        call->ops->wired(call);
    }
}

/* ------------------------------------------------------------------ calls */

void ti_engine_call_init(ti_engine_call *call, const ti_call_ops *call_ops,
                         const ti_engine_ops *ops, ti_engine *engine, tacit_session *session,
                         void *user_data) {
    ti_call_init(&call->base, call_ops, user_data);
    call->ops = ops;
    call->engine = engine;
    call->session = session;
    call->waiter.woken = on_woken;
}

/* Who has not come to the wire yet, but has room there, does not wait. */
static size_t count_waiting_locked(const ti_engine *engine) {
    unsigned bound = atomic_load_explicit(&engine->bound, memory_order_relaxed);

    return engine->heap.count - (bound < engine->wire_max ? bound : engine->wire_max);
}

static tacit_status start_locked(ti_engine_call *call, int64_t due_boot_ms, tacit_error *error) {
    ti_engine *engine = call->engine;

    if (engine->stopping) return ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    if (count_waiting_locked(engine) >= engine->waiting_max)
        return ti_error_set(error, TACIT_ERR_BUSY, "%u calls wait already.", engine->waiting_max);
    if (!ti_heap_reserve(&engine->heap, engine->heap.count + 1) ||
        !ti_engine_start_thread_locked(engine))
        return ti_error_no_memory(error);
    if (!engine->busy) ti_client_ref(engine->client);
    engine->busy = true;
    ti_heap_put(&engine->heap, &call->node, due_boot_ms);
    if (call->ops->wired != NULL) add_bound(engine);
    ask_locked(call, ASKED_BEGIN, 0);
    return ti_error_clear(error);
}

tacit_status ti_engine_start(ti_engine_call *call, int64_t due_boot_ms, tacit_error *error) {
    ti_engine *engine = call->engine;
    tacit_status status;

    pthread_mutex_lock(&engine->lock);
    status = start_locked(call, due_boot_ms, error);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

ti_loop *ti_engine_loop(const ti_engine *engine) {
    return engine->loop;
}

tacit_error *ti_engine_scratch(ti_engine *engine) {
    return &engine->scratch;
}

void ti_engine_end(ti_engine_call *call) {
    ti_engine *engine = call->engine;

    pthread_mutex_lock(&engine->lock);
    take_asked_locked(call);
    ti_heap_take(&engine->heap, &call->node);
    pthread_mutex_unlock(&engine->lock);
    ti_session_leave(call->session);
    engine->delivers = true;
    ti_call_end(&call->base, engine->client->dispatch);
}

/* ------------------------------------------------------------------ errors */

static const tacit_error no_memory_unknown = {.status = TACIT_ERR_NO_MEMORY,
                                              .retryable = true,
                                              .outcome_unknown = true,
                                              .message = "Out of memory."};

void ti_engine_fail(ti_engine_call *call) {
    const tacit_error *scratch = &call->engine->scratch;
    tacit_error *error = malloc(sizeof *error);

    if (error != NULL) *error = *scratch;
    call->error = error;
    if (error == NULL)
        call->error = scratch->outcome_unknown ? &no_memory_unknown : &ti_error_out_of_memory;
}

static void free_error(const tacit_error *error) {
    if (error != &ti_error_out_of_memory && error != &no_memory_unknown) free((void *)error);
}

void ti_engine_call_free(tacit_call *base) {
    ti_engine_call *call = (ti_engine_call *)base;

    free_error(call->error);
    ti_engine_unref(call->engine);
    free(call);
}
