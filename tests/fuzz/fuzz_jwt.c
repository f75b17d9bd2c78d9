/*
 * Up to a newline: a token as it is. What stands behind it: claims, put into a token here, since no
 * mutation finds its way through base64url.
 */
#include "oauth/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "oauth/lifetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void read_token(const void *bytes, size_t size) {
    ti_secret *token = ti_secret_new(bytes, size);
    int64_t lifetime_s = -1;
    if (ti_jwt_lifetime_s(token, INT64_C(1767225600000), &lifetime_s)) {
        require(lifetime_s >= 1 && lifetime_s <= TI_LIFETIME_MAX_S);
    }
    ti_secret_unref(token);
}

static void read_claims(const uint8_t *claims, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char header[] = "eyJhbGciOiJub25lIn0.";
    char *text = malloc(sizeof header + 2 * size + 2);
    if (!text) return;
    size_t used = sizeof header - 1;
    memcpy(text, header, used);
    for (size_t bit = 0; bit < 8 * size; bit += 6) {
        unsigned high = claims[bit / 8], low = bit / 8 + 1 < size ? claims[bit / 8 + 1] : 0;
        text[used++] = digits[(high << 8 | low) >> (10 - bit % 8) & 63];
    }
    text[used++] = '.';
    read_token(text, used);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t token_size = newline ? (size_t)(newline - data) : size;
    read_token(data, token_size);
    if (newline) read_claims(newline + 1, size - token_size - 1);
    return 0;
}
