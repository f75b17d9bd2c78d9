#include "session/follow.h"

#include "base/error.h"
#include "session/client.h"
#include "session/event.h"
#include "session/limits_job.h"

#include <stdlib.h>

/* R16. What only this process has nobody else can revoke. */
static void drop_sign_in_locked(ti_identity *identity) {
    if (identity->views != NULL && ti_identity_owes_head_locked(identity))
        ti_revocation_add_locked(identity, identity->views, identity->refresh_token,
                                 ti_terms_fingerprint_locked(identity));
    ti_client_drop_tokens(identity->client, &identity->journal.sign_in_id);
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = NULL;
    ti_identity_forget_user_locked(identity);
    identity->generation = 0;
    ti_identity_drop_storm_locked(identity);
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    ti_waiters_wake_locked(identity);
}

static void ask_the_store_locked(ti_identity *identity) {
    identity->state = TACIT_STATE_UNKNOWN; /* the store knows who is signed in now */
    identity->missing_told = false;
    identity->store_retry_boot_ms = 0;
}

static void give_way_locked(ti_identity *identity) {
    drop_sign_in_locked(identity);
    ask_the_store_locked(identity);
}

static void sign_out_too_locked(ti_identity *identity, tacit_event_type type, const char *message,
                                const tacit_error *error) {
    drop_sign_in_locked(identity);
    identity->state = TACIT_STATE_SIGNED_OUT;
    ti_event_push_locked(identity, NULL, type, message, error);
}

static void refused_elsewhere_locked(ti_identity *identity) {
    tacit_error error;

    ti_error_set(&error, TACIT_ERR_SIGN_IN_REQUIRED,
                 "The server refused the refresh token to another process: ask the user.");
    sign_out_too_locked(identity, TACIT_EVENT_SIGN_IN_REQUIRED,
                        "The sign-in is over: ask the user.", &error);
}

/* The same sign-in. Memory is newer only where the file was lost, or could not be written. Where this process had yet to save what
 * another passed over, the store has that. */
static void keep_up_locked(ti_identity *identity, const ti_journal *found) {
    ti_journal mine = identity->journal;
    bool passed = mine.writer == identity->life && found->writer != identity->life;

    identity->journal = *found;
    if (mine.generation <= found->generation) {
        if (passed && identity->looks_left == 0) identity->looks_left = 1;
        return;
    }
    identity->journal = mine;
    if (found->reserved > mine.reserved) identity->journal.reserved = found->reserved;
}

/* A sign-out of this process is on its way. */
static bool ends_by_itself_locked(const ti_identity *identity) {
    for (const ti_job *job = identity->jobs; job != NULL; job = job->next)
        if (job->kind == TI_JOB_SIGN_OUT) return true;
    return false;
}

/* The answer that the refused token had been replaced by came to whoever lost the lock over it, and was saved after all. */
static bool was_refused_too_soon_locked(const ti_identity *identity, const ti_journal *found) {
    const ti_journal *mine = &identity->journal;

    return mine->state == TI_JOURNAL_REFUSED && found->generation > mine->generation;
}

/* What this process still had to erase was overwritten. */
static void follow_unsigned_locked(ti_identity *identity, const ti_journal *found) {
    bool same = ti_sign_in_id_equal(&found->sign_in_id, &identity->journal.sign_in_id) &&
                !was_refused_too_soon_locked(identity, found);

    identity->journal = *found;
    if (same) return;
    identity->erase_pending = false;
    if (ti_journal_is_live(found) && !ends_by_itself_locked(identity))
        ask_the_store_locked(identity);
}

static void follow_locked(ti_identity *identity, const ti_journal *found) {
    bool same = ti_sign_in_id_equal(&found->sign_in_id, &identity->journal.sign_in_id);

    if (identity->state != TACIT_STATE_SIGNED_IN) {
        follow_unsigned_locked(identity, found);
        return;
    }
    if (found->state == TI_JOURNAL_SIGNED_OUT && ti_limits_are_reached_locked(identity)) {
        ti_limits_end_locked(identity, NULL); /* another process was faster */
    } else if (found->state == TI_JOURNAL_SIGNED_OUT) {
        sign_out_too_locked(identity, TACIT_EVENT_SIGNED_OUT, "Another process signed out.", NULL);
    } else if (!same) {
        give_way_locked(identity);
    } else if (found->state == TI_JOURNAL_REFUSED &&
               (identity->generation < found->generation ||
                ti_token_hash_is_of(&found->posted, identity->refresh_token))) {
        refused_elsewhere_locked(identity);
    } else {
        keep_up_locked(identity, found);
        return;
    }
    identity->journal = *found;
}

static void follow_storm_locked(ti_identity *identity, const ti_storm *found) {
    if (found->count == 0 && found->blocked_until_boot_ms == 0) return;
    if (identity->storm == NULL) identity->storm = malloc(sizeof *identity->storm);
    if (identity->storm != NULL)
        *identity->storm = *found; /* else this process counts for itself */
}

static void follow_rate_locked(ti_identity *identity, const ti_grant_rate *found) {
    ti_terms *terms = found->limit == 0 ? NULL : ti_terms_make_locked(identity);

    if (terms != NULL) terms->rate = *found; /* else as above */
}

void ti_follow_locked(ti_identity *identity, const ti_journal_image *image) {
    follow_locked(identity, &image->journal);
    follow_storm_locked(identity, &image->storm);
    follow_rate_locked(identity, &image->rate);
    ti_backoff_follow_locked(identity, &image->backoff);
}
