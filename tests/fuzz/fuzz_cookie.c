/* Set-Cookie values, one a line. */
#include "oauth/cookie.h"

#include <stdlib.h>
#include <string.h>

#include "oauth/lifetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void check_value(const ti_cookie *cookie, const char *text, size_t size) {
    const char *value = cookie->value.data;
    require(cookie->lifetime_s == -1 ||
            (cookie->lifetime_s >= 1 && cookie->lifetime_s <= TI_LIFETIME_MAX_S));
    if (cookie->value.size == 0) {
        require(!cookie->is_faulty && cookie->lifetime_s == -1);
        return;
    }
    require(value > text && value + cookie->value.size <= text + size);
    require(memchr(value, ';', cookie->value.size) == NULL);
    if (cookie->is_faulty) return;
    require(cookie->value.size <= TI_COOKIE_SIZE_MAX);
    for (size_t i = 0; i < cookie->value.size; i++) require(value[i] >= ' ' && value[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';

    ti_cookie cookie = TI_COOKIE_INIT;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        ti_cookie_read(&cookie, line, "rt", INT64_C(1767225600));
        check_value(&cookie, text, size);
    }
    free(text);
    return 0;
}
