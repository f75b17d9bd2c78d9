/* What the store holds for one sign-in, to and from bytes: JSON, so that a person can read it and a later version can add to it. */
#ifndef TI_RECORD_H
#define TI_RECORD_H

#include "base/buffer.h"
#include "session/token.h"
#include "session/use.h"

#define TI_VIEW_KEY_SIZE 33 /* hexadecimal, with its NUL */

typedef struct ti_record_token {
    char view[TI_VIEW_KEY_SIZE]; /* for which scope, resource and parameters it was granted */
    ti_secret *value;
    uint64_t generation;
    int64_t expires_wall_ms; /* -1: unknown */
    int64_t lifetime_ms;     /* -1: unknown */
} ti_record_token;

/* What bounds the sign-in beside the server's word (terms.h). -1: unknown. */
typedef struct ti_record_terms {
    int64_t refresh_expires_wall_ms, refresh_lifetime_ms;
    ti_kept_use use;
    char **fingerprint; /* header lines (base/strings.h); NULL: none */
} ti_record_terms;

typedef struct ti_record {
    ti_sign_in_id sign_in_id;
    uint64_t generation;
    ti_secret *refresh_token; /* NULL: none */
    ti_secret *id_token;      /* NULL: none, or no room for it */
    bool by_credentials;      /* it is renewed with the client's own: there is no refresh token */
    bool refused; /* the server refused the refresh token: kept, and not sent again by itself */
    ti_record_terms *terms; /* NULL: all unknown */
    ti_record_token *tokens;
    size_t token_count;
} ti_record;

/* Everything in it is the record's own. */
void ti_record_free(ti_record *record);

bool ti_record_token_lives(const ti_record_token *token, int64_t now_wall_ms);

/* issuer and client_id go in so that a record is never taken for another's. size_max: the store's limit, 0 for none; where the whole does not
 * fit, the access tokens are left out, or the id_token, or both. TACIT_ERR_STORE_TOO_LARGE: it does not fit even so. */
tacit_status ti_record_write(const ti_record *record, const char *issuer, const char *client_id,
                             size_t size_max, ti_buffer *bytes, tacit_error *error);

/* TACIT_ERR_STORE_CORRUPT: not a record, of a later version, or of another issuer or client; the message says which. */
tacit_status ti_record_read(const char *bytes, size_t size, const char *issuer,
                            const char *client_id, ti_record *record, tacit_error *error);

#endif
