/*
 * A handle performs one exchange at a time on the calling thread and keeps its connection. It
 * belongs to one caller between acquire and release (transport.h); meanwhile only
 * ti_transport_wake() reaches it from other threads.
 */
#ifndef TI_HANDLE_H
#define TI_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tacit/request.h>

#include "base/buffer.h"
#include "transport/url.h"

typedef struct ti_handle ti_handle;

typedef struct ti_http_answer ti_http_answer;

/* What one send needs. Everything is borrowed until ti_handle_send() returns. */
typedef struct ti_http_request {
    const char *method;         /* NULL: GET, or POST with a body. HEAD has no body */
    const char *authorization;  /* a whole line, "Authorization: Bearer ..."; NULL: none */
    const char *const *headers; /* the caller's, checked; NULL-terminated. One without a value takes
                                   away what libcurl sends by itself ("Accept:") */
    const char *username, *password; /* both or none: client_secret_basic, already form-encoded */
    const void *body;
    size_t body_size;
    bool has_body; /* an empty body is one, too */
    tacit_read_fn read;
    int64_t read_size; /* <= 0: unknown */
    void *read_data;
    const tacit_part *const *parts; /* a form, instead of body and read; NULL-terminated */
    tacit_write_fn write;           /* gets 2xx bodies; others are collected */
    void *write_data;
    /* Before the first byte of a body for write, when the head is complete. false stops, as write
     * does. May be NULL. */
    bool (*write_begins)(const ti_http_answer *answer, void *write_data);
    bool may_pause; /* write and read may answer PAUSE; else that is TACIT_ERR_CANCELLED */
    tacit_progress_fn progress;
    void *progress_data;
    size_t response_bytes_max; /* 0: the transport's */
    int64_t deadline_boot_ms;
    const atomic_bool *cancelled; /* may be NULL; looked at after every wake */
    bool accept_encoding;         /* offer what libcurl can decode */
} ti_http_request;

/* One answer; initialise with TI_HTTP_ANSWER_INIT, free with ti_http_answer_free(). */
struct ti_http_answer {
    int status;        /* 0: none arrived */
    ti_buffer head;    /* the header lines of the last answer, each NUL-terminated, without CR and
                          LF; neither the status line nor trailers */
    ti_buffer body;    /* what was not given to write */
    int retry_after_s; /* of a status from 300; 0: none */
    bool sent;         /* bytes of the request left: without an answer the outcome is unknown */
};
#define TI_HTTP_ANSWER_INIT                                                                        \
    { .status = 0 }
void ti_http_answer_free(ti_http_answer *answer);
/* The value of the index-th header of that name, or NULL. */
const char *ti_http_answer_header(const ti_http_answer *answer, const char *name, size_t index);
/* As it came; NULL: there are no more. */
const char *ti_http_answer_header_line(const ti_http_answer *answer, size_t index);

/*
 * ti_url_parse() with the handle's memory: what is the same as last time, or differs in the path
 * only, is not parsed again. Borrowed until the next call of this or the handle's release.
 */
const ti_url *ti_handle_url(ti_handle *handle, const char *text, const char *what,
                            tacit_error *error);

/*
 * Sends, and collects the answer. Blocks until deadline_boot_ms at most, which holds across a
 * suspend. Redirects are not followed. answer is cleared first (what is secret stays so, and memory
 * is kept); after a failure it says what had arrived and whether anything was sent.
 * TACIT_ERR_NETWORK, _TLS, _TIMEOUT, _TOO_LARGE, _CANCELLED (`cancelled`, or a callback; the caller
 * knows which), _NO_MEMORY; outcome_unknown is set where bytes were sent.
 */
tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error);

/* A counted thing that the handle holds for its user between sends: the token whose line it
 * carries. Setting releases the one before, unless it is the same. */
void ti_handle_keep(ti_handle *handle, void *thing, void (*release)(void *thing));
void *ti_handle_kept(const ti_handle *handle);

#endif
