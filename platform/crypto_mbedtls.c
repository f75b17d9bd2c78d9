/* mbedTLS 2.28 or 3, for firmware that has it below libcurl already. scrypt, which it lacks, is in crypto_scrypt.c. */
#include "platform/crypto.h"

#include "platform/crypto_scrypt.h"
#include "platform/os.h"

#include <mbedtls/gcm.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include <pthread.h>

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256 mbedtls_sha256_ret
#endif

/* Its own contexts are on the stack and wiped; an engine in hardware may fail. */
bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    static const unsigned char nothing[1];

    return mbedtls_sha256(size > 0 ? data : nothing, size, digest, 0) == 0;
}

bool ti_crypto_can_seal(void) {
    return true;
}

/* The first key of a process makes the tables of AES, which mbedTLS does not do under a lock. */
static void make_tables(void) {
    static const unsigned char no_key[TI_CRYPTO_KEY_SIZE];
    mbedtls_gcm_context context;

    mbedtls_gcm_init(&context);
    mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, no_key, 8 * TI_CRYPTO_KEY_SIZE);
    mbedtls_gcm_free(&context);
}

/* mbedtls_gcm_free() is due also where this says false. */
static bool begin(mbedtls_gcm_context *context, const unsigned char *key) {
    static pthread_once_t tables = PTHREAD_ONCE_INIT;

    pthread_once(&tables, make_tables);
    mbedtls_gcm_init(context);
    return mbedtls_gcm_setkey(context, MBEDTLS_CIPHER_ID_AES, key, 8 * TI_CRYPTO_KEY_SIZE) == 0;
}

ti_crypto_result ti_crypto_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const void *text, size_t size,
                                unsigned char *sealed) {
    mbedtls_gcm_context context;
    bool ok = begin(&context, key) &&
              mbedtls_gcm_crypt_and_tag(&context, MBEDTLS_GCM_ENCRYPT, size, nonce,
                                        TI_CRYPTO_NONCE_SIZE, bound, bound_size, text, sealed,
                                        TI_CRYPTO_TAG_SIZE, sealed + size) == 0;

    mbedtls_gcm_free(&context); /* wipes the key */
    return ok ? TI_CRYPTO_OK : TI_CRYPTO_FAILED;
}

ti_crypto_result ti_crypto_open(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const unsigned char *sealed, size_t size,
                                unsigned char *text) {
    mbedtls_gcm_context context;
    int code = MBEDTLS_ERR_GCM_BAD_INPUT;

    if (begin(&context, key))
        code =
            mbedtls_gcm_auth_decrypt(&context, size, nonce, TI_CRYPTO_NONCE_SIZE, bound, bound_size,
                                     sealed + size, TI_CRYPTO_TAG_SIZE, sealed, text);
    mbedtls_gcm_free(&context);
    if (code == 0) return TI_CRYPTO_OK;
    ti_os_wipe(text, size); /* nobody vouches for it */
    return code == MBEDTLS_ERR_GCM_AUTH_FAILED ? TI_CRYPTO_MISMATCH : TI_CRYPTO_FAILED;
}

bool ti_crypto_pbkdf2(const char *passphrase, size_t passphrase_size, const void *salt,
                      size_t salt_size, void *out, size_t size) {
    const unsigned char *password = (const unsigned char *)passphrase;
#if MBEDTLS_VERSION_NUMBER >= 0x03030000
    return mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, password, passphrase_size, salt,
                                         salt_size, 1, (uint32_t)size, out) == 0;
#else
    mbedtls_md_context_t context;
    bool ok;

    mbedtls_md_init(&context);
    ok = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
         mbedtls_pkcs5_pbkdf2_hmac(&context, password, passphrase_size, salt, salt_size, 1,
                                   (uint32_t)size, out) == 0;
    mbedtls_md_free(&context);
    return ok;
#endif
}
