/* Set-Cookie (RFC 6265 section 5.2), for the one cookie that a dialect names. Pure. */
#ifndef TI_COOKIE_H
#define TI_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TI_COOKIE_SIZE_MAX ((size_t)64 << 10)

typedef struct ti_cookie_text { /* borrowed from the line; NULL: none */
    const char *data;
    size_t size;
} ti_cookie_text;

/* What the lines so far leave: later ones replace earlier ones. */
typedef struct ti_cookie {
    ti_cookie_text value;        /* byte for byte; none: it is not there, or over */
    ti_cookie_text path, domain; /* which cookie of that name it is */
    int64_t lifetime_s;          /* -1: not said */
    bool is_faulty;              /* the value cannot be sent back: its characters, its size */
} ti_cookie;
#define TI_COOKIE_INIT                                                                             \
    { .lifetime_s = -1 }

/* Reads the value of one Set-Cookie header, of whatever name. now_s: the Unix time that the server counts from. */
void ti_cookie_read(ti_cookie *cookie, const char *line, const char *name, int64_t now_s);

#endif
