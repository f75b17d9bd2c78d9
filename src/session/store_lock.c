#include "session/store_lock.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"
#include "platform/process_lock.h"
#include "session/client.h"
#include "session/journal_bytes.h"
#include "session/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 2 * 16 + sizeof ".journal" };

struct ti_store_lock {
    tacit_store *store;    /* counted */
    const char *place;     /* borrowed */
    ti_process_lock *file; /* NULL: the store's own */
    void *own;
};

const char *ti_store_lock_place(const tacit_client *client, const tacit_store *store) {
    if (store->ops.lock != NULL) return tacit_store_describe(store);
    return store->ops.lock_directory != NULL ? store->ops.lock_directory : client->state_dir;
}

const char *ti_store_lock_where(const ti_store_lock *lock) {
    return lock->place;
}

/* ------------------------------------------------------------------ what can go wrong */

static tacit_status explain(const char *place, tacit_status status, const char *why, int os_error,
                            tacit_error *error) {
    ti_error_set(error, status, "The lock between processes cannot be had in %s: %s.", place, why);
    if (error != NULL) error->os_error = os_error;
    return status;
}

static tacit_status explain_file(const char *directory, ti_lock_result result, int os_error,
                                 tacit_error *error) {
    const char *why = "it cannot be used";
    char text[128];

    switch (result) {
    case TI_LOCK_OK:
        return ti_error_clear(error);
    case TI_LOCK_NO_MEMORY:
        return ti_error_no_memory(error);
    case TI_LOCK_NOT_OURS:
        why = "it, or a file in it, belongs to another user";
        break;
    case TI_LOCK_OPEN_TO_OTHERS:
        why = "others may write to it, or to a file in it: chmod go= it";
        break;
    case TI_LOCK_NOT_A_FILE:
        why = "a symbolic link or something else that is no file lies in the way";
        break;
    case TI_LOCK_NETWORK:
        why = "it lies on a network file system, where locks do not hold";
        break;
    default:
        if (os_error != 0) why = ti_error_system_text(os_error, text, sizeof text);
        break;
    }
    return explain(directory, TACIT_ERR_STORE_FAILED, why, os_error, error);
}

static const char *in_general(tacit_status status) {
    switch (status) {
    case TACIT_ERR_STORE_UNAVAILABLE:
        return "it cannot be reached, or was lost to another";
    case TACIT_ERR_STORE_CORRUPT:
        return "something else is there";
    default:
        return "it cannot be used";
    }
}

/* A parent's is not asked. */
static bool is_parents(const ti_store_lock *lock) {
    return lock->file == NULL && ti_store_forked(lock->store);
}

/* also: what the function may answer beside the errors of all. */
static tacit_status explain_own(const ti_store_lock *lock, tacit_status status, tacit_status also,
                                tacit_error *error) {
    const tacit_store *store = lock->store;
    const char *why = NULL;

    if (status == TACIT_OK) return ti_error_clear(error);
    if (status == TACIT_ERR_NO_MEMORY) return ti_error_no_memory(error);
    if (status == also) return status;
    if (!is_parents(lock)) why = store->ops.lock->explain(store->data, lock->own);
    if (status != TACIT_ERR_STORE_UNAVAILABLE && status != TACIT_ERR_STORE_CORRUPT)
        status = TACIT_ERR_STORE_FAILED;
    if (why == NULL || *why == '\0') why = in_general(status);
    return explain(lock->place, status, why, 0, error);
}

/* ------------------------------------------------------------------ open */

/* Whose records the store reaches. */
static const char *application_of(const tacit_client *client, const tacit_store_ops *ops) {
    if (ops->application_id != NULL) return ops->application_id;
    return ops->lock_directory != NULL ? NULL : client->application_id;
}

static bool is_same(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool has_file(const tacit_store *store) {
    return store->ops.lock == NULL && !store->ops.process_only;
}

bool ti_store_lock_is_shared(const tacit_client *client, const tacit_store *a,
                             const tacit_store *b) {
    return has_file(a) && has_file(b) &&
           is_same(ti_store_lock_place(client, a), ti_store_lock_place(client, b)) &&
           is_same(application_of(client, &a->ops), application_of(client, &b->ops));
}

/* Of application id and key: two have the same exactly where they have the same record. */
static bool name_file(const char *application, const char *key, char name[NAME_SIZE]) {
    unsigned char hash[TI_SHA256_SIZE];
    ti_buffer text = TI_BUFFER_INIT;
    bool hashed;

    ti_buffer_append_string(&text, application == NULL ? "" : application);
    ti_buffer_append(&text, "", 1);
    ti_buffer_append_string(&text, key);
    hashed = !text.failed && ti_crypto_sha256(text.data, text.size, hash);
    ti_buffer_free(&text);
    if (!hashed) return false;
    for (int i = 0; i < 16; i++) snprintf(name + 2 * i, 3, "%02x", hash[i]);
    memcpy(name + 32, ".journal", sizeof ".journal");
    return true;
}

static tacit_status open_file(ti_store_lock *lock, const char *application, const char *key,
                              bool create, tacit_error *error) {
    char name[NAME_SIZE];
    int os_error = 0;
    ti_lock_result result;

    if (lock->place == NULL && !create) return TACIT_ERR_STORE_NOT_FOUND;
    if (lock->place == NULL)
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "There is no directory for the lock between processes: set state_dir, "
                            "XDG_STATE_HOME or HOME.");
    if (!name_file(application, key, name)) return ti_error_no_memory(error);
    result = ti_process_lock_open(lock->place, name, create, TI_JOURNAL_FILE_SIZE, &lock->file,
                                  &os_error);
    if (result == TI_LOCK_BUSY) return TACIT_ERR_BUSY; /* another is just making it */
    if (result == TI_LOCK_ABSENT && !create) return TACIT_ERR_STORE_NOT_FOUND;
    return explain_file(lock->place, result, os_error, error);
}

static tacit_status open_own(ti_store_lock *lock, const char *key, bool create,
                             tacit_error *error) {
    const tacit_store *store = lock->store;
    tacit_status status, also = create ? TACIT_OK : TACIT_ERR_STORE_NOT_FOUND;

    status = is_parents(lock) ? TACIT_ERR_STORE_FAILED
                              : store->ops.lock->open(store->data, key, create,
                                                      TI_JOURNAL_FILE_SIZE, &lock->own);
    if (status == TACIT_OK && lock->own == NULL) status = TACIT_ERR_STORE_FAILED;
    return explain_own(lock, status, also, error);
}

tacit_status ti_store_lock_open(const tacit_client *client, tacit_store *store, const char *key,
                                bool create, ti_store_lock **lock, tacit_error *error) {
    ti_store_lock *opened = calloc(1, sizeof *opened);
    tacit_status status;

    *lock = NULL;
    if (opened == NULL) return ti_error_no_memory(error);
    opened->store = tacit_store_ref(store);
    opened->place = ti_store_lock_place(client, store);
    if (store->ops.lock != NULL)
        status = open_own(opened, key, create, error);
    else
        status = open_file(opened, application_of(client, &store->ops), key, create, error);
    if (status == TACIT_OK)
        *lock = opened;
    else
        ti_store_lock_close(opened);
    return status;
}

void ti_store_lock_close(ti_store_lock *lock) {
    if (lock == NULL) return;
    ti_process_lock_close(lock->file);
    if (lock->own != NULL && !is_parents(lock)) lock->store->ops.lock->close(lock->own);
    tacit_store_unref(lock->store);
    free(lock);
}

/* ------------------------------------------------------------------ the lock */

tacit_status ti_store_lock_take(ti_store_lock *lock, tacit_error *error) {
    const tacit_store_lock_ops *ops = lock->store->ops.lock;
    ti_lock_result result;
    int os_error;

    if (is_parents(lock)) return explain_own(lock, TACIT_ERR_STORE_FAILED, TACIT_OK, error);
    if (lock->file == NULL) return explain_own(lock, ops->take(lock->own), TACIT_ERR_BUSY, error);
    result = ti_process_lock_try(lock->file, &os_error);
    if (result == TI_LOCK_BUSY) return TACIT_ERR_BUSY;
    return explain_file(lock->place, result, os_error, error);
}

bool ti_store_lock_is_held(ti_store_lock *lock) {
    if (lock->file != NULL) return true; /* the system keeps it, whatever happens */
    return !is_parents(lock) && lock->store->ops.lock->is_held(lock->own);
}

void ti_store_lock_release(ti_store_lock *lock) {
    if (lock->file != NULL)
        ti_process_lock_release(lock->file);
    else if (!is_parents(lock))
        lock->store->ops.lock->release(lock->own);
}

/* ------------------------------------------------------------------ the journal's bytes */

tacit_status ti_store_lock_read(ti_store_lock *lock, void *bytes, size_t size, size_t *got,
                                tacit_error *error) {
    ti_lock_result result;
    tacit_status status;
    int os_error;

    *got = 0;
    if (is_parents(lock)) return explain_own(lock, TACIT_ERR_STORE_FAILED, TACIT_OK, error);
    if (lock->file == NULL) {
        status = lock->store->ops.lock->read(lock->own, bytes, size, got);
        if (*got > size) *got = 0, status = TACIT_ERR_STORE_FAILED;
        return explain_own(lock, status, TACIT_OK, error);
    }
    result = ti_process_lock_read(lock->file, bytes, size, got, &os_error);
    return explain_file(lock->place, result, os_error, error);
}

tacit_status ti_store_lock_write(ti_store_lock *lock, size_t offset, const void *bytes, size_t size,
                                 bool durable, tacit_error *error) {
    const tacit_store_lock_ops *ops = lock->store->ops.lock;
    ti_lock_result result;
    int os_error;

    if (is_parents(lock)) return explain_own(lock, TACIT_ERR_STORE_FAILED, TACIT_OK, error);
    if (lock->file == NULL)
        return explain_own(lock, ops->write(lock->own, offset, bytes, size, durable), TACIT_OK,
                           error);
    result = ti_process_lock_write(lock->file, offset, bytes, size, durable, &os_error);
    return explain_file(lock->place, result, os_error, error);
}

/* ------------------------------------------------------------------ lives */

tacit_status ti_store_lock_begin_life(ti_store_lock *lock, int64_t life, tacit_error *error) {
    const tacit_store_lock_ops *ops = lock->store->ops.lock;
    ti_lock_result result;
    int os_error;

    if (is_parents(lock)) return explain_own(lock, TACIT_ERR_STORE_FAILED, TACIT_OK, error);
    if (lock->file == NULL)
        return explain_own(lock, ops->begin_life(lock->own, life), TACIT_OK, error);
    result = ti_process_lock_begin_life(lock->file, life, &os_error);
    return explain_file(lock->place, result, os_error, error);
}

void ti_store_lock_end_life(ti_store_lock *lock) {
    if (lock->file != NULL)
        ti_process_lock_end_life(lock->file);
    else if (!is_parents(lock))
        lock->store->ops.lock->end_life(lock->own);
}

bool ti_store_lock_lives(ti_store_lock *lock, int64_t life) {
    if (lock->file != NULL) return ti_process_lock_lives(lock->file, life);
    return is_parents(lock) || lock->store->ops.lock->lives(lock->own, life);
}
