/* Requests to the API, with the token attached and renewed. */
#ifndef TACIT_REQUEST_H
#define TACIT_REQUEST_H

#include <tacit/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Callbacks run with no lock held: those of tacit_send() on the thread that called it, where they may
 * block; those of tacit_send_async() on the engine's thread, which carries every other call too, so
 * that they must not. They may call whatever does not wait.
 */
typedef size_t (*tacit_write_fn)(const char *data, size_t size,
                                 void *write_data); /* 2xx bodies only; anything but size stops */
typedef size_t (*tacit_read_fn)(char *buffer, size_t capacity,
                                void *read_data); /* 0: end; TACIT_READ_ABORT stops */
typedef bool (*tacit_rewind_fn)(void *read_data); /* false: cannot start over */
typedef bool (*tacit_progress_fn)(
    int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
    void *progress_data); /* at least once a second while it is on the wire, not while it waits for
                             a token or a retry; false stops; -1: unknown */
#define TACIT_READ_ABORT ((size_t)-1)
/* Answers of write and read in asynchronous calls: nothing was taken, or is there yet; the same data
 * is offered, or asked for, again after tacit_call_resume(). */
#define TACIT_WRITE_PAUSE ((size_t)-2)
#define TACIT_READ_PAUSE ((size_t)-2)

/* One field of a form. Its content comes from exactly one of data, file and read. */
typedef struct tacit_part {
    size_t struct_size;
    const char *name;         /* of the field */
    const char *file_name;    /* as the server is told; NULL: with file, its last component */
    const char *content_type; /* NULL: none; with a file name application/octet-stream */
    const void *data;
    size_t size;
    const char *file;       /* a path; read while it is sent, from the start for each send */
    tacit_read_fn read;     /* as in a request */
    tacit_rewind_fn rewind; /* NULL: it cannot be sent again */
    int64_t read_size;      /* <= 0: unknown */
    void *read_data;
} tacit_part;
#define TACIT_PART_INIT TACIT_INIT(tacit_part)

typedef struct tacit_request {
    size_t struct_size;
    /* NULL: GET, or POST with a body. Not CONNECT, TRACE, or HEAD with a body. */
    const char *method;
    const char *url; /* https, or http to loopback; within the session's origins */
    /* NULL-terminated "Name: value" lines. Refused are Authorization, Host, Content-Length and
     * Transfer-Encoding, which are tacit's, and what is said to a proxy or about the connection:
     * Proxy-Authorization, Connection, Proxy-Connection, Keep-Alive, TE, Trailer, Upgrade. */
    const char *const *headers;
    const void *body; /* sent again after a 401 */
    size_t body_size;
    /* Asynchronous calls. NULL: the body is copied; else it is borrowed until this is called, once,
     * before done, on the dispatch thread or through post. Not called by tacit_send(), nor where
     * tacit_send_async() answers NULL. */
    void (*body_release)(void *release_data);
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
                          request_timeout_ms; INT_MAX for streams that never end */
    int min_valid_s;   /* the token must live at least this long, for long streams; 30 at least with
                          a streamed body */
    bool no_redirects; /* a 3xx is the answer; else 301, 302 and 303 make a GET of a POST */
    /* A form (multipart/form-data, RFC 7578), instead of body and read, and of a Content-Type among
     * the headers; NULL-terminated. */
    const tacit_part *const *parts;
    /* A 2xx body goes into this file, instead of to write: into "<file>.part" first (0600), which
     * takes the file's place (a symbolic link's too) when all of it is there and written to the
     * disk. What fails leaves the file as it was, and so do 204 and 205, which have no body. Only
     * one call at a time may write it (else TACIT_ERR_FILE, os_error EBUSY). Not with HEAD, write,
     * or a Range of the caller's. */
    const char *file;
    /* What is left of a download is kept as "<file>.part" and "<file>.part.etag", and the next one
     * of the same sign-in asks for the rest (Range and If-Range, RFC 9110 sections 13.1.5 and 14.2)
     * where the server gave a strong ETag or a date. */
    bool file_resume;
    /*
     * How often GET, HEAD, OPTIONS, PUT and DELETE are sent anew after 429, 503 or where the
     * connection could not be made or broke: 0, not at all. After Retry-After, else after
     * min(10 s, 2^n * 0.5 s), of which a random half; what would come after the deadline is not
     * waited for, and the last answer or error is the caller's. A body must be one that can be sent
     * again; what has been given to write cannot be taken back, so that nothing is retried then.
     */
    unsigned retries_max;
} tacit_request; /* borrowed until tacit_send() returns; copied by tacit_send_async() */
#define TACIT_REQUEST_INIT TACIT_INIT(tacit_request)

/* Not thread-safe; yours alone. */
typedef struct tacit_response tacit_response;

/*
 * Sends the request with the session's token; on a 401 about the token, waits for a newer one (one
 * refresh for everyone) and sends again, at most three sends in all. Redirects are followed, at
 * most 10, the token only to the session's origins. Any HTTP answer, 401 and 500 included, is
 * TACIT_OK. *response is yours; free with tacit_response_free().
 * TACIT_ERR_INVALID_ARGUMENT: a method or header that is refused, or fields that exclude each other.
 * TACIT_ERR_ORIGIN_NOT_ALLOWED: the URL is not within the session's origins.
 * TACIT_ERR_INSECURE_URL: http beyond loopback, also after a redirect.
 * TACIT_ERR_NETWORK, _TLS, _TIMEOUT: outcome_unknown says whether the server may have seen it.
 * TACIT_ERR_TOO_LARGE: the answer is over response_bytes_max.
 * TACIT_ERR_CANCELLED: write, read or progress stopped it, or would pause it.
 * TACIT_ERR_FILE: request->file cannot be written, or a part's file not read (os_error).
 * TACIT_ERR_BODY_NOT_REPLAYABLE: 401, the token was renewed, but the streamed body cannot be
 *   rewound: send it anew. Or a redirect (http_status 3xx) or a retry wanted it again.
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

/*
 * tacit_send() without waiting: all such calls of a client run on one thread, the engine's, started
 * by the first. The request is copied, but for a body with body_release; what its callbacks' data
 * points to must live until done. At most calls_max are on the wire at once, the others wait
 * (tacit_client_options); HTTP/2 over TLS carries many on one connection. A call that needs a newer
 * token waits in a list, not in a thread. The call is yours to give up with tacit_call_unref().
 * done gets what tacit_send() would have answered, exactly once; it may run before this has returned,
 * but not where post leads to the calling thread. Never blocks, so that it works on every thread.
 * NULL: done is not called, nothing was taken over, and error says why: TACIT_ERR_BUSY (as many as
 * calls_waiting_max wait already), _INVALID_ARGUMENT, _ORIGIN_NOT_ALLOWED, _INSECURE_URL, _CLOSED,
 * _FORKED, _UNSUPPORTED (built without it), _NO_MEMORY (no thread either).
 */
TACIT_API tacit_call *tacit_send_async(tacit_session *session, const tacit_request *request,
                                       tacit_done_fn done, void *user_data, tacit_error *error);

/* The token is the receiver's to unref, NULL where error is set; error is borrowed for the call. */
typedef void (*tacit_token_fn)(tacit_call *call, tacit_token *token, const tacit_error *error,
                               void *user_data);

/*
 * tacit_session_token(), or, where refused is not NULL, tacit_session_renew(), without waiting; done
 * gets what these would have answered. refused is borrowed until this returns. Else as
 * tacit_send_async().
 */
TACIT_API tacit_call *tacit_session_token_async(tacit_session *session, const tacit_token *refused,
                                                int min_valid_s, int timeout_ms,
                                                tacit_token_fn done, void *user_data,
                                                tacit_error *error);

/* Ends it with TACIT_ERR_CANCELLED unless it is over; done still comes. Never blocks. */
TACIT_API void tacit_call_cancel(tacit_call *call);
/*
 * Of a call of tacit_send_async(): no more of the answer is read and no more of the body is sent
 * until tacit_call_resume(), also where it was write or read that paused; what has not begun to send
 * does not begin. Its deadline runs on. What is on the way already may still reach write after pause
 * has returned. Never blocks; other calls, and those that are over, are left alone.
 */
TACIT_API void tacit_call_pause(tacit_call *call);
TACIT_API void tacit_call_resume(tacit_call *call);
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
TACIT_API int tacit_response_retries(const tacit_response *response); /* of retries_max */
TACIT_API void tacit_response_free(tacit_response *response);

#ifdef __cplusplus
}
#endif
#endif
