/*
 * HTTP: the only floor that includes libcurl.
 *
 * A transport belongs to a client: base options, shared DNS and TLS sessions, the proxy as looked
 * up once, and a pool of handles. A handle performs one exchange at a time on the calling thread,
 * keeps its connection, and is handed out most recently used first. Thread-safe, except for a
 * handle, which belongs to one caller between acquire and release.
 */
#ifndef TI_TRANSPORT_H
#define TI_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tacit/request.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "transport/url.h"

typedef struct ti_transport ti_transport;
typedef struct ti_handle ti_handle;

typedef struct ti_transport_options {
    const char *user_agent, *ca_file, *ca_pem, *pinned_public_key, *proxy, *client_certificate_file,
        *client_key_file;
    int connect_timeout_ms;
    unsigned idle_connections_max;
    size_t response_bytes_max;
    const ti_clock *clock; /* borrowed for the transport's life, as is log */
    ti_log *log;
} ti_transport_options;

/* curl_global_init and jansson's hash seed, once per process; with the flag's wiping allocators
 * where asked for first. */
tacit_status ti_transport_global_init(unsigned flags, tacit_error *error);

ti_transport *ti_transport_new(const ti_transport_options *options,
                               tacit_error *error); /* strings are copied */
void ti_transport_free(ti_transport *transport);    /* no handle may be out */

/* What one send needs. Everything is borrowed until ti_handle_send() returns. */
typedef struct ti_http_request {
    const char *method;        /* NULL: GET, or POST with a body */
    const char *authorization; /* a whole line, "Authorization: Bearer ..."; NULL: none. Stays valid
                                  while the handle keeps it, below */
    const char *const *headers;      /* the caller's, checked; NULL-terminated */
    const char *username, *password; /* both or none: client_secret_basic, already form-encoded */
    const void *body;
    size_t body_size;
    bool has_body; /* an empty body is one, too */
    tacit_read_fn read;
    int64_t read_size;
    void *read_data;
    tacit_write_fn write; /* gets 2xx bodies; others are collected */
    void *write_data;
    tacit_progress_fn progress;
    void *progress_data;
    size_t response_bytes_max; /* 0: the transport's */
    int64_t deadline_boot_ms;
    const atomic_bool *cancelled; /* may be NULL; looked at after every wake */
    bool accept_encoding;         /* offer what libcurl can decode */
} ti_http_request;

/* One answer; initialise with TI_HTTP_ANSWER_INIT, free with ti_http_answer_free(). */
typedef struct ti_http_answer {
    int status; /* 0: none arrived */
    ti_buffer
        head; /* the header lines of the last answer, each NUL-terminated, without CR and LF */
    ti_buffer body;    /* what was not given to write */
    int retry_after_s; /* 0: none */
    bool sent;         /* bytes of the request left: without an answer the outcome is unknown */
} ti_http_answer;
#define TI_HTTP_ANSWER_INIT                                                                        \
    { .status = 0 }
void ti_http_answer_free(ti_http_answer *answer);
/* The value of the index-th header of that name, or NULL. */
const char *ti_http_answer_header(const ti_http_answer *answer, const char *name, size_t index);

typedef enum ti_handle_kind {
    TI_HANDLE_POOLED, /* requests to the session's origins: keeps its connection */
    TI_HANDLE_FRESH, /* grants (R17): a new connection that is not kept, client certificate included
                      */
    TI_HANDLE_FOREIGN /* a redirect to another origin: no client certificate, no pinned key, not
                         kept */
} ti_handle_kind;

/* Never NULL but without memory. */
ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind);
/* Back to the pool; what exceeds idle_connections_max, or is not POOLED, is freed. */
void ti_handle_release(ti_transport *transport, ti_handle *handle);

/*
 * Sends, and collects the answer. Blocks until deadline_boot_ms at most, which holds across a
 * suspend. Redirects are not followed. answer is cleared first; after a failure it says what had
 * arrived and whether anything was sent. TACIT_ERR_NETWORK, _TLS, _TIMEOUT, _TOO_LARGE, _CANCELLED
 * (`cancelled`, or a callback; the caller knows which), _NO_MEMORY; outcome_unknown is set where
 * bytes were sent.
 */
tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error);

/* Wakes every handle that is sending, so that it looks at `cancelled` now. */
void ti_transport_wake(ti_transport *transport);

/* A counted thing that the handle holds for its user between sends: the token whose line it
 * carries. Setting releases the one before; ti_transport_drop_kept() releases those of all idle
 * handles for which match answers true (R12). */
void ti_handle_keep(ti_handle *handle, void *thing, void (*release)(void *thing));
void *ti_handle_kept(const ti_handle *handle);
void ti_transport_drop_kept(ti_transport *transport, bool (*match)(void *thing, void *data),
                            void *data);

/* The method after a redirect (RFC 9110 section 15.4), or NULL where status is no redirect to
 * follow. *keep_body: false where it becomes GET. */
const char *ti_redirect_method(int status, const char *method, bool *keep_body);

#endif
