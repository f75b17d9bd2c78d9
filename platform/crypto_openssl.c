/*
 * The functions that need no provider: EVP would load OpenSSL's, 40 kB, into apps whose libcurl has
 * no use for them. Deprecated in 3.0, hence the version of the API that is asked for.
 */
#define OPENSSL_API_COMPAT 0x10100000L

#include "platform/crypto.h"

#include "platform/os.h"

#include <openssl/sha.h>

_Static_assert(TI_SHA256_SIZE == SHA256_DIGEST_LENGTH, "the digest's size is SHA-256's");

bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    SHA256_CTX context;
    bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, data, size) == 1 &&
              SHA256_Final(digest, &context) == 1;
    ti_os_wipe(&context, sizeof context); /* what is hashed may be secret */
    return ok;
}
