#include "openssl/evp.h"
#include "sys/random.h"

#include <windows.h>

#include <bcrypt.h>
#include <wincrypt.h>

#include <stdbool.h>
#include <string.h>

int RAND_bytes(unsigned char *bytes, int size) {
    return BCRYPT_SUCCESS(
        BCryptGenRandom(NULL, bytes, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG));
}

ptrdiff_t getrandom(void *bytes, size_t size, unsigned flags) {
    (void)flags;
    return RAND_bytes(bytes, (int)size) ? (ptrdiff_t)size : -1;
}

unsigned char *SHA256(const unsigned char *bytes, size_t size, unsigned char *digest) {
    BCRYPT_ALG_HANDLE algorithm;
    bool done =
        BCRYPT_SUCCESS(BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0));

    done = done && BCRYPT_SUCCESS(BCryptHash(algorithm, NULL, 0, (PUCHAR)bytes, (ULONG)size, digest,
                                             SHA256_DIGEST_LENGTH));
    BCryptCloseAlgorithmProvider(algorithm, 0);
    return done ? digest : NULL;
}

/* Room for the text and its NUL is there. */
int EVP_EncodeBlock(unsigned char *text, const unsigned char *bytes, int size) {
    DWORD room = (DWORD)(size + 2) / 3 * 4 + 1;

    if (size == 0) {
        *text = '\0';
        return 0;
    }
    CryptBinaryToStringA(bytes, (DWORD)size, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF,
                         (char *)text, &room);
    return (int)strlen((char *)text);
}

/* libcrypto counts padding as bytes of zero. */
int EVP_DecodeBlock(unsigned char *bytes, const unsigned char *text, int size) {
    DWORD room = (DWORD)size / 4 * 3, got = room;

    if (size % 4 != 0 || !CryptStringToBinaryA((const char *)text, (DWORD)size, CRYPT_STRING_BASE64,
                                               bytes, &got, NULL, NULL))
        return -1;
    memset(bytes + got, 0, room - got);
    return (int)room;
}
