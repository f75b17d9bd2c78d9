/*
 * How a server that is not quite OAuth differs, as its provider's JSON says under "dialect". Immutable,
 * owned by its metadata, safe for all threads. Pure.
 *
 * What the dialect says nothing of goes by the RFCs: no "refresh" is a form to the token endpoint, a
 * member of "response" that is not named is looked for under its usual names.
 */
#ifndef TI_DIALECT_H
#define TI_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <tacit/error.h>

typedef enum ti_dialect_send { /* how a token, or what a sign-in asks with, travels */
                               TI_SEND_FORM,
                               TI_SEND_JSON,
                               TI_SEND_BEARER, /* Authorization: Bearer TOKEN */
                               TI_SEND_COOKIE, /* Cookie: FIELD=TOKEN */
                               TI_SEND_QUERY   /* in the URL */
} ti_dialect_send;

typedef struct ti_dialect_request {
    char *url;            /* NULL in refresh: the token endpoint */
    char *method;         /* "POST" */
    ti_dialect_send send; /* of the token; in sign_in of the fields: FORM, JSON or QUERY */
    /* Of further fields beside a token in a header: FORM or JSON. A method without a body has them in
     * the query. */
    ti_dialect_send body;
    char *field; /* the token's name; NULL with TI_SEND_BEARER, and in sign_in */
    /* An object, or NULL: further fields. Strings are filled in (placeholder.h); with JSON they may be
     * nested, and other scalars stay as they are. */
    json_t *fields;
    char **headers;    /* NULL-terminated "Name: value"; NULL: none */
    bool access_token; /* sign_out: that is the token to send, instead of the refresh token */
} ti_dialect_request;

/* JSON pointers (RFC 6901) into the answer; NULL: the usual names. */
typedef struct ti_dialect_response {
    char *access_token, *refresh_token, *id_token, *token_type, *scope;
    char *expires_in, *expires_at;
    char *refresh_expires_in, *refresh_expires_at;
    char *error, *error_description;
} ti_dialect_response;

typedef struct ti_dialect {
    ti_dialect_request *sign_in, *refresh, *sign_out; /* NULL: as the RFCs have it */
    ti_dialect_response response;
    int *signed_out_statuses; /* 0-terminated: refreshes answered so are over; NULL: none */
    char **signed_out_errors; /* NULL-terminated, beside invalid_grant; NULL: none */
    char **reuse_errors;      /* the same: somebody else has used the refresh token */
    char *sliding_header;     /* of API answers: a renewed access token; NULL: none */
    char **fingerprint; /* NULL-terminated names of headers: as the sign-in sent them, so does every
                           later token request; NULL: none */
    int refreshes_per_hour_max; /* 0: no limit of the server's */
} ti_dialect;

/* From the member "dialect" of a provider. NULL: error says what is wrong, with its path
 * ("/dialect/refresh/sent: is not known"); TACIT_ERR_INVALID_ARGUMENT, _INSECURE_URL, _NO_MEMORY. */
ti_dialect *ti_dialect_parse(const json_t *dialect, tacit_error *error);
void ti_dialect_free(ti_dialect *dialect);                       /* takes NULL */
bool ti_dialect_equal(const ti_dialect *a, const ti_dialect *b); /* either may be NULL */

/* What to go by: in a build without dialects NULL, and the compiler drops what would go by one. */
static inline const ti_dialect *ti_dialect_in_use(const ti_dialect *dialect) {
    return TI_WITH_DIALECTS ? dialect : NULL;
}

/* Not so with GET, HEAD and DELETE, whose fields go into the query. */
bool ti_dialect_method_has_body(const char *method);

#endif
