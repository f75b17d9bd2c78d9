/*
 * What the library needs of a crypto library. One file crypto_<library>.c is linked:
 * crypto_openssl, or crypto_none, which has SHA-256 only. Below every floor: it includes nothing of
 * the library.
 */
#ifndef TI_CRYPTO_H
#define TI_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#define TI_SHA256_SIZE 32

/* false: no memory. */
bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]);

#endif
