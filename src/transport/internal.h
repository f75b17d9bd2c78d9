/* What the files of this floor share: a transport and a handle from the inside. */
#ifndef TI_TRANSPORT_INTERNAL_H
#define TI_TRANSPORT_INTERNAL_H

#include "transport/loop.h"
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
    ti_loop *loops; /* all; each is linked by what ti_loop_link() points at */
};

/* Each where it is asked for, with libcurl's defaults; NULL: no memory. No fork happens meanwhile. */
void ti_global_make_handles(CURL **easy, CURLM **multi);

/* What libcurl is told about the body that it sends. */
typedef enum ti_body_mode {
    TI_BODY_NONE,
    TI_BODY_HEAD, /* none either, and none comes back */
    TI_BODY_MEMORY,
    TI_BODY_STREAM,
    TI_BODY_FORM
} ti_body_mode;

typedef struct ti_form ti_form;

struct ti_handle {
    /* set at creation, then read-only */
    ti_transport *transport;
    ti_handle_kind kind;
    CURL *easy;
    CURLM *multi; /* the handle's own: one connection, and a wake-up of its own; NULL: a loop's */

    /* guarded by the transport's lock, or the loop's thread only */
    ti_handle *next, *previous;

    /* what `easy` is set to, so that a send sets only what changes */
    ti_body_mode body_mode;
    char method[16];          /* CURLOPT_CUSTOMREQUEST; "": none */
    bool has_headers;         /* CURLOPT_HTTPHEADER is `lines` */
    bool direct;              /* no proxy */
    bool accepts_encoding;    /* CURLOPT_ACCEPT_ENCODING */
    bool reports_progress;    /* CURLOPT_XFERINFOFUNCTION is called */
    bool has_credentials;     /* CURLOPT_USERNAME and _PASSWORD */
    bool awaits_multiplexing; /* CURLOPT_PIPEWAIT */
    ti_origin *origin;        /* CURLOPT_CURLU is its `parsed`; counted */
    ti_buffer target;         /* CURLOPT_REQUEST_TARGET; empty: unknown */
    ti_url *url;              /* the last of ti_handle_url() */
    struct curl_slist *lines; /* as an array; their data is valid during a send only */
    size_t line_capacity;

    /* the send under way */
    const ti_http_request *request;
    size_t body_bytes_max;
    ti_http_answer *answer;
    bool performed;       /* libcurl has begun with it, so that what it tells is of this send */
    bool paused;          /* by ti_loop_pause() */
    bool has_paused;      /* libcurl may hold back some of what came */
    bool discards;        /* what comes is for nobody any more */
    CURLcode resumed;     /* not OK: a callback refused what ti_loop_resume() gave it */
    tacit_status stopped; /* why a callback stopped it; TACIT_OK: none did */
    size_t head_bytes;    /* of all heads, 1xx and trailers included */
    const char *file;     /* of a part, which stopped it; borrowed */
    int os_error;         /* ... and why; 0: none did */
    bool head_is_open;    /* between a status line and the empty line */
    bool body_has_begun, body_goes_to_write;
    ti_form *form;            /* CURLOPT_MIMEPOST is its; NULL: none */
    int64_t read_bytes;       /* of a streamed body */
    ti_transfer *transfer;    /* of a loop's handle */
    uint64_t started_in_turn; /* of the loop */
    struct {
        bool is_fresh; /* told since the last look */
        curl_off_t to_receive, received, to_send, sent;
    } progress;
    char error_text[CURL_ERROR_SIZE];

    void *kept;
    void (*release_kept)(void *thing);
};

/* for_loop: it has no multi of its own. NULL: `code` says why. */
ti_handle *ti_handle_new(ti_transport *transport, ti_handle_kind kind, bool for_loop,
                         CURLcode *code);
void ti_handle_free(ti_handle *handle);

/*
 * What every send begins and ends with, whoever drives it (send.c). The end comes also where the
 * beginning failed: it fills in the answer and error, and lets go of what was borrowed.
 */
CURLcode ti_handle_begin(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                         ti_http_answer *answer);
tacit_status ti_handle_end(ti_handle *handle, CURLcode code, tacit_error *error);
CURLcode ti_code_of(CURLMcode code);

/* The loops of a transport, for its wake. Under the transport's lock. */
ti_loop **ti_loop_link(ti_loop *loop);
void ti_loop_shake(ti_loop *loop);

/* libcurl's callbacks, for what comes (answer.c) and what goes (send.c). user_data: the handle. */
size_t ti_on_head(char *data, size_t one, size_t size, void *user_data);
size_t ti_on_body(char *data, size_t one, size_t size, void *user_data);
size_t ti_on_read(char *buffer, size_t one, size_t capacity, void *user_data);
int ti_on_seek(void *user_data, curl_off_t offset, int origin);
int ti_on_progress(void *user_data, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                   curl_off_t sent);

/* The progress as it last was, unless it was told since the last call. false: it is to stop. */
bool ti_handle_tell_progress(ti_handle *handle);

/* Asks a reader of the caller's, which is to give `size` bytes (< 0: as many as it likes) and has
 * given *place of them. Answers what libcurl's read callback does. */
size_t ti_handle_read(ti_handle *handle, tacit_read_fn read, void *read_data, int64_t size,
                      int64_t *place, char *buffer, size_t capacity);

/* Makes the parts what `easy` posts (form.c); handle->form is then there to be freed, also where it
 * fails. CURLE_READ_ERROR: a file, `stopped` and `os_error` are set. */
CURLcode ti_form_set(ti_handle *handle, const tacit_part *const *parts);
void ti_form_free(ti_form *form); /* takes NULL */

/* Sets what the request needs and the one before did not (shape.c). */
CURLcode ti_handle_set_request(ti_handle *handle, const ti_url *url,
                               const ti_http_request *request);

/* The failure of a send, as the caller gets it (failure.c). */
tacit_status ti_handle_failure(const ti_handle *handle, CURLcode code, tacit_error *error);

#endif
