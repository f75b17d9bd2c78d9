/*
 * A real redis-server of a test's own, in a fresh directory, which ends with the test program; and stores that reach it.
 *
 *     ts_redis *redis = redis_start(NULL);        skips the test where redis-server is not installed
 *     tacit_store *store = redis_store(redis, NULL);
 *     ...
 *     redis_free(redis);
 */
#ifndef TS_REDIS_H
#define TS_REDIS_H

#include <tacit/redis.h>

#include <hiredis/hiredis.h>
#include <sys/types.h>

typedef struct ts_redis ts_redis;

enum { REDIS_LEASE_MS = 3000 /* the shortest there is */ };

/* Whether redis-server is installed. */
bool redis_is_installed(void);
/* arguments: further ones of redis-server, NULL-terminated; NULL: none. It listens on a socket in its directory. */
ts_redis *redis_start(const char *const *arguments);
void redis_free(ts_redis *redis); /* takes NULL */
const char *redis_url(const ts_redis *redis);
const char *redis_socket(const ts_redis *redis);
const char *redis_directory(const ts_redis *redis);

void redis_freeze(ts_redis *redis);
void redis_thaw(ts_redis *redis);
void redis_kill(ts_redis *redis);
/* Again, with the same arguments and directory. */
void redis_restart(ts_redis *redis);

/* A store with the key that redis_key() gives, and the shortest lease. url NULL: its socket. prefix NULL: the default. */
tacit_store *redis_store(ts_redis *redis, const char *prefix);
tacit_store_redis_options redis_store_options(const char *url);
tacit_status redis_key(void *data,
                       unsigned char key[32]); /* data: a byte added to the key; NULL: 0 */

/* What Redis says; yours. An error of Redis' fails the test. */
redisReply *redis_ask(ts_redis *redis, const char *format, ...);
/* For what is only done. */
void redis_do(ts_redis *redis, const char *command);
/* The only key that matches the pattern; yours. Fails the test where there are none or several. */
char *redis_find(ts_redis *redis, const char *pattern);
/* How many match. */
long redis_count(ts_redis *redis, const char *pattern);

#endif
