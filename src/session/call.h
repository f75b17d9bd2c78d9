/*
 * A tacit_call: what goes on without its caller, and tells once how it ended. This is what all of them share; how one works, on a
 * thread of its own (async.h) or on the engine's (call/engine.h), lies around it.
 */
#ifndef TI_CALL_H
#define TI_CALL_H

#include <stdatomic.h>

#include <tacit/request.h>

#include "session/dispatch.h"

typedef struct ti_call_ops {
    /* From any thread, also when it has ended; must not block. pause may be NULL. */
    void (*cancel)(tacit_call *call);
    void (*pause)(tacit_call *call, bool on);
    /* Tells the app, on the dispatch. */
    void (*deliver)(tacit_call *call);
    /* The app and the delivery have given it up. */
    void (*free)(tacit_call *call);
} ti_call_ops;

struct tacit_call {
    /* set at the beginning, then read-only */
    const ti_call_ops *ops;
    void *user_data;
    unsigned process;

    atomic_uint refs; /* the app's handle, and the delivery's */
    ti_dispatch_item delivery;
};

void ti_call_init(tacit_call *call, const ti_call_ops *ops, void *user_data);
/* It has ended: deliver comes once, free after it. Never blocks, needs no memory; ti_dispatch_kick() is up to the caller. The call may
 * be gone when this returns. */
void ti_call_end(tacit_call *call, ti_dispatch *dispatch);

#endif
