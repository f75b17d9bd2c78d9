/* A store: the app's three functions (or those of platform/store_*), counted, with the gate that lets in one call at a time. */
#ifndef TI_STORE_H
#define TI_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include <tacit/store.h>

struct tacit_store {
    /* set at creation, then read-only */
    tacit_store_ops ops;
    void *data;
    char *description;
    char *lock_directory; /* NULL: the client's */

    atomic_uint refs;

    /* guarded by lock; store_calls is the only user */
    pthread_mutex_t lock;
    pthread_cond_t freed; /* on the clock of ti_clock_wait() */
    bool busy;            /* a call is inside */
    bool overdue;         /* ... and its deadline has passed: nobody waits for the gate */
};

#endif
