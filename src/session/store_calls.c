/*
 * Properties. At most one call is inside a store, whoever makes it. late.fn is called exactly once
 * for a call that was left behind, and never for another: whether it was is decided under the
 * store's lock, where the caller gives up and where the helper answers.
 *
 * Operation. The caller makes a call, which owns copies of all it needs, shuts the store's gate,
 * and gives the call to a helper. The helper asks the store, opens the gate and answers. A caller
 * whose deadline passes first marks the call as left behind: from then on it is the helper's, which
 * opens the gate before it calls late.fn, so that late.fn's work finds the store free.
 *
 * Safety. A call's own lock is its store's. `callers` is guarded by `lock`; lock may be held when a
 * store's lock is taken, never the other way round.
 */
#include "session/store_calls.h"

#include "session/helpers.h"
#include "session/store.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tacit/client.h>

typedef enum operation { LOAD, SAVE, ERASE } operation;

typedef struct call {
    ti_helper_job job; /* first: the helper gets the call by it */

    /* set at creation, then read-only */
    operation operation;
    tacit_store *store;
    char *key;
    ti_store_late late;

    ti_buffer record; /* to save; or loaded, and the helper's until it answered */

    /* guarded by store->lock */
    bool answered;
    bool left_behind;
    tacit_status status;
} call;

/* A thread that waits in a store call; lies on its stack. */
typedef struct caller {
    tacit_store *store;
    struct caller *next, **link;
} caller;

struct ti_store_calls {
    const ti_clock *clock;
    ti_helpers *helpers;
    pthread_mutex_t lock;
    caller *callers; /* guarded by lock */
};

ti_store_calls *ti_store_calls_new(const ti_clock *clock, size_t thread_stack_bytes) {
    ti_store_calls *calls = calloc(1, sizeof *calls);

    if (calls == NULL) return NULL;
    calls->clock = clock;
    calls->helpers = ti_helpers_new(clock, thread_stack_bytes);
    if (calls->helpers == NULL || pthread_mutex_init(&calls->lock, NULL) != 0) {
        ti_helpers_free(calls->helpers);
        free(calls);
        return NULL;
    }
    return calls;
}

bool ti_store_calls_stop(ti_store_calls *calls, int64_t deadline_boot_ms) {
    return ti_helpers_stop(calls->helpers, deadline_boot_ms);
}

void ti_store_calls_clock_moved(ti_store_calls *calls) {
    pthread_mutex_lock(&calls->lock);
    for (caller *each = calls->callers; each != NULL; each = each->next) {
        pthread_mutex_lock(&each->store->lock);
        pthread_cond_broadcast(&each->store->freed);
        pthread_mutex_unlock(&each->store->lock);
    }
    pthread_mutex_unlock(&calls->lock);
    ti_helpers_clock_moved(calls->helpers);
}

void ti_store_calls_free(ti_store_calls *calls) {
    if (calls == NULL) return;
    ti_helpers_free(calls->helpers);
    pthread_mutex_destroy(&calls->lock);
    free(calls);
}

static void caller_add(ti_store_calls *calls, caller *self) {
    pthread_mutex_lock(&calls->lock);
    self->next = calls->callers;
    self->link = &calls->callers;
    if (self->next != NULL) self->next->link = &self->next;
    calls->callers = self;
    pthread_mutex_unlock(&calls->lock);
}

static void caller_remove(ti_store_calls *calls, caller *self) {
    pthread_mutex_lock(&calls->lock);
    *self->link = self->next;
    if (self->next != NULL) self->next->link = self->link;
    pthread_mutex_unlock(&calls->lock);
}

/* What a store's functions may answer; anything else is a bug in the store. */
static bool is_legal(operation operation, tacit_status status) {
    switch (status) {
    case TACIT_OK:
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_CORRUPT:
    case TACIT_ERR_STORE_FAILED:
        return true;
    case TACIT_ERR_STORE_NOT_FOUND:
        return operation == LOAD;
    case TACIT_ERR_STORE_TOO_LARGE:
        return operation == SAVE;
    default:
        return false;
    }
}

static tacit_status ask_load(call *self) {
    char *bytes = NULL;
    size_t size = 0;
    tacit_status status = self->store->ops.load(self->store->data, self->key, &bytes, &size);

    if (status != TACIT_OK) return status;
    if (bytes == NULL && size > 0) return TACIT_ERR_STORE_FAILED;
    if (!ti_buffer_append(&self->record, bytes, size)) status = TACIT_ERR_NO_MEMORY;
    tacit_free(bytes);
    return status;
}

static tacit_status ask(call *self) {
    const tacit_store_ops *ops = &self->store->ops;
    void *data = self->store->data;
    const char *bytes = self->record.data == NULL ? "" : self->record.data;

    switch (self->operation) {
    case LOAD:
        return ask_load(self);
    case SAVE:
        return ops->save(data, self->key, bytes, self->record.size);
    case ERASE:
        return ops->erase(data, self->key);
    }
    return TACIT_ERR_STORE_FAILED;
}
