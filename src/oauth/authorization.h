/* The authorization request and what comes back from it (RFC 6749 section 4.1, RFC 9207). Pure. */
#ifndef TI_AUTHORIZATION_H
#define TI_AUTHORIZATION_H

#include "base/secret.h"
#include "oauth/metadata.h"
#include "oauth/pkce.h"

/* What is remembered between the two. */
typedef struct ti_authorization {
    char verifier[TI_PKCE_SIZE], state[TI_PKCE_SIZE], nonce[TI_PKCE_SIZE];
    char *redirect_uri;
    char *issuer;   /* NULL: the metadata names none */
    bool sends_iss; /* the metadata says that every callback has an iss */
} ti_authorization;

typedef struct ti_authorization_request {     /* borrowed */
    const char *client_id, *scope, *resource; /* NULL: left out */
    const char *const *params;                /* "name=value"; NULL: none */
} ti_authorization_request;

/* Draws what is random, copies the rest. false: error says why. */
bool ti_authorization_begin(ti_authorization *authorization, const ti_metadata *metadata,
                            const char *redirect_uri, tacit_error *error);
/* Wipes. */
void ti_authorization_end(ti_authorization *authorization);
/* OpenID Connect: the scope (may be NULL) has openid, so that an id_token with the nonce comes. */
bool ti_authorization_is_openid(const char *scope);
/* The URL for the browser; nonce only where the scope has openid. Yours: free(). NULL: error says why. */
char *ti_authorization_url(const ti_authorization *authorization, const ti_metadata *metadata,
                           const ti_authorization_request *request, tacit_error *error);

typedef enum ti_callback {
    TI_CALLBACK_OTHER, /* not what is waited for: no state of ours, twice the same parameter, nothing to read */
    TI_CALLBACK_CODE,    /* *code is set */
    TI_CALLBACK_REFUSED, /* the server's error, or another issuer's answer: error says which */
    TI_CALLBACK_FAILED   /* no memory: error says so */
} ti_callback;

/* query: between ? and #, without them; the caller bounds its size. Compares the state in constant time before it believes anything. *code is the caller's. */
ti_callback ti_authorization_read(const ti_authorization *authorization, const char *query,
                                  size_t size, ti_secret **code, tacit_error *error);

#endif
