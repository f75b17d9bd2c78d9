#include "support/raw_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define RECEIVED_MAX ((size_t)256 * 1024)

typedef struct connection {
    int fd;
    size_t match; /* how much of the end of a head was seen */
} connection;

struct raw_server {
    /* set at creation, then read-only */
    raw_options options;
    int listener, stop[2];
    uint16_t port;
    char url[64];
    pthread_t thread;

    /* the server's thread only */
    connection connections[CONNECTIONS_MAX];
    size_t open;
    size_t answered;

    pthread_mutex_t lock;
    /* guarded by lock */
    long accepted, requests;
    char *received;
    size_t received_size;
};

static void end_connection(raw_server *server, size_t index, raw_then then) {
    const struct linger reset = {.l_onoff = 1};
    int fd = server->connections[index].fd;
    if (then == RAW_RESET) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    server->connections[index] = server->connections[--server->open];
}

static const char *next_answer(raw_server *server) {
    const char *const *answers = server->options.answers;
    if (!answers) return server->options.answer;
    const char *next = answers[server->answered];
    if (answers[server->answered + 1]) server->answered++;
    return next;
}

/* false: the connection is gone. */
static bool answer(raw_server *server, size_t index) {
    const raw_options *options = &server->options;
    const char *next = next_answer(server);
    size_t left = next == NULL ? 0 : options->answer_size > 0 ? options->answer_size : strlen(next);
    while (left > 0) {
        ssize_t sent = send(server->connections[index].fd, next, left, MSG_NOSIGNAL);
        if (sent <= 0) break;
        next += sent;
        left -= (size_t)sent;
    }
    if (left == 0 && options->then == RAW_KEEP) return true;
    end_connection(server, index, options->then);
    return false;
}

static void keep(raw_server *server, const char *bytes, size_t size, long requests) {
    pthread_mutex_lock(&server->lock);
    if (size > RECEIVED_MAX - server->received_size) size = RECEIVED_MAX - server->received_size;
    memcpy(server->received + server->received_size, bytes, size);
    server->received_size += size;
    server->requests += requests;
    pthread_mutex_unlock(&server->lock);
}

static void on_bytes(raw_server *server, size_t index) {
    static const char end[] = "\r\n\r\n";
    char bytes[4096];
    connection *c = &server->connections[index];
    ssize_t size = recv(c->fd, bytes, sizeof bytes, 0);
    if (size <= 0) {
        end_connection(server, index, RAW_CLOSE);
        return;
    }
    long heads = 0;
    for (ssize_t i = 0; i < size; i++) {
        c->match = bytes[i] == end[c->match] ? c->match + 1 : bytes[i] == '\r';
        if (c->match < sizeof end - 1) continue;
        c->match = 0;
        heads++;
    }
    keep(server, bytes, (size_t)size, heads);
    while (heads-- > 0 && answer(server, index)) {
    }
}

static void on_connection(raw_server *server) {
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0) return;
    if (server->open == CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    server->connections[server->open++] = (connection){.fd = fd};
    pthread_mutex_lock(&server->lock);
    server->accepted++;
    pthread_mutex_unlock(&server->lock);
    if (server->options.at_once) answer(server, server->open - 1);
}

static void *serve(void *data) {
    raw_server *server = data;
    for (;;) {
        struct pollfd fds[CONNECTIONS_MAX + 2] = {{.fd = server->stop[0], .events = POLLIN},
                                                  {.fd = server->listener, .events = POLLIN}};
        size_t count = server->open;
        for (size_t i = 0; i < count; i++) {
            fds[i + 2] = (struct pollfd){.fd = server->connections[i].fd, .events = POLLIN};
        }
        if (poll(fds, count + 2, -1) < 0) continue;
        if (fds[0].revents) return NULL;
        /* from the last on, since ending one moves the last into its place */
        for (size_t i = count; i-- > 0;) {
            if (fds[i + 2].revents) on_bytes(server, i);
        }
        if (fds[1].revents) on_connection(server);
    }
}

static bool listen_on_loopback(raw_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0) return false;
    if (bind(server->listener, (struct sockaddr *)&address, size) < 0 ||
        listen(server->listener, 64) < 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) < 0) {
        close(server->listener);
        return false;
    }
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u/", server->port);
    return true;
}

raw_server *raw_server_start(const raw_options *options) {
    raw_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->options = *options;
    server->received = malloc(RECEIVED_MAX + 1);
    if (!server->received || pipe(server->stop) < 0) goto no_pipe;
    if (!listen_on_loopback(server)) goto no_listener;
    pthread_mutex_init(&server->lock, NULL);
    if (pthread_create(&server->thread, NULL, serve, server) == 0) return server;

    pthread_mutex_destroy(&server->lock);
    close(server->listener);
no_listener:
    close(server->stop[0]);
    close(server->stop[1]);
no_pipe:
    free(server->received);
    free(server);
    return NULL;
}

void raw_server_stop(raw_server *server) {
    if (!server) return;
    close(server->stop[1]);
    pthread_join(server->thread, NULL);
    while (server->open > 0) end_connection(server, server->open - 1, RAW_CLOSE);
    close(server->listener);
    close(server->stop[0]);
    pthread_mutex_destroy(&server->lock);
    free(server->received);
    free(server);
}

uint16_t raw_server_port(const raw_server *server) {
    return server->port;
}

const char *raw_server_url(const raw_server *server) {
    return server->url;
}

long raw_server_connections(raw_server *server) {
    pthread_mutex_lock(&server->lock);
    long count = server->accepted;
    pthread_mutex_unlock(&server->lock);
    return count;
}

long raw_server_requests(raw_server *server) {
    pthread_mutex_lock(&server->lock);
    long count = server->requests;
    pthread_mutex_unlock(&server->lock);
    return count;
}

char *raw_server_received(raw_server *server) {
    pthread_mutex_lock(&server->lock);
    char *copy = malloc(server->received_size + 1);
    if (copy) {
        memcpy(copy, server->received, server->received_size);
        copy[server->received_size] = '\0';
    }
    pthread_mutex_unlock(&server->lock);
    return copy;
}
