/* Error responses of an authorization server (RFC 6749 section 5.2), and what servers send instead.
 * Pure. */
#ifndef TI_TOKEN_ERROR_H
#define TI_TOKEN_ERROR_H

#include <stdbool.h>

#include <jansson.h>

typedef struct ti_token_error { /* borrowed from the object */
    const char *code;           /* "": an error without a code that is text */
    const char *description;    /* may be NULL */
} ti_token_error;

/* false: there is no error in the object, which may be NULL. */
bool ti_token_error_read(const json_t *object, ti_token_error *error);

/* invalid_grant, and its known aliases: the refresh token or password is over. */
bool ti_token_error_refuses_grant(const char *code);

/* The same request may succeed later. */
bool ti_token_error_passes(const char *code);

#endif
