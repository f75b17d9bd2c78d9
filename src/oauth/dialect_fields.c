#include "oauth/dialect_fields.h"

#include <string.h>

/* What every JSON reader holds exactly (RFC 8259 section 6). */
#define INTEGER_MAX 0x1p53

typedef enum placeholder_kind { OF_CLIENT, OF_USER, OF_TOKEN, OF_GRANT } placeholder_kind;

static const struct {
    const char *text;
    placeholder_kind kind;
} placeholders[] = {
    {"{username}", OF_USER},      {"{password}", OF_USER},    {"{refresh_token}", OF_TOKEN},
    {"{access_token}", OF_TOKEN}, {"{client_id}", OF_CLIENT}, {"{client_secret}", OF_CLIENT},
    {"{scope}", OF_GRANT},
};

/* A constant may have braces in it; one that is a name in braces and nothing else was meant to be filled
 * in. */
static bool looks_like_placeholder(const char *text) {
    size_t size = strlen(text);
    return size > 2 && text[0] == '{' && text[size - 1] == '}' &&
           strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") == size - 2;
}

static bool is_known_there(placeholder_kind kind, ti_dialect_errand errand) {
    switch (kind) {
    case OF_USER:
        return errand == TI_ERRAND_SIGN_IN;
    case OF_TOKEN:
        return errand != TI_ERRAND_SIGN_IN;
    case OF_GRANT:
        return errand != TI_ERRAND_SIGN_OUT;
    default:
        return true;
    }
}

static bool check_placeholder(const ti_place *place, const char *text,
                              const ti_dialect_fields_rules *rules) {
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
        placeholder_kind kind = placeholders[i].kind;
        if (strcmp(text, placeholders[i].text) != 0) continue;
        if (!is_known_there(kind, rules->errand)) break;
        if (kind == OF_TOKEN && rules->in_url) {
            return ti_place_fail(place, "would put a token into a URL: that needs "
                                        "\"allow_refresh_token_in_url\": true");
        }
        return true;
    }
    return ti_place_fail(place, "is a placeholder that there is not here");
}

static json_t *copy_text(const ti_place *place, const ti_dialect_fields_rules *rules) {
    const char *text = json_string_value(place->value);
    if (strlen(text) != json_string_length(place->value)) {
        ti_place_fail(place, "holds a NUL");
        return NULL;
    }
    if (looks_like_placeholder(text) && !check_placeholder(place, text, rules)) return NULL;
    json_t *copy = json_string(text);
    if (!copy) ti_place_no_memory(place);
    return copy;
}

/* 1 must not go out as 1.0, and the metadata's reader makes reals of all. */
static json_t *copy_number(const ti_place *place) {
    double value = json_number_value(place->value);
    bool large = !(value >= -INTEGER_MAX && value <= INTEGER_MAX);
    if (large) {
        ti_place_fail(place, "is a number over 2^53: make it a string");
        return NULL;
    }
    bool whole = (double)(json_int_t)value == value;
    json_t *copy = whole ? json_integer((json_int_t)value) : json_real(value);
    if (!copy) ti_place_no_memory(place);
    return copy;
}

static json_t *copy_value(const ti_place *place, const ti_dialect_fields_rules *rules);

/* As deep as the JSON may be. NOLINTNEXTLINE(misc-no-recursion) */
static json_t *copy_object(const ti_place *place, const ti_dialect_fields_rules *rules) {
    json_t *copy = json_object(), *member;
    const char *name;
    if (!copy) ti_place_no_memory(place);
    json_object_foreach(place->value, name, member) {
        const ti_place at = {.value = member, .parent = place, .name = name, .error = place->error};
        json_t *value = copy ? copy_value(&at, rules) : NULL;
        if (value && json_object_set_new(copy, name, value) == 0) continue;
        if (value) ti_place_no_memory(place);
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static json_t *copy_array(const ti_place *place, const ti_dialect_fields_rules *rules) {
    json_t *copy = json_array();
    if (!copy) ti_place_no_memory(place);
    for (size_t i = 0; copy && i < json_array_size(place->value); i++) {
        const ti_place at = ti_place_item(place, i);
        json_t *value = copy_value(&at, rules);
        if (value && json_array_append_new(copy, value) == 0) continue;
        if (value) ti_place_no_memory(place);
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static json_t *copy_value(const ti_place *place, const ti_dialect_fields_rules *rules) {
    if (rules->flat && !json_is_string(place->value)) {
        ti_place_fail(place, "is not a string, and a form or a query has nothing else");
        return NULL;
    }
    switch (json_typeof(place->value)) {
    case JSON_STRING:
        return copy_text(place, rules);
    case JSON_INTEGER:
    case JSON_REAL:
        return copy_number(place);
    case JSON_OBJECT:
        return copy_object(place, rules);
    case JSON_ARRAY:
        return copy_array(place, rules);
    default: /* true, false and null are shared */
        return json_incref(place->value);
    }
}

bool ti_dialect_fields_parse(const ti_place *place, const ti_dialect_fields_rules *rules,
                             json_t **fields) {
    if (!place->value) return true;
    if (!json_is_object(place->value)) return ti_place_fail(place, "is not an object");
    if (json_object_size(place->value) == 0) return true;
    *fields = copy_object(place, rules);
    return *fields != NULL;
}
