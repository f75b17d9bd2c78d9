#include "oauth/jwt.h"

#include "oauth/lifetime.h"

#include <string.h>

#define TOKEN_SIZE_MAX ((size_t)64 << 10)

/* RFC 4648 section 5; -1: not in the alphabet. */
static int base64url_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    if (c == '_') return 63;
    return -1;
}

/* Appends the decoded bytes. false: not base64url without padding (RFC 7515 section 2), or no
 * memory, as out says. */
static bool append_base64url(ti_buffer *out, const char *text, size_t size) {
    if (size % 4 == 1 || !ti_buffer_reserve(out, size / 4 * 3 + 2)) return false;
    unsigned bits = 0;
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = base64url_digit(text[i]);
        if (digit < 0) return false;
        bits = (bits << 6 | (unsigned)digit) & 0xFFFF;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        char byte = (char)(bits >> count & 0xFF);
        if (!ti_buffer_append(out, &byte, 1)) return false;
    }
    return true;
}

/* The JSON object in one part of the token. */
static ti_json_result decode_part(const char *part, size_t size, size_t flags, ti_buffer *text,
                                  json_t **object) {
    *object = NULL;
    if (!append_base64url(text, part, size)) {
        return text->failed ? TI_JSON_NO_MEMORY : TI_JSON_INVALID;
    }
    ti_json_result result = ti_json_load(text->data, text->size, flags, object, NULL);
    if (result != TI_JSON_OK || json_is_object(*object)) return result;
    ti_json_wipe_and_free(*object);
    *object = NULL;
    return TI_JSON_INVALID;
}

/* Without "enc", which would make what follows something else than claims. */
static ti_json_result check_header(const char *part, size_t size) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *header;
    ti_json_result result =
        decode_part(part, size, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &text, &header);
    if (json_object_get(header, "enc")) result = TI_JSON_INVALID;
    ti_json_wipe_and_free(header);
    ti_buffer_free(&text);
    return result;
}

ti_json_result ti_jwt_claims(const ti_secret *token, size_t flags, ti_buffer *text,
                             json_t **claims) {
    const char *bytes = ti_secret_data(token);
    size_t size = ti_secret_size(token);
    *claims = NULL;
    if (!bytes) return TI_JSON_INVALID;
    if (size > TOKEN_SIZE_MAX) return TI_JSON_TOO_LARGE;

    /* Three parts are signed (RFC 7515), five are encrypted (RFC 7516). */
    const char *end = bytes + size;
    const char *first_dot = memchr(bytes, '.', size);
    if (!first_dot) return TI_JSON_INVALID;
    const char *payload = first_dot + 1;
    const char *second_dot = memchr(payload, '.', (size_t)(end - payload));
    if (!second_dot) return TI_JSON_INVALID;
    const char *signature = second_dot + 1;
    if (memchr(signature, '.', (size_t)(end - signature))) return TI_JSON_INVALID;

    ti_json_result result = check_header(bytes, (size_t)(first_dot - bytes));
    if (result != TI_JSON_OK) return result;
    return decode_part(payload, (size_t)(second_dot - payload),
                       flags | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, text, claims);
}

static bool claims_times_s(const json_t *claims, int64_t wall_ms, int64_t *lifetime_s,
                           int64_t *left_s) {
    double now = (double)wall_ms / 1000, expires, issued;
    if (!ti_json_number(json_object_get(claims, "exp"), &expires) || expires <= now) return false;

    /* exp - iat is right whatever the local clock says. An iat of 0 or of another age was never
     * the time of issue. */
    double lifetime = expires - now;
    if (ti_json_number(json_object_get(claims, "iat"), &issued) && issued < expires &&
        expires - issued <= TI_LIFETIME_MAX_S) {
        lifetime = expires - issued;
    }
    *lifetime_s = ti_lifetime_clamp(lifetime);
    *left_s = ti_lifetime_clamp(expires - now);
    if (*left_s > *lifetime_s) *left_s = *lifetime_s;
    return true;
}

bool ti_jwt_times_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s, int64_t *left_s) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *claims;
    bool known = ti_jwt_claims(token, 0, &text, &claims) == TI_JSON_OK &&
                 claims_times_s(claims, wall_ms, lifetime_s, left_s);
    ti_json_wipe_and_free(claims); /* they are nobody's business */
    ti_buffer_free(&text);
    return known;
}

bool ti_jwt_lifetime_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s) {
    int64_t left_s;
    return ti_jwt_times_s(token, wall_ms, lifetime_s, &left_s);
}
