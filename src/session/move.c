/*
 * Properties: at the end exactly one store holds the record, and at no time none; its refresh token is sent on behalf of one of the two
 * only (R2); a process that works with the previous store alone finds itself signed out, and does not save the record again.
 *
 * Operation: under the locks of both stores the journal takes over what the previous one says (R6, R8), the record is saved, and the
 * previous journal gets a signed-out mark; then the record is erased there. Until that is done the head says `moved`, so that whoever
 * comes after a crash looks into the previous store first, where an old process may have gone on. Both stores may have one lock and
 * journal: then the sign-in gets another id instead of the mark, which ends the old one as well.
 *
 * Safety: whatever happened while the identity's lock was dropped shows in its state; a sign-out may have begun.
 */
#include "session/move.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/client.h"
#include "session/move_visit.h"
#include "session/persist.h"
#include "session/store.h"
#include "session/turn.h"

#include <stdlib.h>

typedef enum verdict {
    LEAVE, /* it is none of this identity's business, or there is nothing */
    TAKE,  /* it is to be moved here */
    DROP   /* a copy, older than what is here or as old, or what a sign-out left */
} verdict;

/* ------------------------------------------------------------------ which store */

static bool replace_locked(ti_identity *identity, tacit_store *from, tacit_error *error) {
    ti_move *move = identity->move;

    if (move == NULL) move = identity->move = calloc(1, sizeof *move);
    if (move == NULL) return ti_error_no_memory(error), false;
    tacit_store_unref(move->from);
    move->from = tacit_store_ref(from);
    move->left = (ti_sign_in_id){{0}};
    move->unended = false;
    if (identity->state != TACIT_STATE_SIGNED_OUT || identity->jobs != NULL ||
        identity->erase_pending)
        return true;
    identity->state = TACIT_STATE_UNKNOWN; /* nobody had looked there */
    identity->loaded_told = false;
    return true;
}

bool ti_move_name_locked(ti_identity *identity, tacit_store *from, tacit_error *error) {
    const ti_move *move = identity->move;

    if (from == NULL || from == identity->store || (move != NULL && move->from == from))
        return true;
    if (identity->sessions == 0) return replace_locked(identity, from, error);
    ti_error_argument(error, "options->previous_store",
                      "is not that of the sign-in's open sessions");
    return false;
}

void ti_move_free(ti_move *move) {
    if (move == NULL) return;
    tacit_store_unref(move->from);
    free(move);
}

const char *ti_move_source_locked(const ti_identity *identity) {
    const ti_move *move = identity->move;

    return move != NULL && move->done ? tacit_store_describe(move->from) : NULL;
}

/* ------------------------------------------------------------------ what it means */

static bool is_of(const ti_journal *journal, const ti_record *record) {
    return ti_sign_in_id_equal(&journal->sign_in_id, &record->sign_in_id);
}

static uint64_t generation_there(const ti_move_visit *v) {
    const ti_journal *there = ti_move_journal_there(v);

    return there == NULL ? v->record.generation : there->generation;
}

/* What became of the same refresh token there nobody knows here: it was refused, or the answer was lost. */
static bool is_ahead(const ti_move_visit *v, uint64_t generation) {
    const ti_journal *there = ti_move_journal_there(v);

    if (generation_there(v) != generation) return generation_there(v) > generation;
    return there != NULL && (there->state == TI_JOURNAL_REFUSED || there->attempts > 0);
}

/* Beside a record that is here; the head may be of one that could not be saved here. */
static verdict judge_copy(const ti_journal *head, const ti_record *here, const ti_move_visit *v) {
    bool same = is_of(head, &v->record);

    if (v->shared && !is_of(head, here)) return same || head->moved ? TAKE : LEAVE;
    if (v->shared) return same ? LEAVE : DROP; /* the same: it is one place with two names */
    if (!same) return LEAVE;
    return ti_move_is_current(v) && is_ahead(v, here->generation) ? TAKE : DROP;
}

/* What a sign-out there could not erase. */
static bool is_over_there(const ti_move_visit *v) {
    const ti_journal *there = ti_move_journal_there(v);

    return there != NULL && there->state == TI_JOURNAL_SIGNED_OUT && is_of(there, &v->record);
}

/* What a move away from here left behind: no more than nothing. */
static bool is_left_locked(const ti_identity *identity, const ti_record *here) {
    const ti_journal *head = &identity->journal;

    return head->state == TI_JOURNAL_SIGNED_OUT && head->moved && is_of(head, here);
}

/* There is no record here. Of two sign-ins the later counts, which is that of the journal written last. */
static verdict judge_only_locked(const ti_identity *identity, const ti_move_visit *v) {
    const ti_journal *head = &identity->journal;
    bool out = head->state == TI_JOURNAL_SIGNED_OUT;
    bool same = is_of(head, &v->record);

    if (is_over_there(v)) return DROP;
    if (!identity->head_known) return ti_move_is_current(v) ? TAKE : LEAVE;
    if (out && same && !head->moved) return DROP;
    if (v->shared) return !out && (same || head->moved) ? TAKE : LEAVE;
    if (!ti_move_is_current(v)) return LEAVE;
    if (out && head->moved) return TAKE; /* it had been moved away from here */
    if (same)
        return generation_there(v) >= head->generation ||
                       ti_token_hash_is_of(&head->head, v->record.refresh_token)
                   ? TAKE
                   : LEAVE;
    return v->found.image.written_boot_ms > ti_turn_written_boot_ms_locked(identity) ? TAKE : LEAVE;
}

/* ------------------------------------------------------------------ moving */

/* The head becomes that of the record there, with all that is known of its refresh token. */
static tacit_status become_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error) {
    ti_record *record = &v->record;

    if (ti_move_journal_there(v) != NULL) {
        ti_backoff_reset_locked(identity); /* of loads that failed */
        ti_turn_inherit_locked(identity, &v->found);
    } else if (!v->shared || !identity->head_known) {
        ti_journal_adopted(&identity->journal, &record->sign_in_id, record->generation,
                           record->refresh_token);
    }
    if (v->shared) {
        if (!ti_os_random(record->sign_in_id.bytes, sizeof record->sign_in_id.bytes))
            return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                                "The system has no source of random.");
        identity->journal.sign_in_id = record->sign_in_id;
    }
    identity->head_known = !identity->store->ops.process_only;
    identity->journal.moved = true;
    return ti_turn_note_locked(identity, &identity->journal, error);
}

/* R16: what is here gives way to the sign-in of the head. After a move it may be a copy of that, an older one: nobody's else. */
static void revoke_replaced_locked(ti_identity *identity, const ti_record *record) {
    char **fingerprint = record->terms == NULL ? NULL : record->terms->fingerprint;

    if (identity->views != NULL)
        ti_revocation_add_locked(identity, identity->views, record->refresh_token, fingerprint);
}

static tacit_status take_locked(ti_identity *identity, ti_move_visit *v, ti_record *record,
                                tacit_error *error) {
    ti_sign_in_id left = v->record.sign_in_id;
    bool replaces = !identity->journal.moved;
    tacit_status status = become_locked(identity, v, error);

    if (status == TACIT_OK) status = ti_persist_put_locked(identity, &v->record, error);
    if (status != TACIT_OK && identity->state == TACIT_STATE_UNKNOWN && !identity->late.out)
        identity->journal.sign_in_id = left; /* nobody loses by it (R6) */
    if (status == TACIT_OK) status = ti_move_mark_locked(identity, v, true, error);
    if (status != TACIT_OK) return status;
    identity->move->done = true;
    identity->move->left = left;
    identity->move->into = identity->journal.sign_in_id;
    if (replaces) revoke_replaced_locked(identity, record);
    ti_record_free(record);
    *record = v->record;
    v->record = (ti_record){.tokens = NULL};
    return TACIT_OK;
}

/* The record is here, and what lies there cannot be read: where it is known to be no newer, that can wait. */
static tacit_status do_without_locked(ti_identity *identity, const ti_record *here,
                                      ti_move_visit *v, tacit_error *error) {
    const ti_journal *head = &identity->journal, *there = ti_move_journal_there(v);

    if (v->shared && is_of(head, here)) return TACIT_OK;
    if (there == NULL || !ti_sign_in_id_equal(&there->sign_in_id, &head->sign_in_id) ||
        (there->state != TI_JOURNAL_SIGNED_OUT && there->generation > here->generation))
        return ti_error_copy(error, &v->why);
    v->record.sign_in_id = head->sign_in_id;
    return ti_move_mark_locked(identity, v, true, error);
}

static tacit_status settle_locked(ti_identity *identity, ti_move_visit *v, tacit_status as_it_was,
                                  ti_record *record, tacit_error *error) {
    bool here = as_it_was == TACIT_OK && !is_left_locked(identity, record);
    verdict what = LEAVE;
    tacit_status status;

    if (identity->state != TACIT_STATE_UNKNOWN) return as_it_was;
    if (v->loaded == TACIT_OK)
        what = here ? judge_copy(&identity->journal, record, v) : judge_only_locked(identity, v);
    else if (v->loaded != TACIT_ERR_STORE_NOT_FOUND)
        return here ? do_without_locked(identity, record, v, error) : ti_error_copy(error, &v->why);
    if (what == TAKE) return take_locked(identity, v, record, error);
    if (what == LEAVE && here) identity->journal.moved = false;
    if (what == LEAVE) return as_it_was;
    status = ti_move_drop_locked(identity, v, error);
    if (here) identity->move->into = identity->journal.sign_in_id;
    return status == TACIT_OK ? as_it_was : status;
}

/* ------------------------------------------------------------------ with a load */

/* Who is signed in may be there: a move was not finished, or one journal for both names somebody who is not here. */
static bool is_to_be_looked_for_locked(const ti_identity *identity, const ti_record *here) {
    const ti_journal *head = &identity->journal;

    if (here == NULL || is_left_locked(identity, here)) return true;
    return ti_journal_is_live(head) &&
           (head->moved || (!is_of(head, here) && ti_move_is_shared_locked(identity)));
}

bool ti_move_is_due_locked(const ti_identity *identity, const ti_record *here) {
    return identity->move != NULL && identity->state == TACIT_STATE_UNKNOWN &&
           !identity->head_elsewhere && is_to_be_looked_for_locked(identity, here);
}

bool ti_move_waits_locked(const ti_identity *identity) {
    return identity->move != NULL && identity->move->waits;
}

/* What was read without the turn may be another's by now. */
static tacit_status read_again_locked(ti_identity *identity, ti_record *record,
                                      tacit_error *error) {
    ti_record_free(record);
    *record = (ti_record){.tokens = NULL};
    switch (ti_turn_take_locked(identity, false, error)) {
    case TI_TURN_TAKEN:
        return ti_persist_fetch_locked(identity, record, error);
    case TI_TURN_BUSY:
        identity->move->waits = true;
        return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                            "Another process works with the sign-in.");
    default:
        return error->status;
    }
}

tacit_status ti_move_run_locked(ti_identity *identity, ti_record *record, tacit_status status,
                                tacit_error *error) {
    tacit_status entered;
    ti_move_visit v;

    identity->move->waits = false;
    if (!ti_turn_is_taken_locked(identity)) status = read_again_locked(identity, record, error);
    if (status != TACIT_OK && status != TACIT_ERR_STORE_NOT_FOUND) return status;
    if (!ti_move_is_due_locked(identity, status == TACIT_OK ? record : NULL)) return status;
    entered = ti_move_visit_locked(identity, &v, error);
    if (entered == TACIT_ERR_BUSY) {
        status = ti_move_wait_locked(identity, error);
    } else {
        identity->move->waits_since_boot_ms = 0;
        if (entered == TACIT_ERR_STORE_NOT_FOUND)
            v.loaded = entered;
        else if (entered != TACIT_OK)
            v.loaded = ti_error_copy(&v.why, error);
        status = settle_locked(identity, &v, status, record, error);
    }
    ti_move_leave_locked(identity, &v);
    return status;
}
