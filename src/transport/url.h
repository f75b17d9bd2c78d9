/*
 * URLs and origins. libcurl parses them, so that the host that is checked is the host that is
 * connected to; that is why this lies in transport and not in base.
 */
#ifndef TI_URL_H
#define TI_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <tacit/error.h>

#include "base/buffer.h"
#include "base/secret.h"

/* An absolute http or https URL. Not thread-safe. */
typedef struct ti_url ti_url;

/*
 * Yours; free with ti_url_free(). Normalised: scheme and host in lower case, without a default port,
 * dot segments and fragment. NULL: TACIT_ERR_INVALID_ARGUMENT (relative, other scheme, user or
 * password in it, spaces or control characters; the message names `what`, "options->url"),
 * TACIT_ERR_INSECURE_URL (http beyond loopback).
 */
ti_url *ti_url_parse(const char *text, const char *what, tacit_error *error);
/* A Location header against the URL that answered it. Errors as above, and TACIT_ERR_INSECURE_URL
 * from https to any http. */
ti_url *ti_url_resolve(const ti_url *base, const char *location, tacit_error *error);
void ti_url_free(ti_url *url);
/* There is a secret in its query: the text is wiped when it is freed. */
void ti_url_hide(ti_url *url);

const char *ti_url_text(const ti_url *url);
bool ti_url_is_loopback(const ti_url *url); /* 127.0.0.0/8, [::1], localhost */
bool ti_url_same_origin(const ti_url *a,
                        const ti_url *b); /* scheme, host without case, port with its default */

/* The url with a query added, which is encoded already; one that it has stays. Into an empty buffer, whose `failed` says whether there
 * was memory for it. */
void ti_url_append_query(ti_buffer *text, const char *url, const ti_buffer *query);

/* A name or value of a query (application/x-www-form-urlencoded), decoded; a % without two digits behind it stays. Yours. NULL: no
 * memory. */
ti_secret *ti_url_decode(const char *text, size_t size);

/* The origins that a session's token may go to. Immutable. */
typedef struct ti_origins ti_origins;

/* list: NULL-terminated "scheme://host[:port]", a lone "/" after it is fine; NULL: none. */
ti_origins *ti_origins_new(const char *const *list, tacit_error *error);
void ti_origins_free(ti_origins *origins);
size_t ti_origins_count(const ti_origins *origins);
/* Its place in the list, or -1. */
int ti_origins_find(const ti_origins *origins, const ti_url *url);
/* ti_url_parse(), which parses nothing where text begins with one of the origins and what follows is
 * plain: the URL then shares what was parsed. Thread-safe. Yours. */
ti_url *ti_origins_url(const ti_origins *origins, const char *text, const char *what,
                       tacit_error *error);

#endif
