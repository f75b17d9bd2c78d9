/* What issuers' metadata was when it was last asked for: a file for each issuer in the client's state_dir. Nothing in it is secret, and
 * nothing in it is believed that the issuer could not have said. */
#ifndef TI_METADATA_CACHE_H
#define TI_METADATA_CACHE_H

#include <tacit/client.h>

#include "oauth/discovery.h"

/* *known: as it was found; *fetched_wall_ms: when the server last said so. false: there is none, or what is there cannot be used, which is
 * the same. Waits for the disk only. */
bool ti_metadata_cache_load(const tacit_client *client, const char *issuer, ti_discovery *known,
                            int64_t *fetched_wall_ms);
/* In place of whatever is there, in one step. The error says why it could not be kept. */
tacit_status ti_metadata_cache_save(const tacit_client *client, const char *issuer,
                                    const ti_discovery *known, int64_t fetched_wall_ms,
                                    tacit_error *error);

#endif
