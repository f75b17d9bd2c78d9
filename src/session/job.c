/*
 * Properties: a sign-in takes effect whole or not at all, and the earlier one stays until then; a sign-out takes effect in memory
 * before anything is asked of anyone; whoever waits may leave, the job goes on (R4).
 *
 * Operation: a job is queued under the lock and run by the worker between flights. Its caller waits for `done`.
 *
 * Safety: a job's result fields and its count are guarded by the identity's lock; what its maker filled in is read-only.
 */
#include "session/job.h"

#include "base/error.h"
#include "base/strings.h"
#include "session/begun.h"
#include "session/client.h"
#include "session/library_thread.h"
#include "session/move.h"
#include "session/sign_in_job.h"
#include "session/sign_out_job.h"

#include <stdlib.h>
#include <string.h>

ti_job *ti_job_new(ti_job_kind kind) {
    ti_job *job = calloc(1, sizeof *job);

    if (job == NULL) return NULL;
    job->kind = kind;
    job->lifetime_s = -1;
    job->answer = (ti_token_response)TI_TOKEN_RESPONSE_INIT;
    job->refs = 1;
    return job;
}

void ti_job_free(ti_job *job) {
    if (job == NULL) return;
    ti_secret_unref(job->refresh_token);
    ti_secret_unref(job->password);
    ti_secret_unref(job->access_token);
    ti_secret_unref(job->code);
    ti_token_response_free(&job->answer);
    ti_strings_free(job->params);
    ti_strings_free(job->fingerprint);
    free(job->username);
    free(job->scope);
    tacit_free(job->code_verifier);
    free(job->redirect_uri);
    free(job->nonce);
    free(job);
}

static void unref_locked(ti_identity *identity, ti_job *job) {
    if (--job->refs > 0) return;
    ti_revocations_free_locked(identity, job->access_tokens);
    if (job->view != NULL) ti_view_release_locked(identity, job->view);
    ti_job_free(job);
}

/* ------------------------------------------------------------------ the caller's side */

static void queue_locked(tacit_session *session, ti_job *job, ti_caller *caller) {
    ti_identity *identity = session->identity;

    job->caller = caller;
    job->view = session->view;
    job->view->users++;
    job->refs++;
    *identity->last_job = job;
    identity->last_job = &job->next;
}

void ti_job_signed_out_meanwhile(tacit_error *error) {
    ti_error_set(error, TACIT_ERR_SIGNED_OUT, "The session was signed out meanwhile.");
}

tacit_status ti_job_cancelled(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_CANCELLED, "The sign-in was cancelled.");
}

/* A sign-out goes on whoever leaves it. */
static bool is_left_locked(const ti_job *job) {
    return job->kind == TI_JOB_SIGN_OUT && job->caller != NULL && job->caller->cancelled;
}

/* false: error says why the wait is over. */
static bool wait_locked(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                        tacit_error *error) {
    ti_identity *identity = session->identity;
    const ti_clock *clock = ti_identity_clock(identity);

    while (!job->done && !job->cancelled && !job->overtaken && !is_left_locked(job) &&
           !atomic_load(&session->closing)) {
        if (ti_clock_boot_ms(clock) >= deadline_boot_ms) {
            ti_error_set(error, TACIT_ERR_TIMEOUT, "It took too long, and goes on by itself.");
            return false;
        }
        ti_clock_wait(clock, &identity->changed, &identity->lock, deadline_boot_ms);
    }
    if (job->done) return true;
    if (job->cancelled)
        ti_job_cancelled(error);
    else if (job->overtaken)
        ti_job_signed_out_meanwhile(error);
    else if (is_left_locked(job))
        ti_error_set(error, TACIT_ERR_CANCELLED, "Nobody waits any more; the sign-out goes on.");
    else
        ti_error_set(error, TACIT_ERR_CLOSED, "The session was closed meanwhile.");
    return false;
}

/* Gives up the caller's reference. */
static tacit_status finish_locked(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                                  tacit_error *error) {
    tacit_error why;

    if (wait_locked(session, job, deadline_boot_ms, &why)) why = job->result;
    job->caller = NULL;
    unref_locked(session->identity, job);
    return ti_error_copy(error, &why);
}

static tacit_status closed(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_CLOSED, "The session is closed.");
}

static tacit_status reentrant(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_REENTRANT,
                        "This would have to wait on a thread of the library.");
}

/* One that somebody still wants. */
static bool sign_in_is_under_way_locked(const ti_identity *identity) {
    if (identity->attempt != NULL) return true;
    for (const ti_job *job = identity->jobs; job != NULL; job = job->next)
        if (job->kind != TI_JOB_SIGN_OUT && !job->cancelled && !job->overtaken) return true;
    return false;
}

tacit_status ti_job_may_sign_in_locked(const tacit_session *session, const ti_caller *caller,
                                       tacit_error *error) {
    if (atomic_load(&session->closing)) return closed(error);
    if (caller != NULL && caller->cancelled) return ti_job_cancelled(error);
    if (caller == NULL && ti_on_library_thread()) return reentrant(error);
    if (sign_in_is_under_way_locked(session->identity))
        return ti_error_set(error, TACIT_ERR_BUSY, "Another sign-in is under way.");
    return TACIT_OK;
}

/* It never comes to a worker; what it brought is nobody's. */
static void turn_away_locked(tacit_session *session, ti_job *job) {
    ti_identity *identity = session->identity;

    if (job->answer.access_token != NULL && ti_identity_schedule_now(identity)) {
        ti_revocation_add_granted_locked(identity, session->view, &job->answer, job->fingerprint);
        if (identity->sessions == 0) ti_identity_linger_locked(identity);
    }
    ti_job_free(job);
}

/* may: whether the sign-in may begin, and else why not, in error. */
static tacit_status sign_in_locked(tacit_session *session, ti_job *job, ti_caller *caller,
                                   tacit_status may, int64_t deadline_boot_ms, tacit_error *error) {
    if (may == TACIT_OK && !ti_identity_schedule_now(session->identity))
        may = ti_error_no_memory(error);
    if (may != TACIT_OK) {
        turn_away_locked(session, job);
        return may;
    }
    queue_locked(session, job, caller);
    return finish_locked(session, job, deadline_boot_ms, error);
}

tacit_status ti_job_sign_in(tacit_session *session, ti_job *job, ti_caller *caller,
                            int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = ti_job_may_sign_in_locked(session, caller, error);
    status = sign_in_locked(session, job, caller, status, deadline_boot_ms, error);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

tacit_status ti_job_sign_in_attempted(tacit_session *session, ti_attempt *attempt, ti_job *job,
                                      int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = ti_attempt_why_locked(attempt, error);
    if (status == TACIT_OK) identity->attempt = NULL; /* the job takes its place */
    status = sign_in_locked(session, job, attempt->caller, status, deadline_boot_ms, error);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

/* caller NULL: everyone's. */
static void cancel_sign_in_locked(ti_identity *identity, const ti_caller *caller) {
    if (identity->attempt != NULL && (caller == NULL || identity->attempt->caller == caller))
        ti_attempt_over_locked(identity, TACIT_ERR_CANCELLED);
    for (ti_job *job = identity->jobs; job != NULL; job = job->next)
        if (job->kind != TI_JOB_SIGN_OUT && !job->in_force &&
            (caller == NULL || job->caller == caller))
            job->cancelled = true;
    ti_waiters_wake_locked(identity);
}

void ti_job_cancel_sign_in(tacit_session *session) {
    ti_identity *identity = session->identity;

    pthread_mutex_lock(&identity->lock);
    cancel_sign_in_locked(identity, NULL);
    ti_begun_end_locked(session);
    pthread_mutex_unlock(&identity->lock);
    ti_identity_schedule_now(identity); /* it may wait for its turn */
}

void ti_job_cancel_caller(tacit_session *session, ti_caller *caller) {
    ti_identity *identity = session->identity;

    pthread_mutex_lock(&identity->lock);
    caller->cancelled = true;
    cancel_sign_in_locked(identity, caller);
    pthread_mutex_unlock(&identity->lock);
    ti_identity_schedule_now(identity);
}

static bool is_signed_out_locked(const ti_identity *identity) {
    bool anothers = identity->head_known && ti_journal_is_live(&identity->journal);

    return identity->state == TACIT_STATE_SIGNED_OUT && identity->jobs == NULL &&
           !identity->erase_pending && !ti_move_is_unended_locked(identity) &&
           (!identity->record_present || anothers);
}

/* *job NULL with TACIT_OK: there is nothing to do. */
static tacit_status begin_sign_out_locked(tacit_session *session, ti_caller *caller, bool waits,
                                          ti_job **job, tacit_error *error) {
    ti_identity *identity = session->identity;
    bool is_over = is_signed_out_locked(identity);

    if (atomic_load(&session->closing)) return closed(error);
    if (!is_over && waits && ti_on_library_thread()) return reentrant(error);
    ti_attempt_over_locked(identity, TACIT_ERR_SIGNED_OUT);
    ti_begun_end_all_locked(identity);
    if (is_over) return ti_error_clear(error);
    *job = ti_job_new(TI_JOB_SIGN_OUT);
    if (*job == NULL) return ti_error_no_memory(error);
    queue_locked(session, *job, caller);
    ti_sign_out_begin_locked(identity, *job);
    ti_identity_schedule_now(identity);
    return TACIT_OK;
}

static tacit_status finish_sign_out_locked(tacit_session *session, ti_job *job,
                                           int64_t deadline_boot_ms, tacit_error *error) {
    if (job == NULL) return ti_error_clear(error);
    if (!ti_identity_schedule_now(session->identity))
        deadline_boot_ms = 0; /* the next schedule takes it */
    return finish_locked(session, job, deadline_boot_ms, error);
}

static void drop_tokens(const tacit_session *session, const ti_sign_in_id *ended) {
    ti_client_drop_tokens(session->identity->client, ended);
    ti_dispatch_kick(session->identity->client->dispatch);
}

tacit_status ti_job_sign_out(tacit_session *session, int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = session->identity;
    ti_sign_in_id ended;
    ti_job *job = NULL;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    ended = identity->journal.sign_in_id;
    status = begin_sign_out_locked(session, NULL, deadline_boot_ms > ti_identity_now(identity),
                                   &job, error);
    if (status == TACIT_OK) status = finish_sign_out_locked(session, job, deadline_boot_ms, error);
    pthread_mutex_unlock(&identity->lock);
    drop_tokens(session, &ended);
    return status;
}

tacit_status ti_job_sign_out_begin(tacit_session *session, ti_caller *caller, ti_job **job,
                                   tacit_error *error) {
    ti_identity *identity = session->identity;
    ti_sign_in_id ended;
    tacit_status status;

    *job = NULL;
    pthread_mutex_lock(&identity->lock);
    ended = identity->journal.sign_in_id;
    status = begin_sign_out_locked(session, caller, false, job, error);
    pthread_mutex_unlock(&identity->lock);
    drop_tokens(session, &ended);
    return status;
}

tacit_status ti_job_sign_out_finish(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                                    tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = finish_sign_out_locked(session, job, deadline_boot_ms, error);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

/* ------------------------------------------------------------------ the worker's side */

static void finish_job_locked(ti_identity *identity, ti_job *job) {
    identity->jobs = job->next;
    if (identity->jobs == NULL) identity->last_job = &identity->jobs;
    job->done = true;
    ti_waiters_wake_locked(identity);
    unref_locked(identity, job);
}

void ti_job_run_locked(ti_identity *identity) {
    ti_job *job = identity->jobs;

    if (job->kind == TI_JOB_SIGN_OUT)
        ti_sign_out_run_locked(identity, job, NULL);
    else
        ti_sign_in_run_locked(identity, job);
    finish_job_locked(identity, job);
}

void ti_job_fail_locked(ti_identity *identity, const tacit_error *error) {
    ti_job *job = identity->jobs;

    if (job->kind == TI_JOB_SIGN_OUT)
        ti_sign_out_run_locked(identity, job, error);
    else
        ti_sign_in_fail_locked(identity, job, error);
    finish_job_locked(identity, job);
}

/* ------------------------------------------------------------------ the end */

void ti_jobs_drop_locked(ti_identity *identity) {
    while (identity->jobs != NULL) {
        ti_job *job = identity->jobs;

        identity->jobs = job->next;
        unref_locked(identity, job);
    }
}
