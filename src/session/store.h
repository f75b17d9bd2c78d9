/* A store: the app's three functions (or those of platform/store_*), counted, with the gate that lets in one call at a time. */
#ifndef TI_STORE_H
#define TI_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include <tacit/store.h>

#include "platform/os.h"

struct tacit_store {
    /* set at creation, then read-only */
    unsigned process; /* that made it */
    tacit_store_ops ops;
    void *data;
    /* what ops points to */
    char *description;
    char *lock_directory;
    char *application_id;
    tacit_store_lock_ops lock_ops;

    /* atomic */
    atomic_uint refs;
    _Atomic(const char *) shown; /* the description, or a later one */

    /* guarded by lock; store_calls is the only user */
    pthread_mutex_t lock;
    pthread_cond_t freed; /* on the clock of ti_clock_wait() */
    bool busy;            /* a call is inside */
    bool overdue;         /* ... and its deadline has passed: nobody waits for the gate */
};

/* For a store that finds out later what it is. description lives as long as the store. */
void ti_store_describe_as(tacit_store *store, const char *description);

/* Made before a fork, by a parent: it may be inside a call that nobody ends here. */
static inline bool ti_store_forked(const tacit_store *store) {
    return !ti_os_process_is(store->process);
}

#endif
