/* What the tests of requests share: sending that must succeed or fail, and streams. */
#ifndef TS_SENDING_H
#define TS_SENDING_H

#include <tacit/tacit.h>

#include "support/server.h"
#include "support/unit.h"
#include "support/world.h"

#include <string.h>

static inline tacit_request request_to(const char *url) {
    tacit_request request = TACIT_REQUEST_INIT;

    request.url = url;
    return request;
}

/*
 * By tacit_send(), or, where `through_engine` is set, by tacit_send_async() and waiting for it: what a
 * request does is the same in both. Not both at once.
 */
extern bool through_engine;
tacit_status send_either(tacit_session *session, const tacit_request *request,
                         tacit_response **response, tacit_error *error);

/* The response; yours. Fails the test where there is none. */
static inline tacit_response *must_send(world *w, const tacit_request *request) {
    tacit_response *response;
    tacit_error error;

    if (send_either(world_session(w), request, &response, &error) != TACIT_OK) {
        fail_msg("%s: %s", tacit_status_name(error.status), error.message);
    }
    assert_int_equal(error.status, TACIT_OK);
    return response;
}

static inline tacit_error must_fail(world *w, const tacit_request *request, tacit_status expected) {
    tacit_response *response;
    tacit_error error;
    tacit_status status = send_either(world_session(w), request, &response, &error);

    if (status != expected) fail_msg("%s: %s", tacit_status_name(status), error.message);
    assert_null(response);
    assert_int_equal(error.status, expected);
    return error;
}

/* Sends, frees, and answers the HTTP status. */
static inline int status_of(world *w, const tacit_request *request) {
    tacit_response *response = must_send(w, request);
    int status = tacit_response_status(response);

    tacit_response_free(response);
    return status;
}

static inline world *signed_in(const world_options *options) {
    world *w = world_new(options);

    world_sign_in(w);
    return w;
}

static inline ts_record record_of(ts_server *server, size_t index) {
    ts_record record;

    if (!server_record(server, TS_API, index, &record)) fail_msg("no record %zu", index);
    return record;
}

/*
 * A body that comes and goes in pieces
 */

typedef struct stream {
    size_t size, at, piece; /* of what is sent */
    int rewinds, reads;
    bool abort;

    size_t received; /* of what comes */
    size_t take_max; /* then it stops */
} stream;

static inline size_t read_stream(char *buffer, size_t capacity, void *data) {
    stream *s = data;
    size_t size = s->size - s->at;

    s->reads++;
    if (s->abort) return TACIT_READ_ABORT;
    if (size > s->piece) size = s->piece;
    if (size > capacity) size = capacity;
    for (size_t i = 0; i < size; i++) buffer[i] = (char)('a' + (s->at + i) % 26);
    s->at += size;
    return size;
}

static inline bool rewind_stream(void *data) {
    stream *s = data;

    s->rewinds++;
    s->at = 0;
    return true;
}

static inline size_t write_stream(const char *bytes, size_t size, void *data) {
    stream *s = data;

    (void)bytes;
    s->received += size;
    return s->received > s->take_max ? 0 : size;
}

#endif
