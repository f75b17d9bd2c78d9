/* What a move, or a sign-out, left in the previous store. */
#include "session/move.h"

#include "base/error.h"
#include "session/adopt.h"
#include "session/client.h"
#include "session/event.h"
#include "session/move_visit.h"
#include "session/persist.h"
#include "session/schedule.h"
#include "session/sign_out_job.h"
#include "session/store.h"
#include "session/turn.h"

/* ------------------------------------------------------------------ what is left there */

/* A sign-out did here what it has to, and could not there. */
static bool is_to_end_locked(const ti_identity *identity) {
    return ti_move_is_unended_locked(identity) && identity->state == TACIT_STATE_SIGNED_OUT &&
           !identity->erase_pending;
}

int64_t ti_move_tidy_due_locked(const ti_identity *identity) {
    const ti_move *move = identity->move;

    if (move == NULL || move->erasing) return TI_NEVER;
    if (ti_identity_owes_head_locked(identity)) return TI_NEVER; /* it may be of what lies there */
    if (ti_sign_in_id_is_none(&move->left) && !is_to_end_locked(identity)) return TI_NEVER;
    return move->retry_boot_ms;
}

void ti_move_put_off_locked(ti_identity *identity, const tacit_error *error) {
    ti_move *move = identity->move;

    move->retry_boot_ms =
        ti_identity_now(identity) + ti_schedule_backoff_ms(move->failures++, ti_identity_random());
    if (move->failures > 1) return;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_FAILED,
                         "What is left of the record in the previous store could not be erased.",
                         error);
}

static void recovered_locked(ti_identity *identity) {
    if (identity->move->failures > 0)
        ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_RECOVERED,
                             "The previous store works again.", NULL);
    identity->move->failures = 0;
}

/* A dead process's save may be done late there, too (R7). */
static void tidied_locked(ti_identity *identity) {
    ti_move *move = identity->move;

    recovered_locked(identity);
    move->retry_boot_ms = ti_turn_looks_until_locked(identity);
    if (move->retry_boot_ms > ti_identity_now(identity)) return;
    move->left = (ti_sign_in_id){{0}};
    if (identity->journal.state != TI_JOURNAL_SIGNED_OUT) identity->journal.moved = false;
}

static void came_back(void *data, tacit_status status) {
    ti_identity *identity = data;
    ti_move *move = identity->move;
    ti_store_lock *kept;

    (void)status;
    pthread_mutex_lock(&identity->lock);
    kept = move->kept;
    move->kept = NULL;
    move->erasing = false;
    move->retry_boot_ms = 0;
    pthread_mutex_unlock(&identity->lock);
    ti_store_lock_close(kept);
    ti_identity_schedule_now(identity);
    ti_identity_unref(identity);
}

/* Where it is overdue it keeps the lock until it returns (R7). */
static tacit_status erase_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_move *move = identity->move;
    ti_store_late late = {came_back, ti_identity_ref(identity)};
    tacit_status status;
    bool overdue;

    move->kept = v->lock;
    move->erasing = true;
    v->lock = NULL;
    pthread_mutex_unlock(&identity->lock);
    status = ti_store_erase(client->store_calls, v->from, identity->key, client->store_timeout_ms,
                            late, &overdue, error);
    pthread_mutex_lock(&identity->lock);
    if (overdue) return status;
    v->lock = move->kept;
    move->kept = NULL;
    move->erasing = false;
    ti_identity_unref(identity); /* never the last: the worker has one */
    return status;
}

/* Another process moved it there again. */
static bool is_back(const ti_move_visit *v) {
    return ti_move_journal_there(v) != NULL && ti_move_is_current(v);
}

/* R7: what a dead process asked for before the move was done after it, and is the head. */
static bool is_late_locked(const ti_identity *identity, const ti_move_visit *v) {
    const ti_journal *head = &identity->journal;
    const ti_record *record = &v->record;

    return identity->state == TACIT_STATE_SIGNED_IN && ti_journal_is_live(head) &&
           ti_sign_in_id_equal(&identity->move->into, &head->sign_in_id) && !record->refused &&
           record->generation > identity->generation && record->generation >= head->generation;
}

/* false: it is not saved here yet. */
static bool adopt_late_locked(ti_identity *identity, ti_move_visit *v) {
    v->record.sign_in_id = identity->journal.sign_in_id;
    ti_adopt_locked(identity, &v->record, NULL);
    ti_journal_lost(&identity->journal, identity->life);
    ti_persist_save_owed_locked(identity);
    return !ti_identity_owes_head_locked(identity);
}

/* false: it is not to be erased, or not now. */
static bool is_to_be_erased_locked(ti_identity *identity, ti_move_visit *v) {
    if (v->loaded != TACIT_OK || is_back(v) ||
        !ti_sign_in_id_equal(&v->record.sign_in_id, &identity->move->left))
        return false;
    return !is_late_locked(identity, v) || adopt_late_locked(identity, v);
}

static void erase_left_locked(ti_identity *identity) {
    ti_move *move = identity->move;
    tacit_error error;
    ti_move_visit v;
    tacit_status status = ti_move_visit_locked(identity, &v, &error);

    if (status == TACIT_OK && is_to_be_erased_locked(identity, &v))
        status = erase_locked(identity, &v, &error);
    else if (status == TACIT_OK && v.loaded != TACIT_OK)
        status = ti_error_copy(&error, &v.why);
    ti_move_leave_locked(identity, &v);
    if (ti_identity_owes_head_locked(identity))
        move->retry_boot_ms = 0;
    else if (status == TACIT_OK || status == TACIT_ERR_STORE_NOT_FOUND)
        tidied_locked(identity);
    else if (status == TACIT_ERR_BUSY)
        move->retry_boot_ms = ti_identity_now(identity) + ti_move_pause_ms();
    else
        ti_move_put_off_locked(identity, &error);
}

static void end_late_locked(ti_identity *identity) {
    ti_record found = {.tokens = NULL};

    if (ti_move_sign_out_locked(identity, &found, NULL) == TACIT_OK)
        ti_sign_out_of_record_locked(identity, &found);
    ti_record_free(&found);
}

void ti_move_tidy_locked(ti_identity *identity) {
    if (is_to_end_locked(identity))
        end_late_locked(identity);
    else
        erase_left_locked(identity);
}

/* ------------------------------------------------------------------ a sign-out */

void ti_move_is_to_end_locked(ti_identity *identity) {
    ti_move *move = identity->move;

    if (move == NULL || identity->state != TACIT_STATE_UNKNOWN) return;
    move->unended = true;
    move->ends = (ti_sign_in_id){{0}};
}

void ti_move_ends_locked(ti_identity *identity, const ti_record *found) {
    if (ti_move_is_unended_locked(identity) && !ti_sign_in_id_is_none(&found->sign_in_id))
        identity->move->ends = found->sign_in_id;
}

bool ti_move_is_unended_locked(const ti_identity *identity) {
    return identity->move != NULL && identity->move->unended;
}

static bool is_to_go_locked(const ti_identity *identity, const ti_move_visit *v) {
    const ti_sign_in_id *ends = &identity->move->ends;

    return ti_sign_in_id_is_none(ends) ? ti_move_is_current(v)
                                       : ti_sign_in_id_equal(ends, &v->record.sign_in_id);
}

/* What is to be revoked. Of two copies the older may be one that the old version has replaced since. */
static void hand_over_locked(ti_identity *identity, ti_move_visit *v, ti_record *found) {
    if (ti_sign_in_id_is_none(&found->sign_in_id)) {
        *found = v->record;
        v->record = (ti_record){.tokens = NULL};
    } else if (v->record.generation > found->generation) {
        ti_sign_out_of_record_locked(identity, &v->record);
    }
}

static void ended_locked(ti_identity *identity, tacit_status status, const tacit_error *error) {
    ti_move *move = identity->move;

    move->unended = error->status != TACIT_OK;
    if (status == TACIT_ERR_BUSY) {
        move->retry_boot_ms = ti_identity_now(identity) + ti_move_pause_ms();
    } else if (move->unended) {
        ti_move_put_off_locked(identity, error);
    } else {
        recovered_locked(identity);
        move->retry_boot_ms = 0;
    }
}

tacit_status ti_move_sign_out_locked(ti_identity *identity, ti_record *found, tacit_error *error) {
    tacit_error why;
    tacit_status status;
    ti_move_visit v;

    if (!ti_move_is_unended_locked(identity)) return ti_error_clear(error);
    status = ti_move_visit_locked(identity, &v, &why);
    if (status == TACIT_OK) status = ti_error_copy(&why, v.loaded == TACIT_OK ? NULL : &v.why);
    if (status == TACIT_ERR_BUSY) {
        ti_move_wait_locked(identity, &why);
    } else if (status == TACIT_ERR_STORE_NOT_FOUND) {
        ti_error_clear(&why);
    } else if (status == TACIT_OK && is_to_go_locked(identity, &v) &&
               ti_move_drop_locked(identity, &v, &why) == TACIT_OK) {
        hand_over_locked(identity, &v, found);
    }
    ended_locked(identity, status, &why);
    ti_move_leave_locked(identity, &v);
    return ti_error_copy(error, &why);
}
