/*
 * URLs: two lines, a URL and what comes after it on the same handle (or as its Location). What is
 * accepted without parsing must be what parsing would have given.
 */
#include "transport/url_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds) abort();
}

/* R11, and that the text means the same when it is read again. */
static void check_parsed(const ti_url *url) {
    const char *text = ti_url_text(url);
    check(strncmp(text, "https://", 8) == 0 || ti_url_is_loopback(url));
    check(!strpbrk(text, " \r\n\t#") && ti_url_target(url)[0] == '/');
    const char *authority = strstr(text, "://") + 3;
    check(!memchr(authority, '@', (size_t)(ti_url_target(url) - authority)));

    ti_url *again = ti_url_parse(text, "url", NULL);
    check(again && ti_url_same_origin(again, url));
    check(ti_url_is_loopback(again) == ti_url_is_loopback(url));
    ti_url_free(again);
}

static void check_change(ti_url *url, const char *next) {
    ti_url *parsed = ti_url_parse(next, "url", NULL);
    if (ti_url_change_to(url, next) != TI_URL_OTHER) {
        check(parsed && ti_url_same_origin(parsed, url));
        check(ti_url_is_loopback(parsed) == ti_url_is_loopback(url));
        check(strcmp(ti_url_text(url), next) == 0);
    }
    ti_url_free(parsed);
}

static void check_location(const ti_url *url, const char *location) {
    ti_url *resolved = ti_url_resolve(url, location, NULL);
    if (!resolved) return;
    check_parsed(resolved);
    check(strncmp(ti_url_text(url), "https:", 6) != 0 ||
          strncmp(ti_url_text(resolved), "https:", 6) == 0);
    ti_url_free(resolved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *next = strchr(text, '\n');
    if (next) *next++ = '\0';

    ti_url *url = ti_url_parse(text, "url", NULL);
    if (url) {
        check_parsed(url);
        if (next) {
            check_location(url, next);
            check_change(url, next);
        }
    }
    ti_url_free(url);
    free(text);
    return 0;
}
