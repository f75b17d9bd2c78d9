/* Authorization server metadata. */
#include "oauth/provider.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *json = malloc(size + 1);
    if (!json) return 0;
    memcpy(json, data, size);
    json[size] = '\0';
    tacit_error error;

    tacit_provider *provider = tacit_provider_from_json(json, &error);

    require((provider != NULL) == (error.status == TACIT_OK));
    if (provider) {
        ti_metadata *metadata = ti_provider_metadata(provider);
        ti_client_auth auth;
        require(strncmp(ti_metadata_token_endpoint(metadata), "http", 4) == 0);
        require(ti_provider_issuer(provider)[0] != '\0');
        require(ti_metadata_client_auth(metadata, false, &auth) && auth == TI_CLIENT_AUTH_NONE);
        ti_metadata_unref(metadata);
    } else {
        require(error.message[0] != '\0');
    }
    tacit_provider_unref(provider);
    free(json);
    return 0;
}
