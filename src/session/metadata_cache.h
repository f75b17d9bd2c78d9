/* What issuers' metadata was when it was last asked for: a file for each issuer in the client's state_dir. Nothing in it is secret, and
 * nothing in it is believed that the issuer could not have said. */
#ifndef TI_METADATA_CACHE_H
#define TI_METADATA_CACHE_H

#include <tacit/client.h>

#include "base/buffer.h"
#include "oauth/metadata.h"

typedef struct ti_cached_metadata { /* initialise with zero */
    ti_metadata *metadata;
    ti_buffer json;          /* what metadata was read from */
    char *url;               /* where it was found */
    char *etag;              /* NULL: none */
    int64_t fetched_wall_ms; /* when the server last said that it holds */
} ti_cached_metadata;
void ti_cached_metadata_free(ti_cached_metadata *cached);

/* false: there is none, or what is there cannot be used, which is the same. Waits for the disk only. */
bool ti_metadata_cache_load(const tacit_client *client, const char *issuer,
                            ti_cached_metadata *cached);
/* In place of whatever is there, in one step. metadata is not looked at. The error says why it could not be kept. */
tacit_status ti_metadata_cache_save(const tacit_client *client, const char *issuer,
                                    const ti_cached_metadata *cached, tacit_error *error);

#endif
