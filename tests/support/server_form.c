/* application/x-www-form-urlencoded, both ways. */
#include "server_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char *ts_form_decode(const char *text, size_t size) {
    char *decoded = ts_alloc(size + 1), *out = decoded;

    for (size_t i = 0; i < size; i++) {
        int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (text[i] == '%' && low >= 0) {
            *out++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *out++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

char *ts_form_field(const char *body, const char *name) {
    size_t name_size = strlen(name);

    for (const char *field = body; field && *field;) {
        size_t size = strcspn(field, "&");
        if (size > name_size && field[name_size] == '=' && strncmp(field, name, name_size) == 0) {
            return ts_form_decode(field + name_size + 1, size - name_size - 1);
        }
        field += size + (field[size] == '&');
    }
    return NULL;
}

static bool is_unreserved(char c) { /* RFC 3986 section 2.3; not isalnum(), which has a locale */
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static char *form_encode(const char *text) {
    char *encoded = ts_alloc(3 * strlen(text) + 1), *out = encoded;

    for (; *text; text++) {
        if (is_unreserved(*text))
            *out++ = *text;
        else
            out += sprintf(out, "%%%02X", (unsigned char)*text);
    }
    return encoded;
}

void ts_query_add(char **url, const char *name, const char *value) {
    if (!value) return;

    char *encoded = form_encode(value);
    char *longer = ts_format("%s%c%s=%s", *url, strchr(*url, '?') ? '&' : '?', name, encoded);
    free(encoded);
    free(*url);
    *url = longer;
}
