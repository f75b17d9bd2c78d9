/* What Redis answers, as what a store may answer. */
#ifndef TI_STORE_REDIS_REPLY_H
#define TI_STORE_REDIS_REPLY_H

#include <tacit/store.h>

#include <hiredis/hiredis.h>

/* TACIT_OK: no error. STORE_UNAVAILABLE: it passes; STORE_CORRUPT: something else lies under the key; STORE_FAILED: somebody has to do
 * something. The sentence has the error's code at most, since the rest may repeat what was sent. */
tacit_status ti_redis_reply_check(const redisReply *reply, tacit_error *error);
/* Also that it is of this type. */
tacit_status ti_redis_reply_expect(const redisReply *reply, int type, tacit_error *error);

#endif
