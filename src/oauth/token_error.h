/* Error responses of an authorization server (RFC 6749 section 5.2), and what servers send instead.
 * Pure. */
#ifndef TI_TOKEN_ERROR_H
#define TI_TOKEN_ERROR_H

#include <stdbool.h>

#include <jansson.h>

#include "oauth/dialect.h"

typedef struct ti_token_error {
    const char *code;        /* borrowed from the object, or number; "": an error without a code */
    const char *description; /* borrowed from the object; may be NULL */
    char number[24];         /* of a code that is none */
} ti_token_error;

/* false: there is no error in the object, which may be NULL; a description may be there even so. dialect NULL: plain OAuth. */
bool ti_token_error_read(const json_t *object, const ti_dialect *dialect, ti_token_error *error);

/* invalid_grant, and its known aliases: the refresh token or password is over. */
bool ti_token_error_refuses_grant(const char *code);

/* The same request may succeed later. */
bool ti_token_error_passes(const char *code);

/* It is the client that the server does not want, and nobody's token or password. */
bool ti_token_error_blames_client(const char *code);

/* Among the errors that the dialect lists: those that end a sign-in, or say that somebody else used its token. */
bool ti_token_error_is_named(const ti_dialect *dialect, const char *text);

#endif
