/*
 * A request to the authorization server, on a fresh connection that is not kept (R17): a form as the RFCs have it, or what a dialect
 * makes of it. Everything is borrowed until it was sent. What finds no memory shows then.
 */
#ifndef TI_TOKEN_REQUEST_H
#define TI_TOKEN_REQUEST_H

#include "oauth/grant.h"
#include "oauth/mask.h"
#include "oauth/placeholder.h"

/* What is sent where nobody says otherwise. */
#define TI_TOKEN_REQUEST_ACCEPT "Accept: application/json"

typedef struct ti_token_request {
    const char *method;
    ti_dialect_send fields_in; /* TI_SEND_FORM, _JSON or _QUERY */
    const json_t *overridden;  /* an object: fields of these names are not taken; NULL: none */
    ti_buffer form;            /* the fields of a form or query, encoded */
    json_t *json;              /* ... or as members; NULL: none yet */
    /* Each NULL-terminated or NULL; later ones replace earlier ones of their name. */
    const char *const *headers[3];
    ti_buffer token_line;         /* Authorization or Cookie */
    ti_buffer username, password; /* client_secret_basic, form-encoded */
    bool basic;
    bool failed, not_utf8;        /* no memory; a value that JSON cannot hold */
    bool breaks_line;             /* a token that would be more than one header, or cookie */
    const atomic_bool *cancelled; /* NULL: it cannot be (R4) */
    ti_mask mask; /* the secrets in it: ti_mask_error() after what reads the answer */
} ti_token_request;
#define TI_TOKEN_REQUEST_INIT                                                                      \
    {                                                                                              \
        .method = "POST", .form = TI_BUFFER_SECRET, .token_line = TI_BUFFER_SECRET,                \
        .username = TI_BUFFER_SECRET, .password = TI_BUFFER_SECRET                                 \
    }
void ti_token_request_free(ti_token_request *request);

/* Before anything is put in: a method without a body has its fields in the query. */
void ti_token_request_as(ti_token_request *request, const char *method, ti_dialect_send fields_in);

/* Fields, in the order of the calls; NULL: left out. In JSON a later one replaces an earlier one of its name, else both go. */
void ti_token_request_text(ti_token_request *request, const char *name, const char *value);
void ti_token_request_secret(ti_token_request *request, const char *name, const ti_secret *value);
/* NULL-terminated "name=value"; NULL: none. */
void ti_token_request_params(ti_token_request *request, const char *const *params);
/* Of a dialect, filled in; NULL: none. */
void ti_token_request_fields(ti_token_request *request, const json_t *fields,
                             const ti_placeholders *values);

/* A token in a header, instead of whatever else has its name. */
void ti_token_request_bearer(ti_token_request *request, const ti_secret *token);
void ti_token_request_cookie(ti_token_request *request, const char *name, const ti_secret *token);

/* Who asks (RFC 6749 section 2.3.1), as the server takes it. TACIT_ERR_UNSUPPORTED: it takes neither Basic nor post. */
tacit_status ti_token_request_client(ti_token_request *request, const ti_grant_client *client,
                                     const ti_metadata *metadata, tacit_error *error);

/* answer->sent is set as far as it came. From here until it is freed, none of its secrets shows in the log. TACIT_ERR_INVALID_ARGUMENT:
 * a value is not UTF-8, which JSON needs, or would end the header line that it is put into. */
tacit_status ti_token_request_send(ti_token_request *request, ti_transport *transport,
                                   const char *endpoint, int64_t deadline_boot_ms,
                                   ti_http_answer *answer, tacit_error *error);

#endif
