#include "session/adopt.h"

#include "base/error.h"
#include "session/client.h"
#include "session/event.h"
#include "session/limits_job.h"
#include "session/move.h"

#include <stdlib.h>
#include <string.h>

/* After the first time: another process's doing, or a record that shows. */
static void tell_loaded_again_locked(ti_identity *identity) {
    if (identity->state == TACIT_STATE_SIGNED_OUT)
        ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_OUT,
                             "Another process signed in, and out again.", NULL);
    else
        ti_event_push_locked(
            identity, NULL, TACIT_EVENT_SIGNED_IN,
            identity->missing_told
                ? "The store has the sign-in after all; this process goes on with it."
                : "Another process signed in; this one goes on with that sign-in.",
            NULL);
}

static void tell_loaded_locked(ti_identity *identity) {
    if (identity->loaded_told) {
        tell_loaded_again_locked(identity);
        return;
    }
    identity->loaded_told = true;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_LOADED,
                         identity->state == TACIT_STATE_SIGNED_IN
                             ? "The store was read: signed in."
                             : "The store was read: nobody is signed in.",
                         NULL);
}

/* A newer record of the same sign-in may have had no room for the id_token. */
static void adopt_secrets_locked(ti_identity *identity, ti_record *record, bool another) {
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = record->refresh_token;
    record->refresh_token = NULL;
    identity->by_credentials = record->by_credentials;
    if (record->id_token == NULL && !another) return;
    ti_secret_unref(identity->id_token);
    identity->id_token = record->id_token;
    record->id_token = NULL;
}

/* What slides counts for itself. */
static bool is_newer_locked(const ti_identity *identity, const ti_view *view,
                            const ti_record_token *found) {
    if (view->token == NULL) return true;
    if (view->slides) return ti_slide_prefers_locked(identity, view, found);
    return found->generation > view->token->generation;
}

static bool outlives(const ti_record_token *token, const ti_record_token *other) {
    if (token->expires_wall_ms < 0 || other->expires_wall_ms < 0)
        return token->generation > other->generation;
    return token->expires_wall_ms > other->expires_wall_ms;
}

/* Without memory it is as if it had never slid. */
static void keep_locked(ti_record *record, ti_record_token *slid) {
    ti_record_token *tokens = record->tokens, found;

    for (size_t i = 0; i < record->token_count; i++) {
        if (strcmp(tokens[i].view, slid->view) != 0) continue;
        if (!outlives(slid, &tokens[i])) return;
        found = tokens[i];
        tokens[i] = *slid;
        *slid = found;
        return;
    }
    tokens = realloc(tokens, (record->token_count + 1) * sizeof *tokens);
    if (tokens == NULL) return;
    tokens[record->token_count++] = *slid;
    slid->value = NULL;
    record->tokens = tokens;
}

/* What slid until its session was closed, and is not saved yet, stays where it is the better one. */
static void keep_slid_locked(ti_identity *identity, ti_record *record) {
    if (!identity->slide_parked) return;
    for (size_t i = 0; i < identity->parked_count; i++) keep_locked(record, &identity->parked[i]);
}

/* The record's list is what is parked from now on: a view that has no token of its own may take one later. */
static void adopt_tokens_locked(ti_identity *identity, ti_record *record) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        for (size_t i = 0; i < record->token_count; i++) {
            ti_record_token *found = &record->tokens[i];

            if (strcmp(found->view, view->key) != 0) continue;
            if (is_newer_locked(identity, view, found)) ti_view_adopt_locked(identity, view, found);
        }
        ti_view_expect_token_locked(identity, view);
    }
    keep_slid_locked(identity, record);
    for (size_t i = 0; i < identity->parked_count; i++) ti_secret_unref(identity->parked[i].value);
    free(identity->parked);
    identity->parked = record->tokens;
    identity->parked_count = record->token_count;
    record->tokens = NULL;
    record->token_count = 0;
}

static void adopt_locked(ti_identity *identity, ti_record *record) {
    bool another = !ti_sign_in_id_equal(&record->sign_in_id, &identity->journal.sign_in_id);

    if (another) {
        ti_views_reset_locked(identity);
        ti_backoff_reset_locked(identity);
        ti_terms_reset_locked(identity);
    }
    ti_journal_adopted(&identity->journal, &record->sign_in_id, record->generation,
                       record->refresh_token);
    identity->generation = record->generation;
    if (ti_token_hash_is_of(&identity->journal.head, record->refresh_token))
        identity->generation = identity->journal.generation; /* the same one: nothing is lost */
    identity->ended_by_limit = false;
    ti_terms_adopt_locked(identity, record);
    adopt_secrets_locked(identity, record, another);
    adopt_tokens_locked(identity, record);
    ti_waiters_wake_locked(identity);
}

static bool is_refused_locked(const ti_identity *identity, const ti_record *record) {
    return record->refused ||
           (identity->journal.state == TI_JOURNAL_REFUSED &&
            ti_token_hash_is_of(&identity->journal.posted, record->refresh_token));
}

static void first_load_locked(ti_identity *identity, ti_record *record) {
    if (is_refused_locked(identity, record)) {
        ti_journal_adopted(&identity->journal, &record->sign_in_id, record->generation,
                           record->refresh_token);
        ti_journal_refused(&identity->journal);
        identity->state = TACIT_STATE_SIGNED_OUT;
    } else {
        adopt_locked(identity, record);
        identity->state = TACIT_STATE_SIGNED_IN;
        if (ti_limits_are_reached_locked(identity)) { /* nobody ever sees its token */
            ti_limits_end_locked(identity, identity->loaded_told ? NULL : tell_loaded_locked);
            return;
        }
    }
    tell_loaded_locked(identity);
}

/* R16, where no journal says who is current. Ours, if it was never saved, is the newer one and will be; else somebody signed in
 * elsewhere. */
static void meet_another_locked(ti_identity *identity, ti_record *record) {
    if (ti_identity_owes_head_locked(identity) || record->refused) return;
    if (identity->views != NULL && !ti_secret_equal(record->refresh_token, identity->refresh_token))
        ti_revocation_add_locked(identity, identity->views, identity->refresh_token,
                                 ti_terms_fingerprint_locked(identity));
    adopt_locked(identity, record);
    identity->adoptions++;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_IN,
                         "Another process signed in; this one goes on with that sign-in.", NULL);
}

static void meet_same_locked(ti_identity *identity, ti_record *record) {
    ti_limits_adopt_locked(identity, record->terms == NULL ? NULL : &record->terms->use);
    if (record->generation > identity->generation && !record->refused) {
        adopt_locked(identity, record);
        identity->adoptions++;
        ti_event_push_locked(identity, NULL, TACIT_EVENT_REFRESHED,
                             "Another process obtained a newer token.", NULL);
    } else if (ti_identity_is_stale_locked(identity)) {
        return; /* neither this record nor memory is the head */
    } else if (record->generation < identity->generation) {
        ti_journal_lost(&identity->journal, identity->life); /* save again (R7) */
    } else if (!record->refused) {
        ti_journal_saved(&identity->journal); /* a save that was given up had worked */
    }
}

/* The store has nothing that is ours. */
static void found_nothing_locked(ti_identity *identity) {
    static const char message[] = "The store lost the record of the sign-in; it is saved again.";
    tacit_error lost;

    if (identity->state == TACIT_STATE_UNKNOWN) {
        identity->state = TACIT_STATE_SIGNED_OUT;
        if (!identity->missing_told) tell_loaded_locked(identity);
        identity->missing_told = ti_identity_misses_record_locked(identity);
    } else if (identity->state == TACIT_STATE_SIGNED_IN &&
               !ti_identity_owes_head_locked(identity) && !ti_identity_is_stale_locked(identity)) {
        ti_journal_lost(&identity->journal, identity->life);
        identity->store_trouble = ti_error_set(&lost, TACIT_ERR_STORE_NOT_FOUND, "%s", message);
        lost.retryable = true;
        ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_FAILED, message, &lost);
    }
}

/* Signed out, by the mark: a record of that sign-in is what an erase left behind. */
static void meet_mark_locked(ti_identity *identity, const ti_record *record) {
    if (identity->state == TACIT_STATE_UNKNOWN) {
        identity->state = TACIT_STATE_SIGNED_OUT;
        tell_loaded_locked(identity);
    }
    identity->erase_pending =
        record != NULL && ti_sign_in_id_equal(&record->sign_in_id, &identity->journal.sign_in_id);
}

bool ti_adopt_waits_locked(const ti_identity *identity, tacit_status status) {
    return status == TACIT_ERR_STORE_UNAVAILABLE && identity->readable &&
           identity->state == TACIT_STATE_UNKNOWN &&
           (identity->head_elsewhere || ti_move_waits_locked(identity));
}

tacit_status ti_adopt_locked(ti_identity *identity, ti_record *record, tacit_error *error) {
    const ti_journal *head = &identity->journal;
    bool of_head = record != NULL && ti_sign_in_id_equal(&record->sign_in_id, &head->sign_in_id);

    ti_error_clear(error);
    if (head->state == TI_JOURNAL_SIGNED_OUT && identity->state != TACIT_STATE_SIGNED_IN) {
        meet_mark_locked(identity, record);
    } else if (identity->state == TACIT_STATE_UNKNOWN) {
        if (of_head || (record != NULL && !identity->head_known))
            first_load_locked(identity, record);
        else if (identity->head_elsewhere)
            return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                                "Another process holds the sign-in and could not save it yet.");
        else
            found_nothing_locked(identity);
    } else if (identity->state == TACIT_STATE_SIGNED_IN) {
        if (of_head)
            meet_same_locked(identity, record);
        else if (record != NULL && !identity->head_known)
            meet_another_locked(identity, record);
        else
            found_nothing_locked(identity);
    }
    return TACIT_OK;
}
