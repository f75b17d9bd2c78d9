/* Faults: the queue of each part, the common ones, and what they make of an answer. */
#include "server_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ts_fault copy_of(const ts_fault *fault) {
    ts_fault copy = *fault;

    copy.path = ts_strdup(fault->path);
    copy.headers = ts_strdup(fault->headers);
    copy.body = ts_strdup(fault->body);
    return copy;
}

static void free_strings(ts_fault *fault) {
    free((char *)fault->path);
    free((char *)fault->headers);
    free((char *)fault->body);
}

void ts_fault_free(ts_fault *fault) {
    if (!fault) return;
    free_strings(fault);
    free(fault);
}

void server_fault_add(ts_server *server, ts_part part, const ts_fault *fault) {
    ts_fault_node *node = ts_alloc(sizeof *node);
    ts_fault_node **end = &server->faults[part];

    node->fault = copy_of(fault);
    pthread_mutex_lock(&server->lock);
    while (*end) end = &(*end)->next;
    *end = node;
    pthread_mutex_unlock(&server->lock);
}

void server_faults_clear(ts_server *server, ts_part part) {
    pthread_mutex_lock(&server->lock);
    ts_fault_node *node = server->faults[part];
    server->faults[part] = NULL;
    pthread_mutex_unlock(&server->lock);
    for (ts_fault_node *next; node; node = next) {
        next = node->next;
        free_strings(&node->fault);
        free(node);
    }
}

static bool fits(const ts_fault *fault, const char *path) {
    return !fault->path || strncmp(path, fault->path, strlen(fault->path)) == 0;
}

/* A copy, yours: the queue may be cleared while the request is still held. */
ts_fault *ts_fault_take_locked(ts_server *server, ts_part part, const char *path) {
    ts_fault_node **place = &server->faults[part];

    if (part == TS_OTHER) return NULL;
    while (*place && !fits(&(*place)->fault, path)) place = &(*place)->next;
    ts_fault_node *node = *place;
    if (!node) return NULL;

    ts_fault *taken = ts_alloc(sizeof *taken);
    *taken = copy_of(&node->fault);
    if (node->fault.requests > 0 && --node->fault.requests == 0) {
        *place = node->next;
        free_strings(&node->fault);
        free(node);
    }
    return taken;
}

static bool invents_answer(const ts_fault *fault) {
    return fault->kind == TS_FAULT_ANSWER || fault->kind == TS_FAULT_CLOSE ||
           fault->kind == TS_FAULT_OVERSIZED || fault->kind == TS_FAULT_NESTED;
}

bool ts_fault_replaces_processing(const ts_fault *fault) {
    return fault && invents_answer(fault) && !fault->after_processing;
}

static char *oversized(size_t size) {
    static const char head[] = "{\"padding\":\"", tail[] = "\"}";
    char *body = ts_alloc(sizeof head + sizeof tail + size);

    memcpy(body, head, sizeof head - 1);
    memset(body + sizeof head - 1, 'x', size);
    memcpy(body + sizeof head - 1 + size, tail, sizeof tail);
    return body;
}

static char *nested(size_t depth) {
    char *body = ts_alloc(2 * depth + 1);

    memset(body, '[', depth);
    memset(body + depth, ']', depth);
    return body;
}

void ts_fault_apply(const ts_fault *fault, ts_answer *answer) {
    if (!invents_answer(fault)) return;

    free(answer->headers);
    free(answer->body);
    memset(answer, 0, sizeof *answer);
    answer->status = fault->status ? fault->status : 200;
    if (fault->kind == TS_FAULT_ANSWER) {
        answer->headers = ts_strdup(fault->headers);
        answer->body = ts_strdup(fault->body);
    } else {
        answer->content_type = "application/json";
        answer->body =
            fault->kind == TS_FAULT_NESTED ? nested(fault->size) : oversized(fault->size);
    }
    answer->body_size = answer->body ? strlen(answer->body) : 0;
}

void server_fail(ts_server *server, ts_part part, int requests, int status) {
    ts_fault fault = {.kind = TS_FAULT_ANSWER, .requests = requests, .status = status};
    server_fault_add(server, part, &fault);
}

void server_fail_oauth(ts_server *server, int requests, int status, const char *oauth_error) {
    char *body = ts_format("{\"error\":\"%s\"}", oauth_error);
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = requests,
                      .status = status,
                      .headers = "Content-Type: application/json",
                      .body = body};

    server_fault_add(server, TS_TOKEN_ENDPOINT, &fault);
    free(body);
}

void server_fail_retry_after(ts_server *server, ts_part part, int requests, int status,
                             const char *retry_after) {
    char *headers = retry_after ? ts_format("Retry-After: %s", retry_after) : NULL;
    ts_fault fault = {
        .kind = TS_FAULT_ANSWER, .requests = requests, .status = status, .headers = headers};

    server_fault_add(server, part, &fault);
    free(headers);
}

void server_http_date(int in_s, char date[40]) {
    /* Not strftime(): names of days and months must not follow the locale. */
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t then = time(NULL) + in_s;
    struct tm tm;

    gmtime_r(&then, &tm);
    snprintf(date, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void server_captive_portal(ts_server *server, ts_part part, int requests) {
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = requests,
                      .status = 200,
                      .headers = "Content-Type: text/html",
                      .body = "<!DOCTYPE html><html><body>Welcome to the hotel. Accept the terms "
                              "to go online.</body></html>"};
    server_fault_add(server, part, &fault);
}

void server_redirect(ts_server *server, ts_part part, int requests, int status,
                     const char *location) {
    char *headers = ts_format("Location: %s", location);
    ts_fault fault = {
        .kind = TS_FAULT_ANSWER, .requests = requests, .status = status, .headers = headers};

    server_fault_add(server, part, &fault);
    free(headers);
}

void server_close_connections(ts_server *server, ts_part part, int requests,
                              bool after_processing) {
    ts_fault fault = {
        .kind = TS_FAULT_CLOSE, .requests = requests, .after_processing = after_processing};
    server_fault_add(server, part, &fault);
}

void server_refuse_api(ts_server *server, int requests, ts_challenge challenge) {
    static const char *const headers[] = {
        [TS_CHALLENGE_INVALID_TOKEN] = "WWW-Authenticate: Bearer realm=\"api\", "
                                       "error=\"invalid_token\"",
        [TS_CHALLENGE_NONE] = NULL,
        [TS_CHALLENGE_INSUFFICIENT_SCOPE] = "WWW-Authenticate: Bearer realm=\"api\", "
                                            "error=\"insufficient_scope\", scope=\"admin\"",
        [TS_CHALLENGE_BASIC] = "WWW-Authenticate: Basic realm=\"api\"",
        [TS_CHALLENGE_NEGOTIATE] = "WWW-Authenticate: Negotiate",
    };
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = requests,
                      .status = 401,
                      .headers = headers[challenge]};
    server_fault_add(server, TS_API, &fault);
}
