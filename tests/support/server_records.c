/* What the server has seen: counters and records of requests. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

ts_counters server_counters(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    ts_counters counters = server->counters;
    ts_tokens_count_live_locked(server, &counters);
    pthread_mutex_unlock(&server->lock);
    return counters;
}

void server_counters_reset(ts_server *server) {
    ts_records old[TS_PARTS];

    pthread_mutex_lock(&server->lock);
    ts_counters now = {.concurrent_grants = server->counters.concurrent_grants,
                       .peak_concurrent_grants = server->counters.concurrent_grants,
                       .held = server->counters.held,
                       .connections = server->counters.connections};
    server->counters = now;
    memcpy(old, server->records, sizeof old);
    memset(server->records, 0, sizeof server->records);
    pthread_mutex_unlock(&server->lock);
    for (int part = 0; part < TS_PARTS; part++) ts_records_free(&old[part]);
}

static enum MHD_Result append_header(void *data, enum MHD_ValueKind kind, const char *name,
                                     const char *value) {
    char **headers = data;
    char *longer = ts_format("%s%s: %s\n", *headers, name, value ? value : "");
    (void)kind;

    free(*headers);
    *headers = longer;
    return MHD_YES;
}

static enum MHD_Result append_argument(void *data, enum MHD_ValueKind kind, const char *name,
                                       const char *value) {
    char **query = data;
    char *longer = ts_format("%s%s=%s\n", *query, name, value ? value : "");
    (void)kind;

    free(*query);
    *query = longer;
    return MHD_YES;
}

static char *copy_bytes(const char *bytes, size_t size) {
    char *copy = ts_alloc(size + 1);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

static ts_record record_of(const ts_request *request) {
    const char *authorization = ts_request_header(request, "Authorization");
    ts_record record = {.method = ts_strdup(request->method),
                        .path = ts_strdup(request->path),
                        .authorization = ts_strdup(authorization ? authorization : ""),
                        .query = ts_strdup(""),
                        .headers = ts_strdup(""),
                        .body = copy_bytes(request->body, request->body_size),
                        .body_size = request->body_size,
                        .connection = request->connection_number};

    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, append_argument,
                              &record.query);
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, append_header, &record.headers);
    return record;
}

static void append_locked(ts_records *records, ts_record *record) {
    if (records->count == records->capacity) {
        records->capacity = records->capacity ? 2 * records->capacity : 64;
        records->items = realloc(records->items, records->capacity * sizeof *records->items);
        if (!records->items) abort();
    }
    records->items[records->count++] = *record;
}

void ts_record_request(ts_request *request) {
    ts_server *server = request->server;
    ts_records *records = &server->records[request->part];

    pthread_mutex_lock(&server->lock);
    bool wanted = records->count < server->options.record_limit;
    pthread_mutex_unlock(&server->lock);
    if (!wanted) return;

    ts_record record = record_of(request);
    pthread_mutex_lock(&server->lock);
    append_locked(records, &record);
    pthread_mutex_unlock(&server->lock);
}

size_t server_record_count(ts_server *server, ts_part part) {
    pthread_mutex_lock(&server->lock);
    size_t count = server->records[part].count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

bool server_record(ts_server *server, ts_part part, size_t index, ts_record *record) {
    const ts_records *records = &server->records[part];

    memset(record, 0, sizeof *record);
    pthread_mutex_lock(&server->lock);
    bool found = index < records->count;
    if (found) {
        const ts_record *kept = &records->items[index];
        *record = *kept;
        record->method = ts_strdup(kept->method);
        record->path = ts_strdup(kept->path);
        record->authorization = ts_strdup(kept->authorization);
        record->query = ts_strdup(kept->query);
        record->headers = ts_strdup(kept->headers);
        record->body = copy_bytes(kept->body, kept->body_size);
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

void server_record_free(ts_record *record) {
    free(record->method);
    free(record->path);
    free(record->authorization);
    free(record->query);
    free(record->headers);
    free(record->body);
    memset(record, 0, sizeof *record);
}

void ts_records_free(ts_records *records) {
    for (size_t i = 0; i < records->count; i++) server_record_free(&records->items[i]);
    free(records->items);
    memset(records, 0, sizeof *records);
}
