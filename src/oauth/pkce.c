#include "oauth/pkce.h"

#include "platform/crypto.h"
#include "platform/os.h"

#include <string.h>

#define BYTES 32
_Static_assert(TI_SHA256_SIZE == BYTES, "a digest is as long as what is drawn");

/* RFC 4648 section 5, without padding. */
static void encode(const unsigned char bytes[BYTES], char text[TI_PKCE_SIZE]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t used = 0;
    for (size_t bit = 0; bit < (size_t)8 * BYTES; bit += 6) {
        unsigned pair = (unsigned)bytes[bit / 8] << 8;
        if (bit / 8 + 1 < BYTES) pair |= bytes[bit / 8 + 1];
        text[used++] = digits[pair >> (10 - bit % 8) & 63];
    }
    text[used] = '\0';
}

bool ti_pkce_draw(char value[TI_PKCE_SIZE]) {
    unsigned char bytes[BYTES];
    if (!ti_os_random(bytes, sizeof bytes)) return false;
    encode(bytes, value);
    ti_os_wipe(bytes, sizeof bytes);
    return true;
}

bool ti_pkce_challenge(const char *verifier, char challenge[TI_PKCE_SIZE]) {
    unsigned char digest[TI_SHA256_SIZE];
    if (!ti_crypto_sha256(verifier, strlen(verifier), digest)) return false;
    encode(digest, challenge);
    return true;
}
