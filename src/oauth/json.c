#include "oauth/json.h"

#include "platform/os.h"

#include <string.h>

/* The index behind the string that begins at text[start], which is a quote; size where the string
 * does not end. */
static size_t string_end(const char *text, size_t size, size_t start) {
    for (size_t i = start + 1; i < size; i++) {
        if (text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return size;
}

/* Jansson recurses 2048 levels deep, which a small thread stack does not survive. */
static bool is_too_deep(const char *text, size_t size) {
    size_t depth = 0;
    for (size_t i = 0; i < size; i++) {
        switch (text[i]) {
        case '"':
            i = string_end(text, size, i) - 1;
            break;
        case '{':
        case '[':
            if (++depth > TI_JSON_DEPTH_MAX) return true;
            break;
        case '}':
        case ']':
            if (depth > 0) depth--;
            break;
        default:
            break;
        }
    }
    return false;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return (c | 0x20) - 'a' + 10;
}

/* The size in UTF-8 of what "\uXXXX" stands for; a surrogate pair counts with its first half. */
static size_t escaped_size(const char *digits) {
    int code = hex_digit(digits[0]) << 12 | hex_digit(digits[1]) << 8 | hex_digit(digits[2]) << 4 |
               hex_digit(digits[3]);
    if (code >= 0xDC00 && code <= 0xDFFF) return 0;
    if (code >= 0xD800 && code <= 0xDBFF) return 4;
    return code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
}

/* Of all strings in text, which is valid JSON, names included and decoded. */
static size_t strings_size_of_text(const char *text, size_t size) {
    size_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '"') continue;
        size_t end = string_end(text, size, i) - 1;
        for (i++; i < end; i++) {
            if (text[i] == '\\' && text[++i] == 'u') {
                sum += escaped_size(text + i + 1);
                i += 4;
            } else {
                sum++;
            }
        }
    }
    return sum;
}

static size_t strings_size_of(json_t *value) {
    size_t sum = json_string_length(value), index;
    const char *name;
    json_t *member;

    json_array_foreach(value, index, member) {
        sum += strings_size_of(member);
    }
    json_object_foreach(value, name, member) {
        sum += strlen(name) + strings_size_of(member);
    }
    return sum;
}

/*
 * Jansson goes on where its buffer for a string cannot grow, and the string lacks bytes: half a
 * refresh token would be taken for a whole one. Fewer bytes than in the text are right only where
 * a name came twice.
 */
static bool is_whole(json_t *value, const char *text, size_t size, size_t flags) {
    if (strings_size_of(value) == strings_size_of_text(text, size)) return true;
    if (flags & JSON_REJECT_DUPLICATES) return false;

    json_error_t error = {.line = 0};
    json_t *again = json_loadb(text, size, flags | JSON_REJECT_DUPLICATES, &error);
    ti_json_wipe_and_free(again);
    return !again && json_error_code(&error) == json_error_duplicate_key;
}

ti_json_result ti_json_load(const char *text, size_t size, size_t flags, json_t **value,
                            json_error_t *where) {
    *value = NULL;
    if (size > TI_JSON_SIZE_MAX || is_too_deep(text, size)) return TI_JSON_TOO_LARGE;

    json_error_t error = {.line = 0}; /* jansson leaves the code as it is where it has none */
    *value = json_loadb(text, size, flags, &error);
    if (*value && is_whole(*value, text, size, flags)) return TI_JSON_OK;
    if (*value) {
        ti_json_wipe_and_free(*value);
        *value = NULL;
        return TI_JSON_NO_MEMORY;
    }
    if (where) *where = error;
    /* An allocation that fails inside jansson often leaves no code at all. */
    bool no_memory = json_error_code(&error) == json_error_out_of_memory ||
                     json_error_code(&error) == json_error_unknown;
    return no_memory ? TI_JSON_NO_MEMORY : TI_JSON_INVALID;
}

bool ti_json_dump(const json_t *value, ti_buffer *text) {
    ti_buffer_clear(text);
    size_t size = json_dumpb(value, NULL, 0, JSON_COMPACT);
    if (size == 0 || !ti_buffer_reserve(text, size)) return false;
    text->size = json_dumpb(value, text->data, size, JSON_COMPACT);
    text->data[text->size] = '\0';
    return text->size == size;
}

static void wipe(json_t *value) {
    size_t index;
    const char *name;
    json_t *member;

    switch (json_typeof(value)) {
    case JSON_STRING:
        /* Jansson's own buffer, not a copy. */
        ti_os_wipe((char *)json_string_value(value), json_string_length(value));
        break;
    case JSON_ARRAY:
        json_array_foreach(value, index, member) {
            wipe(member);
        }
        break;
    case JSON_OBJECT:
        json_object_foreach(value, name, member) {
            wipe(member);
        }
        break;
    default:
        break;
    }
}

void ti_json_wipe_and_free(json_t *value) {
    if (!value) return;
    wipe(value);
    json_decref(value);
}

/* How many bytes follow the first of a character, and the least that it may stand for; -1: none begins so. */
static int more_bytes(unsigned char first, unsigned *code, unsigned *least) {
    static const unsigned least_of[] = {0, 0x80, 0x800, 0x10000};
    int more = first < 0x80 ? 0 : first < 0xC0 ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if (first >= 0xF8) more = -1;
    if (more < 0) return -1;
    *code = more == 0 ? first : first & (0x3Fu >> more);
    *least = least_of[more];
    return more;
}

/* RFC 3629: neither longer than need be, nor surrogates, nor beyond U+10FFFF. */
static bool is_utf8(const char *bytes, size_t size) {
    for (size_t i = 0; i < size;) {
        unsigned code = 0, least = 0;
        int more = more_bytes((unsigned char)bytes[i++], &code, &least);
        if (more < 0) return false;
        for (; more > 0; more--, i++) {
            if (i == size || ((unsigned char)bytes[i] & 0xC0) != 0x80) return false;
            code = code << 6 | ((unsigned char)bytes[i] & 0x3F);
        }
        if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    }
    return true;
}

json_t *ti_json_new_string(const char *bytes, size_t size, bool *invalid) {
    if (is_utf8(bytes, size)) return json_stringn_nocheck(bytes, size);
    *invalid = true;
    return NULL;
}

bool ti_json_put(json_t *holder, const char *name, json_t *value) {
    /* Not the functions that take it over: they give it up unwiped where they fail. */
    bool done = value && (name ? json_object_set_nocheck(holder, name, value)
                               : json_array_append(holder, value)) == 0;
    if (done) {
        json_decref(value);
    } else {
        ti_json_wipe_and_free(value);
    }
    return done;
}

const char *ti_json_string(const json_t *object, const char *name) {
    const json_t *member = json_object_get(object, name);
    const char *text = json_string_value(member);
    if (!text || strlen(text) != json_string_length(member)) return NULL;
    return text;
}

bool ti_json_number(const json_t *value, double *number) {
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    if (!json_is_string(value)) return false;

    /* Not strtod(): that reads the app's locale. */
    json_t *parsed = NULL;
    bool is_number =
        ti_json_load(json_string_value(value), json_string_length(value),
                     JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &parsed, NULL) == TI_JSON_OK &&
        json_is_number(parsed);
    if (is_number) *number = json_number_value(parsed);
    ti_json_wipe_and_free(parsed);
    return is_number;
}

/* One open object or array. */
typedef struct level {
    bool is_object;
    bool named;        /* the value that comes next belongs to the name that is looked for */
    const char *value; /* the first one, with its quotes; NULL: none yet */
    size_t value_size;
} level;

/* Answers false where the string differs from an earlier one of the same name in this object. */
static bool note_string(level *at, const char *string, size_t size) {
    if (!at->named) return true;
    at->named = false;
    if (!at->value) {
        at->value = string;
        at->value_size = size;
        return true;
    }
    return at->value_size == size && memcmp(at->value, string, size) == 0;
}

static bool is_name(const char *string, size_t size, const char *name) {
    return size == strlen(name) + 2 && memcmp(string + 1, name, size - 2) == 0;
}

bool ti_json_contradicts(const char *text, size_t size, const char *name) {
    level levels[TI_JSON_DEPTH_MAX + 1] = {{.is_object = false}};
    size_t depth = 0;
    bool expects_name = false;

    for (size_t i = 0; i < size; i++) {
        level *at = &levels[depth];
        switch (text[i]) {
        case '"': {
            size_t end = string_end(text, size, i);
            if (expects_name) {
                at->named = is_name(text + i, end - i, name);
                expects_name = false;
            } else if (!note_string(at, text + i, end - i)) {
                return true;
            }
            i = end - 1;
            break;
        }
        case '{':
        case '[':
            if (depth == TI_JSON_DEPTH_MAX) return true;
            levels[++depth] = (level){.is_object = text[i] == '{'};
            expects_name = text[i] == '{';
            break;
        case '}':
        case ']':
            if (depth > 0) depth--;
            expects_name = false;
            break;
        case ',':
            expects_name = at->is_object;
            break;
        default:
            break;
        }
    }
    return false;
}
