/* What crypto_scrypt.c, which stands in for crypto libraries without scrypt, needs of them. */
#ifndef TI_CRYPTO_SCRYPT_H
#define TI_CRYPTO_SCRYPT_H

#include <stdbool.h>
#include <stddef.h>

/* PBKDF2 with HMAC-SHA-256 and one iteration (RFC 8018 section 5.2). false: no memory. */
bool ti_crypto_pbkdf2(const char *passphrase, size_t passphrase_size, const void *salt,
                      size_t salt_size, void *out, size_t size);

#endif
