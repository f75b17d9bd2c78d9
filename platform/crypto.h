/*
 * What the library needs of a crypto library. One file crypto_<library>.c is linked: crypto_openssl,
 * crypto_mbedtls, or crypto_none, which has SHA-256 only. Below every floor: it includes nothing of
 * the library. Thread-safe.
 */
#ifndef TI_CRYPTO_H
#define TI_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#define TI_SHA256_SIZE 32

/* false: no memory. */
bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]);

typedef enum ti_crypto_result {
    TI_CRYPTO_OK,
    TI_CRYPTO_MISMATCH,    /* another key, or bytes that are not those that were sealed */
    TI_CRYPTO_UNSUPPORTED, /* this build, or the system's policy for cryptography, lacks it */
    TI_CRYPTO_FAILED       /* no memory, or a size beyond what the crypto library takes */
} ti_crypto_result;

/* Whether the build can do what follows. Costs nothing. */
bool ti_crypto_can_seal(void);

#define TI_CRYPTO_KEY_SIZE 32
#define TI_CRYPTO_NONCE_SIZE 12
#define TI_CRYPTO_TAG_SIZE 16

/*
 * AES-256-GCM (NIST SP 800-38D). A nonce must never come twice under one key; drawn at random, that
 * holds for 2^32 of them. `bound` is not encrypted, but has to be the same again for
 * ti_crypto_open(). sealed gets size + TI_CRYPTO_TAG_SIZE bytes, and may not overlap text.
 */
ti_crypto_result ti_crypto_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const void *text, size_t size,
                                unsigned char *sealed);
/* size: of the text, without the tag. Unless it answers TI_CRYPTO_OK, text is all zero. */
ti_crypto_result ti_crypto_open(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const unsigned char *sealed, size_t size,
                                unsigned char *text);

/* scrypt (RFC 7914) with N = 2^log2_n: takes 128 * N * r bytes of memory for the moment. The caller
 * sees to it that parameters from elsewhere are within reason. */
ti_crypto_result ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                  const unsigned char *salt, size_t salt_size, unsigned log2_n,
                                  unsigned r, unsigned p, unsigned char key[TI_CRYPTO_KEY_SIZE]);

#endif
