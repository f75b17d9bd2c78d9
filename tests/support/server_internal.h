/* What the files of the test server share. Tests include server.h only. */
#ifndef TS_SERVER_INTERNAL_H
#define TS_SERVER_INTERNAL_H

#include "server.h"
#include "server_telemetry.h"

#include <microhttpd.h>
#include <jansson.h>

#include <pthread.h>

enum { TS_MAX_BODY = 4 * 1024 * 1024, TS_MAX_HEADERS = 12 };

typedef struct ts_family ts_family;
typedef struct ts_token ts_token;
typedef struct ts_code ts_code;
typedef struct ts_device ts_device;
typedef struct ts_telemetry_batch ts_telemetry_batch;

/* All tokens ever issued, except access tokens that have expired. */
typedef struct ts_token_table {
    ts_token **buckets;
    size_t bucket_count, count;
    ts_family *families;
    ts_token *newest_refresh;
} ts_token_table;

/* What goes back to the client. */
typedef struct ts_answer {
    int status;
    const char *content_type; /* static; NULL: none */
    char *headers;            /* further "Name: value" lines separated by \n; owned, NULL: none */
    char *body;               /* owned; NULL: empty */
    size_t body_size;
    bool is_api_ok; /* the API's fixed answer: a response shared by all requests */
    bool events;    /* a stream of events instead of a body */
} ts_answer;

/* What is left to do for a request; each step may hold it for a while. */
typedef enum ts_stage {
    TS_STAGE_BEGIN,
    TS_STAGE_DELAY_BEFORE,
    TS_STAGE_GATE_BEFORE,
    TS_STAGE_PROCESS,
    TS_STAGE_DELAY_AFTER,
    TS_STAGE_GATE_AFTER,
    TS_STAGE_ANSWER
} ts_stage;

/* Who is to go away. */
typedef enum ts_away { TS_AWAY_NOBODY, TS_AWAY_ALL, TS_AWAY_AUTHORIZATION } ts_away;

typedef struct ts_request {
    ts_server *server;
    struct MHD_Connection *connection;
    long connection_number;
    const char *method, *path; /* borrowed from libmicrohttpd */
    ts_part part;
    bool is_control;
    ts_stage stage;
    char *body; /* NUL-terminated; NULL: empty */
    size_t body_size, body_capacity;
    int64_t received_ms;
    ts_fault *fault; /* NULL: none */
    int process_delay_ms;
    ts_away away; /* who goes away after the answer, and for how long */
    int away_ms;
    ts_answer answer;
    bool is_counted; /* as answered */
    /* guarded by server->lock, while held */
    struct ts_request *next;
    int64_t due_ms;
} ts_request;

typedef struct ts_request_list {
    ts_request *first, *last;
} ts_request_list;

typedef struct ts_gate {
    bool closed[2]; /* by ts_gate_place */
    ts_request_list held;
    int held_count;
} ts_gate;

typedef struct ts_fault_node {
    struct ts_fault_node *next;
    ts_fault fault;
} ts_fault_node;

typedef struct ts_records {
    ts_record *items;
    size_t count, capacity;
} ts_records;

/* What devices have measured. */
typedef struct ts_telemetry {
    ts_telemetry_batch *first;
    ts_telemetry_counters counters;
} ts_telemetry;

/* A port with what listens on it. */
typedef struct ts_listener {
    /* set at creation, then read-only */
    uint16_t port;   /* 0: there is none */
    int reserved_fd; /* bound, never listening: keeps the port while the server is away */
    /* guarded by the server's lifecycle */
    struct MHD_Daemon *daemon; /* NULL: away */
} ts_listener;

struct ts_server {
    ts_listener listener, authorization_listener;
    /* set at creation, then read-only */
    char *base_url;
    char *authorization_url;  /* what the endpoints in the metadata begin with */
    char *cert_pem, *key_pem; /* NULL: plain http */
    struct MHD_Response *api_ok;
    pthread_t keeper;

    pthread_mutex_t lifecycle; /* is taken before lock */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* counters, gates, timed, away, stopping */
    /* guarded by lock */
    bool draining; /* nothing is held any more */
    bool stopping;
    ts_away away; /* asked for over /__control, and for how long */
    int away_ms;
    int64_t back_at_ms; /* 0: nobody went away so */
    ts_options options;
    char **strings; /* handed out until server_stop() */
    size_t string_count;
    ts_counters counters;
    ts_records records[TS_PARTS];
    ts_token_table tokens;
    ts_code *codes;
    ts_device *devices;
    ts_telemetry telemetry;
    int slow_downs;          /* so many polls are still to get one */
    int64_t events_began_ms; /* 0: not yet */
    ts_fault_node *faults[TS_PARTS];
    ts_gate gates[TS_PARTS];
    ts_request_list timed; /* by due_ms */
};

/* server.c */
int64_t ts_now_ms(void); /* monotonic */
void *ts_alloc(size_t size);
char *ts_strdup(const char *text); /* NULL for NULL */
char *ts_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Keeps text, which it takes over, until server_stop(). */
const char *ts_keep_string_locked(ts_server *server, char *text);

/* server_http.c: libmicrohttpd's callbacks */
enum MHD_Result ts_http_handle(void *server, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **request);
void ts_http_completed(void *server, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode why);
void ts_http_connection(void *server, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
const char *ts_request_header(const ts_request *request, const char *name);
/* A number in the query, clamped to 0 .. max. */
long ts_request_number(const ts_request *request, const char *name, long fallback, long max);

/* server_answer.c */
void ts_answer_json(ts_answer *answer, int status, json_t *taken);
void ts_answer_error(ts_answer *answer, int status, const char *error); /* {"error": ...} */
void ts_answer_add_header(ts_answer *answer, const char *line);
/* Members of a JSON object, as text; null takes a member out. Takes NULL. */
void ts_json_merge(json_t *object, const char *members);

/* server_form.c */
char *ts_form_decode(const char *text, size_t size);                /* yours */
char *ts_form_field(const char *body, const char *name);            /* yours; NULL: not there */
void ts_query_add(char **url, const char *name, const char *value); /* takes NULL as value */

/* server_hold.c. Both return true if the request is held: its connection is suspended, and is
 * handled again later. */
bool ts_hold_for(ts_request *request, int delay_ms);
bool ts_hold_at_gate(ts_request *request, ts_gate_place place);
void *ts_keeper(void *server);          /* thread: releases what is due */
void ts_release_all(ts_server *server); /* until draining is false again, nothing is held */

/* server_tokens.c */
typedef enum ts_refresh_result { TS_REFRESH_OK, TS_REFRESH_REFUSED } ts_refresh_result;

typedef struct ts_issued {        /* borrowed from the table, until unlock */
    const char *access, *refresh; /* refresh NULL: none in the answer */
    ts_family *family;            /* lives as long as the server */
} ts_issued;

void ts_tokens_sign_in_locked(ts_server *server, const char *user, const char *scope,
                              bool with_refresh, ts_issued *issued);
ts_refresh_result ts_tokens_refresh_locked(ts_server *server, const char *refresh_token,
                                           ts_issued *issued);
/* NULL: not live. */
const ts_family *ts_tokens_check_access_locked(ts_server *server, const char *token);
/* A further access token beside a live one; borrowed from the table, until unlock. */
const char *ts_tokens_slide_locked(ts_server *server, const char *token);
const char *ts_family_user(const ts_family *family);
const char *ts_family_scope(const ts_family *family);
void ts_family_revoke(ts_family *family); /* the lock is held */
bool ts_tokens_revoke_locked(ts_server *server, const char *token);
void ts_tokens_count_live_locked(const ts_server *server, ts_counters *counters);
void ts_tokens_free(ts_token_table *tokens);

/* server_token_value.c. Yours. */
char *ts_token_value(const ts_options *options, bool is_access, const char *user);
char *ts_random_value(const char *prefix, size_t size); /* at least 64 bytes */
char *ts_base64url(const void *bytes, size_t size);

/* server_id_token.c. NULL: none is wanted; else yours. nonce may be NULL. */
char *ts_id_token_locked(const ts_server *server, const ts_family *family, const char *client_id,
                         const char *nonce);

/* server_metadata.c */
bool ts_is_metadata_path(const char *path);
const char *ts_issuer_locked(const ts_server *server);
void ts_process_metadata(ts_request *request);

/* server_authorize.c */
void ts_process_authorize(ts_request *request);
void ts_grant_code_locked(ts_request *request);
void ts_codes_free(ts_code *codes);

/* server_device.c */
void ts_process_device(ts_request *request);
void ts_grant_device_locked(ts_request *request);
void ts_devices_free(ts_device *devices);

/* server_grants.c */
bool ts_grant_check_client_locked(ts_request *request); /* false: refused */
char *ts_grant_client_id(const ts_request *request);    /* yours */
const char *ts_user_locked(const ts_server *server);    /* who signs in without a password */
/* Answers with new tokens of a new family. nonce NULL: none. */
ts_family *ts_grant_sign_in_locked(ts_request *request, const char *user, const char *scope,
                                   const char *nonce);
void ts_process_grant(ts_request *request);
void ts_process_revocation(ts_request *request);

/* server_api.c */
void ts_process_api(ts_request *request);

/* server_events.c */
void ts_process_events(ts_request *request);
struct MHD_Response *ts_events_response(ts_request *request); /* NULL where memory is short */

/* server_telemetry.c */
void ts_process_telemetry(ts_request *request); /* its token is good */
void ts_telemetry_free(ts_telemetry *telemetry);

/* server_options.c. Names with _ or -; strings are borrowed. */
bool ts_option_set_json(ts_options *options, const char *name, const json_t *value);
/* "name" or "no-name" for what is on or off; else value is read. How many of both it took; 0: no
 * such option, or not such a value. */
int ts_option_set_argument(ts_options *options, const char *name, const char *value);

/* The options that are strings, one after the other; NULL: no more. */
const char **ts_option_string(ts_options *options, size_t index);

/* server_control.c */
void ts_process_control(ts_request *request);

/* server_faults.c */
ts_fault *ts_fault_take_locked(ts_server *server, ts_part part, const char *path);
void ts_fault_free(ts_fault *fault);
bool ts_fault_replaces_processing(const ts_fault *fault);
/* Turns the real answer into the fault's. */
void ts_fault_apply(const ts_fault *fault, ts_answer *answer);

/* server_response.c. NULL where memory is short. */
struct MHD_Response *ts_response_new(ts_request *request);

/* server_records.c */
void ts_record_request(ts_request *request);
void ts_records_free(ts_records *records);

#endif
