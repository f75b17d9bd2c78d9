/* The engine from the inside, for the files engine*.c. */
#ifndef TI_ENGINE_INTERNAL_H
#define TI_ENGINE_INTERNAL_H

#include "call/engine.h"

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

    /* Calls on the wire, in the queue for it, or about to come there; of a start under lock, else of the thread. */
    atomic_uint bound;

    /* the thread's */
    unsigned wired; /* calls on the wire */
    ti_engine_call *queue, **queue_last;
    bool delivers; /* something was pushed to the dispatch */
    int64_t trim_boot_ms;
    tacit_error scratch;
};

/* false: the system gives no thread. */
bool ti_engine_start_thread_locked(ti_engine *engine);

/* What a turn of the thread does (engine_call.c). */
void ti_engine_ask_closing(ti_engine *engine); /* puts those whose session closes into the inbox */
void ti_engine_empty_inbox(ti_engine *engine);
void ti_engine_end_due(ti_engine *engine);
void ti_engine_fill_wire(ti_engine *engine);

#endif
