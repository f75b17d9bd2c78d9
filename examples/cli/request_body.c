#include "request_body.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024 };

static bool make_room(request_body *body, size_t *capacity) {
    char *bytes;

    if (*capacity - body->size >= PIECE_BYTES) return true;
    bytes = realloc(body->bytes, 2 * *capacity);
    if (bytes == NULL) return false;
    body->bytes = bytes;
    *capacity *= 2;
    return true;
}

/* -1: errno says why, EINTR that a signal came. */
static ssize_t read_piece(int file, char *place) {
    struct pollfd fds[] = {{.fd = file, .events = POLLIN},
                           {.fd = interrupt_fd(), .events = POLLIN}};

    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    errno = EINTR;
    return fds[1].revents != 0 ? -1 : read(file, place, PIECE_BYTES);
}

static bool read_all(request_body *body, int file) {
    size_t capacity = 2 * PIECE_BYTES;
    ssize_t got;

    body->bytes = malloc(capacity);
    if (body->bytes == NULL) return false;
    for (;;) {
        if (!make_room(body, &capacity)) return false;
        got = read_piece(file, body->bytes + body->size);
        if (got <= 0) return got == 0;
        body->size += (size_t)got;
    }
}

exit_code request_body_read(request_body *body, const char *data) {
    const char *path = data + 1;
    bool is_stdin = strcmp(path, "-") == 0, ok;
    int file, why;

    *body = (request_body){.bytes = NULL};
    if (*data != '@') {
        body->bytes = strdup(data);
        body->size = strlen(data);
        return body->bytes == NULL ? complain(EXIT_FAILED, "Out of memory.") : EXIT_OK;
    }
    file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ok = file >= 0 && read_all(body, file);
    why = errno;
    if (file >= 0 && !is_stdin) close(file);
    if (ok) return EXIT_OK;
    if (interrupted()) return complain(EXIT_INTERRUPTED, "interrupted");
    return complain(EXIT_FAILED, "%s: %s", is_stdin ? "The standard input" : path, strerror(why));
}

void request_body_free(request_body *body) {
    free(body->bytes);
    *body = (request_body){.bytes = NULL};
}
