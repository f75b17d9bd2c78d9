#include "oauth/json_pointer.h"

#include <string.h>

#define INDEX_DIGITS_MAX 9

bool ti_json_pointer_is_valid(const char *pointer) {
    if (*pointer == '\0') return true;
    if (*pointer != '/') return false;
    for (const char *c = pointer; *c; c++) {
        if (*c == '~' && c[1] != '0' && c[1] != '1') return false;
    }
    return true;
}

/* Whether a reference token of that size stands for the name (RFC 6901 section 4: first ~1, then ~0). */
static bool stands_for(const char *token, size_t size, const char *name) {
    const char *end = token + size;
    for (; token < end && *name; token++, name++) {
        char c = *token;
        if (c == '~' && ++token < end) c = *token == '1' ? '/' : '~';
        if (c != *name) return false;
    }
    return token == end && *name == '\0';
}

static json_t *find_member(json_t *object, const char *token, size_t size) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        if (stands_for(token, size, name)) return value;
    }
    return NULL;
}

/* Digits without a leading zero; "-" is behind the last element, where nothing is. */
static json_t *find_element(json_t *array, const char *token, size_t size) {
    size_t index = 0;
    if (size == 0 || size > INDEX_DIGITS_MAX || (token[0] == '0' && size > 1)) return NULL;
    for (size_t i = 0; i < size; i++) {
        if (token[i] < '0' || token[i] > '9') return NULL;
        index = 10 * index + (size_t)(token[i] - '0');
    }
    return json_array_get(array, index);
}

static json_t *step(json_t *value, const char *token, size_t size) {
    return json_is_array(value) ? find_element(value, token, size)
                                : find_member(value, token, size);
}

/* Follows the pointer up to end, where a / stands or its text is over. */
static json_t *follow(json_t *value, const char *pointer, const char *end) {
    while (value && pointer < end) {
        const char *token = pointer + 1;
        size_t size = strcspn(token, "/");
        value = step(value, token, size);
        pointer = token + size;
    }
    return value;
}

json_t *ti_json_pointer_find(json_t *root, const char *pointer) {
    if (!ti_json_pointer_is_valid(pointer)) return NULL;
    return follow(root, pointer, pointer + strlen(pointer));
}

json_t *ti_json_pointer_holder(json_t *root, const char *pointer) {
    const char *last = strrchr(pointer, '/');
    if (!last || !ti_json_pointer_is_valid(pointer)) return NULL;
    return follow(root, pointer, last);
}
