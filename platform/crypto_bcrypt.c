/* Windows' own: CNG, the Cryptography API: Next Generation. scrypt, which it lacks, is in crypto_scrypt.c. */
#include "platform/crypto.h"

#include "platform/crypto_scrypt.h"
#include "platform/os.h"

#include <windows.h>

#include <bcrypt.h>

#include <limits.h>

#define AUTHENTICATION_FAILED ((NTSTATUS)0xC000A002) /* STATUS_AUTH_TAG_MISMATCH */

/* Opened by the first who needs one, and kept; any thread may use them. */
static struct {
    INIT_ONCE once;
    BCRYPT_ALG_HANDLE sha256, hmac, gcm;
} algorithms = {.once = INIT_ONCE_STATIC_INIT};

static void close_algorithm(BCRYPT_ALG_HANDLE *algorithm) {
    if (*algorithm) BCryptCloseAlgorithmProvider(*algorithm, 0);
    *algorithm = NULL;
}

static bool open_all(void) {
    wchar_t mode[] = BCRYPT_CHAIN_MODE_GCM;
    return BCRYPT_SUCCESS(
               BCryptOpenAlgorithmProvider(&algorithms.sha256, BCRYPT_SHA256_ALGORITHM, NULL, 0)) &&
           BCRYPT_SUCCESS(BCryptOpenAlgorithmProvider(&algorithms.hmac, BCRYPT_SHA256_ALGORITHM,
                                                      NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG)) &&
           BCRYPT_SUCCESS(
               BCryptOpenAlgorithmProvider(&algorithms.gcm, BCRYPT_AES_ALGORITHM, NULL, 0)) &&
           BCRYPT_SUCCESS(BCryptSetProperty(algorithms.gcm, BCRYPT_CHAINING_MODE, (PUCHAR)mode,
                                            sizeof mode, 0));
}

static BOOL CALLBACK open_algorithms(INIT_ONCE *once, void *unused, void **context) {
    (void)once, (void)unused, (void)context;
    if (open_all()) return TRUE;
    close_algorithm(&algorithms.gcm);
    close_algorithm(&algorithms.hmac);
    close_algorithm(&algorithms.sha256);
    return FALSE;
}

/* false: no memory. The next one tries again. */
static bool begin(void) {
    return InitOnceExecuteOnce(&algorithms.once, open_algorithms, NULL, NULL);
}

/* What CNG takes at once. NULL stands for a question there, and for nothing here. */
static bool fits(size_t size) {
    return size <= ULONG_MAX;
}

static PUCHAR given(const void *bytes) {
    static unsigned char nothing[1];
    return bytes ? (PUCHAR)bytes : nothing;
}

bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    return fits(size) && begin() &&
           BCRYPT_SUCCESS(BCryptHash(algorithms.sha256, NULL, 0, given(data), (ULONG)size, digest,
                                     TI_SHA256_SIZE));
}

bool ti_crypto_pbkdf2(const char *passphrase, size_t passphrase_size, const void *salt,
                      size_t salt_size, void *out, size_t size) {
    return fits(passphrase_size) && fits(salt_size) && fits(size) && begin() &&
           BCRYPT_SUCCESS(BCryptDeriveKeyPBKDF2(algorithms.hmac, given(passphrase),
                                                (ULONG)passphrase_size, given(salt),
                                                (ULONG)salt_size, 1, out, (ULONG)size, 0));
}

bool ti_crypto_can_seal(void) {
    return true;
}

static BCRYPT_KEY_HANDLE new_key(const unsigned char *key) {
    BCRYPT_KEY_HANDLE made = NULL;
    if (!begin() || !BCRYPT_SUCCESS(BCryptGenerateSymmetricKey(
                        algorithms.gcm, &made, NULL, 0, (PUCHAR)key, TI_CRYPTO_KEY_SIZE, 0))) {
        return NULL;
    }
    return made;
}

static BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode_of(const unsigned char *nonce, const void *bound,
                                                     size_t bound_size, const unsigned char *tag) {
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode;
    BCRYPT_INIT_AUTH_MODE_INFO(mode);
    mode.pbNonce = (PUCHAR)nonce;
    mode.cbNonce = TI_CRYPTO_NONCE_SIZE;
    mode.pbAuthData = bound_size > 0 ? (PUCHAR)bound : NULL;
    mode.cbAuthData = (ULONG)bound_size;
    mode.pbTag = (PUCHAR)tag;
    mode.cbTag = TI_CRYPTO_TAG_SIZE;
    return mode;
}

ti_crypto_result ti_crypto_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const void *text, size_t size,
                                unsigned char *sealed) {
    if (!fits(size) || !fits(bound_size)) return TI_CRYPTO_FAILED;
    BCRYPT_KEY_HANDLE secret = new_key(key);
    if (!secret) return TI_CRYPTO_FAILED;
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode = mode_of(nonce, bound, bound_size, sealed + size);
    ULONG done;
    NTSTATUS status = BCryptEncrypt(secret, given(text), (ULONG)size, &mode, NULL, 0, sealed,
                                    (ULONG)size, &done, 0);
    BCryptDestroyKey(secret); /* wipes it */
    return BCRYPT_SUCCESS(status) ? TI_CRYPTO_OK : TI_CRYPTO_FAILED;
}

ti_crypto_result ti_crypto_open(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const unsigned char *sealed, size_t size,
                                unsigned char *text) {
    NTSTATUS status = -1;
    BCRYPT_KEY_HANDLE secret = fits(size) && fits(bound_size) ? new_key(key) : NULL;
    if (secret) {
        BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode =
            mode_of(nonce, bound, bound_size, sealed + size);
        ULONG done;
        status = BCryptDecrypt(secret, (PUCHAR)sealed, (ULONG)size, &mode, NULL, 0, given(text),
                               (ULONG)size, &done, 0);
        BCryptDestroyKey(secret);
    }
    if (BCRYPT_SUCCESS(status)) return TI_CRYPTO_OK;
    ti_os_wipe(text, size); /* nobody vouches for it */
    return status == AUTHENTICATION_FAILED ? TI_CRYPTO_MISMATCH : TI_CRYPTO_FAILED;
}
