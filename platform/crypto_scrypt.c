/* scrypt (RFC 7914, whose names are kept): files that a passphrase protects are the same with every crypto library. */
#include "platform/crypto_scrypt.h"

#include "platform/crypto.h"
#include "platform/os.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Words, 64 bytes, that Salsa20/8 takes at once. */
#define CHUNK 16

/* A block is 2 * r chunks. */
typedef struct scrypt {
    size_t r, N, block;  /* block: its words */
    uint32_t *B, *Y, *V; /* V: N blocks */
} scrypt;

static uint32_t rotl(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t *x, size_t a, size_t b, size_t c, size_t d) {
    x[b] ^= rotl(x[a] + x[d], 7);
    x[c] ^= rotl(x[b] + x[a], 9);
    x[d] ^= rotl(x[c] + x[b], 13);
    x[a] ^= rotl(x[d] + x[c], 18);
}

/* Section 3. */
static void salsa20_8(uint32_t B[CHUNK]) {
    uint32_t x[CHUNK];

    memcpy(x, B, sizeof x);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) /* columns */
            quarter_round(x, 5 * k % 16, (5 * k + 4) % 16, (5 * k + 8) % 16, (5 * k + 12) % 16);
        for (size_t k = 0; k < 4; k++) /* rows */
            quarter_round(x, 5 * k, 4 * k + (k + 1) % 4, 4 * k + (k + 2) % 4, 4 * k + (k + 3) % 4);
    }
    for (size_t i = 0; i < CHUNK; i++) B[i] += x[i];
}

static void xor_words(uint32_t *to, const uint32_t *from, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] ^= from[i];
}

/* Section 4: in B, by way of Y. */
static void block_mix(const scrypt *s, uint32_t *B) {
    uint32_t X[CHUNK];

    memcpy(X, B + s->block - CHUNK, sizeof X);
    for (size_t i = 0; i < 2 * s->r; i++) {
        xor_words(X, B + i * CHUNK, CHUNK);
        salsa20_8(X);
        memcpy(s->Y + (i / 2 + i % 2 * s->r) * CHUNK, X, sizeof X);
    }
    memcpy(B, s->Y, s->block * sizeof *B);
}

/* Section 5. */
static void ro_mix(const scrypt *s, uint32_t *B) {
    for (size_t i = 0; i < s->N; i++) {
        memcpy(s->V + i * s->block, B, s->block * sizeof *B);
        block_mix(s, B);
    }
    for (size_t i = 0; i < s->N; i++) {
        size_t j = B[s->block - CHUNK] & (s->N - 1);

        xor_words(B, s->V + j * s->block, s->block);
        block_mix(s, B);
    }
}

/* Between words and bytes that have the lowest first, in place; its own inverse. */
static void convert(uint32_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned char b[4];

        memcpy(b, words + i, 4);
        words[i] = (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
    }
}

/* Section 2's bounds, as far as memory has room. */
static bool within_reason(unsigned log2_n, unsigned r, unsigned p) {
    uint64_t most = SIZE_MAX / 128;

    if (log2_n < 1 || log2_n > 31 || r == 0 || p == 0) return false;
    if ((uint64_t)r * p >= (uint64_t)1 << 30 || (uint64_t)r * p > most) return false;
    return ((uint64_t)r << log2_n) + r <= most;
}

ti_crypto_result ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                  const unsigned char *salt, size_t salt_size, unsigned log2_n,
                                  unsigned r, unsigned p, unsigned char key[TI_CRYPTO_KEY_SIZE]) {
    scrypt s = {.r = r, .N = (size_t)1 << (log2_n & 31), .block = (size_t)2 * CHUNK * r};
    size_t words = s.block * p, work;
    bool ok = false;

    memset(key, 0, TI_CRYPTO_KEY_SIZE);
    if (!within_reason(log2_n, r, p)) return TI_CRYPTO_FAILED;
    work = s.block * (s.N + 1);
    s.B = malloc(words * sizeof *s.B);
    s.Y = malloc(work * sizeof *s.Y);
    if (s.B != NULL && s.Y != NULL &&
        ti_crypto_pbkdf2(passphrase, passphrase_size, salt, salt_size, s.B, words * sizeof *s.B)) {
        s.V = s.Y + s.block;
        convert(s.B, words);
        for (size_t i = 0; i < p; i++) ro_mix(&s, s.B + i * s.block);
        convert(s.B, words);
        ok = ti_crypto_pbkdf2(passphrase, passphrase_size, s.B, words * sizeof *s.B, key,
                              TI_CRYPTO_KEY_SIZE);
    }
    if (!ok) ti_os_wipe(key, TI_CRYPTO_KEY_SIZE);
    if (s.B != NULL) ti_os_wipe(s.B, words * sizeof *s.B);
    if (s.Y != NULL) ti_os_wipe(s.Y, work * sizeof *s.Y);
    free(s.B);
    free(s.Y);
    return ok ? TI_CRYPTO_OK : TI_CRYPTO_FAILED;
}
