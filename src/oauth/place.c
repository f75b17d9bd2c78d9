#include "oauth/place.h"

#include "base/error.h"
#include "base/strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *unless_null(json_t *value) {
    return json_is_null(value) ? NULL : value;
}

ti_place ti_place_member(const ti_place *object, const char *name) {
    return (ti_place){.value = unless_null(json_object_get(object->value, name)),
                      .parent = object,
                      .name = name,
                      .error = object->error};
}

ti_place ti_place_item(const ti_place *array, size_t index) {
    return (ti_place){.value = json_array_get(array->value, index),
                      .parent = array,
                      .index = index,
                      .error = array->error};
}

void ti_place_path(const ti_place *place, char path[TI_PLACE_PATH_SIZE]) {
    path[0] = '\0';
    if (place->parent) ti_place_path(place->parent, path);
    size_t size = strlen(path);
    if (place->name)
        snprintf(path + size, TI_PLACE_PATH_SIZE - size, "/%s", place->name);
    else
        snprintf(path + size, TI_PLACE_PATH_SIZE - size, "/%zu", place->index);
}

bool ti_place_fail(const ti_place *place, const char *what) {
    char path[TI_PLACE_PATH_SIZE];
    ti_place_path(place, path);
    ti_error_set(place->error, TACIT_ERR_INVALID_ARGUMENT, "%s: %s", path, what);
    return false;
}

bool ti_place_no_memory(const ti_place *place) {
    ti_error_no_memory(place->error);
    return false;
}

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) return true;
    }
    return false;
}

bool ti_place_is_object(const ti_place *place, const char *const *names) {
    const char *name;
    json_t *member;
    if (!json_is_object(place->value)) return ti_place_fail(place, "is not an object");
    json_object_foreach(place->value, name, member) {
        const ti_place at = {.value = member, .parent = place, .name = name, .error = place->error};
        if (!is_one_of(name, names)) return ti_place_fail(&at, "is not known");
    }
    return true;
}

/* NULL: it is none. */
static const char *text_of(const ti_place *place) {
    const char *text = json_string_value(place->value);
    if (text && *text && strlen(text) == json_string_length(place->value)) return text;
    ti_place_fail(place, "is not a string with something in it");
    return NULL;
}

bool ti_place_copy(const ti_place *place, char **copy) {
    if (!place->value) return true;
    const char *text = text_of(place);
    if (!text) return false;
    *copy = strdup(text);
    return *copy || ti_place_no_memory(place);
}

static bool copy_item(const ti_place *item, const char *(*fault)(const char *text), char **copy) {
    const char *text = text_of(item);
    const char *what = text ? fault(text) : NULL;
    if (!text) return false;
    if (what) return ti_place_fail(item, what);
    *copy = strdup(text);
    return *copy || ti_place_no_memory(item);
}

bool ti_place_copy_list(const ti_place *place, const char *(*fault)(const char *text),
                        char ***list) {
    size_t count = json_array_size(place->value);
    if (!place->value) return true;
    if (!json_is_array(place->value)) return ti_place_fail(place, "is not an array");
    if (count == 0) return true;
    char **copies = calloc(count + 1, sizeof *copies);
    if (!copies) return ti_place_no_memory(place);
    for (size_t i = 0; i < count; i++) {
        const ti_place item = ti_place_item(place, i);
        if (copy_item(&item, fault, &copies[i])) continue;
        ti_strings_free(copies);
        return false;
    }
    *list = copies;
    return true;
}

bool ti_place_choice(const ti_place *place, const char *const *names, const char *what,
                     int *index) {
    if (!place->value) return true;
    const char *text = text_of(place);
    if (!text) return false;
    for (int i = 0; names[i]; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *index = i;
        return true;
    }
    return ti_place_fail(place, what);
}

bool ti_place_number(const ti_place *place, int min, int max, const char *what, int *number) {
    if (!place->value) return true;
    double value = json_number_value(place->value);
    bool fits = json_is_number(place->value) && value >= min && value <= max;
    if (!fits || (double)(int)value != value) return ti_place_fail(place, what);
    *number = (int)value;
    return true;
}

bool ti_place_flag(const ti_place *place, bool *flag) {
    if (!place->value) return true;
    if (!json_is_boolean(place->value)) return ti_place_fail(place, "is neither true nor false");
    *flag = json_is_true(place->value);
    return true;
}
