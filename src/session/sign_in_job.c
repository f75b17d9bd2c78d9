#include "session/sign_in_job.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/admission.h"
#include "session/begun.h"
#include "session/carried.h"
#include "session/client.h"
#include "session/discover.h"
#include "session/event.h"
#include "session/granted.h"
#include "session/persist.h"
#include "session/refresh.h"
#include "session/turn.h"

/* What an imported refresh token brought stays: the server may have replaced it. */
static bool is_called_off_locked(const ti_job *job) {
    bool imported = job->kind == TI_JOB_GRANT && job->grant_type == TI_GRANT_REFRESH_TOKEN;

    return job->overtaken || (job->cancelled && !imported);
}

/* The sign-in comes to nothing; what the server granted for it is revoked. */
static void drop_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer) {
    if (job->kind != TI_JOB_TOKENS)
        ti_revocation_add_granted_locked(identity, job->view, answer, job->fingerprint);
}

static void call_off_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer) {
    drop_locked(identity, job, answer);
    if (job->overtaken)
        ti_job_signed_out_meanwhile(&job->result);
    else
        ti_job_cancelled(&job->result);
}

/* The new sign-in is the head, and in force. */
static void take_effect_locked(ti_identity *identity, ti_job *job, tacit_token *token,
                               int64_t refresh_in_s) {
    ti_view_set_token_locked(job->view, token, ++identity->flight.attempt,
                             ti_view_due_locked(identity, job->view, token, refresh_in_s));
    job->view->begun = identity->flight.attempt;
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        ti_view_expect_token_locked(identity, view);
    ti_begun_end_all_locked(identity);
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_IN, "Signed in.", NULL);
    ti_error_clear(&job->result);
}

static void become_locked(ti_identity *identity, ti_job *job, const ti_journal *head,
                          ti_secret *refresh_token, const ti_token_response *answer,
                          int64_t sent_boot_ms) {
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = ti_secret_ref(refresh_token);
    ti_identity_forget_user_locked(identity);
    identity->id_token = ti_secret_ref(answer->id_token);
    ti_terms_begin_locked(identity, answer, sent_boot_ms);
    ti_terms_freeze_locked(identity, &job->fingerprint);
    identity->by_credentials = job->grant_type == TI_GRANT_CLIENT_CREDENTIALS;
    identity->state = TACIT_STATE_SIGNED_IN;
    identity->loaded_told = true; /* SIGNED_IN says more */
    identity->mark_refused = identity->erase_pending = identity->ended_by_limit = false;
    identity->journal = *head;
    identity->generation = head->generation;
    identity->looks_left = identity->head_known ? TI_LOOKS : 0; /* a late erase of the one before */
    ti_identity_drop_storm_locked(identity);
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    ti_waiters_wake_locked(identity);
}

/* Draws the sign-in's id. NULL: the job's result says why. */
static tacit_token *make_first_token(ti_identity *identity, ti_job *job,
                                     const ti_token_response *answer, ti_sign_in_id *id,
                                     int64_t sent_boot_ms) {
    tacit_token *token;

    if (!ti_os_random(id->bytes, sizeof id->bytes)) {
        ti_error_set(&job->result, TACIT_ERR_UNSUPPORTED, "The system has no source of random.");
        return NULL;
    }
    if (job->fingerprint != NULL && ti_terms_make_locked(identity) == NULL) {
        ti_error_no_memory(&job->result);
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
    if (job->overtaken) ti_job_signed_out_meanwhile(&job->result);
    return !job->overtaken;
}

/* What cannot be read is not overwritten, and what another process signed in with is revoked too. */
static void look_at_record_locked(ti_identity *identity) {
    if (ti_identity_misses_record_locked(identity)) identity->state = TACIT_STATE_UNKNOWN;
    if (!identity->readable || identity->state == TACIT_STATE_UNKNOWN)
        ti_persist_load_locked(identity, NULL);
}

/* R16: the head names the new sign-in; it is saved, and only then used; the earlier one's refresh token is revoked. */
static void replace_locked(ti_identity *identity, ti_job *job, const ti_journal *head,
                           ti_secret *refresh_token, tacit_token *token,
                           const ti_token_response *answer, int64_t sent_boot_ms) {
    ti_secret *before = identity->refresh_token;

    if (!ti_secret_equal(before, refresh_token) && !ti_secret_equal(before, job->refresh_token))
        ti_revocation_add_locked(identity, job->view, before,
                                 ti_terms_fingerprint_locked(identity));
    become_locked(identity, job, head, refresh_token, answer, sent_boot_ms);
    ti_persist_save_locked(identity, job->view, token);
    if (!ti_sign_in_id_equal(&head->sign_in_id, &identity->journal.sign_in_id) ||
        identity->state != TACIT_STATE_SIGNED_IN) {
        tacit_token_unref(token);
        ti_job_signed_out_meanwhile(&job->result);
    } else {
        take_effect_locked(identity, job, token, answer->refresh_in_s);
    }
}

/* Whatever can fail comes first, so that the earlier sign-in stays then. */
static void sign_in_locked(ti_identity *identity, ti_job *job, const ti_token_response *answer,
                           int64_t sent_boot_ms) {
    ti_secret *refresh_token = answer->refresh_token;
    ti_journal head;
    ti_sign_in_id id;
    tacit_token *token;

    if (refresh_token == NULL) refresh_token = job->refresh_token; /* imported, and not replaced */
    if (!is_called_off_locked(job)) look_at_record_locked(identity);
    if (is_called_off_locked(job)) {
        call_off_locked(identity, job, answer);
        return;
    }
    token = make_first_token(identity, job, answer, &id, sent_boot_ms);
    if (token == NULL) {
        drop_locked(identity, job, answer);
        return;
    }
    ti_journal_signed_in(&head, &id, refresh_token, identity->life);
    if (!note_head_locked(identity, job, &head)) {
        drop_locked(identity, job, answer);
        tacit_token_unref(token);
        return;
    }
    replace_locked(identity, job, &head, refresh_token, token, answer, sent_boot_ms);
}

/* What is not for this sign-in never takes effect. */
static void granted_locked(ti_identity *identity, ti_job *job, ti_token_response *answer,
                           int64_t sent_boot_ms) {
    tacit_status status;

    pthread_mutex_unlock(&identity->lock);
    status = ti_granted_check(identity, job->view, job->grant_type, job->nonce, NULL, answer,
                              &job->result);
    pthread_mutex_lock(&identity->lock);
    if (status == TACIT_OK)
        sign_in_locked(identity, job, answer, sent_boot_ms);
    else
        drop_locked(identity, job, answer);
}

/* Where to send the grant. false: it is not sent, and the result says why. */
static bool discover_locked(ti_identity *identity, ti_job *job) {
    tacit_client *client = identity->client;
    tacit_provider *provider = job->view->grant.provider;
    int64_t deadline = ti_clock_deadline(ti_identity_clock(identity), client->refresh_timeout_ms);
    bool found;

    pthread_mutex_unlock(&identity->lock);
    found = ti_discover(client, provider, deadline, NULL, &job->result) == TACIT_OK;
    pthread_mutex_lock(&identity->lock);
    if (!job->cancelled && !job->overtaken) return found;
    call_off_locked(identity, job, &job->answer);
    return false;
}

static void run_grant_locked(ti_identity *identity, ti_job *job) {
    ti_grant grant = {.type = job->grant_type,
                      .refresh_token = job->refresh_token,
                      .username = job->username,
                      .password = job->password,
                      .code = job->code,
                      .code_verifier = job->code_verifier,
                      .redirect_uri = job->redirect_uri,
                      .scope = job->scope != NULL ? job->scope : job->view->scope,
                      .resource = job->view->resource,
                      .params = (const char *const *)job->params};
    ti_carried first = {.fingerprint = NULL};
    ti_token_response answer = TI_TOKEN_RESPONSE_INIT;
    int64_t sent_boot_ms = ti_identity_now(identity);
    ti_verdict verdict;

    if (grant.type == TI_GRANT_REFRESH_TOKEN) ti_admission_note_locked(identity, job->view);
    pthread_mutex_unlock(&identity->lock);
    verdict = ti_carried_send(identity, job->view, &first, grant, &answer, NULL, &job->result);
    job->fingerprint = first.fingerprint;
    pthread_mutex_lock(&identity->lock);
    if (verdict == TI_VERDICT_TOKEN) granted_locked(identity, job, &answer, sent_boot_ms);
    ti_token_response_free(&answer);
}

static void run_tokens_locked(ti_identity *identity, ti_job *job) {
    ti_token_response answer = {.access_token = job->access_token,
                                .refresh_token = job->refresh_token,
                                .lifetime_s = job->lifetime_s,
                                .refresh_in_s = -1,
                                .refresh_lifetime_s = -1};

    sign_in_locked(identity, job, &answer, ti_identity_now(identity));
}

void ti_sign_in_run_locked(ti_identity *identity, ti_job *job) {
    if (job->cancelled || job->overtaken)
        call_off_locked(identity, job, &job->answer);
    else if (job->kind == TI_JOB_ANSWER)
        granted_locked(identity, job, &job->answer, job->sent_boot_ms);
    else if (job->kind == TI_JOB_TOKENS)
        run_tokens_locked(identity, job);
    else if (discover_locked(identity, job))
        run_grant_locked(identity, job);
}

void ti_sign_in_fail_locked(ti_identity *identity, ti_job *job, const tacit_error *error) {
    drop_locked(identity, job, &job->answer);
    job->result = *error;
}
