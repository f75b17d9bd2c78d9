/* A JWT, made by an encoder of its own, so that the decoder is not held against itself. */
#ifndef TS_JWT_H
#define TS_JWT_H

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

static inline size_t jwt_append(char *out, size_t used, const char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t bit = 0; bit < 8 * size; bit += 6) {
        unsigned high = (unsigned char)bytes[bit / 8];
        unsigned low = bit / 8 + 1 < size ? (unsigned char)bytes[bit / 8 + 1] : 0;

        out[used++] = digits[(high << 8 | low) >> (10 - bit % 8) & 63];
    }
    return used;
}

/* header.claims + rest, which begins with the dot before the signature. NULL: no memory. */
static inline ti_secret *jwt_secret(const char *header, const char *claims, size_t claims_size,
                                    const char *rest) {
    size_t header_size = strlen(header), rest_size = strlen(rest);
    char *text = malloc(2 * (header_size + claims_size) + rest_size + 8);
    ti_secret *token;
    size_t used;

    if (text == NULL) return NULL;
    used = jwt_append(text, 0, header, header_size);
    text[used++] = '.';
    used = jwt_append(text, used, claims, claims_size);
    memcpy(text + used, rest, rest_size);
    token = ti_secret_new(text, used + rest_size);
    free(text);
    return token;
}

#endif
