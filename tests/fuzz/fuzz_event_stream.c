/* The bytes of a stream, whose first says how the others are cut: the events do not depend on it. */
#include "examples/server_sent_events/event_stream.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

/* What was read, and a sum over all of it. */
typedef struct outcome {
    size_t events;
    uint64_t sum; /* FNV-1a */
    bool fits;
    int retry_ms;
} outcome;

static void add(outcome *o, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        o->sum = (o->sum ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    o->sum = (o->sum ^ size) * UINT64_C(1099511628211);
}

static void on_event(const sent_event *event, void *data) {
    outcome *o = data;

    require(event->type[0] != '\0' && !strpbrk(event->type, "\r\n"));
    require(!strpbrk(event->id, "\r\n"));
    require(event->data[event->data_size] == '\0' && !memchr(event->data, '\r', event->data_size));
    o->events++;
    add(o, event->type, strlen(event->type));
    add(o, event->id, strlen(event->id));
    add(o, event->data, event->data_size);
}

/* A block for each piece, so that a sanitizer sees what is read beyond it. */
static bool write_piece(event_stream *stream, const uint8_t *data, size_t size) {
    char *piece = malloc(size + (size == 0));

    if (!piece) return false;
    memcpy(piece, data, size);
    bool ok = event_stream_write(stream, piece, size);
    free(piece);
    return ok;
}

static outcome read_all(const uint8_t *data, size_t size, size_t cut, size_t size_max) {
    outcome o = {.fits = true};
    event_stream *stream = event_stream_new(size_max, on_event, &o);

    if (!stream) abort();
    for (size_t at = 0; at < size && o.fits; at += cut)
        o.fits = write_piece(stream, data + at, size - at < cut ? size - at : cut);
    add(&o, event_stream_last_id(stream), strlen(event_stream_last_id(stream)));
    o.retry_ms = event_stream_retry_ms(stream);
    require(o.retry_ms >= -1);
    event_stream_free(stream);
    return o;
}

static void compare(const uint8_t *data, size_t size, size_t cut, size_t size_max) {
    outcome whole = read_all(data, size, size + 1, size_max);
    outcome cut_up = read_all(data, size, cut, size_max);

    require(whole.events == cut_up.events && whole.sum == cut_up.sum);
    require(whole.fits == cut_up.fits && whole.retry_ms == cut_up.retry_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    compare(data + 1, size - 1, 1 + data[0] % 16, SIZE_MAX / 2);
    compare(data + 1, size - 1, 1, 24);
    return 0;
}
