/* Sees to it that a provider's metadata is known before a grant: from memory, from the cache in state_dir, or from the server. */
#ifndef TI_DISCOVER_H
#define TI_DISCOVER_H

#include <stdatomic.h>

#include <tacit/client.h>

#include "oauth/provider.h"

/* At once where it is known and fresh, always so after tacit_provider_from_json(). Else asks the server, and makes do with what is known,
 * however old, where that fails. Blocks until deadline_boot_ms; no lock may be held. cancelled may be NULL. Errors:
 * ti_discovery_fetch()'s. */
tacit_status ti_discover(tacit_client *client, tacit_provider *provider, int64_t deadline_boot_ms,
                         const atomic_bool *cancelled, tacit_error *error);

/* The same without the server: what memory or the cache has; the caller's reference. NULL: nothing. */
ti_metadata *ti_discover_known(tacit_client *client, tacit_provider *provider);

#endif
