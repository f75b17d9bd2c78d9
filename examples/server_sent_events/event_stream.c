#include "event_stream.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* NUL-terminated where size > 0. */
typedef struct text {
    char *bytes; /* NULL: never written to */
    size_t size, capacity;
} text;

struct event_stream {
    /* set at creation, then read-only */
    size_t size_max;
    sent_event_fn on_event;
    void *data;

    size_t mark_seen; /* bytes of a byte order mark that have come; 3: none may come any more */
    bool after_cr;    /* an LF that comes now belongs to it */
    text line;        /* as far as it has come */
    text event_type, event_data, event_id; /* of the event that has begun */
    text last_id;
    int retry_ms;
};

static const char byte_order_mark[] = "\xEF\xBB\xBF";
enum { MARK_SIZE = 3 };

/* ------------------------------------------------------------------ text */

static bool reserve(text *t, size_t size) {
    size_t capacity = t->capacity > 0 ? t->capacity : 128;
    char *bytes;

    if (size < t->capacity) return true;
    while (capacity <= size) capacity *= 2;
    bytes = realloc(t->bytes, capacity);
    if (!bytes) return false;
    t->bytes = bytes;
    t->capacity = capacity;
    return true;
}

static bool append(text *t, const char *bytes, size_t size, size_t size_max) {
    if (size > size_max - t->size || !reserve(t, t->size + size)) return false;
    if (size > 0) memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
    return true;
}

static const char *read_text(const text *t) {
    return t->size > 0 ? t->bytes : "";
}

static bool set(text *t, const char *bytes, size_t size, size_t size_max) {
    t->size = 0;
    return append(t, bytes, size, size_max);
}

/* ------------------------------------------------------------------ fields and events */

/* By an empty line. Where it never comes the event is not there, and neither is its id. */
static bool end_event(event_stream *s) {
    bool has_data = s->event_data.size > 0;

    if (!set(&s->last_id, read_text(&s->event_id), s->event_id.size, s->size_max)) return false;
    if (has_data) {
        const char *type = read_text(&s->event_type);
        sent_event event = {.type = *type != '\0' ? type : "message",
                            .data = s->event_data.bytes,
                            .data_size = s->event_data.size - 1,
                            .id = read_text(&s->last_id)};

        s->event_data.bytes[event.data_size] = '\0'; /* instead of the last line's end */
        s->on_event(&event, s->data);
    }
    s->event_type.size = s->event_data.size = 0;
    return true;
}

static bool is_number(const char *value, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (value[i] < '0' || value[i] > '9') return false;
    return size > 0;
}

static void set_retry(event_stream *s, const char *value, size_t size) {
    int ms = 0;

    if (!is_number(value, size)) return;
    for (size_t i = 0; i < size; i++) {
        int digit = value[i] - '0';

        ms = ms > (INT_MAX - digit) / 10 ? INT_MAX : 10 * ms + digit;
    }
    s->retry_ms = ms;
}

/* Those of other names are left alone, and ids with a NUL, which no header could carry back. */
static bool read_field(event_stream *s, const char *name, size_t name_size, const char *value,
                       size_t size) {
#define IS(field) (name_size == sizeof field - 1 && memcmp(name, field, name_size) == 0)
    if (IS("data"))
        return append(&s->event_data, value, size, s->size_max) &&
               append(&s->event_data, "\n", 1, s->size_max);
    if (IS("event")) return set(&s->event_type, value, size, s->size_max);
    if (IS("id") && !memchr(value, '\0', size)) return set(&s->event_id, value, size, s->size_max);
    if (IS("retry")) set_retry(s, value, size);
    return true;
#undef IS
}

static bool end_line(event_stream *s) {
    const char *line = read_text(&s->line), *end = line + s->line.size;
    const char *colon = memchr(line, ':', s->line.size), *value = colon ? colon + 1 : end;

    s->line.size = 0;
    if (line == end) return end_event(s);
    if (colon == line) return true; /* a comment */
    if (value < end && *value == ' ') value++;
    return read_field(s, line, (size_t)((colon ? colon : end) - line), value,
                      (size_t)(end - value));
}

/* ------------------------------------------------------------------ lines */

static size_t size_of_line(const char *bytes, size_t size) {
    size_t n = 0;

    while (n < size && bytes[n] != '\n' && bytes[n] != '\r') n++;
    return n;
}

/* They end in CR, LF, or both. */
static bool read_lines(event_stream *s, const char *bytes, size_t size) {
    while (size > 0) {
        bool is_rest = s->after_cr && *bytes == '\n';
        size_t n = is_rest ? 0 : size_of_line(bytes, size);

        s->after_cr = false;
        if (!append(&s->line, bytes, n, s->size_max)) return false;
        if (n == size) return true;
        s->after_cr = bytes[n] == '\r';
        if (!is_rest && !end_line(s)) return false;
        bytes += n + 1;
        size -= n + 1;
    }
    return true;
}

bool event_stream_write(event_stream *s, const char *bytes, size_t size) {
    while (size > 0 && s->mark_seen < MARK_SIZE) {
        size_t seen = s->mark_seen;

        if (*bytes == byte_order_mark[seen]) {
            s->mark_seen++;
            bytes++;
            size--;
            continue;
        }
        s->mark_seen = MARK_SIZE;
        if (!read_lines(s, byte_order_mark, seen)) return false;
    }
    return read_lines(s, bytes, size);
}

/* ------------------------------------------------------------------ the stream */

event_stream *event_stream_new(size_t size_max, sent_event_fn on_event, void *data) {
    event_stream *s = calloc(1, sizeof *s);

    if (!s) return NULL;
    s->size_max = size_max;
    s->on_event = on_event;
    s->data = data;
    s->retry_ms = -1;
    return s;
}

void event_stream_free(event_stream *s) {
    if (!s) return;
    free(s->line.bytes);
    free(s->event_type.bytes);
    free(s->event_data.bytes);
    free(s->event_id.bytes);
    free(s->last_id.bytes);
    free(s);
}

void event_stream_restart(event_stream *s) {
    s->mark_seen = 0;
    s->after_cr = false;
    s->line.size = s->event_type.size = s->event_data.size = 0;
    /* What one holds has room in the other: the last id was the event's before. */
    s->event_id.size = 0;
    append(&s->event_id, read_text(&s->last_id), s->last_id.size, s->size_max);
}

const char *event_stream_last_id(const event_stream *s) {
    return read_text(&s->last_id);
}

int event_stream_retry_ms(const event_stream *s) {
    return s->retry_ms;
}
