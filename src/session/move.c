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
#include "session/adopt.h"
#include "session/client.h"
#include "session/event.h"
#include "session/journal_file.h"
#include "session/persist.h"
#include "session/schedule.h"
#include "session/sign_out_job.h"
#include "session/store.h"
#include "session/turn.h"

#include <stdlib.h>

enum { PAUSE_LEAST_MS = 50, PAUSE_SPREAD_MS = 150 };

/* What the previous store and its journal hold, in this process's turn there. */
typedef struct visit {
    tacit_store *from;        /* counted */
    bool shared;              /* its lock and journal are this identity's */
    ti_store_lock *lock;      /* NULL: it needs none */
    ti_journal_finding found; /* of its journal */
    tacit_status loaded;
    ti_record record;
    tacit_error why; /* of loaded */
} visit;

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

/* ------------------------------------------------------------------ a visit there */

/* Without the identity's lock, as all of enter. */
static tacit_status load(const ti_identity *identity, visit *v, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_buffer bytes = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status =
        ti_store_load(client->store_calls, v->from, identity->key, client->store_timeout_ms,
                      (ti_store_late){NULL, NULL}, &bytes, &overdue, error);

    if (status == TACIT_OK)
        status = ti_record_read(bytes.data, bytes.size, identity->issuer, identity->client_id,
                                &v->record, error);
    ti_buffer_free(&bytes);
    return status;
}

static tacit_status open_lock(const ti_identity *identity, visit *v, bool create,
                              tacit_error *error) {
    return ti_store_lock_open(identity->client, v->from, identity->key, create, &v->lock, error);
}

/* Nothing is made there for a record that does not exist. */
static tacit_status open_or_make(const ti_identity *identity, visit *v, tacit_error *error) {
    tacit_status status = open_lock(identity, v, false, error);

    if (status != TACIT_ERR_STORE_NOT_FOUND) return status;
    status = load(identity, v, error);
    ti_record_free(&v->record);
    return status == TACIT_OK ? open_lock(identity, v, true, error) : status;
}

/* TACIT_ERR_BUSY: another process is at work. TACIT_ERR_STORE_NOT_FOUND: there is neither record nor lock. */
static tacit_status enter(const ti_identity *identity, visit *v, tacit_error *error) {
    tacit_status status = TACIT_OK;

    if (!v->shared && !v->from->ops.process_only) {
        status = open_or_make(identity, v, error);
        if (status == TACIT_OK) status = ti_store_lock_take(v->lock, error);
        if (status == TACIT_OK) status = ti_journal_file_read(identity, v->lock, &v->found, error);
        if (status == TACIT_OK && v->found.writer_lives)
            status = ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                                  "Another process holds what is to be moved from %s, and could "
                                  "not save it yet.",
                                  tacit_store_describe(v->from));
    }
    if (status == TACIT_OK) v->loaded = load(identity, v, &v->why);
    return status;
}

static bool is_shared_locked(const ti_identity *identity) {
    return ti_store_lock_is_shared(identity->client, identity->store, identity->move->from);
}

static tacit_status visit_locked(ti_identity *identity, visit *v, tacit_error *error) {
    tacit_store *from = identity->move->from;
    tacit_status status;

    *v = (visit){.from = tacit_store_ref(from),
                 .found = {.reading = TI_JOURNAL_NEW},
                 .shared = is_shared_locked(identity)};
    pthread_mutex_unlock(&identity->lock);
    status = enter(identity, v, error);
    pthread_mutex_lock(&identity->lock);
    if (status == TACIT_OK && ti_turn_is_too_early_locked(identity, &v->found.image.journal))
        return TACIT_ERR_BUSY;
    return status;
}

static void leave_locked(ti_identity *identity, visit *v) {
    ti_record_free(&v->record);
    pthread_mutex_unlock(&identity->lock);
    ti_store_lock_close(v->lock);
    tacit_store_unref(v->from);
    pthread_mutex_lock(&identity->lock);
}

/* ------------------------------------------------------------------ what it means */

static bool is_of(const ti_journal *journal, const ti_record *record) {
    return ti_sign_in_id_equal(&journal->sign_in_id, &record->sign_in_id);
}

static const ti_journal *journal_there(const visit *v) {
    return v->found.reading == TI_JOURNAL_READ ? &v->found.image.journal : NULL;
}

/* Whether the journal there, if there is one, stands by the record. */
static bool is_current(const visit *v) {
    const ti_journal *there = journal_there(v);

    return there == NULL || (there->state != TI_JOURNAL_SIGNED_OUT && is_of(there, &v->record));
}

static uint64_t generation_there(const visit *v) {
    const ti_journal *there = journal_there(v);

    return there == NULL ? v->record.generation : there->generation;
}

/* What became of the same refresh token there nobody knows here: it was refused, or the answer was lost. */
static bool is_ahead(const visit *v, uint64_t generation) {
    const ti_journal *there = journal_there(v);

    if (generation_there(v) != generation) return generation_there(v) > generation;
    return there != NULL && (there->state == TI_JOURNAL_REFUSED || there->attempts > 0);
}

/* Beside a record that is here; the head may be of one that could not be saved here. */
static verdict judge_copy(const ti_journal *head, const ti_record *here, const visit *v) {
    bool same = is_of(head, &v->record);

    if (v->shared && !is_of(head, here)) return same || head->moved ? TAKE : LEAVE;
    if (v->shared) return same ? LEAVE : DROP; /* the same: it is one place with two names */
    if (!same) return LEAVE;
    return is_current(v) && is_ahead(v, here->generation) ? TAKE : DROP;
}

/* What a sign-out there could not erase. */
static bool is_over_there(const visit *v) {
    const ti_journal *there = journal_there(v);

    return there != NULL && there->state == TI_JOURNAL_SIGNED_OUT && is_of(there, &v->record);
}

/* What a move away from here left behind: no more than nothing. */
static bool is_left_locked(const ti_identity *identity, const ti_record *here) {
    const ti_journal *head = &identity->journal;

    return head->state == TI_JOURNAL_SIGNED_OUT && head->moved && is_of(head, here);
}

/* There is no record here. Of two sign-ins the later counts, which is that of the journal written last. */
static verdict judge_only_locked(const ti_identity *identity, const visit *v) {
    const ti_journal *head = &identity->journal;
    bool out = head->state == TI_JOURNAL_SIGNED_OUT;
    bool same = is_of(head, &v->record);

    if (is_over_there(v)) return DROP;
    if (!identity->head_known) return is_current(v) ? TAKE : LEAVE;
    if (out && same && !head->moved) return DROP;
    if (v->shared) return !out && (same || head->moved) ? TAKE : LEAVE;
    if (!is_current(v)) return LEAVE;
    if (out && head->moved) return TAKE; /* it had been moved away from here */
    if (same)
        return generation_there(v) >= head->generation ||
                       ti_token_hash_is_of(&head->head, v->record.refresh_token)
                   ? TAKE
                   : LEAVE;
    return v->found.image.written_boot_ms > ti_turn_written_boot_ms_locked(identity) ? TAKE : LEAVE;
}

/* ------------------------------------------------------------------ moving */

/* Whoever still works with the previous store alone finds himself signed out. */
static tacit_status mark_locked(ti_identity *identity, visit *v, bool moved, tacit_error *error) {
    ti_journal_image image = v->found.image;
    tacit_status status;

    if (v->lock == NULL || image.journal.state == TI_JOURNAL_SIGNED_OUT) return TACIT_OK;
    ti_journal_signed_out(&image.journal, &v->record.sign_in_id);
    image.journal.moved = moved;
    pthread_mutex_unlock(&identity->lock);
    status = ti_journal_file_write(identity, v->lock, &image, v->found.number + 1, true, error);
    pthread_mutex_lock(&identity->lock);
    return status;
}

/* The head becomes that of the record there, with all that is known of its refresh token. */
static tacit_status become_locked(ti_identity *identity, visit *v, tacit_error *error) {
    ti_record *record = &v->record;

    if (journal_there(v) != NULL) {
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

static tacit_status take_locked(ti_identity *identity, visit *v, ti_record *record,
                                tacit_error *error) {
    ti_sign_in_id left = v->record.sign_in_id;
    bool replaces = !identity->journal.moved;
    tacit_status status = become_locked(identity, v, error);

    if (status == TACIT_OK) status = ti_persist_put_locked(identity, &v->record, error);
    if (status != TACIT_OK && identity->state == TACIT_STATE_UNKNOWN && !identity->late.out)
        identity->journal.sign_in_id = left; /* nobody loses by it (R6) */
    if (status == TACIT_OK) status = mark_locked(identity, v, true, error);
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

static tacit_status drop_locked(ti_identity *identity, visit *v, tacit_error *error) {
    bool live = ti_journal_is_live(&identity->journal);

    if (mark_locked(identity, v, live, error) != TACIT_OK) return error->status;
    identity->move->left = v->record.sign_in_id;
    return TACIT_OK;
}

/* The record is here, and what lies there cannot be read: where it is known to be no newer, that can wait. */
static tacit_status do_without_locked(ti_identity *identity, const ti_record *here, visit *v,
                                      tacit_error *error) {
    const ti_journal *head = &identity->journal, *there = journal_there(v);

    if (v->shared && is_of(head, here)) return TACIT_OK;
    if (there == NULL || !ti_sign_in_id_equal(&there->sign_in_id, &head->sign_in_id) ||
        (there->state != TI_JOURNAL_SIGNED_OUT && there->generation > here->generation))
        return ti_error_copy(error, &v->why);
    v->record.sign_in_id = head->sign_in_id;
    return mark_locked(identity, v, true, error);
}

static tacit_status settle_locked(ti_identity *identity, visit *v, tacit_status as_it_was,
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
    status = drop_locked(identity, v, error);
    if (here) identity->move->into = identity->journal.sign_in_id;
    return status == TACIT_OK ? as_it_was : status;
}

/* ------------------------------------------------------------------ with a load */

/* Who is signed in may be there: a move was not finished, or one journal for both names somebody who is not here. */
static bool is_to_be_looked_for_locked(const ti_identity *identity, const ti_record *here) {
    const ti_journal *head = &identity->journal;

    if (here == NULL || is_left_locked(identity, here)) return true;
    return ti_journal_is_live(head) &&
           (head->moved || (!is_of(head, here) && is_shared_locked(identity)));
}

bool ti_move_is_due_locked(const ti_identity *identity, const ti_record *here) {
    return identity->move != NULL && identity->state == TACIT_STATE_UNKNOWN &&
           !identity->head_elsewhere && is_to_be_looked_for_locked(identity, here);
}

bool ti_move_waits_locked(const ti_identity *identity) {
    return identity->move != NULL && identity->move->waits;
}

static int64_t pause_ms(void) {
    return PAUSE_LEAST_MS + ti_identity_random() % PAUSE_SPREAD_MS;
}

static tacit_status wait_locked(ti_identity *identity, tacit_error *error) {
    const tacit_client *client = identity->client;
    ti_move *move = identity->move;
    int64_t now = ti_identity_now(identity);
    int64_t patience_ms = (int64_t)client->refresh_timeout_ms + client->store_timeout_ms;

    if (move->waits_since_boot_ms == 0) move->waits_since_boot_ms = now;
    move->waits = now - move->waits_since_boot_ms <= patience_ms;
    if (!move->waits) move->waits_since_boot_ms = 0;
    identity->turn_retry_boot_ms = now + pause_ms();
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "Another process works with the sign-in in %s, from where it is to be "
                        "moved, and does not let go.",
                        tacit_store_describe(move->from));
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
    visit v;

    identity->move->waits = false;
    if (!ti_turn_is_taken_locked(identity)) status = read_again_locked(identity, record, error);
    if (status != TACIT_OK && status != TACIT_ERR_STORE_NOT_FOUND) return status;
    if (!ti_move_is_due_locked(identity, status == TACIT_OK ? record : NULL)) return status;
    entered = visit_locked(identity, &v, error);
    if (entered == TACIT_ERR_BUSY) {
        status = wait_locked(identity, error);
    } else {
        identity->move->waits_since_boot_ms = 0;
        if (entered == TACIT_ERR_STORE_NOT_FOUND)
            v.loaded = entered;
        else if (entered != TACIT_OK)
            v.loaded = ti_error_copy(&v.why, error);
        status = settle_locked(identity, &v, status, record, error);
    }
    leave_locked(identity, &v);
    return status;
}

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
static tacit_status erase_locked(ti_identity *identity, visit *v, tacit_error *error) {
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
static bool is_back(const visit *v) {
    return journal_there(v) != NULL && is_current(v);
}

/* R7: what a dead process asked for before the move was done after it, and is the head. */
static bool is_late_locked(const ti_identity *identity, const visit *v) {
    const ti_journal *head = &identity->journal;
    const ti_record *record = &v->record;

    return identity->state == TACIT_STATE_SIGNED_IN && ti_journal_is_live(head) &&
           ti_sign_in_id_equal(&identity->move->into, &head->sign_in_id) && !record->refused &&
           record->generation > identity->generation && record->generation >= head->generation;
}

/* false: it is not saved here yet. */
static bool adopt_late_locked(ti_identity *identity, visit *v) {
    v->record.sign_in_id = identity->journal.sign_in_id;
    ti_adopt_locked(identity, &v->record, NULL);
    ti_journal_lost(&identity->journal, identity->life);
    ti_persist_save_owed_locked(identity);
    return !ti_identity_owes_head_locked(identity);
}

/* false: it is not to be erased, or not now. */
static bool is_to_be_erased_locked(ti_identity *identity, visit *v) {
    if (v->loaded != TACIT_OK || is_back(v) ||
        !ti_sign_in_id_equal(&v->record.sign_in_id, &identity->move->left))
        return false;
    return !is_late_locked(identity, v) || adopt_late_locked(identity, v);
}

static void erase_left_locked(ti_identity *identity) {
    ti_move *move = identity->move;
    tacit_error error;
    visit v;
    tacit_status status = visit_locked(identity, &v, &error);

    if (status == TACIT_OK && is_to_be_erased_locked(identity, &v))
        status = erase_locked(identity, &v, &error);
    else if (status == TACIT_OK && v.loaded != TACIT_OK)
        status = ti_error_copy(&error, &v.why);
    leave_locked(identity, &v);
    if (ti_identity_owes_head_locked(identity))
        move->retry_boot_ms = 0;
    else if (status == TACIT_OK || status == TACIT_ERR_STORE_NOT_FOUND)
        tidied_locked(identity);
    else if (status == TACIT_ERR_BUSY)
        move->retry_boot_ms = ti_identity_now(identity) + pause_ms();
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

static bool is_to_go_locked(const ti_identity *identity, const visit *v) {
    const ti_sign_in_id *ends = &identity->move->ends;

    return ti_sign_in_id_is_none(ends) ? is_current(v)
                                       : ti_sign_in_id_equal(ends, &v->record.sign_in_id);
}

/* What is to be revoked. Of two copies the older may be one that the old version has replaced since. */
static void hand_over_locked(ti_identity *identity, visit *v, ti_record *found) {
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
        move->retry_boot_ms = ti_identity_now(identity) + pause_ms();
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
    visit v;

    if (!ti_move_is_unended_locked(identity)) return ti_error_clear(error);
    status = visit_locked(identity, &v, &why);
    if (status == TACIT_OK) status = ti_error_copy(&why, v.loaded == TACIT_OK ? NULL : &v.why);
    if (status == TACIT_ERR_BUSY) {
        wait_locked(identity, &why);
    } else if (status == TACIT_ERR_STORE_NOT_FOUND) {
        ti_error_clear(&why);
    } else if (status == TACIT_OK && is_to_go_locked(identity, &v) &&
               drop_locked(identity, &v, &why) == TACIT_OK) {
        hand_over_locked(identity, &v, found);
    }
    ended_locked(identity, status, &why);
    leave_locked(identity, &v);
    return ti_error_copy(error, &why);
}
