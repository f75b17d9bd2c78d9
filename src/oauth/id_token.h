/*
 * The id_token of a token response (OpenID Connect Core section 2). It came from the token endpoint
 * over TLS, which stands for its signature (section 3.1.3.7, item 6). Pure.
 */
#ifndef TI_ID_TOKEN_H
#define TI_ID_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <tacit/error.h>

#include "base/secret.h"

typedef struct ti_id_token_wanted {
    const char *issuer; /* NULL: not known, any */
    const char *client_id;
    const char *nonce;        /* that was sent; NULL: none was */
    const ti_secret *earlier; /* of the same sign-in, after a refresh (section 12.2): same iss, sub
                                 and aud, and nonce if there is one; NULL: none */
    int64_t wall_ms;
} ti_id_token_wanted;

/* iss, sub, aud, azp, exp (with 5 min for clocks that differ; not compared where the wall clock is
 * before 2020: a device without time), nonce. TACIT_ERR_PROTOCOL: the message names the claim,
 * never its value. TACIT_ERR_NO_MEMORY. */
tacit_status ti_id_token_check(const ti_secret *id_token, const ti_id_token_wanted *wanted,
                               tacit_error *error);

/* *claims: as JSON text, from tacit_alloc(); NULL: it is none that can be read. false: no memory. */
bool ti_id_token_claims(const ti_secret *id_token, char **claims);

#endif
