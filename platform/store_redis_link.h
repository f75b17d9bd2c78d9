/*
 * One connection to Redis. hiredis speaks the protocol; libcurl connects, so that there is TLS whatever hiredis was built with, and a
 * deadline on all of it: name, connection, handshake, sign-on, command.
 */
#ifndef TI_STORE_REDIS_LINK_H
#define TI_STORE_REDIS_LINK_H

#include <tacit/store.h>

#include "platform/store_redis_url.h"

#include <hiredis/hiredis.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct ti_redis_link ti_redis_link;

typedef struct ti_redis_argument {
    const void *bytes;
    size_t size;
} ti_redis_argument;

/* Connected, signed on, and in the database. ca_file may be NULL. */
tacit_status ti_redis_link_open(const ti_redis_address *address, const char *ca_file,
                                int64_t deadline_boot_ms, ti_redis_link **link, tacit_error *error);
/*
 * Sends a command and waits for its reply, the caller's to free; TACIT_OK also where that is an error of Redis'. After any other answer
 * nobody knows whether the command ran, or will: the link can only be closed, so that a late reply is not taken for that of another.
 */
tacit_status ti_redis_link_ask(ti_redis_link *link, const ti_redis_argument *arguments, int count,
                               int64_t deadline_boot_ms, redisReply **reply, tacit_error *error);
/* Whether an idle one is still there, as far as this end knows, and has not been idle for so long that it may be wrong. */
bool ti_redis_link_is_fit(const ti_redis_link *link);
void ti_redis_link_close(ti_redis_link *link); /* takes NULL */

#endif
