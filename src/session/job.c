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
#include "platform/os.h"
#include "session/client.h"
#include "session/event.h"
#include "session/library_thread.h"
#include "session/persist.h"
#include "session/refresh.h"
#include "session/turn.h"

#include <stdlib.h>
#include <string.h>

enum { REVOCATION_MS = 5000 };

ti_job *ti_job_new(ti_job_kind kind) {
    ti_job *job = calloc(1, sizeof *job);

    if (job == NULL) return NULL;
    job->kind = kind;
    job->lifetime_s = -1;
    job->refs = 1;
    return job;
}

void ti_job_free(ti_job *job) {
    if (job == NULL) return;
    ti_secret_unref(job->refresh_token);
    ti_secret_unref(job->password);
    ti_secret_unref(job->access_token);
    for (size_t i = 0; job->params != NULL && job->params[i] != NULL; i++)
        tacit_free(job->params[i]);
    free(job->params);
    free(job->username);
    free(job->scope);
    free(job);
}

static void unref_locked(ti_identity *identity, ti_job *job) {
    if (--job->refs > 0) return;
    if (job->view != NULL) ti_view_release_locked(identity, job->view);
    ti_job_free(job);
}

/* ------------------------------------------------------------------ the caller's side */

static void queue_locked(tacit_session *session, ti_job *job) {
    ti_identity *identity = session->identity;

    job->view = session->view;
    job->view->users++;
    job->refs++;
    *identity->last_job = job;
    identity->last_job = &job->next;
}

static void signed_out_meanwhile(tacit_error *error) {
    ti_error_set(error, TACIT_ERR_SIGNED_OUT, "The session was signed out meanwhile.");
}

/* false: error says why the wait is over. */
static bool wait_locked(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                        tacit_error *error) {
    ti_identity *identity = session->identity;
    const ti_clock *clock = ti_identity_clock(identity);

    while (!job->done && !job->cancelled && !job->overtaken && !atomic_load(&session->closing)) {
        if (ti_clock_boot_ms(clock) >= deadline_boot_ms) {
            ti_error_set(error, TACIT_ERR_TIMEOUT, "It took too long, and goes on by itself.");
            return false;
        }
        ti_clock_wait(clock, &identity->changed, &identity->lock, deadline_boot_ms);
    }
    if (job->done) return true;
    if (job->cancelled)
        ti_error_set(error, TACIT_ERR_CANCELLED, "The sign-in was cancelled.");
    else if (job->overtaken)
        signed_out_meanwhile(error);
    else
        ti_error_set(error, TACIT_ERR_CLOSED, "The session was closed meanwhile.");
    return false;
}

/* Gives up the caller's reference. */
static tacit_status finish_locked(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                                  tacit_error *error) {
    tacit_error why;

    if (wait_locked(session, job, deadline_boot_ms, &why)) why = job->result;
    unref_locked(session->identity, job);
    return ti_error_copy(error, &why);
}

static tacit_status closed(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_CLOSED, "The session is closed.");
}

static tacit_status start_locked(tacit_session *session, ti_job *job, tacit_error *error) {
    ti_identity *identity = session->identity;

    if (atomic_load(&session->closing)) return closed(error);
    if (ti_on_library_thread())
        return ti_error_set(error, TACIT_ERR_REENTRANT,
                            "This would have to wait on a thread of the library.");
    if (identity->sign_in_queued)
        return ti_error_set(error, TACIT_ERR_BUSY, "Another sign-in is under way.");
    if (!ti_identity_schedule_now(identity)) return ti_error_no_memory(error);
    identity->sign_in_queued = true;
    queue_locked(session, job);
    return TACIT_OK;
}

tacit_status ti_job_sign_in(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                            tacit_error *error) {
    ti_identity *identity = session->identity;
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = start_locked(session, job, error);
    if (status == TACIT_OK)
        status = finish_locked(session, job, deadline_boot_ms, error);
    else
        ti_job_free(job);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

void ti_job_cancel_sign_in(tacit_session *session) {
    ti_identity *identity = session->identity;

    pthread_mutex_lock(&identity->lock);
    for (ti_job *job = identity->jobs; job != NULL; job = job->next)
        if (job->kind != TI_JOB_SIGN_OUT && !job->in_force) job->cancelled = true;
    pthread_cond_broadcast(&identity->changed);
    pthread_mutex_unlock(&identity->lock);
}

/* In memory, and at once; the job has what is left to do. */
static void end_sign_in_locked(ti_identity *identity, ti_job *job) {
    bool was_signed_in = identity->state == TACIT_STATE_SIGNED_IN;

    for (ti_job *other = identity->jobs; other != NULL; other = other->next)
        other->overtaken = other->kind != TI_JOB_SIGN_OUT;
    job->ended = identity->journal.sign_in_id;
    job->refresh_token = identity->refresh_token;
    identity->refresh_token = NULL;
    identity->state = TACIT_STATE_SIGNED_OUT;
    identity->mark_refused = false;
    identity->erase_pending = false; /* the job sees to it */
    identity->generation = 0;
    identity->looks_left = 0;
    ti_journal_signed_out(&identity->journal, &job->ended);
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    if (was_signed_in)
        ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_OUT, "Signed out.", NULL);
    pthread_cond_broadcast(&identity->changed);
}

static bool is_signed_out_locked(const ti_identity *identity) {
    return identity->state == TACIT_STATE_SIGNED_OUT && !identity->record_present &&
           !identity->erase_pending && identity->jobs == NULL;
}

static tacit_status sign_out_locked(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                                    tacit_error *error) {
    ti_identity *identity = session->identity;
    bool may_wait = deadline_boot_ms > ti_identity_now(identity);

    if (atomic_load(&session->closing)) {
        ti_job_free(job);
        return closed(error);
    }
    if (is_signed_out_locked(identity)) {
        ti_job_free(job);
        return ti_error_clear(error);
    }
    if (may_wait && ti_on_library_thread()) {
        ti_job_free(job);
        return ti_error_set(error, TACIT_ERR_REENTRANT,
                            "This would have to wait on a thread of the library.");
    }
    end_sign_in_locked(identity, job);
    queue_locked(session, job);
    if (!ti_identity_schedule_now(identity)) deadline_boot_ms = 0; /* the next schedule takes it */
    return finish_locked(session, job, deadline_boot_ms, error);
}

tacit_status ti_job_sign_out(tacit_session *session, int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = session->identity;
    ti_job *job = ti_job_new(TI_JOB_SIGN_OUT);
    ti_sign_in_id ended;
    tacit_status status;

    if (job == NULL) return ti_error_no_memory(error);
    pthread_mutex_lock(&identity->lock);
    ended = identity->journal.sign_in_id;
    status = sign_out_locked(session, job, deadline_boot_ms, error);
    pthread_mutex_unlock(&identity->lock);
    ti_client_drop_tokens(identity->client, &ended);
    ti_dispatch_kick(identity->client->dispatch);
    return status;
}

/* ------------------------------------------------------------------ the worker's side */

static void revoke_unlocked(ti_identity *identity, const ti_view *view, const ti_secret *token,
                            tacit_error *error) {
    tacit_client *client = identity->client;
    const ti_clock *clock = ti_identity_clock(identity);

    ti_grant_revoke(client->transport, &view->grant, token, "refresh_token",
                    ti_clock_deadline(clock, REVOCATION_MS), error);
}

/* What an imported refresh token brought stays: the server may have replaced it. */
static bool is_called_off_locked(const ti_job *job) {
    bool imported = job->kind == TI_JOB_GRANT && job->grant_type == TI_GRANT_REFRESH_TOKEN;

    return job->overtaken || (job->cancelled && !imported);
}

/* The sign-in comes to nothing; what the server granted for it is revoked. */
static void drop_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer) {
    if (job->kind == TI_JOB_GRANT)
        ti_revocation_add_locked(identity, job->view, answer->refresh_token);
}

static void call_off_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer) {
    drop_locked(identity, job, answer);
    if (job->overtaken)
        signed_out_meanwhile(&job->result);
    else
        ti_error_set(&job->result, TACIT_ERR_CANCELLED, "The sign-in was cancelled.");
}

/* The new sign-in is the head, and in force. */
static void take_effect_locked(ti_identity *identity, ti_job *job, tacit_token *token,
                               int64_t refresh_in_s) {
    ti_view_set_token_locked(job->view, token, ++identity->flight.attempt,
                             ti_view_due_locked(identity, job->view, token, refresh_in_s));
    job->view->begun = identity->flight.attempt;
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        ti_view_expect_token_locked(identity, view);
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_IN, "Signed in.", NULL);
    ti_error_clear(&job->result);
}

static void become_locked(ti_identity *identity, const ti_journal *head, ti_secret *refresh_token) {
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = ti_secret_ref(refresh_token);
    identity->state = TACIT_STATE_SIGNED_IN;
    identity->loaded_told = true; /* SIGNED_IN says more */
    identity->mark_refused = identity->erase_pending = false;
    identity->journal = *head;
    identity->generation = head->generation;
    identity->looks_left = identity->head_known ? TI_LOOKS : 0; /* a late erase of the one before */
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    pthread_cond_broadcast(&identity->changed);
}

/* Draws the sign-in's id. NULL: the job's result says why. */
static tacit_token *make_first_token(const ti_identity *identity, ti_job *job,
                                     const ti_token_response *answer, ti_sign_in_id *id,
                                     int64_t sent_boot_ms) {
    tacit_token *token;

    if (!ti_os_random(id->bytes, sizeof id->bytes)) {
        ti_error_set(&job->result, TACIT_ERR_UNSUPPORTED, "The system has no source of random.");
        return NULL;
    }
    token = ti_refresh_make_token(identity, answer, id, 1, sent_boot_ms);
    if (token == NULL) ti_error_no_memory(&job->result);
    return token;
}

/* Writes the new head down. From here on the job cannot be cancelled; false: it comes to nothing, and the result says why. */
static bool note_head_locked(ti_identity *identity, ti_job *job, const ti_journal *head) {
    job->in_force = true;
    if (ti_turn_note_locked(identity, head, &job->result) != TACIT_OK) return false;
    if (job->overtaken) signed_out_meanwhile(&job->result);
    return !job->overtaken;
}

/* R16: the head names the new sign-in, it is saved, and only then used; the earlier one's refresh token is revoked. Whatever can fail
 * comes first, so that the earlier sign-in stays then. */
static void sign_in_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer,
                           int64_t sent_boot_ms) {
    ti_secret *refresh_token = answer->refresh_token, *before;
    ti_journal head;
    ti_sign_in_id id;
    tacit_token *token;

    if (refresh_token == NULL) refresh_token = job->refresh_token; /* imported, and not replaced */
    /* What cannot be read is not overwritten, and another process's sign-in is revoked too. */
    if (!is_called_off_locked(job) &&
        (!identity->readable || identity->state == TACIT_STATE_UNKNOWN))
        ti_persist_load_locked(identity, NULL);
    if (is_called_off_locked(job)) {
        call_off_locked(identity, job, answer);
        return;
    }
    token = make_first_token(identity, job, answer, &id, sent_boot_ms);
    if (token == NULL) {
        drop_locked(identity, job, answer);
        return;
    }
    ti_journal_signed_in(&head, &id, refresh_token, identity->client->life);
    if (!note_head_locked(identity, job, &head)) {
        drop_locked(identity, job, answer);
        tacit_token_unref(token);
        return;
    }
    before = ti_secret_ref(identity->refresh_token);
    become_locked(identity, &head, refresh_token);
    ti_persist_save_locked(identity, job->view, token);
    if (!ti_sign_in_id_equal(&id, &identity->journal.sign_in_id) ||
        identity->state != TACIT_STATE_SIGNED_IN) {
        tacit_token_unref(token);
        signed_out_meanwhile(&job->result);
    } else {
        take_effect_locked(identity, job, token, answer->refresh_in_s);
    }
    if (!ti_secret_equal(before, refresh_token) && !ti_secret_equal(before, job->refresh_token))
        ti_revocation_add_locked(identity, job->view, before);
    ti_secret_unref(before);
}

static void run_grant_locked(ti_identity *identity, ti_job *job) {
    tacit_client *client = identity->client;
    const ti_clock *clock = ti_identity_clock(identity);
    ti_grant grant = {.type = job->grant_type,
                      .refresh_token = job->refresh_token,
                      .username = job->username,
                      .password = job->password,
                      .scope = job->scope != NULL ? job->scope : job->view->scope,
                      .resource = job->view->resource,
                      .params = (const char *const *)job->params};
    ti_token_response answer = TI_TOKEN_RESPONSE_INIT;
    int64_t sent_boot_ms = ti_clock_boot_ms(clock);
    ti_verdict verdict;

    pthread_mutex_unlock(&identity->lock);
    verdict = ti_grant_send(client->transport, &job->view->grant, &grant, clock,
                            ti_clock_deadline(clock, client->refresh_timeout_ms), &answer, NULL,
                            &job->result);
    pthread_mutex_lock(&identity->lock);
    if (verdict == TI_VERDICT_TOKEN) sign_in_locked(identity, job, &answer, sent_boot_ms);
    ti_token_response_free(&answer);
}

static void run_tokens_locked(ti_identity *identity, ti_job *job) {
    ti_token_response answer = {.access_token = job->access_token,
                                .refresh_token = job->refresh_token,
                                .lifetime_s = job->lifetime_s,
                                .refresh_in_s = -1};

    sign_in_locked(identity, job, &answer, ti_identity_now(identity));
}

/* R16: whether the record is that of the sign-in that ends, as far as the journal tells. */
static bool ends_head_locked(const ti_identity *identity, const ti_job *job) {
    const ti_sign_in_id *head = &identity->journal.sign_in_id;

    return !identity->head_known || ti_sign_in_id_is_none(&job->ended) ||
           ti_sign_in_id_equal(&job->ended, head);
}

/* After this no process uses the record any more, whatever becomes of the rest. */
static void mark_locked(ti_identity *identity, const ti_job *job, tacit_error *error) {
    ti_journal mark = identity->journal;

    ti_error_clear(error);
    ti_journal_signed_out(&mark,
                          ti_sign_in_id_is_none(&job->ended) ? &mark.sign_in_id : &job->ended);
    if (ti_sign_in_id_is_none(&mark.sign_in_id)) return; /* nobody ever signed in */
    identity->journal = mark;
    if (ti_turn_is_taken_locked(identity)) ti_turn_note_locked(identity, &mark, error);
}

static void revoke_locked(ti_identity *identity, const ti_job *job, const ti_secret *token,
                          tacit_error *error) {
    ti_error_clear(error);
    if (token == NULL) return;
    pthread_mutex_unlock(&identity->lock);
    revoke_unlocked(identity, job->view, token, error);
    pthread_mutex_lock(&identity->lock);
}

/* The mark, the revocation, the record. Without the mark the record goes first, so that a crash in between leaves nothing that signs in
 * again; likewise where only the record knows what to revoke. */
static void run_sign_out_locked(ti_identity *identity, ti_job *job) {
    tacit_error marked, revoked = TACIT_ERROR_INIT, erased = TACIT_ERROR_INIT;
    ti_secret *found = NULL;
    bool first;

    if (!ends_head_locked(identity, job)) { /* somebody else is signed in there */
        revoke_locked(identity, job, job->refresh_token, &job->result);
        return;
    }
    mark_locked(identity, job, &marked);
    first = marked.status == TACIT_OK && job->refresh_token != NULL;
    if (first) revoke_locked(identity, job, job->refresh_token, &revoked);
    ti_persist_erase_locked(identity, &job->ended, &found, &erased);
    if (!first)
        revoke_locked(identity, job, job->refresh_token != NULL ? job->refresh_token : found,
                      &revoked);
    ti_secret_unref(found);
    job->result = marked.status != TACIT_OK ? marked : erased.status != TACIT_OK ? erased : revoked;
}

static void finish_job_locked(ti_identity *identity, ti_job *job) {
    identity->jobs = job->next;
    if (identity->jobs == NULL) identity->last_job = &identity->jobs;
    if (job->kind != TI_JOB_SIGN_OUT) identity->sign_in_queued = false;
    job->done = true;
    pthread_cond_broadcast(&identity->changed);
    unref_locked(identity, job);
}

void ti_job_run_locked(ti_identity *identity) {
    ti_job *job = identity->jobs;

    if (job->cancelled)
        ti_error_set(&job->result, TACIT_ERR_CANCELLED, "The sign-in was cancelled.");
    else if (job->overtaken)
        signed_out_meanwhile(&job->result);
    else if (job->kind == TI_JOB_GRANT)
        run_grant_locked(identity, job);
    else if (job->kind == TI_JOB_TOKENS)
        run_tokens_locked(identity, job);
    else
        run_sign_out_locked(identity, job);
    finish_job_locked(identity, job);
}

void ti_job_fail_locked(ti_identity *identity, const tacit_error *error) {
    ti_job *job = identity->jobs;

    if (job->kind == TI_JOB_SIGN_OUT) run_sign_out_locked(identity, job);
    job->result = *error;
    finish_job_locked(identity, job);
}

/* ------------------------------------------------------------------ revocations */

void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *token) {
    ti_revocation *revocation;

    if (token == NULL) return;
    revocation = calloc(1, sizeof *revocation);
    if (revocation == NULL) return;
    revocation->token = ti_secret_ref(token);
    revocation->view = view;
    view->users++;
    revocation->next = identity->revocations;
    identity->revocations = revocation;
}

static void free_revocation_locked(ti_identity *identity, ti_revocation *revocation) {
    ti_view_release_locked(identity, revocation->view);
    ti_secret_unref(revocation->token);
    free(revocation);
}

void ti_revocation_run_locked(ti_identity *identity) {
    ti_revocation *revocation = identity->revocations;
    tacit_error ignored;

    pthread_mutex_unlock(&identity->lock);
    revoke_unlocked(identity, revocation->view, revocation->token, &ignored);
    pthread_mutex_lock(&identity->lock);
    for (ti_revocation **link = &identity->revocations; *link != NULL; link = &(*link)->next) {
        if (*link != revocation) continue;
        *link = revocation->next;
        break;
    }
    free_revocation_locked(identity, revocation);
}

/* ------------------------------------------------------------------ the end */

void ti_jobs_drop_locked(ti_identity *identity) {
    while (identity->jobs != NULL) {
        ti_job *job = identity->jobs;

        identity->jobs = job->next;
        unref_locked(identity, job);
    }
    while (identity->revocations != NULL) {
        ti_revocation *revocation = identity->revocations;

        identity->revocations = revocation->next;
        free_revocation_locked(identity, revocation);
    }
}
