/*
 * THE single flight: at most one refresh per identity, which everyone who needs a token joins.
 *
 * Attempts (loads of the record and refreshes) are numbered in the identity, so that whoever waits (obtain.h) knows which may serve him.
 */
#ifndef TI_FLIGHT_H
#define TI_FLIGHT_H

#include "session/backoff.h"
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

/* When the background renews what the view has: its access token, or through it the refresh token, whatever the policy; not before a
 * failure's pause is over, and the server's rate allows it. TI_NEVER: not by itself. */
int64_t ti_flight_due_locked(const ti_identity *identity, const ti_view *view);

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

#endif
