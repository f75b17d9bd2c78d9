/*
 * The part of a sign-in that comes before its job, on the caller's thread: asking for metadata, waiting for a browser or for a device's
 * user. One per identity at a time, and none beside a sign-in's job; it changes nothing, so a sign-out or a close just ends it.
 */
#ifndef TI_ATTEMPT_H
#define TI_ATTEMPT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <tacit/session.h>

#include "session/caller.h"

typedef struct ti_identity ti_identity;

typedef struct ti_attempt {
    /* set by the maker */
    ti_caller *caller; /* NULL: the app's own thread */
    /* May be NULL. Called when it is over, or a clock has moved, with the identity's lock held: must
     * not block. */
    void (*wake)(void *data);
    void *wake_data;

    atomic_bool over; /* for ti_http_request.cancelled, and to look at after each wake */

    /* the identity's, guarded by its lock */
    tacit_session *session;
    tacit_status why; /* CANCELLED, CLOSED or SIGNED_OUT */
} ti_attempt;

/* The caller has entered the session. attempt lives until ti_attempt_end(); caller and wake are set, the rest is zero. TACIT_ERR_BUSY,
 * _CLOSED, _CANCELLED, _REENTRANT: not begun. */
tacit_status ti_attempt_begin(tacit_session *session, ti_attempt *attempt, tacit_error *error);
void ti_attempt_end(tacit_session *session, ti_attempt *attempt);
/* Why it is over; TACIT_OK where it is not. */
tacit_status ti_attempt_why(tacit_session *session, const ti_attempt *attempt, tacit_error *error);
/* Waits until boot_ms or until it is over; false: it is over. */
bool ti_attempt_wait(tacit_session *session, const ti_attempt *attempt, int64_t boot_ms);

/* The clock has moved: who waits looks at it again. */
void ti_attempt_wake_locked(ti_identity *identity);
/* For whoever ends the identity's attempt, if it has one. */
void ti_attempt_over_locked(ti_identity *identity, tacit_status why);
tacit_status ti_attempt_why_locked(const ti_attempt *attempt, tacit_error *error);

#endif
