/* Authorization server metadata (RFC 8414 section 2), as far as it is used. Immutable and counted. Pure. */
#ifndef TI_METADATA_H
#define TI_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tacit/error.h>

#include "oauth/dialect.h"

typedef struct ti_metadata ti_metadata;

typedef enum ti_client_auth { /* RFC 6749 section 2.3.1 */
                              TI_CLIENT_AUTH_NONE,
                              TI_CLIENT_AUTH_BASIC,
                              TI_CLIENT_AUTH_POST
} ti_client_auth;

/* issuer: whose it has to be, exactly (RFC 8414 section 3.3), and then a server's own word, in which
 * "dialect" is ignored; NULL: any, also one without a name, and the app's. NULL: error says why, as
 * tacit_provider_from_json() documents it; TACIT_ERR_PROTOCOL: another issuer's. */
ti_metadata *ti_metadata_parse(const char *json, size_t size, const char *issuer,
                               tacit_error *error);
ti_metadata *ti_metadata_ref(ti_metadata *metadata);
void ti_metadata_unref(ti_metadata *metadata);
bool ti_metadata_equal(const ti_metadata *a, const ti_metadata *b);
/* For a day after it was fetched; a wall clock from before that keeps nothing fresh. */
bool ti_metadata_is_fresh(int64_t fetched_wall_ms, int64_t wall_ms);

/* URLs as text, because a ti_url belongs to one thread. NULL: not in it. */
const char *ti_metadata_issuer(const ti_metadata *metadata);
/* The issuer, else the token endpoint, else where the dialect signs in; never NULL. */
const char *ti_metadata_name(const ti_metadata *metadata);
/* NULL only where a dialect needs none: it slides. */
const char *ti_metadata_token_endpoint(const ti_metadata *metadata);
const char *ti_metadata_authorization_endpoint(const ti_metadata *metadata);
const char *ti_metadata_device_authorization_endpoint(const ti_metadata *metadata);
const char *ti_metadata_revocation_endpoint(const ti_metadata *metadata);
const char *ti_metadata_end_session_endpoint(const ti_metadata *metadata);
/* Lives as long as the metadata. NULL: plain OAuth. */
const ti_dialect *ti_metadata_own_dialect(const ti_metadata *metadata);
/* The same, to go by. */
static inline const ti_dialect *ti_metadata_dialect(const ti_metadata *metadata) {
    return TI_WITH_DIALECTS ? ti_metadata_own_dialect(metadata) : NULL;
}
/* The server puts iss into every callback (RFC 9207): one without is not its. */
bool ti_metadata_sends_iss(const ti_metadata *metadata);
/* Basic where the server takes it or says nothing (RFC 8414's default), else post; NONE without a
 * secret. false: neither. */
bool ti_metadata_client_auth(const ti_metadata *metadata, bool has_secret, ti_client_auth *auth);

#endif
