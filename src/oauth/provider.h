/* An authorization server as the app names it: by its metadata, or by an issuer whose metadata is found later (session/discover.h). */
#ifndef TI_PROVIDER_H
#define TI_PROVIDER_H

#include <stdint.h>

#include <tacit/provider.h>

#include "oauth/metadata.h"

tacit_provider *ti_provider_ref(tacit_provider *provider);
/* Or ti_metadata_name(), where the provider was made from metadata. */
const char *ti_provider_issuer(const tacit_provider *provider);

/* The caller's reference; NULL: not found yet, which is never so after tacit_provider_from_json(). Thread-safe. */
ti_metadata *ti_provider_metadata(tacit_provider *provider);

/* ti_metadata_is_fresh() of what was found; always, where the provider was made from it. Thread-safe. */
bool ti_provider_is_fresh(tacit_provider *provider, int64_t wall_ms);
/* Takes a reference. Thread-safe. false: no memory. */
bool ti_provider_found(tacit_provider *provider, ti_metadata *metadata, int64_t fetched_wall_ms);

/* The server could not be asked: what is known has to do until then. Thread-safe. */
void ti_provider_rest(tacit_provider *provider, int64_t until_boot_ms);
bool ti_provider_rests(const tacit_provider *provider, int64_t boot_ms);

#endif
