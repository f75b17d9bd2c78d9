/* A record as it lies in Redis: sealed with the app's key, and bound to the name that it lies under. */
#ifndef TI_STORE_REDIS_RECORD_H
#define TI_STORE_REDIS_RECORD_H

#include <tacit/store.h>

#include "base/buffer.h"
#include "platform/crypto.h"

tacit_status ti_redis_record_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *name,
                                  const char *record, size_t size, ti_buffer *sealed,
                                  tacit_error *error);
/* *record: from malloc(), and secret. STORE_CORRUPT: another key, or not what was sealed for that name. */
tacit_status ti_redis_record_open(const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *name,
                                  const void *sealed, size_t sealed_size, char **record,
                                  size_t *size, tacit_error *error);

#endif
