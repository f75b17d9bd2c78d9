/* Token and revocation requests: builds them, sends them on a fresh connection (R17), reads the
 * answer. */
#ifndef TI_GRANT_H
#define TI_GRANT_H

#include "oauth/provider.h"
#include "oauth/token_response.h"
#include "transport/transport.h"

/* Who asks, and what goes into every token request. Borrowed. */
typedef struct ti_grant_client {
    tacit_provider *provider; /* its metadata is known (session/discover.h) */
    const char *client_id;
    const ti_secret *client_secret;   /* NULL: public */
    const char *const *token_params;  /* NULL-terminated "name=value" */
    const char *const *token_headers; /* NULL-terminated "Name: value" */
} ti_grant_client;

typedef enum ti_grant_type {
    TI_GRANT_REFRESH_TOKEN,
    TI_GRANT_PASSWORD,
    TI_GRANT_CLIENT_CREDENTIALS,
    TI_GRANT_AUTHORIZATION_CODE,
    TI_GRANT_DEVICE_CODE
} ti_grant_type;

typedef struct ti_grant { /* borrowed */
    ti_grant_type type;
    const ti_secret *refresh_token;
    const char *username;
    const ti_secret *password;
    const ti_secret *code;                    /* of the callback, or of the device */
    const char *code_verifier, *redirect_uri; /* with TI_GRANT_AUTHORIZATION_CODE */
    const char *scope, *resource;             /* NULL: left out */
    const char *const *params; /* further "name=value"; NULL: none. One of a name that tacit sends
                                  itself replaces nothing: both go */
    const ti_secret *access_token;  /* the one that ends, for dialects that send it along */
    const char *const *fingerprint; /* ti_grant_fingerprint() of the sign-in; NULL: as it is now */
    const atomic_bool *cancelled;   /* NULL: it cannot be (R4) */
} ti_grant;

/* The lines of the headers that the dialect wants to stay the same for the life of a sign-in, as a grant
 * would send them now: "Name: value", or "Name:" for one that is not sent, so that a later version of
 * app or library does not begin to. NULL-terminated; yours: ti_strings_free(). *lines is NULL where the
 * dialect names none, or nothing is known of the server yet. false: no memory. */
bool ti_grant_fingerprint(const ti_transport *transport, const ti_grant_client *client,
                          char ***lines);

/* Blocks until deadline_boot_ms. TACIT_ERR_UNSUPPORTED: the server takes neither Basic nor post with the client's secret.
 * TI_VERDICT_UNKNOWN also where the grant was sent and no answer
 * came; *sent (may be NULL): whether bytes left. Errors: the transport's and
 * ti_token_response_read()'s. */
ti_verdict ti_grant_send(ti_transport *transport, const ti_grant_client *client,
                         const ti_grant *grant, const ti_clock *clock, int64_t deadline_boot_ms,
                         ti_token_response *response, bool *sent, tacit_error *error);

typedef struct ti_grant_end { /* borrowed */
    const ti_secret *token;
    const char *hint;       /* "refresh_token" or "access_token" */
    const ti_secret *other; /* of the same sign-in, for dialects that send both; NULL: none */
    const char *const *fingerprint; /* as in a grant */
} ti_grant_end;

/* RFC 7009, or the dialect's sign_out, which is sent for the kind of token that it takes. TACIT_OK also where the
 * provider has neither, or the server does not know the token. */
tacit_status ti_grant_revoke(ti_transport *transport, const ti_grant_client *client,
                             const ti_grant_end *end, int64_t deadline_boot_ms, tacit_error *error);

/* That is the kind of token that the dialect's sign_out takes; false also where nothing is known of the server. */
bool ti_grant_ends_by_access_token(const ti_grant_client *client);

#endif
