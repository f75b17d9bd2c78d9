#include "platform/store_redis_record.h"

#include "base/error.h"
#include "platform/os.h"

#include <stdlib.h>
#include <string.h>

/* The beginning says what follows: a nonce, the record encrypted, and its tag. */
static const unsigned char mark[8] = {'t', 'a', 'c', 'i', 't', '-', 'r', 1};

enum { AT_TEXT = sizeof mark + TI_CRYPTO_NONCE_SIZE, OVERHEAD = AT_TEXT + TI_CRYPTO_TAG_SIZE };

static tacit_status explain(ti_crypto_result result, tacit_error *error) {
    switch (result) {
    case TI_CRYPTO_OK:
        return ti_error_clear(error);
    case TI_CRYPTO_MISMATCH:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "the record is damaged, or was encrypted with another key");
    case TI_CRYPTO_UNSUPPORTED:
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "the system's policy for cryptography does not allow AES-256-GCM");
    case TI_CRYPTO_FAILED:
        break;
    }
    return ti_error_no_memory(error);
}

/* The mark and the name, which are not encrypted. */
static bool bind(const char *name, ti_buffer *bound) {
    ti_buffer_append(bound, mark, sizeof mark);
    return ti_buffer_append_string(bound, name) && !bound->failed;
}

tacit_status ti_redis_record_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *name,
                                  const char *record, size_t size, ti_buffer *sealed,
                                  tacit_error *error) {
    unsigned char nonce[TI_CRYPTO_NONCE_SIZE];
    ti_buffer bound = TI_BUFFER_INIT;
    tacit_status status;

    if (!ti_os_random(nonce, sizeof nonce))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "it cannot be encrypted: the system has no random numbers");
    ti_buffer_clear(sealed);
    if (!bind(name, &bound) || !ti_buffer_reserve(sealed, OVERHEAD + size)) {
        ti_buffer_free(&bound);
        return ti_error_no_memory(error);
    }
    ti_buffer_append(sealed, mark, sizeof mark);
    ti_buffer_append(sealed, nonce, sizeof nonce);
    status = explain(ti_crypto_seal(key, nonce, bound.data, bound.size, record, size,
                                    (unsigned char *)sealed->data + AT_TEXT),
                     error);
    sealed->size = OVERHEAD + size;
    ti_buffer_free(&bound);
    return status;
}

tacit_status ti_redis_record_open(const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *name,
                                  const void *sealed, size_t sealed_size, char **record,
                                  size_t *size, tacit_error *error) {
    const unsigned char *bytes = sealed;
    ti_buffer bound = TI_BUFFER_INIT;
    tacit_status status;
    char *text;

    if (sealed_size < OVERHEAD || memcmp(bytes, mark, sizeof mark) != 0)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "what lies there is no record, or one of a later version");
    text = malloc(sealed_size - OVERHEAD + 1);
    if (text == NULL || !bind(name, &bound)) {
        free(text);
        ti_buffer_free(&bound);
        return ti_error_no_memory(error);
    }
    status = explain(ti_crypto_open(key, bytes + sizeof mark, bound.data, bound.size,
                                    bytes + AT_TEXT, sealed_size - OVERHEAD, (unsigned char *)text),
                     error);
    ti_buffer_free(&bound);
    if (status != TACIT_OK) {
        free(text);
        return status;
    }
    *record = text;
    *size = sealed_size - OVERHEAD;
    return TACIT_OK;
}
