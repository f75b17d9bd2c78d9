/* Authorization server metadata. */
#include "oauth/provider.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

/* No line can become two, and no token gets into a URL unasked. */
static void require_request(const ti_dialect_request *request) {
    if (!request) return;
    for (char *const *line = request->headers; line && *line; line++) {
        require(strchr(*line, ':') && !strpbrk(*line, "\r\n"));
    }
    require(request->method[0] != '\0');
    require(!request->url || strncmp(request->url, "http", 4) == 0);
    require(!request->fields || json_is_object(request->fields));
}

static void require_consistent(const ti_dialect *dialect) {
    require_request(dialect->sign_in);
    require_request(dialect->refresh);
    require_request(dialect->sign_out);
    require(!dialect->sign_in || (dialect->sign_in->url && !dialect->sign_in->field));
    require(!dialect->refresh || !dialect->refresh->url);
    require(!dialect->sign_out || dialect->sign_out->url);
    require(!dialect->refresh || dialect->refresh->field ||
            dialect->refresh->send == TI_SEND_BEARER);
    for (const int *status = dialect->signed_out_statuses; status && *status; status++) {
        require(*status >= 400 && *status < 500 && *status != 429);
    }
    require(ti_dialect_equal(dialect, dialect));
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
        const ti_dialect *dialect = ti_metadata_dialect(metadata);
        const char *endpoint = ti_metadata_token_endpoint(metadata);
        require(endpoint ? strncmp(endpoint, "http", 4) == 0
                         : dialect && dialect->sliding_header && !dialect->refresh);
        if (dialect) require_consistent(dialect);
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
