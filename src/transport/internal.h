/* What the files of this floor share: a transport and a handle from the inside. */
#ifndef TI_TRANSPORT_INTERNAL_H
#define TI_TRANSPORT_INTERNAL_H

#include "transport/transport.h"
#include "transport/url_parts.h"

#include <curl/curl.h>
#include <pthread.h>

#define TI_HEAD_BYTES_MAX ((size_t)256 * 1024)

struct ti_transport {
    /* set at creation, then read-only */
    ti_transport_options options; /* strings are the transport's own */
    char *proxy;                  /* for https beyond loopback; NULL: none */
    char *no_proxy;               /* libcurl's list of hosts without; "": none */
    CURLSH *share;

    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST]; /* taken by libcurl, one at a time */

    pthread_mutex_t lock;
    /* guarded by lock */
    ti_handle *idle; /* most recently used first; linked by next */
    unsigned idle_count;
    ti_handle *out; /* linked by next and previous */
};

/* What libcurl is told about the body that it sends. */
typedef enum ti_body_mode {
    TI_BODY_NONE,
    TI_BODY_HEAD, /* none either, and none comes back */
    TI_BODY_MEMORY,
    TI_BODY_STREAM
} ti_body_mode;

struct ti_handle {
    /* set at creation, then read-only */
    ti_transport *transport;
    ti_handle_kind kind;
    CURL *easy;
    CURLM *multi; /* the handle's own: one connection, and a wake-up of its own */

    ti_handle *next, *previous; /* guarded by the transport's lock */

    /* what `easy` is set to, so that a send sets only what changes */
    ti_body_mode body_mode;
    char method[16];                   /* CURLOPT_CUSTOMREQUEST; "": none */
    bool has_headers;                  /* CURLOPT_HTTPHEADER is `lines` */
    bool direct;                       /* no proxy */
    bool accepts_encoding;             /* CURLOPT_ACCEPT_ENCODING */
    bool reports_progress;             /* CURLOPT_XFERINFOFUNCTION is called */
    bool has_credentials;              /* CURLOPT_USERNAME and _PASSWORD */
    bool origin_is_set, target_is_set; /* CURLOPT_CURLU and _REQUEST_TARGET are those of `url` */
    ti_url *url;                       /* the last of ti_handle_url() */
    struct curl_slist *lines;          /* as an array; their data is valid during a send only */
    size_t line_capacity;

    /* the send under way */
    const ti_http_request *request;
    size_t body_bytes_max;
    ti_http_answer *answer;
    tacit_status stopped; /* why a callback stopped it; TACIT_OK: none did */
    size_t head_bytes;    /* of all heads, 1xx and trailers included */
    bool head_is_open;    /* between a status line and the empty line */
    bool body_has_begun, body_goes_to_write;
    int64_t read_bytes; /* of a streamed body */
    char error_text[CURL_ERROR_SIZE];

    void *kept;
    void (*release_kept)(void *thing);
};

/* NULL: `code` says why. */
ti_handle *ti_handle_new(ti_transport *transport, ti_handle_kind kind, CURLcode *code);
void ti_handle_free(ti_handle *handle);

/* libcurl's callbacks, for what comes (answer.c) and what goes (send.c). user_data: the handle. */
size_t ti_on_head(char *data, size_t one, size_t size, void *user_data);
size_t ti_on_body(char *data, size_t one, size_t size, void *user_data);
size_t ti_on_read(char *buffer, size_t one, size_t capacity, void *user_data);
int ti_on_seek(void *user_data, curl_off_t offset, int origin);
int ti_on_progress(void *user_data, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                   curl_off_t sent);

/* Sets what the request needs and the one before did not (shape.c). */
CURLcode ti_handle_set_request(ti_handle *handle, const ti_url *url,
                               const ti_http_request *request);

/* The failure of a send, as the caller gets it (failure.c). */
tacit_status ti_handle_failure(const ti_handle *handle, CURLcode code, tacit_error *error);

#endif
