#include "platform/crypto.h"

#include <openssl/evp.h>

bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    return EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) == 1;
}
