/*
 * A scriptable authorization server and API on 127.0.0.1, for tests, benchmarks and the demo.
 *
 *   POST /token     grant types refresh_token, password, client_credentials, authorization_code
 *                   (PKCE S256) and device_code
 *   GET  /authorize signs the user in without asking: redirects back with code, state and iss
 *   POST /device    RFC 8628 section 3.1; the user is server_device_approve() or _deny()
 *   POST /revoke    RFC 7009: a refresh token takes its family along, an access token goes alone
 *   any  /api/...   wants "Authorization: Bearer <live token>"; also /api/echo, /api/whoami,
 *                   /api/messages (a list to show),
 *                   /api/slow?ms=N, /api/bytes?n=N, and /api/events?n=N&interval_ms=N: server-sent
                   events (server_events.c)
 *   GET  /.well-known/openid-configuration and /.well-known/oauth-authorization-server, with an
 *                   ETag; with If-None-Match 304
 *   GET  /logout    RP-initiated logout: answers 200 and says what it was asked
 *   any  /__control what this header offers, for other processes (server_control.c)
 *
 * All functions are thread-safe and may be called while requests are running.
 */
#ifndef TS_SERVER_H
#define TS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ts_server ts_server;

typedef enum ts_client_auth {
    TS_CLIENT_AUTH_PUBLIC = 0, /* client_id in the body, no secret */
    TS_CLIENT_AUTH_BASIC = 1,
    TS_CLIENT_AUTH_POST = 2
} ts_client_auth;

/* Strings are copied. Start from TS_OPTIONS_INIT. */
typedef struct ts_options {
    /* fixed when the server starts */
    uint16_t port;                  /* 0: a free one */
    unsigned threads;               /* that serve requests */
    const char *tls_cert, *tls_key; /* PEM files; NULL: plain http */
    bool own_authorization_port;    /* the endpoints in the metadata are on a second, free port:
                                       the authorization server can go away and the API stay */
    size_t record_limit;            /* exchanges kept for each part; later ones are only counted */

    /* may change, see server_configure() */
    int access_lifetime_ms;
    const char *expires_in;         /* NULL: the lifetime, rounded up to seconds; "": left out;
                                        else this JSON text */
    const char *extra_members;      /* JSON object merged into token answers; NULL: none */
    size_t token_size;              /* bytes of each token, at least 64 */
    bool jwt;                       /* access tokens look like JWTs, with an exp claim */
    int jwt_ahead_s;                /* ... counted by a clock that is ahead by so much */
    const char *sliding_header;     /* 2xx answers of the API carry a new access token in it */
    bool sliding_ends_older_access; /* ... after which the older ones of the family are refused */
    bool rotate;                    /* each refresh spends its refresh token */
    bool repeat_refresh_token;      /* without rotation: the answer repeats the refresh token */
    bool detect_reuse;              /* a spent refresh token revokes its family */
    int grace_ms;                   /* a spent refresh token still works for so long ... */
    bool grace_same_successor;      /* ... and gives the successor it gave before, not a new one */
    bool refresh_ends_older_access; /* a refresh revokes the family's other access tokens */
    ts_client_auth client_auth;
    const char *client_id; /* NULL: any */
    const char *client_secret;
    const char *username, *password; /* the only user; NULL: any */
    int slow_ms;                     /* API requests that took longer count as slow */
    const char *issuer;              /* NULL: the base URL, as in server_url(server, "") */
    bool no_openid_configuration, no_oauth_metadata; /* that well-known path answers 404 */
    const char *metadata_members; /* JSON object merged into the metadata; null leaves out */
    const char *callback_params;  /* appended to the callback's query, "&state=wrong"; NULL: none */
    bool no_callback_iss;         /* callbacks have no iss, and the metadata does not promise it */
    const char *authorize_error;  /* /authorize redirects back with this error; NULL: a code */
    bool no_id_token;             /* scope openid gives no id_token */
    const char *id_token_members; /* JSON object merged into the claims; null leaves out */
    int device_expires_in_s;      /* 0: 600 */
    const char *device_interval;  /* NULL: 5; "": left out; else this JSON text */
    const char *device_members;   /* JSON object merged into /device's answers; NULL: none */
} ts_options;

#define TS_OPTIONS_INIT                                                                            \
    {                                                                                              \
        .threads = 2, .record_limit = 10000, .access_lifetime_ms = 3600000, .token_size = 64,      \
        .rotate = true, .detect_reuse = true, .grace_same_successor = true,                        \
        .client_id = "test-client", .client_secret = "test-secret", .username = "alice",           \
        .password = "wonderland", .slow_ms = 1000                                                  \
    }

/* NULL options: TS_OPTIONS_INIT. NULL on failure, with a line on stderr. */
ts_server *server_start(const ts_options *options);
/* Answers what is held, closes all connections, frees. Takes NULL. */
void server_stop(ts_server *server);

/* "http://127.0.0.1:port" + path. Valid until server_stop(); freed by it. */
const char *server_url(ts_server *server, const char *path);
/* RFC 8414 metadata. Valid until server_stop(). */
const char *server_provider_json(ts_server *server);

/* A copy of the options in force; its strings are valid until server_stop(). */
ts_options server_options(ts_server *server);
/* Takes over everything below "may change". Tokens that exist keep their expiry. */
void server_configure(ts_server *server, const ts_options *options);

/* Closes all connections and refuses new ones until server_come_back(); the port and all state
 * stay. Both wait until it is so. */
void server_go_away(ts_server *server);
bool server_come_back(ts_server *server);
/* The authorization server alone, where it has a port of its own. What is held is answered. */
void server_authorization_go_away(ts_server *server);
bool server_authorization_come_back(ts_server *server);

/*
 * Tokens
 */

/* A sign-in without a request. Both strings yours; free(). access may be NULL. */
char *server_sign_in(ts_server *server, const char *user, const char *scope, char **access);
/* All access tokens there are now are refused by the API; later ones work. */
void server_revoke_access_tokens(ts_server *server);
/* All refresh and access tokens there are now are refused. */
void server_revoke_family(ts_server *server);
bool server_access_token_is_live(ts_server *server, const char *token);
bool server_refresh_token_is_live(ts_server *server,
                                  const char *token); /* not spent, not revoked */
/* The refresh token issued last; yours. NULL: none yet. */
char *server_newest_refresh_token(ts_server *server);

/* The user of a device: what he does with a code that /device gave. false: no such code. */
bool server_device_approve(ts_server *server, const char *user_code);
bool server_device_deny(ts_server *server, const char *user_code);
/* The next polls are answered with slow_down. */
void server_device_slow_down(ts_server *server, int polls);
/* Of the last /device answer; yours. NULL: none yet. */
char *server_newest_user_code(ts_server *server);

/*
 * Faults and gates
 */

typedef enum ts_part {
    TS_TOKEN_ENDPOINT = 0,
    TS_API = 1,
    TS_REVOCATION = 2,
    TS_OTHER = 3, /* unknown paths and /logout: faults and gates don't reach these */
    TS_METADATA = 4,
    TS_AUTHORIZE = 5,
    TS_DEVICE = 6, /* /device; polls are token requests */
    TS_PARTS = 7
} ts_part;

typedef enum ts_fault_kind {
    TS_FAULT_NONE = 0,      /* the real answer; for the delays, or to let requests pass */
    TS_FAULT_ANSWER = 1,    /* status, headers and body below */
    TS_FAULT_CLOSE = 2,     /* the connection is closed without a byte */
    TS_FAULT_RESET = 3,     /* half the real answer's body, then RST */
    TS_FAULT_TRICKLE = 4,   /* the real answer, one byte at a time */
    TS_FAULT_GZIP = 5,      /* the real answer with Content-Encoding: gzip, wanted or not */
    TS_FAULT_OVERSIZED = 6, /* 200 and a well-formed JSON object of about size bytes */
    TS_FAULT_NESTED = 7     /* 200 and JSON arrays, size of them in each other */
} ts_fault_kind;

/* Strings are copied. Zero is a meaningful default everywhere. */
typedef struct ts_fault {
    ts_fault_kind kind;
    int requests;          /* it applies to so many; 0: until server_faults_clear() */
    const char *path;      /* only to those whose path begins so; NULL: to all */
    bool after_processing; /* ANSWER, CLOSE, OVERSIZED and NESTED: after the request took effect (a
                              refresh token was rotated) instead of before */
    int delay_before_ms;   /* before processing */
    int delay_after_ms;    /* between processing and the answer */
    int status;            /* ANSWER; 0: 200 */
    const char *headers;   /* ANSWER: "Name: value" lines separated by \n */
    const char *body;      /* ANSWER; NULL: empty */
    size_t size;           /* OVERSIZED and NESTED */
    int trickle_ms;        /* TRICKLE: pause between bytes */
} ts_fault;

/* Appends to the part's queue: the first fault of the queue that fits a request takes it, until it
 * is used up. */
void server_fault_add(ts_server *server, ts_part part, const ts_fault *fault);
void server_faults_clear(ts_server *server, ts_part part);

/* Common faults; requests as above. */
void server_fail(ts_server *server, ts_part part, int requests, int status);
void server_fail_oauth(ts_server *server, int requests, int status, const char *oauth_error);
/* retry_after: seconds or an HTTP date, as it goes into the header; NULL: none. */
void server_fail_retry_after(ts_server *server, ts_part part, int requests, int status,
                             const char *retry_after);
/* An HTTP date (RFC 9110 section 5.6.7) in so many seconds, for retry_after. */
void server_http_date(int in_s, char date[40]);
void server_captive_portal(ts_server *server, ts_part part, int requests);
void server_redirect(ts_server *server, ts_part part, int requests, int status,
                     const char *location);
void server_close_connections(ts_server *server, ts_part part, int requests, bool after_processing);

typedef enum ts_challenge {
    TS_CHALLENGE_INVALID_TOKEN = 0,
    TS_CHALLENGE_NONE = 1, /* 401 without WWW-Authenticate */
    TS_CHALLENGE_INSUFFICIENT_SCOPE = 2,
    TS_CHALLENGE_BASIC = 3,
    TS_CHALLENGE_NEGOTIATE = 4
} ts_challenge;

/* The next API requests are refused with 401 though their token is good. */
void server_refuse_api(ts_server *server, int requests, ts_challenge challenge);

typedef enum ts_gate_place { TS_BEFORE_PROCESSING = 0, TS_BEFORE_ANSWER = 1 } ts_gate_place;

/* From now on requests of this part are held at this place. */
void server_gate_close(ts_server *server, ts_part part, ts_gate_place place);
/* Holds no more, and keeps what is held. */
void server_gate_let_pass(ts_server *server, ts_part part);
/* Releases the oldest that are held; the gate stays as it is. */
void server_gate_release(ts_server *server, ts_part part, int requests);
/* Releases all and holds no more. */
void server_gate_open(ts_server *server, ts_part part);
/* Waits until at least so many are held. false: not within timeout_ms. */
bool server_gate_waiters(ts_server *server, ts_part part, int requests, int timeout_ms);

/*
 * Counters and records
 */

typedef struct ts_counters {
    long connections; /* accepted */
    long requests;    /* all parts, /__control left out */
    long token_requests, api_requests, revocation_requests;
    long api_2xx, api_401, api_slow;
    long refresh_grants, password_grants, client_credentials_grants; /* processed */
    long refreshes_ok, refreshes_refused;
    long code_grants, device_grants;            /* processed: codes and device codes redeemed */
    long code_replays;                          /* a code used again: revokes its family */
    long metadata_requests, metadata_unchanged; /* unchanged: answered with 304 */
    long authorize_requests, device_requests;
    long device_polls, device_polls_too_fast; /* too fast: sooner than the interval in force */
    long grace_uses; /* refreshes with a spent refresh token, let through */
    long reuse_detections;
    long revocations;       /* tokens revoked through /revoke */
    long concurrent_grants; /* token requests now in progress, held ones too */
    long peak_concurrent_grants;
    long held;                                    /* now, at gates */
    long live_access_tokens, live_refresh_tokens; /* now; not for server_wait_counter() */
} ts_counters;

ts_counters server_counters(ts_server *server);
/* Sets to 0 what only grows and the peak, and forgets the records. */
void server_counters_reset(ts_server *server);
/* Waits until a counter is at least n. false: not within timeout_ms. */
#define TS_COUNTER(name) offsetof(ts_counters, name)
bool server_wait_counter(ts_server *server, size_t counter, long n, int timeout_ms);

/* One request as it came. Strings are never NULL. */
typedef struct ts_record {
    char *method, *path, *authorization;
    char *query;   /* "name=value\n" each, decoded */
    char *headers; /* "Name: value\n" each */
    char *body;    /* NUL-terminated; the first 4 MB */
    size_t body_size;
    long connection; /* 1, 2, 3 ... in the order of accepting */
} ts_record;

size_t server_record_count(ts_server *server, ts_part part);
/* Fills in a copy; false and empty: no such record. */
bool server_record(ts_server *server, ts_part part, size_t index, ts_record *record);
void server_record_free(ts_record *record);

#endif
