/* Without a crypto library: SHA-256 as in FIPS 180-4, whose names are kept. */
#include "platform/crypto.h"

#include "platform/os.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE 64

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Wiped as a whole: a refresh token passes through it. */
typedef struct sha256 {
    uint32_t H[8];
    uint32_t W[64];
    unsigned char last[2 * BLOCK_SIZE]; /* what no whole block holds, padded */
} sha256;

static uint32_t rotr(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static uint32_t read_word(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Section 6.2.2, step 1. */
static void prepare_schedule(uint32_t W[64], const unsigned char *block) {
    for (size_t t = 0; t < 16; t++) W[t] = read_word(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t s0 = rotr(W[t - 15], 7) ^ rotr(W[t - 15], 18) ^ W[t - 15] >> 3;
        uint32_t s1 = rotr(W[t - 2], 17) ^ rotr(W[t - 2], 19) ^ W[t - 2] >> 10;
        W[t] = s1 + W[t - 7] + s0 + W[t - 16];
    }
}

/* Section 6.2.2, steps 2 to 4. */
static void hash_block(sha256 *state, const unsigned char *block) {
    uint32_t *H = state->H;
    uint32_t a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    prepare_schedule(state->W, block);
    for (size_t t = 0; t < 64; t++) {
        uint32_t S1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
        uint32_t S0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
        uint32_t T1 = h + S1 + ((e & f) ^ (~e & g)) + K[t] + state->W[t];
        uint32_t T2 = S0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + T1;
        d = c, c = b, b = a, a = T1 + T2;
    }
    H[0] += a, H[1] += b, H[2] += c, H[3] += d;
    H[4] += e, H[5] += f, H[6] += g, H[7] += h;
}

/* Section 5.1.1: a one bit, zeros, and the length in bits. Answers the number of blocks. */
static size_t pad(unsigned char last[2 * BLOCK_SIZE], const unsigned char *rest, size_t rest_size,
                  uint64_t total_size) {
    size_t blocks = rest_size + 1 + 8 <= BLOCK_SIZE ? 1 : 2;
    memset(last, 0, 2 * BLOCK_SIZE);
    if (rest_size > 0) memcpy(last, rest, rest_size);
    last[rest_size] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        last[blocks * BLOCK_SIZE - 1 - i] = (unsigned char)(total_size * 8 >> 8 * i);
    }
    return blocks;
}

bool ti_crypto_sha256(const void *data, size_t size, unsigned char digest[TI_SHA256_SIZE]) {
    sha256 state = {.H = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                          0x1f83d9ab, 0x5be0cd19}};
    const unsigned char *next = data;
    size_t rest = size;
    for (; rest >= BLOCK_SIZE; rest -= BLOCK_SIZE, next += BLOCK_SIZE) hash_block(&state, next);

    size_t blocks = pad(state.last, next, rest, size);
    for (size_t i = 0; i < blocks; i++) hash_block(&state, state.last + i * BLOCK_SIZE);

    for (size_t i = 0; i < TI_SHA256_SIZE; i++) {
        digest[i] = (unsigned char)(state.H[i / 4] >> (24 - 8 * (i % 4)));
    }
    ti_os_wipe(&state, sizeof state);
    return true;
}

/* The rest is not there. */
bool ti_crypto_can_seal(void) {
    return false;
}

ti_crypto_result ti_crypto_seal(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const void *text, size_t size,
                                unsigned char *sealed) {
    (void)key, (void)nonce, (void)bound, (void)bound_size, (void)text;
    memset(sealed, 0, size + TI_CRYPTO_TAG_SIZE);
    return TI_CRYPTO_UNSUPPORTED;
}

ti_crypto_result ti_crypto_open(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                                const unsigned char nonce[TI_CRYPTO_NONCE_SIZE], const void *bound,
                                size_t bound_size, const unsigned char *sealed, size_t size,
                                unsigned char *text) {
    (void)key, (void)nonce, (void)bound, (void)bound_size, (void)sealed;
    if (size > 0) memset(text, 0, size);
    return TI_CRYPTO_UNSUPPORTED;
}

ti_crypto_result ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                  const unsigned char *salt, size_t salt_size, unsigned log2_n,
                                  unsigned r, unsigned p, unsigned char key[TI_CRYPTO_KEY_SIZE]) {
    (void)passphrase, (void)passphrase_size, (void)salt, (void)salt_size;
    (void)log2_n, (void)r, (void)p;
    memset(key, 0, TI_CRYPTO_KEY_SIZE);
    return TI_CRYPTO_UNSUPPORTED;
}
