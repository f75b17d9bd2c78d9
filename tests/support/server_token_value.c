/* The text of a token: random, of a given size, and shaped like a JWT where wanted. */
#include "server_internal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { RANDOM_BYTES = 16, MIN_SIZE = 64 };

static void random_hex(char hex[2 * RANDOM_BYTES + 1]) {
    unsigned char bytes[RANDOM_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) abort();
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* Padding varies with the random part, so that a mixed-up half of two tokens shows. */
char *ts_random_value(const char *prefix, size_t size) {
    char hex[2 * RANDOM_BYTES + 1];

    if (size < MIN_SIZE) size = MIN_SIZE;
    char *value = ts_alloc(size + 1);
    random_hex(hex);
    size_t length = (size_t)snprintf(value, size + 1, "%s-%s", prefix, hex);
    for (; length < size; length++) value[length] = hex[length % (2 * RANDOM_BYTES)];
    return value;
}

char *ts_base64url(const void *bytes, size_t size) {
    char *encoded = ts_alloc((size + 2) / 3 * 4 + 1);
    int length = EVP_EncodeBlock((unsigned char *)encoded, bytes, (int)size);

    while (length > 0 && encoded[length - 1] == '=') encoded[--length] = '\0';
    for (char *c = encoded; *c; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
    }
    return encoded;
}

/* RFC 9068, with a signature that nobody can verify. */
static char *jwt_value(const ts_options *options, const char *user, size_t size) {
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}";
    json_int_t now_s = (json_int_t)time(NULL) + options->jwt_ahead_s;
    char hex[2 * RANDOM_BYTES + 1];

    random_hex(hex);
    json_t *claims = json_pack("{s:s,s:I,s:I,s:s}", "sub", user, "iat", now_s, "exp",
                               now_s + options->access_lifetime_ms / 1000, "jti", hex);
    char *payload = json_dumps(claims, JSON_COMPACT);
    char *head64 = ts_base64url(head, strlen(head));
    char *payload64 = ts_base64url(payload, strlen(payload));
    size_t used = strlen(head64) + strlen(payload64) + 2;
    char *signature = ts_random_value("sig", used < size ? size - used : 0);
    char *value = ts_format("%s.%s.%s", head64, payload64, signature);
    free(signature);
    free(payload64);
    free(head64);
    free(payload);
    json_decref(claims);
    return value;
}

char *ts_token_value(const ts_options *options, bool is_access, const char *user) {
    if (is_access && options->jwt) return jwt_value(options, user, options->token_size);
    return ts_random_value(is_access ? "access" : "refresh", options->token_size);
}
