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
#include "session/store_answer.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#include <tacit/client.h>

#define WHY_SIZE 256

typedef struct call {
    ti_helper_job job; /* first: the helper gets the call by it */

    /* set at creation, then read-only */
    ti_store_operation operation;
    tacit_store *store;
    char *key;
    ti_store_late late;

    /* the helper's until it answered */
    ti_buffer record; /* to save, or loaded */
    char *loaded;     /* from the store */
    size_t loaded_size;
    tacit_status store_answer; /* what the store said, legal or not */
    char why[WHY_SIZE];        /* ... and in its own words; "": it has none */
    int os_error;

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
    calls->helpers = ti_helpers_new(clock, thread_stack_bytes, "tacit-store");
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

static tacit_status ask(call *self) {
    const tacit_store_ops *ops = &self->store->ops;
    void *data = self->store->data;
    const char *bytes = self->record.data == NULL ? "" : self->record.data;

    switch (self->operation) {
    case TI_STORE_LOAD:
        return ops->load(data, self->key, &self->loaded, &self->loaded_size);
    case TI_STORE_SAVE:
        return ops->save(data, self->key, bytes, self->record.size);
    case TI_STORE_ERASE:
        return ops->erase(data, self->key);
    }
    return TACIT_ERR_STORE_FAILED;
}

/* Before the gate opens, since the next call has words of its own. */
static void ask_why(call *self) {
    const tacit_store_ops *ops = &self->store->ops;

    if (ops->last_error == NULL) return;
    ti_error_text(self->why, sizeof self->why, ops->last_error(self->store->data, &self->os_error));
}

/* Moves what the store allocated into the record. */
static tacit_status take_loaded(call *self) {
    bool kept;

    if (self->loaded == NULL && self->loaded_size > 0) return TACIT_ERR_STORE_FAILED;
    kept = ti_buffer_append(&self->record, self->loaded, self->loaded_size);
    tacit_free(self->loaded);
    self->loaded = NULL;
    return kept ? TACIT_OK : TACIT_ERR_NO_MEMORY;
}

static void call_free(call *self) {
    if (self == NULL) return;
    tacit_store_unref(self->store);
    ti_buffer_free(&self->record);
    free(self->key);
    free(self);
}

/* Answers, opens the gate, and tells whether the call was left behind. If not, it is the caller's
 * from here on. */
static bool answer(call *self, tacit_status status) {
    tacit_store *store = self->store;
    bool left_behind;

    pthread_mutex_lock(&store->lock);
    self->status = status;
    self->answered = true;
    left_behind = self->left_behind;
    store->busy = false;
    store->overdue = false;
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->lock);
    return left_behind;
}

/* On the helper. */
static void run(ti_helper_job *job) {
    call *self = (call *)job;
    tacit_status status = ask(self);

    self->store_answer = status;
    if (status != TACIT_OK) ask_why(self);
    status = ti_store_judge(self->operation, status);
    if (self->operation == TI_STORE_LOAD && status == TACIT_OK) status = take_loaded(self);
    if (!answer(self, status)) return;
    if (self->late.fn != NULL) self->late.fn(self->late.data, status);
    call_free(self);
}

static call *call_new(ti_store_operation operation, tacit_store *store, const char *key,
                      const ti_buffer *record, ti_store_late late) {
    call *self = calloc(1, sizeof *self);

    if (self == NULL) return NULL;
    self->job.run = run;
    self->operation = operation;
    self->store = tacit_store_ref(store);
    self->late = late;
    self->record.secret = true;
    self->key = strdup(key);
    if (record != NULL) ti_buffer_append(&self->record, record->data, record->size);
    if (self->key != NULL && !self->record.failed) return self;
    call_free(self);
    return NULL;
}

/* Waits for the gate until the deadline and shuts it, unless the call inside is overdue. */
static bool enter(const ti_clock *clock, tacit_store *store, int64_t deadline) {
    bool entered;

    pthread_mutex_lock(&store->lock);
    while (store->busy && !store->overdue && ti_clock_boot_ms(clock) < deadline)
        ti_clock_wait(clock, &store->freed, &store->lock, deadline);
    entered = !store->busy;
    if (entered) store->busy = true;
    pthread_mutex_unlock(&store->lock);
    return entered;
}

static void leave(tacit_store *store) {
    pthread_mutex_lock(&store->lock);
    store->busy = false;
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->lock);
}

/* false: the deadline passed, and the call is the helper's now. */
static bool wait_for_answer(const ti_clock *clock, call *self, int64_t deadline) {
    tacit_store *store = self->store;
    bool answered;

    pthread_mutex_lock(&store->lock);
    while (!self->answered && ti_clock_boot_ms(clock) < deadline)
        ti_clock_wait(clock, &store->freed, &store->lock, deadline);
    answered = self->answered;
    if (!answered) {
        self->left_behind = true;
        store->overdue = true;
        pthread_cond_broadcast(&store->freed); /* nobody is to wait for the gate any more */
    }
    pthread_mutex_unlock(&store->lock);
    return answered;
}

static tacit_status explain_not_run(const call *self, tacit_status status, tacit_error *error) {
    const char *why =
        status == TACIT_ERR_CLOSED ? "the client is closed" : "there is no thread for it";

    return ti_store_no_answer(self->operation, self->store, status, why, error);
}

static tacit_status explain(const call *self, tacit_error *error) {
    if (*self->why == '\0' || self->status == TACIT_OK || self->status != self->store_answer)
        return ti_store_explain(self->operation, self->store, self->store_answer, self->status,
                                error);
    ti_store_no_answer(self->operation, self->store, self->status, self->why, error);
    if (error != NULL) error->os_error = self->os_error;
    return self->status;
}

/* Sets *overdue where the call is the helper's afterwards, not to be touched. */
static tacit_status attempt(ti_store_calls *calls, call *self, int timeout_ms, bool *overdue,
                            tacit_error *error) {
    int64_t deadline = ti_clock_deadline(calls->clock, timeout_ms);
    ti_store_operation operation = self->operation;
    tacit_store *store = self->store; /* the caller of all this has a reference too */
    tacit_status status;

    if (ti_helpers_stopped(calls->helpers)) return explain_not_run(self, TACIT_ERR_CLOSED, error);
    if (!enter(calls->clock, store, deadline))
        return ti_store_no_answer(operation, store, TACIT_ERR_STORE_UNAVAILABLE,
                                  "it has not answered an earlier call yet", error);
    status = ti_helpers_run(calls->helpers, &self->job);
    if (status != TACIT_OK) {
        leave(store);
        return explain_not_run(self, status, error);
    }
    if (wait_for_answer(calls->clock, self, deadline)) return explain(self, error);
    *overdue = true;
    return ti_store_no_answer(operation, store, TACIT_ERR_STORE_UNAVAILABLE,
                              "it did not answer in time", error);
}

static tacit_status perform(ti_store_calls *calls, call *self, int timeout_ms, bool *overdue,
                            tacit_error *error) {
    caller waiting;
    tacit_status status;

    *overdue = false;
    if (self == NULL) return ti_error_no_memory(error);
    waiting.store = tacit_store_ref(self->store);
    caller_add(calls, &waiting);
    status = attempt(calls, self, timeout_ms, overdue, error);
    caller_remove(calls, &waiting);
    tacit_store_unref(waiting.store);
    return status;
}

tacit_status ti_store_load(ti_store_calls *calls, tacit_store *store, const char *key,
                           int timeout_ms, ti_store_late late, ti_buffer *record, bool *overdue,
                           tacit_error *error) {
    call *self = call_new(TI_STORE_LOAD, store, key, NULL, late);
    tacit_status status = perform(calls, self, timeout_ms, overdue, error);

    ti_buffer_free(record);
    if (*overdue) return status;
    if (status == TACIT_OK) {
        *record = self->record;
        self->record = (ti_buffer)TI_BUFFER_SECRET;
    }
    call_free(self);
    return status;
}

tacit_status ti_store_save(ti_store_calls *calls, tacit_store *store, const char *key,
                           const ti_buffer *record, int timeout_ms, ti_store_late late,
                           bool *overdue, tacit_error *error) {
    size_t max = store->ops.record_size_max;
    tacit_status status;
    call *self;

    *overdue = false;
    if (max > 0 && record->size > max)
        return ti_error_set(error, TACIT_ERR_STORE_TOO_LARGE,
                            "The record has %zu bytes; %s takes at most %zu.", record->size,
                            tacit_store_describe(store), max);
    self = call_new(TI_STORE_SAVE, store, key, record, late);
    status = perform(calls, self, timeout_ms, overdue, error);
    if (!*overdue) call_free(self);
    return status;
}

tacit_status ti_store_erase(ti_store_calls *calls, tacit_store *store, const char *key,
                            int timeout_ms, ti_store_late late, bool *overdue, tacit_error *error) {
    call *self = call_new(TI_STORE_ERASE, store, key, NULL, late);
    tacit_status status = perform(calls, self, timeout_ms, overdue, error);

    if (!*overdue) call_free(self);
    return status;
}
