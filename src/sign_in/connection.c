#include "sign_in/connection.h"

#include "platform/socket.h"

#include <string.h>

enum {
    HEAD_MAX = 8 * 1024,
    READ_SIZE = 1024,
    STATE_MS = 5 * 1000, /* to send a head; to take the answer */
    DRAIN_MS = 1000,
    DRAIN_READS = 64 /* in a row: whoever sends without end is not listened to */
};

void ti_connection_open(ti_connection *connection, ti_poller *poller, int descriptor,
                        int64_t now_boot_ms) {
    *connection = (ti_connection){.state = TI_CONNECTION_READING,
                                  .descriptor = descriptor,
                                  .poller = poller,
                                  .deadline_boot_ms = ti_boot_plus(now_boot_ms, STATE_MS),
                                  .head = TI_BUFFER_SECRET};
}

void ti_connection_close(ti_connection *connection) {
    if (connection->state == TI_CONNECTION_FREE) return;
    ti_poller_watch(connection->poller, connection->descriptor, 0);
    ti_socket_close(connection->descriptor);
    ti_buffer_free(&connection->head);
    ti_buffer_free(&connection->answer);
    *connection = (ti_connection){.state = TI_CONNECTION_FREE};
}

bool ti_connection_watch(const ti_connection *c) {
    return ti_poller_watch(c->poller, c->descriptor,
                           c->state == TI_CONNECTION_WRITING ? TI_POLLER_OUT : TI_POLLER_IN);
}

/* Where the head ends, at or behind `from`; 0: it has not ended yet. */
static size_t head_size(const ti_buffer *head, size_t from) {
    static const char end[] = "\r\n\r\n";
    const size_t size = strlen(end);

    for (size_t at = from > size ? from - size : 0; at + size <= head->size; at++)
        if (memcmp(head->data + at, end, size) == 0) return at + size;
    return 0;
}

/* Until the head is whole: its size. 0: not yet, or the connection is closed. */
static size_t read_head(ti_connection *c) {
    for (;;) {
        size_t before = c->head.size, whole;
        ptrdiff_t got;

        if (before >= HEAD_MAX || !ti_buffer_reserve(&c->head, READ_SIZE)) break;
        got = ti_socket_receive(c->descriptor, c->head.data + before, READ_SIZE);
        if (got < 0) return 0;
        if (got == 0) break;
        c->head.size += (size_t)got;
        c->head.data[c->head.size] = '\0';
        whole = head_size(&c->head, before);
        if (whole > 0) return whole;
    }
    ti_connection_close(c);
    return 0;
}

static void begin_draining(ti_connection *c, int64_t now_boot_ms) {
    ti_socket_end_sending(c->descriptor);
    c->state = TI_CONNECTION_DRAINING;
    c->deadline_boot_ms = ti_boot_plus(now_boot_ms, DRAIN_MS);
}

static void write_answer(ti_connection *c, int64_t now_boot_ms) {
    while (c->written < c->answer.size) {
        ptrdiff_t sent =
            ti_socket_send(c->descriptor, c->answer.data + c->written, c->answer.size - c->written);

        if (sent < 0) return;
        if (sent == 0) {
            ti_connection_close(c);
            return;
        }
        c->written += (size_t)sent;
    }
    begin_draining(c, now_boot_ms);
}

static void drain(ti_connection *c) {
    char ignored[READ_SIZE];

    for (int i = 0; i < DRAIN_READS; i++) {
        ptrdiff_t got = ti_socket_receive(c->descriptor, ignored, sizeof ignored);

        if (got < 0) return;
        if (got == 0) break;
    }
    ti_connection_close(c);
}

static bool answer_head(ti_connection *c, ti_listener_answer_fn answer, void *data, size_t size,
                        int64_t now_boot_ms) {
    bool awaited = answer(data, c->head.data, size, &c->answer);

    ti_buffer_free(&c->head);
    c->state = TI_CONNECTION_WRITING;
    c->deadline_boot_ms = ti_boot_plus(now_boot_ms, STATE_MS);
    if (c->answer.failed) ti_buffer_free(&c->answer);
    return awaited;
}

bool ti_connection_advance(ti_connection *c, ti_listener_answer_fn answer, void *data,
                           int64_t now_boot_ms) {
    bool awaited = false;

    if (c->state == TI_CONNECTION_READING) {
        size_t size = read_head(c);

        if (size > 0) awaited = answer_head(c, answer, data, size, now_boot_ms);
    }
    if (c->state == TI_CONNECTION_WRITING) write_answer(c, now_boot_ms);
    if (c->state == TI_CONNECTION_DRAINING) drain(c);
    return awaited;
}
