/* A request's way through the server: reading, faults and gates, processing, the answer. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *ts_request_header(const ts_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

long ts_request_number(const ts_request *request, const char *name, long fallback, long max) {
    const char *text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    long number = text ? strtol(text, NULL, 10) : fallback;

    if (number < 0) return 0;
    return number > max ? max : number;
}

static bool begins_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static ts_part part_of(const char *path) {
    if (begins_with(path, "/api/")) return TS_API;
    if (strcmp(path, "/token") == 0) return TS_TOKEN_ENDPOINT;
    if (strcmp(path, "/revoke") == 0) return TS_REVOCATION;
    if (strcmp(path, "/authorize") == 0) return TS_AUTHORIZE;
    if (strcmp(path, "/device") == 0) return TS_DEVICE;
    if (ts_is_metadata_path(path)) return TS_METADATA;
    return TS_OTHER;
}

static ts_request *new_request(ts_server *server, struct MHD_Connection *connection,
                               const char *url) {
    ts_request *request = ts_alloc(sizeof *request);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    request->server = server;
    request->connection = connection;
    request->connection_number = info ? (long)(intptr_t)info->socket_context : 0;
    request->part = part_of(url);
    request->is_control = strcmp(url, "/__control") == 0;
    request->received_ms = ts_now_ms();
    return request;
}

static void keep_body(ts_request *request, const char *data, size_t size) {
    size_t room = TS_MAX_BODY - request->body_size;

    if (size > room) size = room;
    if (request->body_size + size >= request->body_capacity) {
        request->body_capacity = 2 * (request->body_size + size) + 256;
        request->body = realloc(request->body, request->body_capacity);
        if (!request->body) abort();
    }
    memcpy(request->body + request->body_size, data, size);
    request->body_size += size;
    request->body[request->body_size] = '\0';
}

static void begin(ts_request *request) {
    ts_server *server = request->server;
    ts_counters *counters = &server->counters;

    if (request->is_control) return;
    pthread_mutex_lock(&server->lock);
    counters->requests++;
    if (request->part == TS_API) counters->api_requests++;
    if (request->part == TS_REVOCATION) counters->revocation_requests++;
    if (request->part == TS_METADATA) counters->metadata_requests++;
    if (request->part == TS_AUTHORIZE) counters->authorize_requests++;
    if (request->part == TS_DEVICE) counters->device_requests++;
    if (request->part == TS_TOKEN_ENDPOINT) {
        counters->token_requests++;
        counters->concurrent_grants++;
        if (counters->concurrent_grants > counters->peak_concurrent_grants) {
            counters->peak_concurrent_grants = counters->concurrent_grants;
        }
    }
    request->fault = ts_fault_take_locked(server, request->part, request->path);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    ts_record_request(request);
}

static enum MHD_Result add_argument(void *json, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
    (void)kind;
    json_object_set_new(json, name, json_string(value ? value : ""));
    return MHD_YES;
}

/* OpenID Connect RP-Initiated Logout: what it was asked. */
static void process_logout(ts_request *request) {
    json_t *json = json_object();

    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, add_argument, json);
    ts_answer_json(&request->answer, 200, json);
}

static void process_other(ts_request *request) {
    if (strcmp(request->path, "/logout") == 0)
        process_logout(request);
    else
        request->answer.status = 404;
}

static void process(ts_request *request) {
    static void (*const processes[TS_PARTS])(ts_request *) = {
        [TS_TOKEN_ENDPOINT] = ts_process_grant,  [TS_API] = ts_process_api,
        [TS_REVOCATION] = ts_process_revocation, [TS_OTHER] = process_other,
        [TS_METADATA] = ts_process_metadata,     [TS_AUTHORIZE] = ts_process_authorize,
        [TS_DEVICE] = ts_process_device,
    };

    if (ts_fault_replaces_processing(request->fault)) return;
    if (request->is_control)
        ts_process_control(request);
    else
        processes[request->part](request);
}

static bool hold_after_processing(ts_request *request) {
    int delay_ms = request->process_delay_ms;

    if (request->fault) delay_ms += request->fault->delay_after_ms;
    return ts_hold_for(request, delay_ms);
}

/* true: the request is held and goes on here later. */
static bool advance(ts_request *request) {
    while (request->stage != TS_STAGE_ANSWER) {
        bool held = false;
        switch (request->stage++) {
        case TS_STAGE_BEGIN:
            begin(request);
            break;
        case TS_STAGE_DELAY_BEFORE:
            held = request->fault && ts_hold_for(request, request->fault->delay_before_ms);
            break;
        case TS_STAGE_GATE_BEFORE:
            held = ts_hold_at_gate(request, TS_BEFORE_PROCESSING);
            break;
        case TS_STAGE_PROCESS:
            process(request);
            break;
        case TS_STAGE_DELAY_AFTER:
            held = hold_after_processing(request);
            break;
        case TS_STAGE_GATE_AFTER:
            held = ts_hold_at_gate(request, TS_BEFORE_ANSWER);
            break;
        case TS_STAGE_ANSWER:
            break;
        }
        if (held) return true;
    }
    return false;
}

/* Before the client can read the answer: what it does next must find this one counted. */
static void count_answered_locked(ts_request *request) {
    ts_counters *counters = &request->server->counters;
    int status = request->answer.status;

    if (request->is_control || request->is_counted) return;
    request->is_counted = true;
    if (request->part == TS_TOKEN_ENDPOINT) counters->concurrent_grants--;
    if (request->part == TS_API && request->stage == TS_STAGE_ANSWER) {
        counters->api_2xx += status >= 200 && status < 300;
        counters->api_401 += status == 401;
    }
}

static void count_answered(ts_request *request) {
    ts_server *server = request->server;

    pthread_mutex_lock(&server->lock);
    count_answered_locked(request);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result answer(ts_request *request) {
    ts_server *server = request->server;
    ts_answer *answer = &request->answer;

    if (request->fault && request->fault->kind != TS_FAULT_CLOSE) {
        ts_fault_apply(request->fault, answer);
    }
    count_answered(request);
    /* libmicrohttpd closes the connection on MHD_NO. */
    if (request->fault && request->fault->kind == TS_FAULT_CLOSE) return MHD_NO;
    if (answer->is_api_ok && !request->fault) {
        return MHD_queue_response(request->connection, MHD_HTTP_OK, server->api_ok);
    }
    struct MHD_Response *response = ts_response_new(request);
    if (!response) return MHD_NO;
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result ts_http_handle(void *data, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state) {
    ts_request *request = *state;
    (void)version;

    if (!request) { /* the headers have come; the body follows */
        *state = new_request(data, connection, url);
        return MHD_YES;
    }
    request->method = method;
    request->path = url;
    if (*upload_size) {
        keep_body(request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return advance(request) ? MHD_YES : answer(request);
}

static void count_completed_locked(ts_server *server, ts_request *request) {
    bool begun = request->stage > TS_STAGE_BEGIN && !request->is_control;

    if (!begun) return;
    count_answered_locked(request); /* where the client went away before */
    if (request->part == TS_API && request->stage == TS_STAGE_ANSWER) {
        server->counters.api_slow += ts_now_ms() - request->received_ms > server->options.slow_ms;
    }
    pthread_cond_broadcast(&server->changed);
}

void ts_http_completed(void *data, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode why) {
    ts_server *server = data;
    ts_request *request = *state;
    (void)connection;
    (void)why;

    if (!request) return;
    pthread_mutex_lock(&server->lock);
    count_completed_locked(server, request);
    if (request->away) {
        server->away = request->away;
        server->away_ms = request->away_ms;
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    ts_fault_free(request->fault);
    free(request->answer.headers);
    free(request->answer.body);
    free(request->body);
    free(request);
    *state = NULL;
}

void ts_http_connection(void *data, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
    ts_server *server = data;
    (void)connection;

    if (code != MHD_CONNECTION_NOTIFY_STARTED) return;
    pthread_mutex_lock(&server->lock);
    *socket_context = (void *)(intptr_t)++server->counters.connections;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}
