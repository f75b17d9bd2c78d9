/* First byte: the HTTP status. Then: the body. */
#include "oauth/device_authorization.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void check_text(const char *text) {
    require(text[0] != '\0');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        require(c >= 0x20 && c != 0x7F);
        require(c != 0xC2 || next > 0x9F);
    }
}

static void check_uri(const char *uri) {
    check_text(uri);
    require(strlen(uri) > strlen("http://") && strstr(uri, "://") && !strchr(uri, ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int codes[] = {200, 201, 204, 302, 400, 401, 403, 429, 500, 503};
    if (size == 0) return 0;
    int http_status = codes[data[0] % (sizeof codes / sizeof *codes)];
    ti_device_authorization found;
    tacit_error error;

    tacit_status status = ti_device_authorization_parse(http_status, (const char *)data + 1,
                                                        size - 1, 0, &found, &error);

    require(status == error.status);
    if (status == TACIT_OK) {
        require(http_status < 300);
        require(ti_secret_size(found.device_code) > 0);
        check_text(found.user_code);
        check_uri(found.verification_uri);
        if (found.verification_uri_complete) check_uri(found.verification_uri_complete);
        require(found.expires_in_s >= 1 && found.expires_in_s <= 24 * 3600);
        require(found.interval_s >= 1 && found.interval_s <= 300);
    } else {
        require(!found.device_code && !found.user_code && !found.verification_uri);
        require(!found.verification_uri_complete && !error.outcome_unknown);
    }
    ti_device_authorization_free(&found);
    return 0;
}
