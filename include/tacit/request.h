/* Requests to the API, with the token attached and renewed. */
#ifndef TACIT_REQUEST_H
#define TACIT_REQUEST_H

#include <tacit/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Callbacks run on the thread that called tacit_send(), with no lock held. */
typedef size_t (*tacit_write_fn)(const char *data, size_t size,
                                 void *write_data); /* 2xx bodies only; anything but size stops */
typedef size_t (*tacit_read_fn)(char *buffer, size_t capacity,
                                void *read_data); /* 0: end; TACIT_READ_ABORT stops */
typedef bool (*tacit_rewind_fn)(void *read_data); /* false: cannot start over */
typedef bool (*tacit_progress_fn)(
    int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
    void *progress_data); /* at least once a second; false stops; -1: unknown */
#define TACIT_READ_ABORT ((size_t)-1)

typedef struct tacit_request {
    size_t struct_size;
    const char *method;         /* NULL: GET, or POST with a body */
    const char *url;            /* https, or http to loopback; within the session's origins */
    const char *const *headers; /* NULL-terminated "Name: value" lines; Authorization, Host,
                                   Content-Length, Transfer-Encoding are tacit's */
    const void *body;           /* sent again after a 401 */
    size_t body_size;
    void (*body_release)(void *release_data); /* reserved for asynchronous calls */
    void *release_data;
    tacit_read_fn read;     /* streamed body, instead of body */
    tacit_rewind_fn rewind; /* NULL: it cannot be sent again */
    int64_t read_size;      /* <= 0: unknown */
    void *read_data;
    tacit_write_fn write; /* streamed answer: a 2xx body goes here, any other into the response */
    void *write_data;
    tacit_progress_fn progress;
    void *progress_data;
    int timeout_ms;    /* whole call, waiting for a refresh included; 0 and -1: the client's
                          request_timeout_ms */
    int min_valid_s;   /* the token must live at least this long; for long streams */
    bool no_redirects; /* a 3xx is the answer */
} tacit_request;       /* borrowed until tacit_send() returns */
#define TACIT_REQUEST_INIT TACIT_INIT(tacit_request)

/* Not thread-safe; yours alone. */
typedef struct tacit_response tacit_response;

/*
 * Sends the request with the session's token; on a 401 about the token, waits for a newer one (one
 * refresh for everyone) and sends again, at most three sends in all. Redirects are followed, at
 * most 10, the token only to the session's origins. Any HTTP answer, 401 and 500 included, is
 * TACIT_OK. *response is yours; free with tacit_response_free().
 * TACIT_ERR_ORIGIN_NOT_ALLOWED: the URL is not within the session's origins.
 * TACIT_ERR_INSECURE_URL: http beyond loopback, also after a redirect.
 * TACIT_ERR_NETWORK, _TLS, _TIMEOUT: outcome_unknown says whether the server may have seen it.
 * TACIT_ERR_TOO_LARGE: the answer is over response_bytes_max.
 * TACIT_ERR_CANCELLED: write, read or progress stopped it.
 * TACIT_ERR_BODY_NOT_REPLAYABLE: 401, the token was renewed, but the streamed body cannot be
 *   rewound: send it anew (http_status 307 or 308: a redirect wanted it again).
 * TACIT_ERR_CLOSED: the session was closed meanwhile.
 * TACIT_ERR_REENTRANT. And the errors of tacit_session_token().
 */
TACIT_API tacit_status tacit_send(tacit_session *session, const tacit_request *request,
                                  tacit_response **response, tacit_error *error);

/* tacit_send() of a GET. */
TACIT_API tacit_status tacit_get(tacit_session *session, const char *url, tacit_response **response,
                                 tacit_error *error);

/* Something that goes on without its caller. Counted and thread-safe. */
typedef struct tacit_call tacit_call;

/* The outcome, exactly once, on the dispatch thread or through post. response is the receiver's to
 * free; NULL for a sign-in or sign-out, and where error is set. error: NULL where nothing failed;
 * borrowed for the call. */
typedef void (*tacit_done_fn)(tacit_call *call, tacit_response *response, const tacit_error *error,
                              void *user_data);

/* Ends it with TACIT_ERR_CANCELLED unless it is over; done still comes. Never blocks. */
TACIT_API void tacit_call_cancel(tacit_call *call);
/* Gives up the handle, not the call. */
TACIT_API void tacit_call_unref(tacit_call *call);

/* Borrowed from the response; 0 or NULL for NULL. Header names are compared without case. */
TACIT_API int tacit_response_status(const tacit_response *response);
TACIT_API const char *tacit_response_header(const tacit_response *response,
                                            const char *name); /* the first; NULL: none */
TACIT_API const char *tacit_response_header_at(const tacit_response *response, const char *name,
                                               size_t index);
/* Each as it came, "Name: value", in the order of the answer; NULL: there are no more. */
TACIT_API const char *tacit_response_header_line(const tacit_response *response, size_t index);
TACIT_API const char *
tacit_response_body(const tacit_response *response); /* NUL-terminated; "" where it went to write */
TACIT_API size_t tacit_response_body_size(const tacit_response *response);
TACIT_API const char *tacit_response_url(const tacit_response *response); /* after redirects */
TACIT_API int
tacit_response_attempts(const tacit_response *response); /* sends, redirects not counted */
TACIT_API void tacit_response_free(tacit_response *response);

#ifdef __cplusplus
}
#endif
#endif
