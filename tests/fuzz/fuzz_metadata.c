/* What a server answers where its metadata is looked for, or what lies in the cache: another issuer's is never taken, nor an endpoint
 * without TLS. */
#include "oauth/discovery.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://as.example.com"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void require_https(const char *endpoint) {
    require(endpoint == NULL || strncmp(endpoint, "https://", 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tacit_error error;

    ti_metadata *metadata = ti_discovery_read((const char *)data, size, ISSUER, &error);

    if (metadata) {
        require(error.status == TACIT_OK);
        require(strcmp(ti_metadata_issuer(metadata), ISSUER) == 0);
        require(ti_metadata_token_endpoint(metadata) != NULL);
        require_https(ti_metadata_token_endpoint(metadata));
        require_https(ti_metadata_authorization_endpoint(metadata));
        require_https(ti_metadata_device_authorization_endpoint(metadata));
        require_https(ti_metadata_revocation_endpoint(metadata));
        require_https(ti_metadata_end_session_endpoint(metadata));
    } else {
        require(error.status == TACIT_ERR_PROTOCOL || error.status == TACIT_ERR_NO_MEMORY);
        require(error.message[0] != '\0');
    }
    ti_metadata_unref(metadata);
    return 0;
}
