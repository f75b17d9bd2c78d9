/*
 * What stands between a store and its Redis: it counts commands, loses one of them or its reply, and cuts the store off.
 *
 *     redis_proxy *proxy = redis_proxy_start(redis);
 *     options.url = redis_proxy_url(proxy);
 *     redis_proxy_lose(proxy, 3, REDIS_PROXY_REPLY);
 */
#ifndef TS_REDIS_PROXY_H
#define TS_REDIS_PROXY_H

#include "support/redis.h"

typedef struct redis_proxy redis_proxy;

typedef enum redis_proxy_loss {
    REDIS_PROXY_COMMAND = 1, /* Redis never sees it, and the connection ends */
    REDIS_PROXY_REPLY = 2,   /* Redis did it, and the connection ends before the reply */
    REDIS_PROXY_SILENCE = 3, /* Redis did it, and the reply never comes */
    REDIS_PROXY_DELAY = 4    /* the connection ends; Redis sees it with redis_proxy_deliver() */
} redis_proxy_loss;

redis_proxy *redis_proxy_start(ts_redis *redis);
void redis_proxy_free(redis_proxy *proxy); /* takes NULL */
const char *redis_proxy_url(const redis_proxy *proxy);

/* Of the commands from now on, the n-th is lost so, once; n 0: none. */
void redis_proxy_lose(redis_proxy *proxy, int n, redis_proxy_loss loss);
/* What was delayed arrives, and is done. */
void redis_proxy_deliver(redis_proxy *proxy);
/* How many commands there were since. */
int redis_proxy_commands(redis_proxy *proxy);
/* Nothing goes through, and nothing says so; what came meanwhile goes on when that ends. */
void redis_proxy_cut(redis_proxy *proxy, bool cut);

#endif
