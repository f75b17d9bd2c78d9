/*
 * Store calls, each on a thread that can be left behind.
 *
 * A store may hang for ever (a keyring whose prompt nobody answers). So the caller waits for a helper thread with a deadline; when
 * it passes, the helper stays with its call, and the store's gate stays shut until it returns.
 */
#ifndef TI_STORE_CALLS_H
#define TI_STORE_CALLS_H

#include <tacit/store.h>

#include "base/buffer.h"
#include "base/clock.h"

/* The helper threads of a client: started when needed, kept for the next call, never more than there are callers and hanging stores. */
typedef struct ti_store_calls ti_store_calls;

ti_store_calls *ti_store_calls_new(const ti_clock *clock,
                                   size_t thread_stack_bytes); /* starts no thread */

/* Ends the idle threads and waits for them until deadline_boot_ms. false: one hangs in a store. Later calls answer TACIT_ERR_CLOSED. */
bool ti_store_calls_stop(ti_store_calls *calls, int64_t deadline_boot_ms);
/* Stops without waiting for what hangs; a thread left behind frees the rest when it returns. */
void ti_store_calls_free(ti_store_calls *calls);

/* The injected clock was moved: every deadline is looked at again. */
void ti_store_calls_clock_moved(ti_store_calls *calls);

/*
 * Called on the helper, once, with what an overdue call answered in the end; never when the call below answered in time. A record that
 * an overdue load brings is dropped.
 */
typedef struct ti_store_late {
    void (*fn)(void *data, tacit_status status);
    void *data;
} ti_store_late;

/*
 * Each waits at most timeout_ms, first for the gate, then for the answer. *overdue (late's promise): the call was left behind and
 * late.fn will be called, perhaps already has been.
 * Errors: the store's own status, with a sentence that names the store; a status that a store may not answer becomes
 * TACIT_ERR_STORE_FAILED; TACIT_ERR_STORE_UNAVAILABLE: overdue, or shut by an earlier call that is; TACIT_ERR_CLOSED after stop.
 */
tacit_status ti_store_load(ti_store_calls *calls, tacit_store *store, const char *key,
                           int timeout_ms, ti_store_late late, ti_buffer *record, bool *overdue,
                           tacit_error *error); /* record: secret, replaced */
tacit_status ti_store_save(ti_store_calls *calls, tacit_store *store, const char *key,
                           const ti_buffer *record, int timeout_ms, ti_store_late late,
                           bool *overdue, tacit_error *error); /* record is copied */
tacit_status ti_store_erase(ti_store_calls *calls, tacit_store *store, const char *key,
                            int timeout_ms, ti_store_late late, bool *overdue, tacit_error *error);

#endif
