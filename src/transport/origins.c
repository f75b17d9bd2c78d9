/* The origins that a session's token may go to. */
#include "base/error.h"
#include "transport/url_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct ti_origins {
    size_t count;
    ti_url *urls[];
};

/* "https://host", "https://host/": nothing behind it but a lone slash. */
static bool is_origin(const ti_url *url, const char *text) {
    return strcmp(ti_url_target(url), "/") == 0 && !strpbrk(text, "?#");
}

ti_origins *ti_origins_new(const char *const *list, tacit_error *error) {
    size_t count = 0;
    while (list && list[count]) count++;
    ti_origins *origins =
        count < INT_MAX ? calloc(1, sizeof *origins + count * sizeof(ti_url *)) : NULL;
    if (!origins) {
        ti_error_no_memory(error);
        return NULL;
    }
    for (; origins->count < count; origins->count++) {
        const char *text = list[origins->count];
        ti_url *url = ti_url_parse(text, "options->origins", error);
        if (url && !is_origin(url, text)) {
            ti_error_argument(error, "options->origins", "holds more than scheme://host:port");
            ti_url_free(url);
            url = NULL;
        }
        if (!url) {
            ti_origins_free(origins);
            return NULL;
        }
        origins->urls[origins->count] = url;
    }
    return origins;
}

void ti_origins_free(ti_origins *origins) {
    if (!origins) return;
    for (size_t i = 0; i < origins->count; i++) ti_url_free(origins->urls[i]);
    free(origins);
}

size_t ti_origins_count(const ti_origins *origins) {
    return origins->count;
}

int ti_origins_find(const ti_origins *origins, const ti_url *url) {
    for (size_t i = 0; i < origins->count; i++) {
        if (ti_url_same_origin(origins->urls[i], url)) return (int)i;
    }
    return -1;
}

ti_url *ti_origins_url(const ti_origins *origins, const char *text, const char *what,
                       tacit_error *error) {
    for (size_t i = 0; text && i < origins->count; i++) {
        ti_url *url = ti_url_beside(origins->urls[i], text);
        if (!url) continue;
        ti_error_clear(error);
        return url;
    }
    return ti_url_parse(text, what, error);
}
