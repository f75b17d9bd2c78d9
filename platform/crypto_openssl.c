/*
 * SHA-256 by the functions that need no provider: EVP would load OpenSSL's, 40 kB, into apps whose
 * libcurl has no use for them. Deprecated in 3.0, hence the version of the API that is asked for.
 * The rest is EVP's, and paid for by those who use the file store.
 */
#define OPENSSL_API_COMPAT 0x10100000L

#include "platform/crypto.h"

#include "platform/os.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <limits.h>
#include <stdint.h>

_Static_assert(TI_SHA256_SIZE == SHA256_DIGEST_LENGTH, "the digest's size is SHA-256's");

bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    SHA256_CTX context;
    bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, data, size) == 1 &&
              SHA256_Final(digest, &context) == 1;
    ti_os_wipe(&context, sizeof context); /* what is hashed may be secret */
    return ok;
}

bool ti_crypto_can_seal(void) {
    return true;
}

/* EVP counts in int, and takes no update of zero bytes in every version. */
static bool update(EVP_CIPHER_CTX *context, unsigned char *out, const void *in, size_t size) {
    int written;
    return size == 0 ||
           (size <= INT_MAX && EVP_CipherUpdate(context, out, &written, in, (int)size) == 1);
}

static EVP_CIPHER_CTX *begin(const unsigned char *key, const unsigned char *nonce,
                             const void *bound, size_t bound_size, bool sealing) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context) return NULL;
    if (EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, sealing) == 1 &&
        update(context, NULL, bound, bound_size)) {
        return context;
    }
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

ti_crypto_result ti_crypto_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const void *text, size_t size,
                                unsigned char *sealed) {
    /* Failures leave reports in the thread's queue, where the app would take them for its own. */
    ERR_set_mark();
    int written;
    EVP_CIPHER_CTX *context = begin(key, nonce, bound, bound_size, true);
    bool ok =
        context && update(context, sealed, text, size) &&
        EVP_CipherFinal_ex(context, sealed + size, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TI_CRYPTO_TAG_SIZE, sealed + size) == 1;
    EVP_CIPHER_CTX_free(context); /* wipes the key */
    ERR_pop_to_mark();
    return ok ? TI_CRYPTO_OK : TI_CRYPTO_FAILED;
}

static ti_crypto_result unseal(EVP_CIPHER_CTX *context, const unsigned char *sealed, size_t size,
                               unsigned char *text) {
    unsigned char nothing[1];
    int written;
    if (!update(context, text, sealed, size) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TI_CRYPTO_TAG_SIZE,
                            (unsigned char *)(uintptr_t)sealed + size) != 1) {
        return TI_CRYPTO_FAILED;
    }
    return EVP_CipherFinal_ex(context, nothing, &written) == 1 ? TI_CRYPTO_OK : TI_CRYPTO_MISMATCH;
}

ti_crypto_result ti_crypto_open(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const unsigned char *sealed, size_t size,
                                unsigned char *text) {
    ERR_set_mark();
    EVP_CIPHER_CTX *context = begin(key, nonce, bound, bound_size, false);
    ti_crypto_result result = context ? unseal(context, sealed, size, text) : TI_CRYPTO_FAILED;
    if (result != TI_CRYPTO_OK) ti_os_wipe(text, size); /* nobody vouches for it */
    EVP_CIPHER_CTX_free(context);
    ERR_pop_to_mark();
    return result;
}

ti_crypto_result ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                  const unsigned char *salt, size_t salt_size, unsigned log2_n,
                                  unsigned r, unsigned p, unsigned char key[TI_CRYPTO_KEY_SIZE]) {
#ifdef OPENSSL_NO_SCRYPT
    (void)passphrase, (void)passphrase_size, (void)salt, (void)salt_size;
    (void)log2_n, (void)r, (void)p, (void)key;
    return TI_CRYPTO_UNSUPPORTED;
#else
    if (log2_n < 1 || log2_n > 31) return TI_CRYPTO_FAILED;
    /* B, V and the work space: OpenSSL asks for a little more than RFC 7914 says. */
    uint64_t n = (uint64_t)1 << log2_n, memory_max = 128 * (uint64_t)r * (n + p + 8);
    ERR_set_mark();
    bool ok = EVP_PBE_scrypt(passphrase, passphrase_size, salt, salt_size, n, r, p, memory_max, key,
                             TI_CRYPTO_KEY_SIZE) == 1;
    ERR_pop_to_mark();
    if (!ok) ti_os_wipe(key, TI_CRYPTO_KEY_SIZE);
    return ok ? TI_CRYPTO_OK : TI_CRYPTO_FAILED;
#endif
}
