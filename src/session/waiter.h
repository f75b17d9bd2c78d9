/* Somebody who waits for a token: a thread, or a call that has none. */
#ifndef TI_WAITER_H
#define TI_WAITER_H

#include <stdatomic.h>

#include "session/session.h"
#include "session/view.h"

struct ti_waiter {
    /* set by who has no thread: he may look again; the waiter is off the list. With the identity's lock held: must not block, and may
     * not call back */
    void (*woken)(ti_waiter *waiter);

    /* set at the beginning, then read-only */
    ti_identity *identity;
    ti_view *view;
    const atomic_bool *closing;
    const ti_need *need; /* borrowed while it waits; NULL: the first load */

    /* guarded by the identity's lock */
    ti_sign_in_id sign_in_id; /* none: whoever the load brings */
    uint64_t join;            /* served by this attempt or a later one */
    ti_waiter *next, **link;  /* in the identity's list; link NULL: not in it */
};

/* What waiters look at has changed: threads and others look again. */
void ti_waiters_wake_locked(ti_identity *identity);

#endif
