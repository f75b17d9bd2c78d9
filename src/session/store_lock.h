/*
 * What keeps the users of one record apart: a lock, the journal's bytes beside it, and the lives of those who left something
 * unfinished. It is the store's own where the store has one, else a file for the processes of this machine, which also is
 * process_lock.h's one user. Without locks of its own: one thread at a time for each.
 *
 * Each answers TACIT_OK, TACIT_ERR_NO_MEMORY, or TACIT_ERR_STORE_UNAVAILABLE, _CORRUPT or _FAILED with a sentence. A file never
 * waits; a store's own lock may wait for a network, but for nobody else. A child of fork() asks none that its parent made.
 */
#ifndef TI_STORE_LOCK_H
#define TI_STORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tacit/store.h>

typedef struct tacit_client tacit_client;
typedef struct ti_store_lock ti_store_lock;

/* Of the record under that key; the client, whose state_dir and application_id count where the store names none, outlives it. NULL
 * is set on failure. TACIT_ERR_STORE_NOT_FOUND: nobody made it yet (without create). TACIT_ERR_BUSY: another is just making it. */
tacit_status ti_store_lock_open(const tacit_client *client, tacit_store *store, const char *key,
                                bool create, ti_store_lock **lock, tacit_error *error);
/* Where it lies, for a sentence, also of one that could not be opened. NULL: nothing says where. */
const char *ti_store_lock_place(const tacit_client *client, const tacit_store *store);
const char *ti_store_lock_where(const ti_store_lock *lock); /* the same, of one that is open */
/* Whether two stores have one lock for the same key, as far as their names tell. Of two that have locks of their own: no. */
bool ti_store_lock_is_shared(const tacit_client *client, const tacit_store *a,
                             const tacit_store *b);

tacit_status ti_store_lock_take(ti_store_lock *lock, tacit_error *error); /* TACIT_ERR_BUSY */
/* Whether it is still taken, for certain: what ends by itself when nobody hears of its holder may be another's. Never waits. */
bool ti_store_lock_is_held(ti_store_lock *lock);
void ti_store_lock_release(ti_store_lock *lock);

tacit_status ti_store_lock_read(ti_store_lock *lock, void *bytes, size_t size, size_t *got,
                                tacit_error *error);
tacit_status ti_store_lock_write(ti_store_lock *lock, size_t offset, const void *bytes, size_t size,
                                 bool durable, tacit_error *error);

tacit_status ti_store_lock_begin_life(ti_store_lock *lock, int64_t life, tacit_error *error);
void ti_store_lock_end_life(ti_store_lock *lock);
bool ti_store_lock_lives(ti_store_lock *lock, int64_t life);

void ti_store_lock_close(ti_store_lock *lock); /* takes NULL */

#endif
