/* A client: what its sessions share. It is gone when the app, the sessions and their identities have let go of it. */
#ifndef TI_CLIENT_H
#define TI_CLIENT_H

#include <pthread.h>

#include "session/context.h"
#include "session/dispatch.h"
#include "session/helpers.h"
#include "session/identity.h"
#include "session/refresher.h"
#include "session/store_calls.h"
#include "transport/transport.h"

/* What a floor above adds to a client: it is stopped with the client's threads and freed before the transport, on any thread. */
typedef struct ti_client_part {
    bool (*stop)(struct ti_client_part *part, int64_t deadline_boot_ms); /* as ti_helpers_stop() */
    void (*clock_moved)(struct ti_client_part *part); /* stop looks at its deadline again */
    void (*free)(struct ti_client_part *part);
} ti_client_part;

struct tacit_client {
    /* set at creation, then read-only */
    unsigned process; /* the context's, for the fast path */
    ti_context *context;
    ti_transport *transport;
    ti_refresher *refresher;
    ti_dispatch *dispatch;
    ti_store_calls *store_calls;
    ti_helpers *calls;       /* threads of asynchronous calls */
    const ti_task_ops *work; /* what a worker does for an identity */
    char *application_id;    /* NULL: none */
    char *state_dir;         /* NULL: nothing says where it is */
    int request_timeout_ms, refresh_timeout_ms, store_timeout_ms;
    unsigned calls_max, calls_waiting_max;
    size_t thread_stack_bytes;

    /* atomic */
    atomic_uint refs;
    atomic_int_fast64_t wall_ahead_ms; /* of the boot clock, when the clocks were last looked at */
    atomic_uint_fast64_t calls_waiting, refreshes, refresh_failures;
    atomic_uint_fast64_t requests,
        replays; /* of sessions that are gone; the others count for themselves */

    /* guarded by lock */
    pthread_mutex_t lock;
    void *identity_tree;        /* tsearch(), by store and key */
    ti_identity *identities;    /* the same ones, for walking */
    tacit_store *default_store; /* of sessions that named none; NULL: not made yet */
    int64_t next_life;          /* of an identity; at first drawn at random */
    bool closed;
    ti_client_part *part; /* NULL: nobody asked for it yet */
};

/* Made before a fork, by a parent: nothing of it may be locked, changed or freed here. */
static inline bool ti_client_forked(const tacit_client *client) {
    return !ti_os_process_is(client->process);
}
/* For every identity: see ti_identity_nudge(). */
void ti_client_nudge(tacit_client *client, bool end_backoff);
tacit_client *ti_client_ref(tacit_client *client);
/* One for all sessions, so that they share their sign-ins. To be given up. NULL: error says why. */
tacit_store *ti_client_default_store(tacit_client *client, tacit_error *error);
/* The client's part, made by the first who asks for it, under the client's lock. NULL: error says why. */
ti_client_part *ti_client_part_of(tacit_client *client,
                                  ti_client_part *(*make)(tacit_client *client, tacit_error *error),
                                  tacit_error *error);
/* R12: no idle handle keeps a token of that sign-in. */
void ti_client_drop_tokens(tacit_client *client, const ti_sign_in_id *id);
void ti_client_count_waiting(tacit_client *client, int by);

#endif
