/*
 * What is done in Redis in one piece: Lua scripts, each on the keys of one sign-in.
 *
 * Properties: a lock has one owner, and each time it is taken a higher fence than any before, also where Redis lost the lock or the
 * counter. What is written needs the owner and its fence there and then. Numbers, which the owner counts up with each command, keep a
 * command out that was given up and comes late: nothing newer is overwritten by it, and no lock is taken back. Each script may run twice.
 * Of a lock that was released nothing is left: a take that comes later than that is done, and released by the keeper.
 */
#ifndef TI_STORE_REDIS_SCRIPT_H
#define TI_STORE_REDIS_SCRIPT_H

#include "platform/store_redis_server.h"

/* "<prefix>{<hash of the key>}", behind which each key of the sign-in has its ending. */
typedef struct ti_redis_names {
    char *base;
} ti_redis_names;

/* false: no memory. */
bool ti_redis_names_make(ti_redis_names *names, const char *prefix, const char *key);
void ti_redis_names_free(ti_redis_names *names);

#define TI_REDIS_OWNER_SIZE 33 /* 32 hexadecimal digits */

/* Who does something: an owner, the fence that it was given, and the number of the command. */
typedef struct ti_redis_claim {
    char owner[TI_REDIS_OWNER_SIZE];
    int64_t fence, number;
} ti_redis_claim;

/* *fence: the new one, and the journal is there, journal_size zero bytes where it was not (0: left alone). TACIT_ERR_BUSY: another owns it. */
tacit_status ti_redis_take(ti_redis_server *server, const ti_redis_names *names, const char *owner,
                           int64_t number, int lease_ms, size_t journal_size, int64_t *fence,
                           tacit_error *error);
/* From here on the answers to a claim. TACIT_ERR_BUSY: it is not, or no longer, the owner's. */
tacit_status ti_redis_renew(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, int lease_ms, int timeout_ms,
                            tacit_error *error);
tacit_status ti_redis_release(ti_redis_server *server, const ti_redis_names *names,
                              const ti_redis_claim *claim, int timeout_ms, tacit_error *error);
tacit_status ti_redis_write(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, size_t offset, const void *bytes,
                            size_t size, tacit_error *error);
tacit_status ti_redis_save(ti_redis_server *server, const ti_redis_names *names,
                           const ti_redis_claim *claim, const void *sealed, size_t size,
                           tacit_error *error);
tacit_status ti_redis_erase(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, tacit_error *error);

/* A life: begun, or renewed; the claim's fence does not count. TACIT_ERR_BUSY: another owner's. */
tacit_status ti_redis_live(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                           const ti_redis_claim *claim, int lease_ms, int timeout_ms,
                           tacit_error *error);
tacit_status ti_redis_end_life(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                               const ti_redis_claim *claim, int timeout_ms, tacit_error *error);
/* *owner: whose life it is; NULL: nobody's. The caller's reply. */
tacit_status ti_redis_find_life(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                                redisReply **owner, tacit_error *error);

/* What needs no lock. *reply NULL: there is none. */
tacit_status ti_redis_make_journal(ti_redis_server *server, const ti_redis_names *names,
                                   size_t size, tacit_error *error);
tacit_status ti_redis_read_journal(ti_redis_server *server, const ti_redis_names *names,
                                   redisReply **reply, tacit_error *error);
tacit_status ti_redis_load(ti_redis_server *server, const ti_redis_names *names, redisReply **reply,
                           tacit_error *error);

#endif
