/* A lock object of the session, in Redis: the lock, its journal and a life (tacit_store_lock_ops). */
#ifndef TI_STORE_REDIS_LOCK_H
#define TI_STORE_REDIS_LOCK_H

#include "platform/store_redis_keeper.h"

typedef struct ti_redis_lock ti_redis_lock;

tacit_status ti_redis_lock_open(ti_redis_keeper *keeper, const char *prefix, const char *key,
                                bool create, size_t journal_size, ti_redis_lock **lock,
                                tacit_error *error);
/* The rest of the operations, on such a lock. open and explain with NULL are the store's. */
void ti_redis_lock_fill_ops(tacit_store_lock_ops *ops);
/* Why the last operation failed. */
const char *ti_redis_lock_explain(const ti_redis_lock *lock);

/* A sentence and STORE_UNAVAILABLE, for whoever has lost the lock. */
tacit_status ti_redis_lock_lost(tacit_error *error);

#endif
