/* What stands for something in the fields of a dialect: "{username}", "{refresh_token}" ... Pure. */
#ifndef TI_PLACEHOLDER_H
#define TI_PLACEHOLDER_H

#include <stddef.h>

#include <jansson.h>

#include "base/secret.h"

/* Borrowed; NULL reads as "". */
typedef struct ti_placeholders {
    const char *username, *client_id, *scope;
    const ti_secret *password, *client_secret, *refresh_token, *access_token;
} ti_placeholders;

typedef struct ti_filled { /* borrowed from the placeholders, or the text itself */
    const char *bytes;
    size_t size;
} ti_filled;

/* The whole text is a placeholder, or it stands for itself. */
ti_filled ti_placeholder_fill(const ti_placeholders *values, const char *text);

/* Strings filled in, the rest as it is; yours to wipe and free. NULL: no memory, or a value is not UTF-8, which *invalid says. */
json_t *ti_placeholder_fill_json(const ti_placeholders *values, const json_t *fields,
                                 bool *invalid);

#endif
