#include "platform/store_redis_lock.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct ti_redis_lock {
    ti_redis_lease *lease;
    ti_redis_server *server;
    size_t journal_size;
    tacit_error error; /* of the last operation */
};

tacit_status ti_redis_lock_lost(tacit_error *error) {
    return ti_error_set(
        error, TACIT_ERR_STORE_UNAVAILABLE,
        "the lock was lost, since Redis was not heard of for as long as it is lent, "
        "or has forgotten it; another machine may have it now");
}

/* ------------------------------------------------------------------ open and close */

static void close_lock(void *data) {
    ti_redis_lock *lock = data;

    if (lock == NULL) return;
    ti_redis_lease_close(lock->lease);
    free(lock);
}

static tacit_status find_journal(ti_redis_lock *lock, tacit_error *error) {
    redisReply *reply;
    tacit_status status =
        ti_redis_read_journal(lock->server, ti_redis_lease_names(lock->lease), &reply, error);

    if (status == TACIT_OK && reply == NULL)
        status = ti_error_set(error, TACIT_ERR_STORE_NOT_FOUND, "nobody has used it yet");
    freeReplyObject(reply);
    return status;
}

tacit_status ti_redis_lock_open(ti_redis_keeper *keeper, const char *prefix, const char *key,
                                bool create, size_t journal_size, ti_redis_lock **lock,
                                tacit_error *error) {
    ti_redis_lock *made = calloc(1, sizeof *made);
    tacit_status status;

    *lock = NULL;
    if (made == NULL) return ti_error_no_memory(error);
    made->server = ti_redis_keeper_server(keeper);
    made->journal_size = journal_size;
    status = ti_redis_lease_open(keeper, prefix, key, &made->lease, error);
    if (status == TACIT_OK)
        status = create ? ti_redis_make_journal(made->server, ti_redis_lease_names(made->lease),
                                                journal_size, error)
                        : find_journal(made, error);
    if (status == TACIT_OK)
        *lock = made;
    else
        close_lock(made);
    return status;
}

/* ------------------------------------------------------------------ the lock */

static tacit_status take(void *data) {
    ti_redis_lock *lock = data;

    return ti_redis_lease_take(lock->lease, lock->journal_size, &lock->error);
}

static void release(void *data) {
    ti_redis_lock *lock = data;

    ti_redis_lease_release(lock->lease);
}

static bool is_held(void *data) {
    ti_redis_lock *lock = data;

    return ti_redis_lease_is_held(lock->lease);
}

const char *ti_redis_lock_explain(const ti_redis_lock *lock) {
    return lock->error.message[0] != '\0' ? lock->error.message : NULL;
}

/* ------------------------------------------------------------------ the journal */

static tacit_status read_journal(void *data, void *bytes, size_t size, size_t *got) {
    ti_redis_lock *lock = data;
    redisReply *reply;
    tacit_status status = ti_redis_read_journal(lock->server, ti_redis_lease_names(lock->lease),
                                                &reply, &lock->error);

    *got = 0;
    if (status != TACIT_OK || reply == NULL) return status;
    *got = reply->len < size ? reply->len : size;
    memcpy(bytes, reply->str, *got);
    freeReplyObject(reply);
    return TACIT_OK;
}

/* How durable it is, Redis' own settings say: as durable as a record. */
static tacit_status write_journal(void *data, size_t offset, const void *bytes, size_t size,
                                  bool durable) {
    ti_redis_lock *lock = data;
    ti_redis_claim claim;
    tacit_status status;

    (void)durable;
    if (!ti_redis_lease_claim(lock->lease, &claim)) return ti_redis_lock_lost(&lock->error);
    status = ti_redis_write(lock->server, ti_redis_lease_names(lock->lease), &claim, offset, bytes,
                            size, &lock->error);
    return status == TACIT_ERR_BUSY ? ti_redis_lock_lost(&lock->error) : status;
}

/* ------------------------------------------------------------------ lives */

static tacit_status begin_life(void *data, int64_t life) {
    ti_redis_lock *lock = data;

    return ti_redis_lease_begin_life(lock->lease, life, &lock->error);
}

static void end_life(void *data) {
    ti_redis_lock *lock = data;

    ti_redis_lease_end_life(lock->lease);
}

static bool lives(void *data, int64_t life) {
    ti_redis_lock *lock = data;
    const char *own = ti_redis_lease_owner(lock->lease);
    redisReply *owner;
    bool alive;

    if (life <= 0 || life == INT64_MAX) return false;
    if (ti_redis_find_life(lock->server, ti_redis_lease_names(lock->lease), life, &owner,
                           &lock->error) != TACIT_OK)
        return true; /* nobody knows */
    alive =
        owner != NULL && (owner->len != strlen(own) || memcmp(owner->str, own, owner->len) != 0);
    freeReplyObject(owner);
    return alive;
}

void ti_redis_lock_fill_ops(tacit_store_lock_ops *ops) {
    ops->take = take;
    ops->release = release;
    ops->is_held = is_held;
    ops->read = read_journal;
    ops->write = write_journal;
    ops->begin_life = begin_life;
    ops->end_life = end_life;
    ops->lives = lives;
    ops->close = close_lock;
}
