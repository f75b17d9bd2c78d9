/*
 * HTTP: the only floor that includes libcurl.
 *
 * A transport belongs to a client: base options, shared DNS and TLS sessions, the proxy as looked
 * up once, and a pool of handles, handed out most recently used first. Thread-safe.
 */
#ifndef TI_TRANSPORT_H
#define TI_TRANSPORT_H

#include "base/clock.h"
#include "base/log.h"
#include "transport/handle.h"

typedef struct ti_transport ti_transport;

typedef struct ti_transport_options {
    const char *user_agent, *ca_file, *ca_pem, *pinned_public_key;
    const char *proxy; /* NULL: from the environment; "": none */
    const char *client_certificate_file, *client_key_file;
    int connect_timeout_ms;
    unsigned idle_connections_max;
    size_t response_bytes_max;
    const ti_clock *clock; /* borrowed for the transport's life, as is log */
    ti_log *log;
} ti_transport_options;

/* Starts libcurl and jansson unless that was done; ti_transport_new() calls it. */
tacit_status ti_global_init(tacit_error *error);

/* Strings are copied. TACIT_ERR_INVALID_ARGUMENT: a file that cannot be read, a proxy that is no
 * URL. TACIT_ERR_UNSUPPORTED: this libcurl lacks something that was asked for. */
ti_transport *ti_transport_new(const ti_transport_options *options, tacit_error *error);
void ti_transport_free(ti_transport *transport); /* no handle may be out */

ti_log *ti_transport_log(ti_transport *transport);
/* What it sends by itself, as the app set it; NULL: nothing. */
const char *ti_transport_user_agent(const ti_transport *transport);
/* Encodings that every libcurl with zlib can decode: "deflate, gzip". NULL: this one has none. */
const char *ti_transport_encodings(void);

typedef enum ti_handle_kind {
    TI_HANDLE_POOLED, /* requests to the session's origins: keeps its connection */
    TI_HANDLE_FRESH, /* grants (R17): a new connection that is not kept, client certificate included
                      */
    TI_HANDLE_FOREIGN /* a redirect to another origin: no client certificate, no pinned key, not
                         kept */
} ti_handle_kind;

/* Never NULL but without memory. */
ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind);
/* Back to the pool; what exceeds idle_connections_max, or is not POOLED, is freed. handle may be
 * NULL. */
void ti_handle_release(ti_transport *transport, ti_handle *handle);

/* Wakes every handle that is sending, so that it looks at `cancelled` now. */
void ti_transport_wake(ti_transport *transport);

/* Releases what idle handles keep, where match answers true (R12). match may be called on handles
 * that another thread would have got meanwhile; that one gets a new handle. Handles that are out
 * are their holders' business. */
void ti_transport_drop_kept(ti_transport *transport, bool (*match)(void *thing, void *data),
                            void *data);

/* The method after a redirect (RFC 9110 section 15.4), or NULL where status is no redirect to
 * follow. method NULL: GET. *keep_body: false where it becomes GET. */
const char *ti_redirect_method(int status, const char *method, bool *keep_body);

#endif
