/* What a token endpoint's body is, whatever its content type says: JSON or a form, read into one
 * object. Pure. */
#ifndef TI_TOKEN_BODY_H
#define TI_TOKEN_BODY_H

#include <stddef.h>

#include <jansson.h>

typedef enum ti_token_body {
    TI_TOKEN_BODY_OBJECT,
    TI_TOKEN_BODY_EMPTY,
    TI_TOKEN_BODY_MARKUP, /* HTML or XML: a captive portal, a proxy, an error page */
    TI_TOKEN_BODY_UNREADABLE,
    TI_TOKEN_BODY_TOO_LARGE,     /* ti_json_load()'s limits, or a form of more than 256 fields */
    TI_TOKEN_BODY_CONTRADICTION, /* two different access tokens under one name */
    TI_TOKEN_BODY_NO_MEMORY
} ti_token_body;

/* *object is set for TI_TOKEN_BODY_OBJECT only; give it up with ti_json_wipe_and_free(). All its
 * numbers are reals. What is not UTF-8, and in a form what is not ASCII, reads as U+007F. */
ti_token_body ti_token_body_read(const char *body, size_t size, json_t **object);

#endif
