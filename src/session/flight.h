/*
 * THE single flight: at most one refresh per identity, which everyone who needs a token joins.
 *
 * Attempts (loads of the record and refreshes) are numbered in the identity. A waiter remembers the number that it may be served by;
 * it leaves when a token meets its need, when an attempt for its view fails that began with that number or later, when the sign-in
 * changes, at closing, or at its deadline. Nothing is handed to a waiter: after each wake it looks at the state for itself.
 */
#ifndef TI_FLIGHT_H
#define TI_FLIGHT_H

#include "session/journal_bytes.h"
#include "session/session.h"
#include "session/view.h"

typedef enum ti_flight_phase {
    TI_FLIGHT_NONE,
    TI_FLIGHT_LOADING,    /* the first load of the record; view is NULL */
    TI_FLIGHT_REFRESHING, /* a worker is at it */
    TI_FLIGHT_REREADING   /* refused; the store is read again at step_boot_ms */
} ti_flight_phase;

typedef struct ti_flight { /* guarded by the identity's lock */
    ti_flight_phase phase;
    uint64_t attempt; /* the number of the current or last one */
    ti_view *view;    /* one user */
    ti_sign_in_id sign_in_id;
    bool forced;                /* by a 401 or by the app */
    bool anew;                  /* an adopted token does not do */
    uint64_t wanted_generation; /* 0: any that lives */
    unsigned rereads, grants;
    int64_t refused_boot_ms, step_boot_ms;
    ti_failure *refusal;
} ti_flight;

typedef enum ti_backoff_kind {                  /* R8: after an attempt that failed */
                               TI_BACKOFF_NONE, /* it says nothing about the next one */
                               TI_BACKOFF_NOT_SENT, /* nothing reached the server, or the store failed: 2 s */
                               TI_BACKOFF_ANSWERED, /* the server wants peace */
                               TI_BACKOFF_UNKNOWN /* the answer was lost: one early retry, then peace */
} ti_backoff_kind;

typedef struct ti_backoff {       /* guarded by the identity's lock */
    unsigned failures;            /* in a row */
    bool retried_early;           /* ... after a lost answer, which is done once */
    int64_t retry_boot_ms;        /* when the background tries again */
    int64_t refuse_until_boot_ms; /* until then whoever needs a token gets `last` at once */
    ti_failure *last;             /* NULL: none */
} ti_backoff;

int ti_whole_seconds(int64_t ms); /* rounded up */
tacit_status ti_error_sign_in_required(tacit_error *error);
void ti_error_storm(int64_t left_ms, tacit_error *error);

/* An error shared by all whom one attempt failed. The count is guarded by the identity's lock. */
struct ti_failure {
    unsigned refs;
    tacit_error error;
};

/* Never NULL: without memory it is a constant that says so. */
ti_failure *ti_failure_new(const tacit_error *error);
ti_failure *ti_failure_ref_locked(ti_failure *failure);
void ti_failure_unref_locked(ti_failure *failure);

/* What nearly every call finds: a token that lives long enough. *token is the caller's. */
bool ti_flight_token_at_hand(ti_identity *identity, const ti_view *view, const ti_need *need,
                             tacit_token **token);

/* The whole of ti_session_obtain(), and of waiting for the first load (need NULL, token NULL). */
tacit_status ti_flight_obtain(ti_identity *identity, ti_view *view, const atomic_bool *closing,
                              const ti_need *need, int64_t deadline_boot_ms, tacit_token **token,
                              tacit_error *error);

/* The view that needs a refresh now, on demand or by the clock; *due: else, the earliest time at which one may. */
ti_view *ti_flight_wanted_locked(const ti_identity *identity, int64_t now_boot_ms,
                                 int64_t *due_boot_ms);

/* Begin and end. view NULL: the load. Ending publishes, ends and wakes in one critical section, where the flight starts anew if somebody
 * still needs more than it brought. */
void ti_flight_begin_locked(ti_identity *identity, ti_view *view);
void ti_flight_succeed_locked(ti_identity *identity);
/* The answer to everyone who joined. */
void ti_flight_fail_locked(ti_identity *identity, const tacit_error *error, ti_backoff_kind kind);
/* Its sign-in is over: nobody is left to answer. */
void ti_flight_abandon_locked(ti_identity *identity);

/* What other processes are to know of it, and what they let know (R8): only what the server or the network said. */
void ti_backoff_share_locked(const ti_identity *identity, ti_shared_backoff *shared);
void ti_backoff_follow_locked(ti_identity *identity, const ti_shared_backoff *shared);

/* Nobody's demand outlives this: called when a sign-in begins or ends. */
void ti_backoff_reset_locked(ti_identity *identity);

#endif
