/* A session: one signed-in account, seen through one scope. It always has a valid access token, or
 * knows why not. */
#ifndef TACIT_SESSION_H
#define TACIT_SESSION_H

#include <tacit/client.h>
#include <tacit/error.h>
#include <tacit/provider.h>
#include <tacit/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Thread-safe: any number of threads may use one session. Counted. */
typedef struct tacit_session tacit_session;
/* One immutable access token. Thread-safe and counted; wiped when the last reference is gone. */
typedef struct tacit_token tacit_token;

typedef enum tacit_session_state {
    TACIT_STATE_UNKNOWN = 0, /* the store could not be read yet */
    TACIT_STATE_SIGNED_OUT = 1,
    TACIT_STATE_SIGNED_IN = 2
} tacit_session_state;

typedef enum tacit_event_type {
    TACIT_EVENT_LOADED = 1, /* once: the store was read, state says what was there, message which
                               store it is */
    TACIT_EVENT_SIGNED_IN = 2,
    TACIT_EVENT_REFRESHED = 3, /* a newer access token, also one that another process obtained */
    TACIT_EVENT_REFRESH_FAILED =
        4, /* the current token is kept; expires_in_s says how long it lives */
    /* The server refused the refresh token, or a limit of the app's own is reached: ask the user. */
    TACIT_EVENT_SIGN_IN_REQUIRED = 5,
    TACIT_EVENT_SIGNED_OUT = 6,
    TACIT_EVENT_STORE_FAILED =
        7, /* the record could not be read, saved or erased; tried again by itself */
    TACIT_EVENT_STORE_RECOVERED = 8,
    TACIT_EVENT_REFRESH_STORM = 9, /* tokens are refused faster than they may be renewed */
    /* The refresh token ends in sign_in_ends_in_s, and no refresh has put that off: 3 days before (a
     * quarter of its lifetime, where that is less). Ask the user to sign in when it suits. */
    TACIT_EVENT_SIGN_IN_ENDS = 10,
    TACIT_EVENT_ANOMALY = 11 /* something that should not happen did: see anomaly */
} tacit_event_type;          /* more may follow: ignore what you don't know */

/* Signs of an attack or of a broken server, for the app's security log. Nothing follows from them by
 * itself; where the sign-in ended, TACIT_EVENT_SIGN_IN_REQUIRED says that. */
typedef enum tacit_anomaly {
    TACIT_ANOMALY_NONE = 0,
    TACIT_ANOMALY_REFUSED_EARLY = 1,    /* the server refused a refresh token that had more than a
                                           minute to live: revoked elsewhere, or stolen and used */
    TACIT_ANOMALY_REUSE = 2,            /* the server says that the refresh token was used twice */
    TACIT_ANOMALY_OTHER_SUBJECT = 3,    /* a renewed token is somebody else's ("sub" of the JWT) */
    TACIT_ANOMALY_WALL_CLOCK_JUMPED = 4 /* by more than a minute; expiry does not depend on it */
} tacit_anomaly;

typedef struct tacit_event {
    size_t struct_size;
    tacit_event_type type;
    tacit_session_state state; /* after the event */
    int64_t expires_in_s;      /* of the access token, after the event; -1: unknown or none */
    uint64_t generation;       /* of the access token; begins again at 1 with each sign-in */
    const char *message;       /* one sentence, never NULL */
    const tacit_error *error;  /* NULL where nothing failed */
    int64_t sign_in_ends_in_s; /* when the refresh token is over; -1: unknown or none */
    tacit_anomaly anomaly;     /* with TACIT_EVENT_ANOMALY */
} tacit_event;

/* On the client's dispatch thread or through its post, in order, with no lock held; event is
 * borrowed for the call. It may call everything that need not wait, tacit_session_close() included.
 * It may run before the call that caused it has returned. */
typedef void (*tacit_event_fn)(tacit_session *session, const tacit_event *event, void *event_data);

typedef enum tacit_policy {
    TACIT_POLICY_PROACTIVE = 0, /* renew in the background, before the token expires */
    TACIT_POLICY_REACTIVE = 1,  /* renew when a request needs it */
    TACIT_POLICY_SLIDING = 2    /* the API's answers renew it ("sliding_header" in the dialect);
                                   where there is a refresh token too, a request that needs it has it
                                   sent */
} tacit_policy; /* Whatever the policy, a refresh token about to end is renewed while that is possible. */

typedef struct tacit_session_options {
    size_t struct_size;
    const char *client_id;     /* required */
    const char *client_secret; /* NULL: a public client */
    const char *scope;
    const char *resource;             /* RFC 8707 */
    const char *const *token_params;  /* NULL-terminated "name=value", added to every token request
                                         ("audience=...") */
    const char *const *token_headers; /* NULL-terminated "Name: value", sent with every sign-in and
                                         token request */
    const char *account;              /* names the entry in the store; default "default" */
    /* NULL-terminated; where the token may go, "https://api.example.com". NULL: nowhere, and only the
     * token functions work */
    const char *const *origins;
    tacit_store *store; /* NULL: tacit_store_default(application_id), one for the client */
    tacit_policy policy;
    int refresh_lead_s; /* renew this long before the end; 0: 10 % of the lifetime (30 to 300 s),
                           drawn once per token */
    tacit_event_fn on_event;
    void *event_data;
    void (*event_release)(void *event_data); /* may be NULL; once, after close and the last event */
    /* Limits of the app's own, 0: none. The sign-in ends (revoked, erased,
     * TACIT_EVENT_SIGN_IN_REQUIRED) when no request was made for max_idle_s, or max_age_s after it
     * began; across restarts, suspend and steps of the wall clock. Of several sessions of a sign-in the
     * strictest counts. A request counts when it gets its token, the token functions' too; a refresh
     * does not. Of other processes only those count that have max_idle_s themselves. A record found
     * over its limit is not used: TACIT_EVENT_LOADED says signed out, and
     * TACIT_EVENT_SIGN_IN_REQUIRED follows. Over a reboot the wall clock counts, and where it reads
     * earlier than before, the time since the system started, until it is set right. */
    int max_idle_s, max_age_s;
    /*
     * Where the app kept its records before it chose `store`. While `store` has none, the sign-in found
     * there is moved: saved in `store`, then erased there, under the locks of both, so that a crash
     * between leaves it in one of them or the same in both, which the next session puts right. A
     * previous store that is locked or away says nothing: the state stays TACIT_STATE_UNKNOWN until it
     * answers, or somebody signs in. Where both have a sign-in, `store`'s counts, and another one in the
     * previous store stays as it is; so does one that was last renewed before somebody signed in to or
     * out of `store`. Where one lock serves both stores, the later sign-in counts. Processes that still
     * work with the previous store alone find themselves signed out. Once moved, the previous store is
     * not asked again.
     * Sessions of one sign-in that are open at once have one previous store; who names none shares it.
     * NULL: nowhere. The same store object as `store` is none.
     */
    tacit_store *previous_store;
} tacit_session_options;
#define TACIT_SESSION_OPTIONS_INIT TACIT_INIT(tacit_session_options)

/*
 * Opens the session and starts to load its record in the background; never waits for the store.
 * Until the store was read the state is TACIT_STATE_UNKNOWN. Sessions of one client with the same
 * store, issuer, client id and account share one sign-in. Yours; give it up with
 * tacit_session_close().
 * TACIT_ERR_INVALID_ARGUMENT: no client id, neither a store nor an application id, a header or
 *   parameter that is not of its form, an origin that is not scheme://host[:port], a limit below 0,
 *   the sliding policy with a provider whose dialect has no sliding_header, another previous_store
 *   than that of the sign-in's open sessions.
 * TACIT_ERR_INSECURE_URL: an http origin that is not loopback.
 * TACIT_ERR_CLOSED: the client was shut down.
 * TACIT_ERR_UNSUPPORTED: a client secret, and the provider takes neither client_secret_basic nor
 *   client_secret_post.
 */
TACIT_API tacit_session *tacit_session_open(tacit_client *client, tacit_provider *provider,
                                            const tacit_session_options *options,
                                            tacit_error *error);

/*
 * Waits until the store was read (default: request_timeout_ms). *state (may be NULL) is also set
 * where it fails. A record that the server refused loads as TACIT_STATE_SIGNED_OUT. With TACIT_NO_WAIT:
 * TACIT_ERR_TIMEOUT, and the work goes on. Once it was read this returns at once; where nobody is
 * signed in it has another process's sign-in looked for, as every call does that answers
 * SIGN_IN_REQUIRED (at most every 2 s), and TACIT_EVENT_SIGNED_IN tells what was found.
 * TACIT_ERR_STORE_LOCKED, _UNAVAILABLE, _CORRUPT, _FAILED: the store's answer, or the previous
 *   store's; each call asks it again. TACIT_ERR_STORE_TOO_LARGE: what is to be moved does not fit.
 * TACIT_ERR_TIMEOUT, TACIT_ERR_CLOSED, TACIT_ERR_REENTRANT.
 */
TACIT_API tacit_status tacit_session_load(tacit_session *session, int timeout_ms,
                                          tacit_session_state *state, tacit_error *error);

/* Never waits. TACIT_STATE_UNKNOWN for NULL. */
TACIT_API tacit_session_state tacit_session_get_state(tacit_session *session);

/*
 * Closes the session for everyone and gives up open's reference, whatever it answers: call it
 * once. Calls inside end with TACIT_ERR_CLOSED. Waits at most timeout_ms (default 30 s) for them,
 * and, where this was the sign-in's last session, for a grant under way and an unsaved record;
 * these go on by themselves afterwards. On a thread of the library, and with TACIT_NO_WAIT, it
 * does not wait. The done of asynchronous calls may come later still; tacit_client_shutdown() waits
 * for it.
 * TACIT_ERR_TIMEOUT: something is still under way.
 */
TACIT_API tacit_status tacit_session_close(tacit_session *session, int timeout_ms);

/* For a thread that may call while another one closes: it gets TACIT_ERR_CLOSED. Answers session.
 */
TACIT_API tacit_session *tacit_session_ref(tacit_session *session);
TACIT_API void tacit_session_unref(tacit_session *session);

/*
 * For an app with its own HTTP stack: the current access token, at once where it lives min_valid_s
 * seconds longer (capped at half its lifetime); else waits for a refresh, at most timeout_ms
 * (default: the client's request_timeout_ms). *token is yours; give it up with
 * tacit_token_unref(). TACIT_NO_WAIT: what is there now, or TACIT_ERR_TIMEOUT while a refresh goes
 * on.
 * TACIT_ERR_SIGN_IN_REQUIRED: signed out, or the server refused the refresh token.
 * TACIT_ERR_SIGNED_OUT: signed out meanwhile.
 * TACIT_ERR_NETWORK, _TLS, _SERVER, _OAUTH, _PROTOCOL: the refresh failed; retryable and
 *   retry_after_s say when to try again.
 * TACIT_ERR_STORE_*: the record cannot be read.
 * TACIT_ERR_REFRESH_STORM, _TIMEOUT, _CLOSED, _REENTRANT.
 */
TACIT_API tacit_status tacit_session_token(tacit_session *session, int min_valid_s, int timeout_ms,
                                           tacit_token **token, tacit_error *error);

/*
 * The API answered 401 to refused: a newer token. At once where there is one already; else
 * everyone who asks joins one refresh. Errors as tacit_session_token();
 * TACIT_ERR_SIGNED_OUT also where refused belongs to an earlier sign-in.
 */
TACIT_API tacit_status tacit_session_renew(tacit_session *session, const tacit_token *refused,
                                           int timeout_ms, tacit_token **newer, tacit_error *error);

/* Waits for a refresh that begins after this call, whatever the token's age. Errors as
 * tacit_session_token(). */
TACIT_API tacit_status tacit_session_refresh(tacit_session *session, int timeout_ms,
                                             tacit_error *error);

typedef struct tacit_session_stats {
    size_t struct_size;
    uint64_t requests, replays; /* of this session */
    uint64_t refreshes, refresh_failures,
        refreshes_forced;      /* of its sign-in; forced: by a 401 or by the app */
    uint64_t adoptions;        /* tokens that another process obtained */
    uint64_t generation;       /* of the current token; 0: none */
    int64_t expires_in_s;      /* of the current token; -1: unknown, none */
    int64_t refresh_due_in_s;  /* by itself, for either token's sake; -1: none */
    tacit_status last_error;   /* of the last refresh or store call */
    uint64_t slides;           /* tokens that came with API answers */
    int64_t sign_in_ends_in_s; /* -1: unknown, none */
} tacit_session_stats;
#define TACIT_SESSION_STATS_INIT TACIT_INIT(tacit_session_stats)

/* Fills stats up to its struct_size; a NULL session or stats, or struct_size 0, leaves it alone.
 * Never waits. */
TACIT_API void tacit_session_get_stats(tacit_session *session, tacit_session_stats *stats);

/* Borrowed from the token; NULL, -1 or 0 for NULL. */
TACIT_API const char *tacit_token_value(const tacit_token *token);
TACIT_API const char *tacit_token_type(const tacit_token *token); /* "Bearer" */
TACIT_API const char *
tacit_token_authorization(const tacit_token *token); /* "Bearer ey...": the header's value */
TACIT_API int64_t tacit_token_expires_in_s(const tacit_token *token); /* 0: over; -1: unknown */
TACIT_API uint64_t tacit_token_generation(const tacit_token *token);
TACIT_API tacit_token *tacit_token_ref(tacit_token *token); /* answers token */
TACIT_API void tacit_token_unref(tacit_token *token);

#ifdef __cplusplus
}
#endif
#endif
