#include "session/move_visit.h"

#include "base/error.h"
#include "session/client.h"
#include "session/persist.h"
#include "session/store.h"
#include "session/turn.h"

enum { PAUSE_LEAST_MS = 50, PAUSE_SPREAD_MS = 150 };

/* ------------------------------------------------------------------ a visit there */

/* Without the identity's lock, as all of enter. */
static tacit_status load(const ti_identity *identity, ti_move_visit *v, tacit_error *error) {
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

static tacit_status open_lock(const ti_identity *identity, ti_move_visit *v, bool create,
                              tacit_error *error) {
    return ti_store_lock_open(identity->client, v->from, identity->key, create, &v->lock, error);
}

/* Nothing is made there for a record that does not exist. */
static tacit_status open_or_make(const ti_identity *identity, ti_move_visit *v,
                                 tacit_error *error) {
    tacit_status status = open_lock(identity, v, false, error);

    if (status != TACIT_ERR_STORE_NOT_FOUND) return status;
    status = load(identity, v, error);
    ti_record_free(&v->record);
    return status == TACIT_OK ? open_lock(identity, v, true, error) : status;
}

/* TACIT_ERR_BUSY: another process is at work. TACIT_ERR_STORE_NOT_FOUND: there is neither record nor lock. */
static tacit_status enter(const ti_identity *identity, ti_move_visit *v, tacit_error *error) {
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

bool ti_move_is_shared_locked(const ti_identity *identity) {
    return ti_store_lock_is_shared(identity->client, identity->store, identity->move->from);
}

tacit_status ti_move_visit_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error) {
    tacit_store *from = identity->move->from;
    tacit_status status;

    *v = (ti_move_visit){.from = tacit_store_ref(from),
                         .found = {.reading = TI_JOURNAL_NEW},
                         .shared = ti_move_is_shared_locked(identity)};
    pthread_mutex_unlock(&identity->lock);
    status = enter(identity, v, error);
    pthread_mutex_lock(&identity->lock);
    if (status == TACIT_OK && ti_turn_is_too_early_locked(identity, &v->found.image.journal))
        return TACIT_ERR_BUSY;
    return status;
}

void ti_move_leave_locked(ti_identity *identity, ti_move_visit *v) {
    ti_record_free(&v->record);
    pthread_mutex_unlock(&identity->lock);
    ti_store_lock_close(v->lock);
    tacit_store_unref(v->from);
    pthread_mutex_lock(&identity->lock);
}

/* ------------------------------------------------------------------ what it finds, and leaves */

const ti_journal *ti_move_journal_there(const ti_move_visit *v) {
    return v->found.reading == TI_JOURNAL_READ ? &v->found.image.journal : NULL;
}

bool ti_move_is_current(const ti_move_visit *v) {
    const ti_journal *there = ti_move_journal_there(v);

    return there == NULL || (there->state != TI_JOURNAL_SIGNED_OUT &&
                             ti_sign_in_id_equal(&there->sign_in_id, &v->record.sign_in_id));
}

tacit_status ti_move_mark_locked(ti_identity *identity, ti_move_visit *v, bool moved,
                                 tacit_error *error) {
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

tacit_status ti_move_drop_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error) {
    bool live = ti_journal_is_live(&identity->journal);

    if (ti_move_mark_locked(identity, v, live, error) != TACIT_OK) return error->status;
    identity->move->left = v->record.sign_in_id;
    return TACIT_OK;
}

/* ------------------------------------------------------------------ where another process is there */

int64_t ti_move_pause_ms(void) {
    return PAUSE_LEAST_MS + ti_identity_random() % PAUSE_SPREAD_MS;
}

tacit_status ti_move_wait_locked(ti_identity *identity, tacit_error *error) {
    const tacit_client *client = identity->client;
    ti_move *move = identity->move;
    int64_t now = ti_identity_now(identity);
    int64_t patience_ms = (int64_t)client->refresh_timeout_ms + client->store_timeout_ms;

    if (move->waits_since_boot_ms == 0) move->waits_since_boot_ms = now;
    move->waits = now - move->waits_since_boot_ms <= patience_ms;
    if (!move->waits) move->waits_since_boot_ms = 0;
    identity->turn_retry_boot_ms = now + ti_move_pause_ms();
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "Another process works with the sign-in in %s, from where it is to be "
                        "moved, and does not let go.",
                        tacit_store_describe(move->from));
}
