/* A URL from the inside, for the files of this floor. */
#ifndef TI_URL_PARTS_H
#define TI_URL_PARTS_H

#include "transport/url.h"

#include <curl/curl.h>
#include <stdatomic.h>

/* Scheme, host and port. Counted, since URLs share it with each other and with the handles that are
 * set to it. Thread-safe: read-only once its first URL is made. */
typedef struct ti_origin {
    atomic_uint references;
    CURLU *parsed; /* with "/" for a path: what libcurl connects to */
    bool https, loopback;
} ti_origin;

ti_origin *ti_origin_ref(ti_origin *origin);
void ti_origin_unref(ti_origin *origin); /* takes NULL */

struct ti_url {
    ti_origin *origin;
    char *text;         /* normalised; path and query begin at origin_size */
    size_t origin_size; /* of "scheme://host[:port]" */
    size_t capacity;    /* of text */
    bool is_secret;     /* ti_url_hide() */
};

typedef enum ti_url_change {
    TI_URL_SAME,  /* it is the same URL */
    TI_URL_PATH,  /* the same origin; path and query were replaced */
    TI_URL_OTHER, /* it has to be parsed; url is as it was */
} ti_url_change;

/* Makes url the URL of text where that needs no parsing; TI_URL_OTHER also without memory. */
ti_url_change ti_url_change_to(ti_url *url, const char *text);

/* A URL of the same origin, which it shares, where text needs no parsing to be one. Yours. NULL: it
 * has to be parsed, or there is no memory. */
ti_url *ti_url_beside(const ti_url *url, const char *text);

/* Path and query, as they go into the request line. */
const char *ti_url_target(const ti_url *url);

#endif
