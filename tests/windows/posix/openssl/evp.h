/* What of libcrypto the test server asks for; from Windows. */
#ifndef TS_OPENSSL_H
#define TS_OPENSSL_H

#include <stddef.h>

#define SHA256_DIGEST_LENGTH 32

unsigned char *SHA256(const unsigned char *bytes, size_t size, unsigned char *digest);
int RAND_bytes(unsigned char *bytes, int size);
int EVP_EncodeBlock(unsigned char *text, const unsigned char *bytes, int size);
int EVP_DecodeBlock(unsigned char *bytes, const unsigned char *text, int size);

#endif
