/*
 * Up to a newline: a token as it is. What stands behind it: claims, put into a token here, since no
 * mutation finds its way through base64url.
 */
#include "oauth/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "oauth/lifetime.h"
#include "tests/support/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void read_token(ti_secret *token) {
    int64_t lifetime_s = -1;
    if (ti_jwt_lifetime_s(token, INT64_C(1767225600000), &lifetime_s)) {
        require(lifetime_s >= 1 && lifetime_s <= TI_LIFETIME_MAX_S);
    }
    ti_secret_unref(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t token_size = newline ? (size_t)(newline - data) : size;
    read_token(ti_secret_new(data, token_size));
    if (!newline) return 0;
    read_token(
        jwt_secret("{\"alg\":\"none\"}", (const char *)newline + 1, size - token_size - 1, "."));
    return 0;
}
