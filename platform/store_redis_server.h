/* The Redis of a store: its address, and connections that are kept for the next command. Thread-safe; commands of several threads run
 * beside each other. */
#ifndef TI_STORE_REDIS_SERVER_H
#define TI_STORE_REDIS_SERVER_H

#include "platform/store_redis_link.h"

typedef struct ti_redis_server ti_redis_server;

/* Takes the address over, and empties it. NULL: no memory, and nothing was taken. */
ti_redis_server *ti_redis_server_new(ti_redis_address *address, const char *ca_file,
                                     int timeout_ms);
void ti_redis_server_free(ti_redis_server *server); /* takes NULL */
const char *ti_redis_server_shown(const ti_redis_server *server);
int ti_redis_server_timeout_ms(const ti_redis_server *server);

/* One command: connects where that is needed, and answers Redis' errors as a store's. The reply is of this type, or nil where *reply is
 * NULL; yours, with freeReplyObject(). timeout_ms is of the connecting, and of the command. */
tacit_status ti_redis_ask(ti_redis_server *server, const ti_redis_argument *arguments, int count,
                          int type, int timeout_ms, redisReply **reply, tacit_error *error);

#endif
