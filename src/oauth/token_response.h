/* What a token endpoint answers (RFC 6749 sections 5.1 and 5.2), and what servers answer instead.
 * Pure: no I/O, no clock. */
#ifndef TI_TOKEN_RESPONSE_H
#define TI_TOKEN_RESPONSE_H

#include <stdint.h>

#include <tacit/error.h>

#include "base/secret.h"
#include "oauth/dialect.h"
#include "transport/handle.h"

typedef struct ti_token_response {
    ti_secret *access_token;
    ti_secret *refresh_token;   /* NULL: keep the one that was sent */
    ti_secret *id_token;        /* as it came, unchecked; NULL: none */
    char type[16];              /* "Bearer", in that spelling; other types are refused */
    char *scope;                /* space-separated; NULL: as asked for */
    int64_t lifetime_s;         /* of the access token; -1: unknown */
    int64_t refresh_in_s;       /* the server's wish; -1: none */
    int64_t refresh_lifetime_s; /* of the refresh token, from now; -1: nothing new is known of it */
} ti_token_response;
#define TI_TOKEN_RESPONSE_INIT                                                                     \
    { .lifetime_s = -1, .refresh_in_s = -1, .refresh_lifetime_s = -1 }
void ti_token_response_free(ti_token_response *response);

/* What is wrong with an access token ("an empty access token"), or NULL: it becomes part of a header
 * line, so it is visible ASCII, 64 KiB at most. */
const char *ti_access_token_fault(const char *token, size_t size);

typedef enum ti_verdict {                     /* on the grant that was sent */
                          TI_VERDICT_TOKEN,   /* granted */
                          TI_VERDICT_REFUSED, /* this refresh token or password is over:
                                                 invalid_grant and its known aliases */
                          TI_VERDICT_ERROR,  /* another answer: nothing is known against the refresh
                                                token */
                          TI_VERDICT_UNKNOWN /* granted, perhaps: a 2xx that cannot be read */
} ti_verdict;

typedef enum ti_token_asked {                   /* what it is an answer to */
                              TI_ASKED_GRANT,   /* what the RFCs have */
                              TI_ASKED_SIGN_IN, /* the dialect's sign_in */
                              TI_ASKED_REFRESH
} ti_token_asked;

typedef struct ti_token_reading { /* borrowed */
    const ti_dialect *dialect;    /* NULL: plain OAuth */
    ti_token_asked asked;
    const ti_secret *sent; /* the refresh token; NULL: none */
    int64_t wall_ms;       /* now, for absolute expiries */
} ti_token_reading;

/*
 * Reads one answer. *error: TACIT_OK; TACIT_ERR_OAUTH (oauth_error, oauth_error_description filled), TACIT_ERR_SERVER
 * (5xx, 429; retry_after_s), TACIT_ERR_PROTOCOL (HTML, broken JSON, no access token, a redirect,
 * other types; retryable; outcome_unknown with TI_VERDICT_UNKNOWN), TACIT_ERR_NO_MEMORY
 * (outcome_unknown: the answer is lost). Never quotes a body.
 */
ti_verdict ti_token_response_read(const ti_http_answer *http, const ti_token_reading *reading,
                                  ti_token_response *response, tacit_error *error);

/* After TI_VERDICT_UNKNOWN, or where the body did not come whole: the refresh token's successor, which a
 * cookie may have brought all the same (R2). It stays NULL where none did. */
void ti_token_response_rescue(const ti_http_answer *http, const ti_token_reading *reading,
                              ti_token_response *response);

/* ti_token_response_read() of plain OAuth. retry_after_s as the transport found it. */
ti_verdict ti_token_response_parse(int http_status, const char *body, size_t size, int64_t wall_ms,
                                   int retry_after_s, ti_token_response *response,
                                   tacit_error *error);

#endif
