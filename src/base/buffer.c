#include "base/buffer.h"

#include "platform/os.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 64

/* realloc() may move the bytes and free the old block as it is, so a secret is moved by hand. */
static char *move_secret(const ti_buffer *buffer, size_t capacity) {
    char *data = malloc(capacity);
    if (!data) return NULL;
    if (buffer->data) {
        memcpy(data, buffer->data, buffer->size);
        ti_os_wipe(buffer->data, buffer->capacity);
        free(buffer->data);
    }
    return data;
}

bool ti_buffer_reserve(ti_buffer *buffer, size_t more) {
    if (buffer->failed) return false;
    if (more > SIZE_MAX - 1 - buffer->size) return !(buffer->failed = true);
    size_t needed = buffer->size + more + 1;
    if (needed <= buffer->capacity) return true;

    size_t capacity = buffer->capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * buffer->capacity;
    if (capacity < CAPACITY_MIN) capacity = CAPACITY_MIN;
    if (capacity < needed) capacity = needed;
    char *data = buffer->secret ? move_secret(buffer, capacity) : realloc(buffer->data, capacity);
    if (!data) return !(buffer->failed = true);

    data[buffer->size] = '\0';
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool ti_buffer_append(ti_buffer *buffer, const void *bytes, size_t size) {
    if (!ti_buffer_reserve(buffer, size)) return false;
    if (size > 0) memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
    return true;
}

bool ti_buffer_append_string(ti_buffer *buffer, const char *text) {
    return ti_buffer_append(buffer, text, strlen(text));
}

/* What application/x-www-form-urlencoded leaves as it is (RFC 6749 appendix B); not ctype.h, which
 * follows the app's locale. */
static bool stays_plain(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' ||
           c == '-' || c == '.' || c == '_';
}

/* SIZE_MAX where it does not fit into a size_t, which no reserve can satisfy. */
static size_t encoded_size(const char *text, size_t size) {
    size_t total = 0;
    for (size_t i = 0; i < size; i++) {
        size_t more = text[i] == ' ' || stays_plain((unsigned char)text[i]) ? 1 : 3;
        if (total > SIZE_MAX - more) return SIZE_MAX;
        total += more;
    }
    return total;
}

/* The room is reserved. */
static void put_encoded(ti_buffer *buffer, const char *text, size_t size) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = buffer->data + buffer->size;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (stays_plain(c)) {
            *out++ = (char)c;
        } else if (c == ' ') {
            *out++ = '+';
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out = '\0';
    buffer->size = (size_t)(out - buffer->data);
}

bool ti_buffer_append_form_encoded(ti_buffer *buffer, const char *text, size_t size) {
    if (!ti_buffer_reserve(buffer, encoded_size(text, size))) return false;
    put_encoded(buffer, text, size);
    return true;
}

bool ti_buffer_append_form(ti_buffer *buffer, const char *name, const char *value,
                           size_t value_size) {
    size_t name_size = strlen(name);
    size_t encoded_name = encoded_size(name, name_size);
    size_t encoded_value = encoded_size(value, value_size);
    /* All room at once, so that a pair is there whole or not at all. */
    size_t more = encoded_name > SIZE_MAX - 2 || encoded_value > SIZE_MAX - 2 - encoded_name
                      ? SIZE_MAX
                      : encoded_name + encoded_value + 2;
    if (!ti_buffer_reserve(buffer, more)) return false;

    if (buffer->size > 0) buffer->data[buffer->size++] = '&';
    put_encoded(buffer, name, name_size);
    buffer->data[buffer->size++] = '=';
    put_encoded(buffer, value, value_size);
    return true;
}

void ti_buffer_clear(ti_buffer *buffer) {
    if (buffer->secret) ti_os_wipe(buffer->data, buffer->capacity);
    if (buffer->data) buffer->data[0] = '\0';
    buffer->size = 0;
    buffer->failed = false;
}

void ti_buffer_free(ti_buffer *buffer) {
    if (!buffer) return;
    if (buffer->secret) ti_os_wipe(buffer->data, buffer->capacity);
    free(buffer->data);
    *buffer = (ti_buffer){.secret = buffer->secret};
}
