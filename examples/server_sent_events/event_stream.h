/* Reads server-sent events from the bytes of a stream (WHATWG HTML, section "Server-sent events"), however
 * these are cut. Text stays as it came: what is no UTF-8 is not replaced. */
#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* Text is NUL-terminated, and borrowed for the call. A type ends at its first NUL. */
typedef struct sent_event {
    const char *type; /* "message" where the stream names none */
    const char *data; /* its lines, with "\n" between them; it may hold further NULs */
    size_t data_size;
    const char *id; /* the last one seen, perhaps an earlier event's; "": none */
} sent_event;

typedef void (*sent_event_fn)(const sent_event *event, void *data);

typedef struct event_stream event_stream;

/* size_max bounds a line and the data of an event. NULL: out of memory. */
event_stream *event_stream_new(size_t size_max, sent_event_fn on_event, void *data);
void event_stream_free(event_stream *stream); /* takes NULL */

/* false: out of memory, or something is longer than size_max. Then, and where the connection ended, go on
 * with event_stream_restart(). */
bool event_stream_write(event_stream *stream, const char *bytes, size_t size);

/* A new connection begins: an event that was cut short is forgotten, id and retry are not. */
void event_stream_restart(event_stream *stream);

/* What Last-Event-ID is to say, "": nothing. Of the last event that was complete, so that one that was cut
 * short comes again. */
const char *event_stream_last_id(const event_stream *stream);

/* How long the server wants to be left alone before the next connection; -1: it did not say. */
int event_stream_retry_ms(const event_stream *stream);

#endif
