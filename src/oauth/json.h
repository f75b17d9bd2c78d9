/* What the floors above need of jansson: loading within limits, and leaving no secret behind. */
#ifndef TI_JSON_H
#define TI_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buffer.h"

#define TI_JSON_SIZE_MAX ((size_t)1 << 20)
#define TI_JSON_DEPTH_MAX 32

typedef enum ti_json_result {
    TI_JSON_OK,
    TI_JSON_INVALID,
    TI_JSON_TOO_LARGE, /* over TI_JSON_SIZE_MAX bytes, or nested deeper than TI_JSON_DEPTH_MAX */
    TI_JSON_NO_MEMORY
} ti_json_result;

/* flags are jansson's. *value is yours: give it up with ti_json_wipe_and_free(). where (may be
 * NULL) is filled for TI_JSON_INVALID; its text quotes the input. */
ti_json_result ti_json_load(const char *text, size_t size, size_t flags, json_t **value,
                            json_error_t *where);

/* As compact text, in place of what the buffer held; its `secret` stays. false: no memory. */
bool ti_json_dump(const json_t *value, ti_buffer *text);

/* Wipes every string value of a tree that nobody else holds, then gives it up. NULL is fine.
 * Jansson's own working memory is wiped under TACIT_GLOBAL_WIPE_LIBRARY_MEMORY only. */
void ti_json_wipe_and_free(json_t *value);

/* A string of these bytes. NULL: no memory, or they are not UTF-8, which *invalid then says. */
json_t *ti_json_new_string(const char *bytes, size_t size, bool *invalid);
/* Into an object under name, which replaces, or with NULL at the end of an array. Takes value over, which may be NULL: false then,
 * and where there is no memory. */
bool ti_json_put(json_t *holder, const char *name, json_t *value);

/* The string at name, or NULL: there is none, it is something else, or it holds a NUL. */
const char *ti_json_string(const json_t *object, const char *name);

/* A number, or a string that is one ("3600", "3.6e3"), in any locale. */
bool ti_json_number(const json_t *value, double *number);

/* Whether some object in text, which is valid JSON within the limits, gives two different strings
 * for name; jansson keeps the last and tells nothing. Names with escapes in them do not count. */
bool ti_json_contradicts(const char *text, size_t size, const char *name);

#endif
