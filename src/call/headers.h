/* The caller's header lines: what may be in them, and which of them a redirect may carry on. */
#ifndef TI_HEADERS_H
#define TI_HEADERS_H

#include <stdbool.h>

#include <tacit/error.h>

/* "Name: value" with nothing in it that could begin another line, and none of the names that belong
 * to the library or to the connection. lines: NULL-terminated, may be NULL. */
tacit_status ti_headers_check(const char *const *lines, tacit_error *error);

/* token of RFC 9110 section 5.6.2: a method, a header's name. */
bool ti_is_http_token(const char *text);

/* Which lines go along after a redirect. */
typedef struct ti_headers_keep {
    bool credentials; /* not to a foreign origin (R11) */
    bool content;     /* what describes the body; not where it was dropped */
} ti_headers_keep;

/* A new NULL-terminated list that borrows the lines; free() it. NULL: no memory. */
const char **ti_headers_filter(const char *const *lines, ti_headers_keep keep);

/* The same with all lines of both, either of which may be NULL. */
const char **ti_headers_join(const char *const *lines, const char *const *more);

bool ti_headers_have(const char *const *lines, const char *name);

#endif
