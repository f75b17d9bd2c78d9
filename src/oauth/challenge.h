/* WWW-Authenticate (RFC 9110 section 11.6.1, RFC 6750 section 3). Pure. */
#ifndef TI_CHALLENGE_H
#define TI_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ti_challenge_param {
    char *name;  /* lower case */
    char *value; /* unquoted */
} ti_challenge_param;

typedef struct ti_challenge {
    char *scheme;  /* lower case */
    char *token68; /* or NULL */
    ti_challenge_param *params;
    size_t param_count;
} ti_challenge;

typedef struct ti_challenges {
    ti_challenge *items;
    size_t count;
} ti_challenges;

/* Adds the challenges of one header value. What cannot be read is skipped up to the next comma that
 * begins a challenge. false: no memory. */
bool ti_challenges_parse(ti_challenges *challenges, const char *value);
void ti_challenges_free(ti_challenges *challenges);
const char *ti_challenge_param_value(const ti_challenge *challenge,
                                     const char *name); /* NULL: none */

/*
 * Whether an answer is about the access token, so that a newer one may help: a 401 without any
 * challenge, or with a Bearer or DPoP challenge that has no error or invalid_token; a 400 or 403
 * only with invalid_token. Everything else (insufficient_scope, Basic, Negotiate) goes to the
 * caller.
 */
bool ti_challenges_refuse_token(const ti_challenges *challenges, int http_status);

#endif
