/*
 * The bytes of a sealed record: a header, which the seal covers too, and the record under
 * AES-256-GCM. Pure: neither files nor keys of its own.
 *
 *     at  bytes
 *      0      8   "TacitRec"
 *      8      1   version of the format
 *      9      1   where the key comes from: ti_key_kind
 *     10      3   scrypt's log2 N, r and p; else zero
 *     13      3   zero
 *     16     16   scrypt's salt; else zero
 *     32     32   SHA-256 of the record's key in the store
 *     64      8   tells one key of the seal from another: a hash of it
 *     72     12   nonce
 *     84      4   size of the record, big endian
 *     88          the record, sealed; then the tag
 */
#ifndef TI_STORE_FILE_FORMAT_H
#define TI_STORE_FILE_FORMAT_H

#include <tacit/error.h>

#include "base/buffer.h"
#include "platform/crypto.h"

#define TI_SEALED_HEADER_SIZE 88
#define TI_SEALED_RECORD_MAX ((size_t)4 << 20)
#define TI_SEALED_FILE_MAX (TI_SEALED_HEADER_SIZE + TI_SEALED_RECORD_MAX + TI_CRYPTO_TAG_SIZE)

typedef enum ti_key_kind {
    TI_KEY_RANDOM = 0, /* 32 random bytes, from a key file or from the app */
    TI_KEY_SCRYPT = 1  /* from a passphrase */
} ti_key_kind;

/* How the key of a record is come by. */
typedef struct ti_key_recipe {
    ti_key_kind kind;
    unsigned char log2_n, r, p; /* TI_KEY_SCRYPT */
    unsigned char salt[16];
} ti_key_recipe;

bool ti_key_recipe_equal(const ti_key_recipe *a, const ti_key_recipe *b);

/* What lies in a file for this name, as far as it can be told without the key. The recipe's numbers
 * are within reason. Every error is TACIT_ERR_STORE_CORRUPT, and its message a clause: "is ...". */
tacit_status ti_sealed_inspect(const void *file, size_t size, const char *name,
                               ti_key_recipe *recipe, tacit_error *error);

/* Opens what ti_sealed_inspect() accepted. *record: from malloc(). TACIT_ERR_STORE_CORRUPT: sealed
 * with another key, or damaged; TACIT_ERR_STORE_FAILED: no memory. */
tacit_status ti_sealed_open(const void *file, size_t size,
                            const unsigned char key[TI_CRYPTO_KEY_SIZE], char **record,
                            size_t *record_size, tacit_error *error);

/* Seals at most TI_SEALED_RECORD_MAX bytes with a nonce of its own. file is replaced.
 * TACIT_ERR_STORE_FAILED: no memory, no random numbers. */
tacit_status ti_sealed_make(const ti_key_recipe *recipe, const char *name,
                            const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *record,
                            size_t record_size, ti_buffer *file, tacit_error *error);

#endif
