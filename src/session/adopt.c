#include "session/adopt.h"

#include "session/event.h"

#include <stdlib.h>
#include <string.h>

static void tell_loaded_locked(ti_identity *identity) {
    if (identity->loaded_told) return;
    identity->loaded_told = true;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_LOADED,
                         identity->state == TACIT_STATE_SIGNED_IN
                             ? "The store was read: signed in."
                             : "The store was read: nobody is signed in.",
                         NULL);
}

/* Whatever no view takes is parked; on success the record's list is empty. */
static void adopt_tokens_locked(ti_identity *identity, ti_record *record) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        for (size_t i = 0; i < record->token_count; i++) {
            ti_record_token *found = &record->tokens[i];

            if (strcmp(found->view, view->key) != 0) continue;
            if (view->token == NULL || found->generation > view->token->generation)
                ti_view_adopt_locked(identity, view, found);
        }
        ti_view_expect_token_locked(identity, view);
    }
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
    }
    ti_journal_adopted(&identity->journal, &record->sign_in_id, record->generation);
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = record->refresh_token;
    record->refresh_token = NULL;
    adopt_tokens_locked(identity, record);
    pthread_cond_broadcast(&identity->changed);
}

static void first_load_locked(ti_identity *identity, ti_record *record) {
    if (record->refused) {
        ti_journal_adopted(&identity->journal, &record->sign_in_id, record->generation);
        ti_journal_refused(&identity->journal);
        identity->state = TACIT_STATE_SIGNED_OUT;
    } else {
        adopt_locked(identity, record);
        identity->state = TACIT_STATE_SIGNED_IN;
    }
    tell_loaded_locked(identity);
}

/* R16: the store holds another sign-in. Ours, if it was never saved, is the newer one and will be; else somebody signed in elsewhere. */
static void meet_another_locked(ti_identity *identity, ti_record *record) {
    if (!identity->journal.saved || record->refused) return;
    if (identity->views != NULL && !ti_secret_equal(record->refresh_token, identity->refresh_token))
        ti_revocation_add_locked(identity, identity->views, identity->refresh_token);
    adopt_locked(identity, record);
    identity->adoptions++;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGNED_IN,
                         "Another process signed in; this one goes on with that sign-in.", NULL);
}

static void meet_same_locked(ti_identity *identity, ti_record *record) {
    if (record->generation > identity->journal.generation && !record->refused) {
        adopt_locked(identity, record);
        identity->adoptions++;
        ti_event_push_locked(identity, NULL, TACIT_EVENT_REFRESHED,
                             "Another process obtained a newer token.", NULL);
    } else if (record->generation < identity->journal.generation) {
        ti_journal_lost(&identity->journal); /* an older one came back: save again (R7) */
    } else if (!record->refused) {
        ti_journal_saved(&identity->journal); /* a save that was given up had worked */
    }
}

static void found_nothing_locked(ti_identity *identity) {
    static const tacit_error lost = {
        .status = TACIT_ERR_STORE_NOT_FOUND,
        .retryable = true,
        .message = "The store lost the record of the sign-in; it is saved again."};

    if (identity->state == TACIT_STATE_UNKNOWN) {
        identity->state = TACIT_STATE_SIGNED_OUT;
        tell_loaded_locked(identity);
    } else if (identity->state == TACIT_STATE_SIGNED_IN && identity->journal.saved) {
        ti_journal_lost(&identity->journal);
        identity->store_trouble = lost.status;
        ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_FAILED, lost.message, &lost);
    }
}

void ti_adopt_locked(ti_identity *identity, ti_record *record) {
    if (record == NULL) {
        found_nothing_locked(identity);
    } else if (identity->state == TACIT_STATE_UNKNOWN) {
        first_load_locked(identity, record);
    } else if (identity->state == TACIT_STATE_SIGNED_IN) {
        if (ti_sign_in_id_equal(&record->sign_in_id, &identity->journal.sign_in_id))
            meet_same_locked(identity, record);
        else
            meet_another_locked(identity, record);
    }
}
