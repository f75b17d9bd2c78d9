#include "session/sign_out_job.h"

#include "base/error.h"
#include "base/strings.h"
#include "session/client.h"
#include "session/event.h"
#include "session/move.h"
#include "session/persist.h"
#include "session/turn.h"

/* Of what a record had, what lives; else as `like`. */
static void take_recorded_locked(const ti_identity *identity, ti_revocation **list,
                                 const ti_record_token *tokens, size_t count, ti_revocation like) {
    int64_t now_wall_ms = ti_clock_wall_ms(ti_identity_clock(identity));

    for (size_t i = 0; i < count; i++) {
        like.token = tokens[i].value;
        if (ti_record_token_lives(&tokens[i], now_wall_ms)) ti_revocation_push_locked(list, &like);
    }
}

/* Those that live; any_view: for those that are nobody's now. Without memory one is left out: it expires. */
static void take_access_tokens_locked(ti_identity *identity, ti_revocation **list,
                                      ti_view *any_view) {
    int64_t now = ti_identity_now(identity);
    ti_revocation taken = {.kind = TI_REVOKE_ACCESS_TOKEN,
                           .other = identity->refresh_token,
                           .fingerprint = ti_terms_fingerprint_locked(identity)};

    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        if (view->token == NULL || !ti_token_lives(view->token, now, 0)) continue;
        taken.view = view;
        taken.token = ti_token_copy_value(view->token);
        ti_revocation_push_locked(list, &taken);
        ti_secret_unref(taken.token);
    }
    taken.view = any_view;
    take_recorded_locked(identity, list, identity->parked, identity->parked_count, taken);
}

/* What is left has been taken, to be revoked. */
static void end_in_memory_locked(ti_identity *identity) {
    ti_sign_in_id ended = identity->journal.sign_in_id;

    identity->state = TACIT_STATE_SIGNED_OUT;
    identity->mark_refused = false;
    ti_identity_forget_user_locked(identity);
    identity->generation = 0;
    identity->looks_left = 0;
    ti_journal_signed_out(&identity->journal, &ended);
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
}

void ti_sign_out_begin_locked(ti_identity *identity, ti_job *job) {
    bool was_signed_in = identity->state == TACIT_STATE_SIGNED_IN;

    ti_move_is_to_end_locked(identity);
    for (ti_job *other = identity->jobs; other != NULL; other = other->next)
        other->overtaken = other->kind != TI_JOB_SIGN_OUT;
    job->ended = identity->journal.sign_in_id;
    take_access_tokens_locked(identity, &job->access_tokens, job->view);
    ti_strings_copy(&job->fingerprint, (const char *const *)ti_terms_fingerprint_locked(identity));
    job->refresh_token = identity->refresh_token;
    identity->refresh_token = NULL;
    end_in_memory_locked(identity);
    identity->erase_pending = false; /* the job sees to it */
    if (was_signed_in)
        ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_OUT, "Signed out.", NULL);
    ti_waiters_wake_locked(identity);
}

/* The refresh token first: who is put first is revoked first. */
void ti_sign_out_by_itself_locked(ti_identity *identity) {
    ti_sign_in_id ended = identity->journal.sign_in_id;

    take_access_tokens_locked(identity, &identity->revocations, identity->views);
    ti_revocation_add_locked(identity, identity->views, identity->refresh_token,
                             ti_terms_fingerprint_locked(identity));
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = NULL;
    end_in_memory_locked(identity);
    identity->erase_pending = true;
    ti_client_drop_tokens(identity->client, &ended);
    ti_waiters_wake_locked(identity);
}

/* R16: whether the record is that of the sign-in that ends, as far as the journal tells. */
static bool ends_head_locked(const ti_identity *identity, const ti_job *job) {
    const ti_sign_in_id *head = &identity->journal.sign_in_id;

    return !identity->head_known || ti_sign_in_id_is_none(&job->ended) ||
           ti_sign_in_id_equal(&job->ended, head);
}

/* After this no process uses the record any more, whatever becomes of the rest. */
static void mark_locked(ti_identity *identity, const ti_job *job, const tacit_error *no_turn,
                        tacit_error *error) {
    ti_journal mark = identity->journal;

    if (no_turn != NULL)
        *error = *no_turn;
    else
        ti_error_clear(error);
    ti_journal_signed_out(&mark,
                          ti_sign_in_id_is_none(&job->ended) ? &mark.sign_in_id : &job->ended);
    if (ti_sign_in_id_is_none(&mark.sign_in_id)) return; /* nobody ever signed in */
    identity->journal = mark;
    if (no_turn == NULL) ti_turn_note_locked(identity, &mark, error);
}

/* The refresh token first, since a server may end its access tokens with it (RFC 7009 section 2.1). The first failure is told. */
static void revoke_locked(ti_identity *identity, const ti_job *job, tacit_error *error) {
    const ti_revocation *access_tokens = job->access_tokens;
    ti_revocation first = {.view = job->view,
                           .token = job->refresh_token,
                           .kind = TI_REVOKE_REFRESH_TOKEN,
                           .other = access_tokens == NULL ? NULL : access_tokens->token,
                           .fingerprint = job->fingerprint};
    int64_t deadline = ti_revocation_deadline(identity);
    tacit_error failure;

    pthread_mutex_unlock(&identity->lock);
    ti_revoke(identity, &first, deadline, error);
    for (const ti_revocation *r = access_tokens; r != NULL; r = r->next) {
        ti_revoke(identity, r, deadline, &failure);
        if (error->status == TACIT_OK) *error = failure;
    }
    pthread_mutex_lock(&identity->lock);
}

/* Of a sign-in that was never loaded. */
static void take_found_locked(const ti_identity *identity, ti_job *job, ti_record *found) {
    ti_revocation taken = {
        .view = job->view, .kind = TI_REVOKE_ACCESS_TOKEN, .other = found->refresh_token};

    job->refresh_token = found->refresh_token;
    found->refresh_token = NULL;
    if (found->terms != NULL && job->fingerprint == NULL) {
        job->fingerprint = found->terms->fingerprint;
        found->terms->fingerprint = NULL;
    }
    taken.fingerprint = job->fingerprint;
    take_recorded_locked(identity, &job->access_tokens, found->tokens, found->token_count, taken);
}

/* The mark, the revocation, the record. Without the mark the record goes first, so that a crash in between leaves nothing that signs in
 * again; likewise where only the record knows what to revoke. */
void ti_sign_out_run_locked(ti_identity *identity, ti_job *job, const tacit_error *no_turn) {
    tacit_error marked, revoked = TACIT_ERROR_INIT, erased = TACIT_ERROR_INIT;
    ti_record found;
    bool first;

    if (!ends_head_locked(identity, job)) { /* somebody else is signed in there */
        revoke_locked(identity, job, &job->result);
        return;
    }
    mark_locked(identity, job, no_turn, &marked);
    first = marked.status == TACIT_OK && job->refresh_token != NULL;
    if (first) revoke_locked(identity, job, &revoked);
    ti_persist_erase_locked(identity, &job->ended, &found, &erased);
    ti_move_ends_locked(identity, &found);
    if (no_turn == NULL && erased.status == TACIT_OK)
        ti_move_sign_out_locked(identity, &found, &erased);
    if (job->refresh_token == NULL) take_found_locked(identity, job, &found);
    if (!first) revoke_locked(identity, job, &revoked);
    ti_record_free(&found);
    if (marked.status != TACIT_OK) {
        identity->erase_pending = identity->state != TACIT_STATE_SIGNED_IN;
        ti_persist_trouble_locked(identity, &marked);
    }
    job->result = marked.status != TACIT_OK ? marked : erased.status != TACIT_OK ? erased : revoked;
}

void ti_sign_out_finish_locked(ti_identity *identity) {
    ti_sign_in_id ended = identity->journal.sign_in_id;
    ti_journal mark = identity->journal;
    tacit_error error;
    ti_record found;

    if (mark.state != TI_JOURNAL_SIGNED_OUT) {
        ti_journal_signed_out(&mark, &ended);
        if (ti_turn_note_locked(identity, &mark, &error) != TACIT_OK) {
            ti_persist_trouble_locked(identity, &error);
            return;
        }
        identity->journal = mark;
    }
    ti_persist_erase_locked(identity, &ended, &found, NULL);
    ti_move_ends_locked(identity, &found);
    ti_record_free(&found);
}

/* The refresh token first, as above. */
void ti_sign_out_of_record_locked(ti_identity *identity, const ti_record *record) {
    ti_revocation taken = {.view = identity->views,
                           .kind = TI_REVOKE_ACCESS_TOKEN,
                           .other = record->refresh_token,
                           .fingerprint =
                               record->terms == NULL ? NULL : record->terms->fingerprint};

    if (taken.view == NULL) return;
    take_recorded_locked(identity, &identity->revocations, record->tokens, record->token_count,
                         taken);
    ti_revocation_add_locked(identity, taken.view, record->refresh_token, taken.fingerprint);
}
