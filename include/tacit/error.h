/*
 * What every function answers, and why it failed.
 *
 * Conventions of all tacit headers:
 * - A struct that goes in starts with struct_size; begin with its TACIT_..._INIT macro. Zero and
 * NULL mean the default. struct_size 0 is TACIT_ERR_INVALID_ARGUMENT; the library reads and writes
 * nothing beyond struct_size.
 * - Strings that go in are copied, unless the function says "borrowed".
 * - A timeout_ms argument is TACIT_NO_WAIT, TACIT_TIMEOUT_DEFAULT or milliseconds. Deadlines count
 * time spent suspended.
 * - A tacit_error argument may be NULL. Success resets it. Out parameters are NULL on failure.
 * - A function that fails has taken nothing over. Every unref, free, cancel and close takes NULL.
 * - On a thread of the library (events, store functions) a function that would have to wait returns
 *   TACIT_ERR_REENTRANT; functions that need not wait work.
 * - In a forked child, functions on what the parent made answer TACIT_ERR_FORKED (client.h).
 * - Every function may answer TACIT_ERR_INVALID_ARGUMENT (the message names the argument) and
 * TACIT_ERR_NO_MEMORY.
 */
#ifndef TACIT_ERROR_H
#define TACIT_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(TACIT_STATIC)
#define TACIT_API
#elif defined(_WIN32)
#ifdef TACIT_BUILDING
#define TACIT_API __declspec(dllexport)
#else
#define TACIT_API __declspec(dllimport)
#endif
#else
#define TACIT_API __attribute__((visibility("default")))
#endif

/* TACIT_INIT(type): a struct with its struct_size set and everything else zero. */
#ifdef __cplusplus
namespace tacit_detail {
template <class T> inline T init() {
    T value = T();
    value.struct_size = sizeof(T);
    return value;
}
} // namespace tacit_detail
#define TACIT_INIT(type) (tacit_detail::init<type>())
#else
#define TACIT_INIT(type)                                                                           \
    { .struct_size = sizeof(type) }
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TACIT_NO_WAIT 0
#define TACIT_TIMEOUT_DEFAULT (-1)

typedef enum tacit_status {
    TACIT_OK = 0,

    /* the call itself */
    TACIT_ERR_INVALID_ARGUMENT = 1,
    TACIT_ERR_NO_MEMORY = 2,
    TACIT_ERR_UNSUPPORTED = 3, /* this build or this system cannot do it */
    TACIT_ERR_REENTRANT = 4,   /* it would have to wait on a thread of the library */
    TACIT_ERR_FORKED = 5,      /* the object was made before a fork, by the parent: see client.h */
    TACIT_ERR_CLOSED = 6,      /* the session or the client is closed, or was closed meanwhile */
    TACIT_ERR_CANCELLED = 7,   /* by tacit_sign_in_cancel(), or by a callback of the caller's */
    TACIT_ERR_BUSY = 8,        /* the queue is full; a second sign-in at once */

    /* on the way to a server */
    TACIT_ERR_NETWORK = 20, /* no answer, or half of one: DNS, connect, reset, truncated */
    TACIT_ERR_TLS = 21,     /* the server's certificate, the pinned key, the handshake */
    TACIT_ERR_TIMEOUT = 22,
    TACIT_ERR_INSECURE_URL = 23, /* http to a host that is not loopback */
    TACIT_ERR_ORIGIN_NOT_ALLOWED = 24,
    TACIT_ERR_TOO_LARGE = 25, /* an answer over its limit */
    TACIT_ERR_BODY_NOT_REPLAYABLE =
        26,              /* 401; a newer token is there, but the body cannot be sent again */
    TACIT_ERR_FILE = 27, /* a file of the request cannot be read, or written; os_error says why */

    /* the sign-in and the authorization server */
    TACIT_ERR_SIGN_IN_REQUIRED = 40, /* no usable refresh token: ask the user */
    TACIT_ERR_SIGNED_OUT =
        41,                /* signed out, or signed in as someone else, while this was under way */
    TACIT_ERR_SERVER = 42, /* the authorization server answered 5xx or 429 */
    TACIT_ERR_OAUTH = 43,  /* it answered an OAuth error; see oauth_error */
    TACIT_ERR_PROTOCOL = 44,      /* it answered something that is not a token response */
    TACIT_ERR_REFRESH_STORM = 45, /* tokens are refused faster than they may be renewed */
    TACIT_ERR_ACCESS_DENIED = 46, /* the user said no */
    TACIT_ERR_EXPIRED = 47,       /* the device code or the wait for the browser ran out */

    /* the store */
    TACIT_ERR_STORE_NOT_FOUND = 60,
    TACIT_ERR_STORE_LOCKED = 61,      /* the user has to unlock it */
    TACIT_ERR_STORE_UNAVAILABLE = 62, /* not there, or it does not answer */
    TACIT_ERR_STORE_CORRUPT = 63, /* it holds something that is not a record; it is left as it is */
    TACIT_ERR_STORE_TOO_LARGE = 64,
    TACIT_ERR_STORE_FAILED = 65
} tacit_status;

/* 768 bytes for ever: copy it freely. TACIT_ERROR_INIT is all zero, and not needed. */
typedef struct tacit_error {
    tacit_status status;
    int http_status;       /* 0: no answer arrived */
    int os_error;          /* errno, where one is behind it */
    int retry_after_s;     /* seconds until a retry can succeed; 0: unknown */
    bool retryable;        /* the same call may succeed later, without the user */
    bool sign_in_required; /* only a new sign-in helps */
    bool outcome_unknown;  /* it was sent, and the answer was lost: the server may have done it */
    unsigned char reserved[45];
    char oauth_error[64]; /* RFC 6749 section 5.2; cut where longer */
    char oauth_error_description[256];
    char message[384]; /* one sentence for a person; never a secret */
} tacit_error;
#ifdef __cplusplus
#define TACIT_ERROR_INIT (tacit_error())
#else
#define TACIT_ERROR_INIT                                                                           \
    { .status = TACIT_OK }
#endif

/* "TACIT_ERR_NETWORK"; "TACIT_ERR_UNKNOWN" for a number that is none. Never NULL, valid for ever.
 * Thread-safe. */
TACIT_API const char *tacit_status_name(tacit_status status);

#ifdef __cplusplus
}
#endif
#endif
