/*
 * Properties: at most one sign-in of an identity is under way, attempt or job; an attempt that is over is told once, and no longer in the
 * way of the next one.
 *
 * Operation: the identity points to the attempt until it is over, ended, or turned into its job (job.c). Whoever ends it takes it off.
 *
 * Safety: the pointer and the attempt's fields are guarded by the identity's lock; `over` may be read without.
 */
#include "session/attempt.h"

#include "base/error.h"
#include "session/client.h"
#include "session/job.h"
#include "session/library_thread.h"

void ti_attempt_wake_locked(ti_identity *identity) {
    const ti_attempt *attempt = identity->attempt;

    if (attempt != NULL && attempt->wake != NULL) attempt->wake(attempt->wake_data);
}

void ti_attempt_over_locked(ti_identity *identity, tacit_status why) {
    ti_attempt *attempt = identity->attempt;

    if (attempt == NULL) return;
    identity->attempt = NULL;
    attempt->why = why;
    atomic_store(&attempt->over, true);
    if (attempt->wake != NULL) attempt->wake(attempt->wake_data);
    ti_waiters_wake_locked(identity);
    ti_transport_wake(identity->client->transport);
}

tacit_status ti_attempt_why_locked(const ti_attempt *attempt, tacit_error *error) {
    switch (attempt->why) {
    case TACIT_OK:
        return ti_error_clear(error);
    case TACIT_ERR_CLOSED:
        return ti_error_set(error, TACIT_ERR_CLOSED, "The session was closed meanwhile.");
    case TACIT_ERR_SIGNED_OUT:
        ti_job_signed_out_meanwhile(error);
        return TACIT_ERR_SIGNED_OUT;
    default:
        return ti_job_cancelled(error);
    }
}

tacit_status ti_attempt_begin(tacit_session *session, ti_attempt *attempt, tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = ti_job_may_sign_in_locked(session, attempt->caller, error);
    if (status == TACIT_OK) {
        attempt->session = session;
        identity->attempt = attempt;
    }
    pthread_mutex_unlock(&identity->lock);
    return status;
}

void ti_attempt_end(tacit_session *session, ti_attempt *attempt) {
    ti_identity *identity = session->identity;

    pthread_mutex_lock(&identity->lock);
    if (identity->attempt == attempt) identity->attempt = NULL;
    pthread_mutex_unlock(&identity->lock);
}

tacit_status ti_attempt_why(tacit_session *session, const ti_attempt *attempt, tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = ti_attempt_why_locked(attempt, error);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

bool ti_attempt_wait(tacit_session *session, const ti_attempt *attempt, int64_t boot_ms) {
    ti_identity *identity = session->identity;
    const ti_clock *clock = ti_identity_clock(identity);
    bool over;

    pthread_mutex_lock(&identity->lock);
    while (!(over = atomic_load(&attempt->over)) && ti_clock_boot_ms(clock) < boot_ms)
        ti_clock_wait(clock, &identity->changed, &identity->lock, boot_ms);
    pthread_mutex_unlock(&identity->lock);
    return !over;
}
