/* One access token: immutable, counted, wiped, with the header line ready to send. */
#ifndef TI_TOKEN_H
#define TI_TOKEN_H

#include <tacit/session.h>

#include "base/secret.h"
#include "session/context.h"

#define TI_SIGN_IN_ID_SIZE 16

/* Drawn at every sign-in; all zero: none. */
typedef struct ti_sign_in_id {
    unsigned char bytes[TI_SIGN_IN_ID_SIZE];
} ti_sign_in_id;

bool ti_sign_in_id_equal(const ti_sign_in_id *a, const ti_sign_in_id *b);
bool ti_sign_in_id_is_none(const ti_sign_in_id *id);

/* Set at creation, then read-only, the count excepted. */
struct tacit_token {
    atomic_uint refs;
    uint64_t id; /* unique in this process, never 0 */
    uint64_t generation;
    ti_sign_in_id sign_in_id;
    int64_t issued_boot_ms;  /* when its grant was sent */
    int64_t expires_boot_ms; /* TI_NEVER: unknown */
    int64_t lifetime_ms;     /* as granted; -1: unknown */
    ti_context *context;     /* for the clock and the log's mask */
    ti_log_mask mask;
    size_t line_size;
    char line[]; /* "Authorization: Bearer ey..." */
};

/* What a token is made of. One from a record passes the issue time that makes issue + lifetime its expiry. */
typedef struct ti_token_facts {
    const ti_secret *value; /* copied */
    uint64_t generation;
    ti_sign_in_id sign_in_id;
    int64_t issued_boot_ms;
    int64_t lifetime_ms;
} ti_token_facts;
tacit_token *ti_token_new(ti_context *context, const ti_token_facts *facts); /* NULL: no memory */

/* The whole header line. */
const char *ti_token_line(const tacit_token *token);
/* Its value alone, as a new secret. NULL: no memory. */
ti_secret *ti_token_copy_value(const tacit_token *token);
/* Whether that is its value; in constant time for equal sizes. */
bool ti_token_has_value(const tacit_token *token, const char *value, size_t size);
/* Whether it lives min_valid_s longer at now; what is asked for is capped at half its lifetime. An unknown expiry always does. */
bool ti_token_lives(const tacit_token *token, int64_t now_boot_ms, int min_valid_s);
/* Whether it lives longer than the other; where that is not known, whether it is newer. */
bool ti_token_outlives(const tacit_token *token, const tacit_token *other);

#endif
