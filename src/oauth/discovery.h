/* Fetches an issuer's metadata: OpenID Connect Discovery section 4, and where the server has none there, RFC 8414 section 3. */
#ifndef TI_DISCOVERY_H
#define TI_DISCOVERY_H

#include <stdatomic.h>

#include "oauth/metadata.h"
#include "transport/transport.h"

typedef struct ti_discovery { /* what came; initialise with zero */
    bool unchanged;           /* 304: what the ETag is of still holds; the rest is empty */
    ti_metadata *metadata;
    ti_buffer json; /* as it came, for the cache */
    char *url;      /* where it was found */
    char *etag;     /* NULL: none */
} ti_discovery;
void ti_discovery_free(ti_discovery *found);

/* known_url: where it was found before, asked first; etag: what that had, for If-None-Match. NULL: not known. Blocks until deadline_boot_ms
 * or *cancelled (may be NULL). At most two requests. Errors: tacit_provider_from_issuer()'s, TACIT_ERR_CANCELLED. */
tacit_status ti_discovery_fetch(ti_transport *transport, const char *issuer, const char *known_url,
                                const char *etag, int64_t deadline_boot_ms,
                                const atomic_bool *cancelled, ti_discovery *found,
                                tacit_error *error);

/* ti_metadata_parse() with what is asked of metadata that the app did not write: no endpoint without TLS, unless the issuer has none either.
 * TACIT_ERR_PROTOCOL, TACIT_ERR_NO_MEMORY. */
ti_metadata *ti_discovery_read(const char *json, size_t size, const char *issuer,
                               tacit_error *error);

#endif
