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
#include "call/engine.h"

#include "base/error.h"
#include "session/library_thread.h"

#include <stdlib.h>

enum {
    ASKED_BEGIN = 1,
    ASKED_WOKEN = 2,
    ASKED_PAUSE = 4,
    ASKED_RESUME = 8,
    ASKED_CANCEL = 16,
    ASKED_CLOSE = 32
};

/* Idle for so long, it lets go of connections that a burst left behind. */
enum { TRIM_AFTER_MS = 10 * 1000 };

struct ti_engine {
    ti_client_part part;
    atomic_uint refs;

    /* set at creation, then read-only */
    tacit_client *client;
    const ti_clock *clock;
    ti_loop *loop;
    unsigned wire_max, waiting_max;

    pthread_mutex_t lock;
    pthread_cond_t ended_cond;
    /* guarded by lock */
    ti_engine_call *inbox, **inbox_last;
    ti_heap heap;
    bool started, stopping, ended;
    bool freed; /* by its own thread, which ends when it comes back */
    bool busy;  /* holds the client */
    pthread_t thread;

    atomic_uint wired; /* calls on the wire; changed by the thread */

    /* the thread's */
    ti_engine_call *queue, **queue_last;
    bool delivers; /* something was pushed to the dispatch */
    int64_t trim_boot_ms;
    tacit_error scratch;
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

void ti_engine_ask_stop(ti_engine_call *call) {
    ask(call, ASKED_CANCEL, 0);
}

void ti_engine_ask_pause(ti_engine_call *call, bool on) {
    if (on)
        ask(call, ASKED_PAUSE, ASKED_RESUME);
    else
        ask(call, ASKED_RESUME, ASKED_PAUSE);
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

static void empty_inbox(ti_engine *engine) {
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

static void ask_closing(ti_engine *engine) {
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

static void end_due(ti_engine *engine) {
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

void ti_engine_queue(ti_engine_call *call, bool in_front) {
    ti_engine *engine = call->engine;
    ti_engine_call **link = in_front ? &engine->queue : engine->queue_last;

    call->behind = *link;
    call->in_front = link;
    *link = call;
    if (call->behind == NULL)
        engine->queue_last = &call->behind;
    else
        call->behind->in_front = &call->behind;
}

void ti_engine_unqueue(ti_engine_call *call) {
    if (call->in_front == NULL) return;
    *call->in_front = call->behind;
    if (call->behind == NULL)
        call->engine->queue_last = call->in_front;
    else
        call->behind->in_front = call->in_front;
    call->in_front = NULL;
}

void ti_engine_leave_wire(ti_engine_call *call) {
    atomic_fetch_sub_explicit(&call->engine->wired, 1, memory_order_relaxed);
}

static void fill_wire(ti_engine *engine) {
    while (engine->queue != NULL &&
           atomic_load_explicit(&engine->wired, memory_order_relaxed) < engine->wire_max) {
        ti_engine_call *call = engine->queue;

        ti_engine_unqueue(call);
        atomic_fetch_add_explicit(&engine->wired, 1, memory_order_relaxed);
        call->ops->wired(call);
    }
}

/* ------------------------------------------------------------------ the thread */

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

    if (ti_loop_was_shaken(engine->loop)) ask_closing(engine);
    empty_inbox(engine);
    end_due(engine);
    fill_wire(engine);
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

static bool start_thread_locked(ti_engine *engine) {
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

/* There are no calls any more, since they hold the client. */
static void free_part(ti_client_part *part) {
    ti_engine *engine = (ti_engine *)part;
    bool own;

    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    ti_loop_wake(engine->loop);
    own = engine->started && pthread_equal(engine->thread, pthread_self());
    engine->freed = own;
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
    engine->part = (ti_client_part){.stop = stop, .free = free_part};
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

static tacit_status start_locked(ti_engine_call *call, int64_t due_boot_ms, tacit_error *error) {
    ti_engine *engine = call->engine;
    size_t waiting =
        engine->heap.count - atomic_load_explicit(&engine->wired, memory_order_relaxed);

    if (engine->stopping) return ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    if (waiting >= engine->waiting_max)
        return ti_error_set(error, TACIT_ERR_BUSY, "%u calls wait already.", engine->waiting_max);
    if (!ti_heap_reserve(&engine->heap, engine->heap.count + 1) || !start_thread_locked(engine))
        return ti_error_no_memory(error);
    if (!engine->busy) ti_client_ref(engine->client);
    engine->busy = true;
    ti_heap_put(&engine->heap, &call->node, due_boot_ms);
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

static const tacit_error no_memory = {
    .status = TACIT_ERR_NO_MEMORY, .retryable = true, .message = "Out of memory."};
static const tacit_error no_memory_unknown = {.status = TACIT_ERR_NO_MEMORY,
                                              .retryable = true,
                                              .outcome_unknown = true,
                                              .message = "Out of memory."};

const tacit_error *ti_engine_keep_error(const tacit_error *error) {
    tacit_error *kept = malloc(sizeof *kept);

    if (kept == NULL) return error->outcome_unknown ? &no_memory_unknown : &no_memory;
    *kept = *error;
    return kept;
}

void ti_engine_free_error(const tacit_error *error) {
    if (error != &no_memory && error != &no_memory_unknown) free((void *)error);
}
