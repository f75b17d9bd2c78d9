#include "oauth/jwt.h"

#include "base/buffer.h"
#include "oauth/json.h"
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
 * memory. */
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

/* The JSON object in one part of the token, or NULL. The claims are nobody's business: wiped. */
static json_t *part_object(const char *part, size_t size) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *value = NULL;
    if (append_base64url(&text, part, size)) {
        ti_json_load(text.data, text.size, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &value, NULL);
    }
    ti_buffer_free(&text);
    if (json_is_object(value)) return value;
    ti_json_wipe_and_free(value);
    return NULL;
}

static bool claims_lifetime_s(const json_t *claims, int64_t wall_ms, int64_t *lifetime_s) {
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
    return true;
}

bool ti_jwt_lifetime_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s) {
    const char *text = ti_secret_data(token);
    size_t size = ti_secret_size(token);
    if (!text || size > TOKEN_SIZE_MAX) return false;

    /* Three parts are signed (RFC 7515), five are encrypted (RFC 7516). */
    const char *end = text + size;
    const char *first_dot = memchr(text, '.', size);
    if (!first_dot) return false;
    const char *payload = first_dot + 1;
    const char *second_dot = memchr(payload, '.', (size_t)(end - payload));
    if (!second_dot) return false;
    const char *signature = second_dot + 1;
    if (memchr(signature, '.', (size_t)(end - signature))) return false;

    json_t *header = part_object(text, (size_t)(first_dot - text));
    json_t *claims = header && !json_object_get(header, "enc")
                         ? part_object(payload, (size_t)(second_dot - payload))
                         : NULL;
    bool known = claims && claims_lifetime_s(claims, wall_ms, lifetime_s);
    ti_json_wipe_and_free(claims);
    ti_json_wipe_and_free(header);
    return known;
}
