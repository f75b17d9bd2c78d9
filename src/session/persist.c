/*
 * Properties: no older record replaces a newer one, none replaces one that cannot be read (R7); a store that fails or hangs costs
 * nothing but persistence (R5); each trouble is told once, and its end.
 *
 * Operation: a call works on copies without the lock, then looks at the head again: what was saved counts only while it is still the
 * head. A call that was left behind comes back through `came_back`.
 */
#include "session/persist.h"

#include "base/error.h"
#include "session/adopt.h"
#include "session/client.h"
#include "session/event.h"
#include "session/move.h"
#include "session/schedule.h"
#include "session/store.h"
#include "session/turn.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ trouble and recovery */

void ti_persist_trouble_locked(ti_identity *identity, const tacit_error *error) {
    identity->last_error = error->status;
    identity->store_retry_boot_ms =
        ti_identity_now(identity) +
        ti_schedule_backoff_ms(identity->store_failures++, ti_identity_random());
    if (identity->store_trouble == error->status) return;
    identity->store_trouble = error->status;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_FAILED,
                         "The record of the sign-in could not be read or written.", error);
}

/* A pause that no failure began is left alone. */
static void tell_recovery_locked(ti_identity *identity) {
    if (identity->store_failures > 0) identity->store_retry_boot_ms = 0;
    identity->store_failures = 0;
    if (identity->store_trouble == TACIT_OK) return;
    identity->store_trouble = TACIT_OK;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_STORE_RECOVERED, "The store works again.",
                         NULL);
}

/* ------------------------------------------------------------------ calls that were left behind */

static bool is_head_locked(const ti_identity *identity, const ti_late_call *call) {
    return identity->state == TACIT_STATE_SIGNED_IN &&
           ti_sign_in_id_equal(&call->sign_in_id, &identity->journal.sign_in_id) &&
           call->generation == identity->generation;
}

/* The head was saved anew: it is that record now, where nothing else happened to it meanwhile. */
static void advance_locked(ti_identity *identity, const ti_sign_in_id *id, uint64_t generation) {
    if (identity->state != TACIT_STATE_SIGNED_IN || generation <= identity->generation ||
        !ti_sign_in_id_equal(id, &identity->journal.sign_in_id))
        return;
    identity->generation = generation;
    ti_journal_adopted(&identity->journal, id, generation, identity->refresh_token);
}

static void came_back(void *data, tacit_status status) {
    ti_identity *identity = data;
    ti_dispatch *dispatch = identity->client->dispatch;

    pthread_mutex_lock(&identity->lock);
    identity->late.out = false;
    identity->store_retry_boot_ms = 0;
    if (identity->late.save && status == TACIT_OK) {
        advance_locked(identity, &identity->late.sign_in_id, identity->late.generation);
        if (is_head_locked(identity, &identity->late)) {
            ti_journal_saved(&identity->journal);
            tell_recovery_locked(identity);
        }
    }
    ti_waiters_wake_locked(identity);
    pthread_mutex_unlock(&identity->lock);
    ti_identity_schedule_now(identity);
    ti_dispatch_kick(dispatch);
    ti_identity_unref(identity);
}

static tacit_status still_out(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "The store has not answered an earlier call yet.");
}

/* Before a call, under the lock: false where an earlier one is still out. save: the generation, 0 for another call. */
static bool go_out_locked(ti_identity *identity, uint64_t save, ti_store_late *late) {
    if (identity->late.out) return false;
    identity->late = (ti_late_call){.out = true,
                                    .save = save > 0,
                                    .sign_in_id = identity->journal.sign_in_id,
                                    .generation = save};
    *late = (ti_store_late){came_back, ti_identity_ref(identity)};
    return true;
}

/* After it, under the lock again. */
static void come_in_locked(ti_identity *identity, bool overdue) {
    if (overdue) return; /* came_back() has the reference, and says when */
    identity->late.out = false;
    ti_identity_unref(identity); /* never the last: the worker has one */
}

/* ------------------------------------------------------------------ loading */

tacit_status ti_persist_fetch_locked(ti_identity *identity, ti_record *record, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_buffer bytes = TI_BUFFER_SECRET;
    ti_store_late late;
    tacit_status status;
    bool overdue = false;

    *record = (ti_record){.tokens = NULL};
    if (!go_out_locked(identity, 0, &late)) return still_out(error);
    pthread_mutex_unlock(&identity->lock);
    status = ti_store_load(client->store_calls, identity->store, identity->key,
                           client->store_timeout_ms, late, &bytes, &overdue, error);
    if (status == TACIT_OK)
        status = ti_record_read(bytes.data, bytes.size, identity->issuer, identity->client_id,
                                record, error);
    ti_buffer_free(&bytes);
    pthread_mutex_lock(&identity->lock);
    come_in_locked(identity, overdue);
    identity->readable = status == TACIT_OK || status == TACIT_ERR_STORE_NOT_FOUND;
    if (identity->readable || status == TACIT_ERR_STORE_CORRUPT)
        identity->record_present = status != TACIT_ERR_STORE_NOT_FOUND;
    return status;
}

/* The journal first, so that what is read then is not older. */
static tacit_status read_locked(ti_identity *identity, ti_record *record, tacit_error *error) {
    *record = (ti_record){.tokens = NULL};
    if (!ti_turn_is_taken_locked(identity) && ti_turn_look_locked(identity, error) != TACIT_OK)
        return error->status;
    return ti_persist_fetch_locked(identity, record, error);
}

/* Without the turn another process may have signed in between the two. */
static bool is_of_another_head_locked(const ti_identity *identity, const ti_record *record) {
    return !ti_turn_is_taken_locked(identity) && identity->head_known &&
           !ti_sign_in_id_equal(&record->sign_in_id, &identity->journal.sign_in_id);
}

static tacit_status load_once_locked(ti_identity *identity, tacit_error *error) {
    ti_record record;
    tacit_status status = read_locked(identity, &record, error);

    if (status == TACIT_OK && is_of_another_head_locked(identity, &record)) {
        ti_record_free(&record);
        status = read_locked(identity, &record, error);
    }
    if ((status == TACIT_OK || status == TACIT_ERR_STORE_NOT_FOUND) &&
        ti_move_is_due_locked(identity, status == TACIT_OK ? &record : NULL))
        status = ti_move_run_locked(identity, &record, status, error);
    if (status != TACIT_OK && status != TACIT_ERR_STORE_NOT_FOUND) {
        ti_record_free(&record);
        return status;
    }
    status = ti_adopt_locked(identity, status == TACIT_OK ? &record : NULL, error);
    ti_record_free(&record);
    return status;
}

tacit_status ti_persist_look_locked(ti_identity *identity, tacit_error *error) {
    tacit_status status = load_once_locked(identity, error);

    if (status == TACIT_OK && !ti_identity_owes_head_locked(identity))
        tell_recovery_locked(identity);
    return status;
}

tacit_status ti_persist_load_locked(ti_identity *identity, tacit_error *error) {
    tacit_error why;
    tacit_status status = ti_persist_look_locked(identity, &why);

    if (status != TACIT_OK && !ti_adopt_waits_locked(identity, status))
        ti_persist_trouble_locked(identity, &why);
    return ti_error_copy(error, &why);
}

/* ------------------------------------------------------------------ saving */

static bool has_view(const ti_record *record, const char *key) {
    for (size_t i = 0; i < record->token_count; i++)
        if (strcmp(record->tokens[i].view, key) == 0) return true;
    return false;
}

static const tacit_token *token_of(const ti_view *v, const ti_view *view,
                                   const tacit_token *newest) {
    return v == view && newest != NULL ? newest : v->token;
}

/* Views may differ in what the record does not know, and have one token there. */
static bool is_outlived_locked(const ti_identity *identity, const ti_view *of, const ti_view *view,
                               const tacit_token *newest) {
    for (const ti_view *v = identity->views; v != NULL; v = v->next) {
        const tacit_token *token = token_of(v, view, newest);

        if (token != NULL && strcmp(v->key, of->key) == 0 &&
            ti_token_outlives(token, token_of(of, view, newest)))
            return true;
    }
    return false;
}

/* The head as a record of that generation; newest is what view is about to get. false: no memory. */
static bool describe_locked(ti_identity *identity, uint64_t generation, const ti_view *view,
                            const tacit_token *newest, ti_record *record) {
    int64_t now_wall_ms = ti_clock_wall_ms(ti_identity_clock(identity));
    size_t most = identity->parked_count;

    for (const ti_view *v = identity->views; v != NULL; v = v->next) most++;
    *record = (ti_record){.sign_in_id = identity->journal.sign_in_id,
                          .generation = generation,
                          .by_credentials = identity->by_credentials,
                          .refused = identity->mark_refused};
    record->refresh_token = ti_secret_ref(identity->refresh_token);
    record->id_token = ti_secret_ref(identity->id_token);
    record->tokens = calloc(most + 1, sizeof *record->tokens);
    if (record->tokens == NULL || !ti_terms_to_record_locked(identity, &record->terms))
        return false;
    for (const ti_view *v = identity->views; v != NULL; v = v->next) {
        const tacit_token *token = token_of(v, view, newest);

        if (token == NULL || has_view(record, v->key) ||
            is_outlived_locked(identity, v, view, newest))
            continue;
        if (!ti_view_token_to_record(v->key, token, &record->tokens[record->token_count]))
            return false;
        record->token_count++;
    }
    for (size_t i = 0; i < identity->parked_count; i++) {
        const ti_record_token *parked = &identity->parked[i];

        if (!ti_record_token_lives(parked, now_wall_ms) || has_view(record, parked->view)) continue;
        record->tokens[record->token_count] = *parked;
        ti_secret_ref(record->tokens[record->token_count++].value);
    }
    return true;
}

/* Without the lock, on what describe made. */
static tacit_status write(ti_identity *identity, const ti_record *record, ti_store_late late,
                          bool *overdue, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_buffer bytes = TI_BUFFER_SECRET;
    tacit_status status = ti_record_write(record, identity->issuer, identity->client_id,
                                          identity->store->ops.record_size_max, &bytes, error);

    if (status == TACIT_OK) status = ti_turn_confirm(identity, error);
    if (status == TACIT_OK)
        status = ti_store_save(client->store_calls, identity->store, identity->key, &bytes,
                               client->store_timeout_ms, late, overdue, error);
    ti_buffer_free(&bytes);
    return status;
}

/* The store has it, or not. Other processes read only a record that is newer than theirs. */
static void note_slid_locked(ti_identity *identity, const ti_record *record, bool parked,
                             bool saved) {
    if (!ti_sign_in_id_equal(&record->sign_in_id, &identity->journal.sign_in_id)) return;
    if (saved)
        ti_slide_saved_locked(identity, record);
    else if (parked)
        identity->slide_parked = true;
}

static tacit_status save_once_locked(ti_identity *identity, uint64_t generation,
                                     const ti_view *view, const tacit_token *token,
                                     tacit_error *error) {
    ti_record record;
    ti_store_late late;
    tacit_status status;
    bool overdue = false, parked = identity->slide_parked;
    bool newer = generation > identity->generation || ti_identity_owes_head_locked(identity);

    if (!identity->readable)
        return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                            "What the store holds could not be read, so it is not overwritten.");
    if (!go_out_locked(identity, generation, &late)) return still_out(error);
    identity->slide_parked = false;
    if (describe_locked(identity, generation, view, token, &record)) {
        pthread_mutex_unlock(&identity->lock);
        status = write(identity, &record, late, &overdue, error);
        pthread_mutex_lock(&identity->lock);
    } else {
        status = ti_error_no_memory(error);
    }
    come_in_locked(identity, overdue);
    note_slid_locked(identity, &record, parked, newer && status == TACIT_OK);
    ti_record_free(&record);
    if (status != TACIT_OK) ti_limits_not_saved_locked(identity);
    return status;
}

tacit_status ti_persist_put_locked(ti_identity *identity, const ti_record *record,
                                   tacit_error *error) {
    ti_store_late late;
    tacit_status status;
    bool overdue = false;

    if (!go_out_locked(identity, record->generation, &late)) return still_out(error);
    pthread_mutex_unlock(&identity->lock);
    status = write(identity, record, late, &overdue, error);
    pthread_mutex_lock(&identity->lock);
    come_in_locked(identity, overdue);
    if (status == TACIT_OK) identity->record_present = true;
    return status;
}

tacit_status ti_persist_save_locked(ti_identity *identity, const ti_view *view,
                                    const tacit_token *token) {
    ti_sign_in_id id = identity->journal.sign_in_id;
    uint64_t generation = identity->generation;
    tacit_error error;
    tacit_status status = save_once_locked(identity, generation, view, token, &error);

    if (status != TACIT_OK) {
        ti_persist_trouble_locked(identity, &error);
        return status;
    }
    identity->record_present = true;
    if (ti_sign_in_id_equal(&id, &identity->journal.sign_in_id) &&
        generation == identity->generation)
        ti_journal_saved(&identity->journal);
    tell_recovery_locked(identity);
    return TACIT_OK;
}

tacit_status ti_persist_save_as_locked(ti_identity *identity, uint64_t generation,
                                       tacit_error *error) {
    ti_sign_in_id id = identity->journal.sign_in_id;
    tacit_status status = save_once_locked(identity, generation, NULL, NULL, error);

    if (status != TACIT_OK) return status;
    identity->record_present = true;
    advance_locked(identity, &id, generation);
    tell_recovery_locked(identity);
    return ti_error_clear(error);
}

/* The journal says first who saves what: should this process die, the save may come late. */
void ti_persist_save_owed_locked(ti_identity *identity) {
    ti_journal owed = identity->journal;
    tacit_error error;

    if (ti_turn_note_locked(identity, &owed, &error) != TACIT_OK)
        ti_persist_trouble_locked(identity, &error);
    else if (identity->state == TACIT_STATE_SIGNED_IN && ti_identity_owes_head_locked(identity))
        ti_persist_save_locked(identity, NULL, NULL);
}

static void mark_refused_locked(ti_identity *identity) {
    ti_sign_in_id id = identity->journal.sign_in_id;
    tacit_error error;

    /* A mark that cannot be written costs one more refusal after the next start. */
    save_once_locked(identity, identity->generation, NULL, NULL, &error);
    if (!ti_sign_in_id_equal(&id, &identity->journal.sign_in_id)) return;
    identity->mark_refused = false;
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = NULL;
}

/* R7: a dead process's save, or erase, may still be done by a daemon. */
static void look_later_locked(ti_identity *identity) {
    static const int64_t pauses_ms[TI_LOOKS] = {0, 28000, 1500, 500};

    if (identity->looks_left == 0) return;
    identity->looks_left--;
    identity->store_retry_boot_ms = ti_identity_now(identity) + pauses_ms[identity->looks_left];
}

void ti_persist_save_again_locked(ti_identity *identity) {
    if (identity->mark_refused) {
        mark_refused_locked(identity);
        return;
    }
    if (ti_persist_load_locked(identity, NULL) != TACIT_OK) return;
    if (identity->state == TACIT_STATE_SIGNED_IN && ti_identity_owes_head_locked(identity))
        ti_persist_save_owed_locked(identity);
    if (!ti_identity_owes_head_locked(identity)) look_later_locked(identity);
}

/* ------------------------------------------------------------------ erasing */

static bool is_anothers(tacit_status loaded, const ti_record *record, const ti_sign_in_id *ended) {
    return loaded == TACIT_OK && !record->refused && !ti_sign_in_id_is_none(ended) &&
           !ti_sign_in_id_equal(&record->sign_in_id, ended);
}

static tacit_status erase_once_locked(ti_identity *identity, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_store_late late;
    tacit_status status;
    bool overdue = false;

    if (!go_out_locked(identity, 0, &late)) return still_out(error);
    pthread_mutex_unlock(&identity->lock);
    status = ti_turn_confirm(identity, error);
    if (status == TACIT_OK)
        status = ti_store_erase(client->store_calls, identity->store, identity->key,
                                client->store_timeout_ms, late, &overdue, error);
    pthread_mutex_lock(&identity->lock);
    come_in_locked(identity, overdue);
    return status;
}

tacit_status ti_persist_erase_locked(ti_identity *identity, const ti_sign_in_id *ended,
                                     ti_record *found, tacit_error *error) {
    ti_record record;
    tacit_error why;
    tacit_status status = ti_persist_fetch_locked(identity, &record, &why);
    bool anothers = is_anothers(status, &record, ended);

    if (anothers || status == TACIT_ERR_STORE_NOT_FOUND) {
        status = TACIT_OK;
    } else if (status == TACIT_OK || status == TACIT_ERR_STORE_CORRUPT) {
        status = erase_once_locked(identity, &why);
        if (status == TACIT_OK) identity->record_present = false;
    }
    if (found == NULL || anothers) ti_record_free(&record);
    if (found != NULL) *found = record;
    identity->erase_pending = status != TACIT_OK && identity->state != TACIT_STATE_SIGNED_IN;
    if (status != TACIT_OK) {
        ti_persist_trouble_locked(identity, &why);
        return ti_error_copy(error, &why);
    }
    tell_recovery_locked(identity);
    return ti_error_clear(error);
}
