/* First byte: the HTTP status. Then: the body. */
#include "oauth/token_response.h"

#include <stdlib.h>
#include <string.h>

#include "oauth/lifetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void check_token(const ti_token_response *response) {
    const char *token = ti_secret_data(response->access_token);
    size_t size = ti_secret_size(response->access_token);
    require(size > 0 && size <= 64 * 1024);
    for (size_t i = 0; i < size; i++) require(token[i] > 0x20 && token[i] < 0x7F);
    require(!response->refresh_token || ti_secret_size(response->refresh_token) > 0);
    require(!response->id_token || ti_secret_size(response->id_token) > 0);
    require(strcmp(response->type, "Bearer") == 0);
    require(response->lifetime_s == -1 ||
            (response->lifetime_s >= 1 && response->lifetime_s <= TI_LIFETIME_MAX_S));
    require(response->refresh_in_s == -1 ||
            (response->refresh_in_s >= 1 && response->refresh_in_s <= TI_LIFETIME_MAX_S));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int codes[] = {200, 201, 204, 302, 400, 401, 403, 429, 500, 503};
    if (size == 0) return 0;
    int http_status = codes[data[0] % (sizeof codes / sizeof *codes)];
    bool succeeded = http_status < 300;
    ti_token_response response;
    tacit_error error;

    ti_verdict verdict = ti_token_response_parse(http_status, (const char *)data + 1, size - 1,
                                                 INT64_C(1767225600000), 0, &response, &error);

    if (verdict == TI_VERDICT_TOKEN) {
        require(succeeded && error.status == TACIT_OK);
        check_token(&response);
    } else {
        require(!response.access_token && !response.refresh_token && !response.scope);
        require(!response.id_token);
        require(error.status != TACIT_OK && error.http_status == http_status);
        require(error.outcome_unknown == (verdict == TI_VERDICT_UNKNOWN));
    }
    if (verdict == TI_VERDICT_REFUSED) require(http_status < 500 && http_status != 429);
    if (verdict == TI_VERDICT_UNKNOWN) require(succeeded || error.status == TACIT_ERR_NO_MEMORY);
    ti_token_response_free(&response);
    return 0;
}
