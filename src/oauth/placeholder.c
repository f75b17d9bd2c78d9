#include "oauth/placeholder.h"

#include "oauth/json.h"

#include <string.h>

static ti_filled of_text(const char *text) {
    return (ti_filled){text ? text : "", text ? strlen(text) : 0};
}

static ti_filled of_secret(const ti_secret *secret) {
    return (ti_filled){secret ? ti_secret_data(secret) : "", ti_secret_size(secret)};
}

ti_filled ti_placeholder_fill(const ti_placeholders *values, const char *text) {
    if (strcmp(text, "{username}") == 0) return of_text(values->username);
    if (strcmp(text, "{password}") == 0) return of_secret(values->password);
    if (strcmp(text, "{refresh_token}") == 0) return of_secret(values->refresh_token);
    if (strcmp(text, "{access_token}") == 0) return of_secret(values->access_token);
    if (strcmp(text, "{client_id}") == 0) return of_text(values->client_id);
    if (strcmp(text, "{client_secret}") == 0) return of_secret(values->client_secret);
    if (strcmp(text, "{scope}") == 0) return of_text(values->scope);
    return of_text(text);
}

/* As deep as a provider may be. NOLINTNEXTLINE(misc-no-recursion) */
static json_t *fill_members(const ti_placeholders *values, const json_t *fields, bool *invalid) {
    json_t *filled = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)fields, name, value) {
        if (ti_json_put(filled, name, ti_placeholder_fill_json(values, value, invalid))) continue;
        ti_json_wipe_and_free(filled);
        return NULL;
    }
    return filled;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static json_t *fill_elements(const ti_placeholders *values, const json_t *fields, bool *invalid) {
    json_t *filled = json_array(), *value;
    size_t index;
    json_array_foreach(fields, index, value) {
        if (ti_json_put(filled, NULL, ti_placeholder_fill_json(values, value, invalid))) continue;
        ti_json_wipe_and_free(filled);
        return NULL;
    }
    return filled;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
json_t *ti_placeholder_fill_json(const ti_placeholders *values, const json_t *fields,
                                 bool *invalid) {
    switch (json_typeof(fields)) {
    case JSON_OBJECT:
        return fill_members(values, fields, invalid);
    case JSON_ARRAY:
        return fill_elements(values, fields, invalid);
    case JSON_STRING: {
        ti_filled text = ti_placeholder_fill(values, json_string_value(fields));
        return ti_json_new_string(text.bytes, text.size, invalid);
    }
    default:
        return json_deep_copy(fields);
    }
}
