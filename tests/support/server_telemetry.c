#include "server_telemetry.h"

#include "server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ts_telemetry_batch {
    ts_telemetry_batch *next;
    char *key, *body;
    char *content; /* what has to be the same when it comes again */
};

/* A date may be known the second time; the readings are those of the first. */
static char *content_of(json_t *readings) {
    json_t *copy = json_deep_copy(readings), *reading;
    size_t index;
    char *text;

    json_array_foreach(copy, index, reading) json_object_del(reading, "unix_ms");
    text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(copy);
    if (!text) abort();
    return text;
}

static void append_locked(ts_telemetry *telemetry, const char *key, const ts_request *request,
                          char *content, size_t readings) {
    ts_telemetry_batch *batch = ts_alloc(sizeof *batch), **end = &telemetry->first;

    while (*end) end = &(*end)->next;
    batch->key = ts_strdup(key);
    batch->body = ts_strdup(request->body);
    batch->content = content;
    *end = batch;
    telemetry->counters.batches++;
    telemetry->counters.readings += (long)readings;
}

static void take_locked(ts_telemetry *telemetry, const char *key, const ts_request *request,
                        json_t *readings) {
    const ts_telemetry_batch *known = telemetry->first;
    char *content = content_of(readings);

    while (known && strcmp(known->key, key) != 0) known = known->next;
    if (!known) {
        append_locked(telemetry, key, request, content, json_array_size(readings));
        return;
    }
    telemetry->counters.repeats++;
    if (strcmp(known->content, content) != 0) telemetry->counters.conflicts++;
    free(content);
}

void ts_process_telemetry(ts_request *request) {
    ts_server *server = request->server;
    const char *key = ts_request_header(request, "Idempotency-Key");
    json_t *batch = request->body ? json_loads(request->body, 0, NULL) : NULL;
    json_t *readings = json_object_get(batch, "readings");

    if (!key || !json_is_array(readings)) {
        request->answer.status = 400;
    } else {
        pthread_mutex_lock(&server->lock);
        take_locked(&server->telemetry, key, request, readings);
        pthread_cond_broadcast(&server->changed);
        pthread_mutex_unlock(&server->lock);
        request->answer.is_api_ok = true;
    }
    json_decref(batch);
}

ts_telemetry_counters server_telemetry(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    ts_telemetry_counters counters = server->telemetry.counters;
    pthread_mutex_unlock(&server->lock);
    return counters;
}

char *server_telemetry_batch(ts_server *server, size_t index) {
    pthread_mutex_lock(&server->lock);
    const ts_telemetry_batch *batch = server->telemetry.first;
    while (batch && index-- > 0) batch = batch->next;
    char *body = batch ? ts_strdup(batch->body) : NULL;
    pthread_mutex_unlock(&server->lock);
    return body;
}

bool server_telemetry_wait(ts_server *server, long readings, int timeout_ms) {
    int64_t end_ms = ts_now_ms() + timeout_ms;
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = (long)(end_ms % 1000) * 1000000};
    int ended = 0;

    pthread_mutex_lock(&server->lock);
    while (server->telemetry.counters.readings < readings && ended == 0)
        ended = pthread_cond_timedwait(&server->changed, &server->lock, &end);
    bool there = server->telemetry.counters.readings >= readings;
    pthread_mutex_unlock(&server->lock);
    return there;
}

void ts_telemetry_free(ts_telemetry *telemetry) {
    for (ts_telemetry_batch *next, *batch = telemetry->first; batch; batch = next) {
        next = batch->next;
        free(batch->key);
        free(batch->body);
        free(batch->content);
        free(batch);
    }
}
