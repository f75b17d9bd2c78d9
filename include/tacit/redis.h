/*
 * A store for a fleet: several machines work for one sign-in (a service's account, a robot's user),
 * whose record, lock and journal are in Redis. A library of its own, libtacit-redis, with hiredis.
 */
#ifndef TACIT_REDIS_H
#define TACIT_REDIS_H

#include <tacit/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tacit_store_redis_options {
    size_t struct_size;
    /* redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or unix:///PATH. Required. One
     * server: no cluster, no sentinel. Redis 5 or later. */
    const char *url;
    const char *ca_file; /* with rediss://; NULL: the system's */
    const char *prefix;  /* of all its keys; NULL: "tacit:" */
    /* Of the records, AES-256-GCM, bound to the sign-in they belong to: 32 bytes that each machine has
     * and Redis does not. Required. As get_key of tacit_store_file_options. */
    tacit_status (*get_key)(void *key_data, unsigned char key[32]);
    void *key_data;                      /* borrowed until the store is freed */
    void (*key_release)(void *key_data); /* may be NULL; once, when the store is freed */
    int timeout_ms;                      /* of connecting, and of each command; 0: 2 s */
    /* How long a machine that is not heard of keeps the lock, and its unsaved answer is waited for;
     * 0: 30 s, at least 3 s. Renewed at a third of it, by one thread per store that begins with the
     * first refresh. The same for all machines. */
    int lease_ms;
} tacit_store_redis_options;
#define TACIT_STORE_REDIS_OPTIONS_INIT TACIT_INIT(tacit_store_redis_options)

/*
 * Everything is copied. Does not connect: what is wrong there shows as an error of the load or the
 * save, with a sentence.
 *   STORE_UNAVAILABLE  Redis does not answer, is loading, read only or full, or another machine took
 *                      the lock over meanwhile
 *   STORE_CORRUPT      the record was sealed with another key, is damaged, or none of tacit's
 *   STORE_FAILED       Redis refuses the password or a command
 *   STORE_TOO_LARGE    the record has more than 4 MiB
 *   STORE_LOCKED       get_key's own answer
 *
 * What it promises: one refresh at a time for all machines, and never a write by a machine that lost
 * the lock: each save and each line of the journal is a script in which Redis checks who holds it. What
 * it cannot: a machine that is cut off from Redis, or stands still, for longer than lease_ms while the
 * authorization server still hears it may send a refresh token that another machine sends too. A
 * server that gives some seconds of grace takes that well; one that takes each reuse for a theft ends
 * the sign-in, and the error says that an answer was lost.
 *
 * What Redis forgets is forgotten: give it `appendonly yes` (with `appendfsync always`, so that a
 * refresh token survives a power loss) and `maxmemory-policy noeviction`. A failover to a replica may
 * lose the last second, and so the newest refresh token. The user needs EVAL, the commands of strings,
 * hashes and keys on its prefix and, with a DATABASE, SELECT. The machines' clocks carry only the pauses
 * that a server asked for; Redis' own, set forward, ends a lease early, with what a machine that is cut
 * off may bring about.
 *
 * Yours; give it up with tacit_store_unref().
 * TACIT_ERR_INVALID_ARGUMENT: no url or one that is not of its form, no get_key, a number below 0 or
 *   a lease_ms below 3000.
 */
TACIT_API tacit_store *tacit_store_redis(const tacit_store_redis_options *options,
                                         tacit_error *error);

#ifdef __cplusplus
}
#endif
#endif
