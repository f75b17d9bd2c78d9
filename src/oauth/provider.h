/* An authorization server as the app names it: by its metadata, or by an issuer whose metadata is found later (session/discover.h). */
#ifndef TI_PROVIDER_H
#define TI_PROVIDER_H

#include <stdint.h>

#include <tacit/provider.h>

#include "oauth/metadata.h"

tacit_provider *ti_provider_ref(tacit_provider *provider);
const char *ti_provider_issuer(
    const tacit_provider *provider); /* the token endpoint where metadata names none */

/* The caller's reference; NULL: not found yet, which is never so after tacit_provider_from_json(). Thread-safe. */
ti_metadata *ti_provider_metadata(tacit_provider *provider);

/* Of a provider that was named by its issuer: what was found, and until when it is fresh. Thread-safe. false: no memory. */
bool ti_provider_is_named(const tacit_provider *provider);
bool ti_provider_is_fresh(tacit_provider *provider,
                          int64_t wall_ms); /* always, where it is not named */
bool ti_provider_found(tacit_provider *provider, ti_metadata *metadata,
                       int64_t fresh_until_wall_ms);

#endif
