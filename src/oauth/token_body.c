#include "oauth/token_body.h"

#include "base/buffer.h"
#include "oauth/json.h"

#include <string.h>

#define FORM_FIELDS_MAX 256
/* A control character that JSON allows, and that no token may hold. */
#define NOT_UTF8 '\x7F'

/* Numbers as reals, so that an expires_in beyond 64 bits is large, and not a syntax error. */
#define LOAD_FLAGS (JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL)

static const char *const token_names[] = {"access_token", "accessToken"};

/* --- JSON --- */

/* One broken byte in a person's name should not cost the session. */
static ti_json_result load_without_8bit(const char *text, size_t size, json_t **value) {
    ti_buffer copy = TI_BUFFER_SECRET;
    if (!ti_buffer_append(&copy, text, size)) return TI_JSON_NO_MEMORY;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)copy.data[i] >= 0x80) copy.data[i] = NOT_UTF8;
    }
    ti_json_result result = ti_json_load(copy.data, size, LOAD_FLAGS, value, NULL);
    ti_buffer_free(&copy);
    return result;
}

static ti_token_body read_json(const char *text, size_t size, json_t **object) {
    json_error_t where;
    json_t *value;
    ti_json_result result = ti_json_load(text, size, LOAD_FLAGS, &value, &where);
    if (result == TI_JSON_INVALID && json_error_code(&where) == json_error_invalid_utf8) {
        result = load_without_8bit(text, size, &value);
    }
    switch (result) {
    case TI_JSON_OK:
        break;
    case TI_JSON_TOO_LARGE:
        return TI_TOKEN_BODY_TOO_LARGE;
    case TI_JSON_NO_MEMORY:
        return TI_TOKEN_BODY_NO_MEMORY;
    case TI_JSON_INVALID:
        return TI_TOKEN_BODY_UNREADABLE;
    }
    for (size_t i = 0; i < sizeof token_names / sizeof *token_names; i++) {
        if (ti_json_contradicts(text, size, token_names[i])) {
            ti_json_wipe_and_free(value);
            return TI_TOKEN_BODY_CONTRADICTION;
        }
    }
    *object = value;
    return TI_TOKEN_BODY_OBJECT;
}

/* --- a form --- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* A % without two digits behind it stays. */
static bool decode_field(ti_buffer *out, const char *text, size_t size) {
    ti_buffer_clear(out);
    if (!ti_buffer_reserve(out, size)) return false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        bool escaped =
            c == '%' && size - i > 2 && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (escaped) {
            c = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
            i += 2;
        }
        if ((unsigned char)c >= 0x80) c = NOT_UTF8;
        if (!ti_buffer_append(out, &c, 1)) return false;
    }
    return true;
}

static bool is_token_name(const char *name) {
    for (size_t i = 0; i < sizeof token_names / sizeof *token_names; i++) {
        if (strcmp(name, token_names[i]) == 0) return true;
    }
    return false;
}

/* Adds one name=value, the last of a name wins. name and value are room to decode into. */
static ti_token_body add_field(json_t *object, const char *field, size_t size, ti_buffer *name,
                               ti_buffer *value) {
    const char *equals = memchr(field, '=', size);
    size_t name_size = equals ? (size_t)(equals - field) : size;
    size_t value_size = equals ? size - name_size - 1 : 0;
    if (!decode_field(name, field, name_size) ||
        !decode_field(value, equals ? equals + 1 : "", value_size)) {
        return TI_TOKEN_BODY_NO_MEMORY;
    }

    const json_t *earlier = json_object_get(object, name->data);
    bool differs = earlier && (json_string_length(earlier) != value->size ||
                               memcmp(json_string_value(earlier), value->data, value->size) != 0);
    if (differs && is_token_name(name->data)) return TI_TOKEN_BODY_CONTRADICTION;
    json_t *text = json_stringn_nocheck(value->data, value->size);
    if (json_object_set_new_nocheck(object, name->data, text) != 0) return TI_TOKEN_BODY_NO_MEMORY;
    return TI_TOKEN_BODY_OBJECT;
}

static ti_token_body read_form(const char *text, size_t size, json_t **object) {
    ti_buffer name = TI_BUFFER_SECRET, value = TI_BUFFER_SECRET;
    json_t *fields = json_object();
    ti_token_body result = fields ? TI_TOKEN_BODY_OBJECT : TI_TOKEN_BODY_NO_MEMORY;

    const char *end = text + size;
    for (size_t count = 0; result == TI_TOKEN_BODY_OBJECT && text < end; count++) {
        const char *ampersand = memchr(text, '&', (size_t)(end - text));
        const char *field_end = ampersand ? ampersand : end;
        result = count == FORM_FIELDS_MAX
                     ? TI_TOKEN_BODY_TOO_LARGE
                     : add_field(fields, text, (size_t)(field_end - text), &name, &value);
        text = ampersand ? ampersand + 1 : end;
    }
    ti_buffer_free(&name);
    ti_buffer_free(&value);
    if (result == TI_TOKEN_BODY_OBJECT) {
        *object = fields;
    } else {
        ti_json_wipe_and_free(fields);
    }
    return result;
}

/* Any text can be read as a form; one of these fields makes it one. */
static bool looks_like_form(const char *text, size_t size) {
    static const char *const fields[] = {"access_token=", "accessToken=", "error="};
    const char *end = text + size;
    while (text < end) {
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            size_t length = strlen(fields[i]);
            if ((size_t)(end - text) >= length && memcmp(text, fields[i], length) == 0) return true;
        }
        const char *ampersand = memchr(text, '&', (size_t)(end - text));
        text = ampersand ? ampersand + 1 : end;
    }
    return false;
}

/* --- which of them --- */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

ti_token_body ti_token_body_read(const char *body, size_t size, json_t **object) {
    *object = NULL;
    if (size > TI_JSON_SIZE_MAX) return TI_TOKEN_BODY_TOO_LARGE;
    if (size >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0) { /* RFC 8259 section 8.1 */
        body += 3;
        size -= 3;
    }
    while (size > 0 && is_space(*body)) {
        body++;
        size--;
    }
    while (size > 0 && is_space(body[size - 1])) size--;

    if (size == 0) return TI_TOKEN_BODY_EMPTY;
    if (*body == '{') return read_json(body, size, object);
    if (*body == '<') return TI_TOKEN_BODY_MARKUP;
    if (looks_like_form(body, size)) return read_form(body, size, object);
    return TI_TOKEN_BODY_UNREADABLE;
}
