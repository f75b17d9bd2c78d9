/*
 * The part of a sign-in that comes before its job, on the caller's thread: asking for metadata, waiting for a browser or for a device's
 * user. One per identity at a time, and none beside a sign-in's job; it changes nothing, so a sign-out or a close just ends it.
 */
#ifndef TI_ATTEMPT_H
#define TI_ATTEMPT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <tacit/session.h>

typedef struct ti_attempt {
    atomic_bool over; /* for ti_http_request.cancelled, and to look at after each wake */
    void (*wake)(
        void *
            data); /* may be NULL. Called with the identity's lock held when it is over: must not block */
    void *wake_data;

    /* the identity's, guarded by its lock */
    bool library_thread_may_wait; /* set by the maker: tacit_sign_in_async()'s own thread */
    tacit_status why;             /* CANCELLED, CLOSED or SIGNED_OUT */
} ti_attempt;

/* The caller has entered the session. attempt lives until ti_attempt_end(); wake and library_thread_may_wait are set, the rest is zero.
 * TACIT_ERR_BUSY, _CLOSED, _REENTRANT: not begun. */
tacit_status ti_attempt_begin(tacit_session *session, ti_attempt *attempt, tacit_error *error);
void ti_attempt_end(tacit_session *session, ti_attempt *attempt);
/* Why it is over; TACIT_OK where it is not. */
tacit_status ti_attempt_why(tacit_session *session, const ti_attempt *attempt, tacit_error *error);
/* Waits until boot_ms or until it is over; false: it is over. */
bool ti_attempt_wait(tacit_session *session, const ti_attempt *attempt, int64_t boot_ms);

#endif
