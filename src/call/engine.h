/*
 * The engine: one thread of a client, on which all its asynchronous requests and waits for tokens go on. Started by the first, ended by
 * tacit_client_shutdown() or with the client.
 */
#ifndef TI_ENGINE_H
#define TI_ENGINE_H

#include "base/heap.h"
#include "session/call.h"
#include "session/client.h"
#include "session/waiter.h"
#include "transport/loop.h"

typedef struct ti_engine ti_engine;
typedef struct ti_engine_call ti_engine_call;

/* What comes to a call: one at a time, on the engine's thread, without a lock, until it has ended. */
typedef struct ti_engine_ops {
    void (*begin)(ti_engine_call *call);
    void (*woken)(ti_engine_call *call); /* its waiter was, or somebody called ti_engine_wake() */
    void (*wired)(ti_engine_call *call); /* it has the place on the wire that it asked for; NULL: it
                                            never will */
    void (*due)(ti_engine_call *call);   /* its time has come: ends it, or moves the time */
    bool (*stop)(
        ti_engine_call *call,
        tacit_status why); /* CANCELLED or CLOSED: ends it; false: it is too late for that */
    void (*pause)(ti_engine_call *call, bool on);
} ti_engine_ops;

struct ti_engine_call {
    tacit_call base;

    /* set by ti_engine_call_init(), then read-only */
    const ti_engine_ops *ops;
    ti_engine *engine;      /* counted */
    tacit_session *session; /* entered, until the call has ended */

    ti_waiter waiter;
    const tacit_error *error; /* the outcome's; NULL: nothing failed */

    /* guarded by the engine's lock */
    unsigned asked;                     /* what is to come to it; 0: it is not in the inbox */
    ti_engine_call *next, **link;       /* in the inbox */
    ti_heap_node node;                  /* when it is due; in the heap until it has ended */
    ti_engine_call *behind, **in_front; /* waiting for the wire; the engine's thread only */
};

/* The client's engine, made by the first that asks; the caller's reference. NULL: error says why. */
ti_engine *ti_engine_of(tacit_client *client, tacit_error *error);
void ti_engine_unref(ti_engine *engine);

/* Takes the caller's reference to the engine; session is entered. */
void ti_engine_call_init(ti_engine_call *call, const ti_call_ops *call_ops,
                         const ti_engine_ops *ops, ti_engine *engine, tacit_session *session,
                         void *user_data);
/* From here on it is the engine's and the app's. Any thread, never blocks. TACIT_ERR_BUSY, _CLOSED, _NO_MEMORY: nothing was taken. */
tacit_status ti_engine_start(ti_engine_call *call, int64_t due_boot_ms, tacit_error *error);

/* For ti_call_ops. */
void ti_engine_call_cancel(tacit_call *base);
void ti_engine_call_pause(tacit_call *base, bool on);
void ti_engine_call_free(tacit_call *base);

/* From any thread: woken() is to come. */
void ti_engine_wake(ti_engine_call *call);

/* The rest is for ops, on the engine's thread. */

ti_loop *ti_engine_loop(const ti_engine *engine);
/* For what fails, until the next op. */
tacit_error *ti_engine_scratch(ti_engine *engine);
void ti_engine_move_due(ti_engine_call *call, int64_t due_boot_ms);
/* Asks for a place on the wire; in_front: of those that did not have one yet, by who gave his back. */
void ti_engine_queue(ti_engine_call *call, bool in_front);
/* It wants no place any more that it asked for, or was about to. */
void ti_engine_unqueue(ti_engine_call *call);
/* Gives back the place that wired() brought. */
void ti_engine_leave_wire(ti_engine_call *call);
/* Makes of the scratch, or of having no memory for that, the call's error. */
void ti_engine_fail(ti_engine_call *call);
/* It has ended: it leaves the session and is delivered. Not touched by the engine any more. */
void ti_engine_end(ti_engine_call *call);

#endif
