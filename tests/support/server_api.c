/* The API that the access tokens are for. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DELAY_MS = 600000, MAX_BYTES = 256 * 1024 * 1024 };

static void refuse(ts_request *request, const char *challenge) {
    request->answer.status = 401;
    ts_answer_add_header(&request->answer, challenge);
}

static enum MHD_Result add_header(void *data, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
    (void)kind;
    json_object_set_new(data, name, json_string(value ? value : ""));
    return MHD_YES;
}

/* A body that is not UTF-8 is left out: its size tells. */
static void echo(ts_request *request) {
    const char *body = request->body ? request->body : "";
    json_t *headers = json_object();

    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header, headers);
    json_t *json = json_pack("{s:s,s:o,s:I}", "method", request->method, "headers", headers,
                             "body_size", (json_int_t)request->body_size);
    json_object_set_new(json, "body", json_stringn(body, request->body_size));
    ts_answer_json(&request->answer, 200, json);
}

static void bytes(ts_request *request) {
    size_t size = (size_t)ts_request_number(request, "n", 1024, MAX_BYTES);

    request->answer.status = 200;
    request->answer.content_type = "application/octet-stream";
    request->answer.body = ts_alloc(size);
    request->answer.body_size = size;
    for (size_t i = 0; i < size; i++) request->answer.body[i] = (char)('a' + i % 26);
}

/* What the desktop example shows. */
static void messages(ts_request *request) {
    static const char *const all[][3] = {
        {"Mira Holt", "Minutes of Tuesday's meeting", "09:42"},
        {"Building services", "The lift is out of order until Friday", "09:15"},
        {"Jonas Berg", "Re: figures for the third quarter", "08:57"},
        {"Library", "Two books are due next week", "08:30"},
        {"Priya Raman", "Photos from the harbour", "yesterday"},
        {"Travel desk", "Your tickets to Lisbon", "yesterday"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "from", all[i][0], "subject",
                                              all[i][1], "received", all[i][2]));
    ts_answer_json(&request->answer, 200, list);
}

static void serve(ts_request *request, const char *user, const char *scope) {
    const char *path = request->path + strlen("/api/");

    request->answer.status = 200;
    if (strcmp(path, "echo") == 0) {
        echo(request);
    } else if (strcmp(path, "bytes") == 0) {
        bytes(request);
    } else if (strcmp(path, "events") == 0) {
        ts_process_events(request);
    } else if (strcmp(path, "telemetry") == 0) {
        ts_process_telemetry(request);
    } else if (strcmp(path, "messages") == 0) {
        messages(request);
    } else if (strcmp(path, "whoami") == 0) {
        ts_answer_json(&request->answer, 200, json_pack("{s:s,s:s}", "user", user, "scope", scope));
    } else {
        if (strcmp(path, "slow") == 0) {
            request->process_delay_ms =
                (int)ts_request_number(request, "ms", MAX_DELAY_MS, MAX_DELAY_MS);
        }
        request->answer.is_api_ok = request->answer.headers == NULL;
    }
}

/* A header of its own makes the answer one of its own. */
static void slide_locked(ts_request *request, const char *token) {
    ts_server *server = request->server;
    const char *name = server->options.sliding_header;

    if (!name) return;
    char *line = ts_format("%s: Bearer %s", name, ts_tokens_slide_locked(server, token));
    ts_answer_add_header(&request->answer, line);
    free(line);
}

void ts_process_api(ts_request *request) {
    ts_server *server = request->server;
    const char *authorization = ts_request_header(request, "Authorization");

    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0) {
        refuse(request, "WWW-Authenticate: Bearer realm=\"api\""); /* RFC 6750 section 3.1 */
        return;
    }
    pthread_mutex_lock(&server->lock);
    const ts_family *family = ts_tokens_check_access_locked(server, authorization + 7);
    if (family) slide_locked(request, authorization + 7);
    pthread_mutex_unlock(&server->lock);
    if (!family) {
        refuse(request, "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"");
        return;
    }
    /* Families live as long as the server, and these two never change. */
    serve(request, ts_family_user(family), ts_family_scope(family));
}
