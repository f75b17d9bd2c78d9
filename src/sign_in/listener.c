/*
 * Properties: at most CONNECTIONS are held, each for a few seconds and with a bounded head; whoever wants to be served while they are
 * all taken takes the place of one that has nothing to lose, or was the slowest.
 *
 * Operation: one poll() over what listens, what is connected, and the pipe by which other threads wake it.
 *
 * Safety: all on the thread that waits; other threads write into the pipe, and nothing else.
 */
#include "sign_in/listener.h"

#include "base/error.h"
#include "sign_in/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS = 32,
    FAMILIES = 2,
    PORT_TRIES = 32,           /* for a port that is free in both families */
    BLIND_WAIT_MS = 30 * 1000, /* poll() does not count a suspend */
    PAUSE_MS = 100             /* where the process has no descriptor left to accept with */
};

struct ti_listener {
    const ti_clock *clock;
    int wake[2];
    int listening[FAMILIES]; /* -1: not in this family */
    uint16_t port;
    bool paused;
    ti_connection connections[CONNECTIONS];
};

ti_listener *ti_listener_new(const ti_clock *clock, tacit_error *error) {
    ti_listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL) return ti_error_no_memory(error), NULL;
    listener->clock = clock;
    for (int i = 0; i < FAMILIES; i++) listener->listening[i] = -1;
    if (pipe2(listener->wake, O_CLOEXEC | O_NONBLOCK) == 0) return listener;
    ti_error_set(error, TACIT_ERR_NO_MEMORY, "The process has no descriptor left.");
    if (error != NULL) error->os_error = errno;
    free(listener);
    return NULL;
}

static void stop_listening(ti_listener *listener) {
    for (int i = 0; i < FAMILIES; i++) {
        if (listener->listening[i] >= 0) close(listener->listening[i]);
        listener->listening[i] = -1;
    }
}

void ti_listener_free(ti_listener *listener) {
    if (listener == NULL) return;
    for (int i = 0; i < CONNECTIONS; i++) ti_connection_close(&listener->connections[i]);
    stop_listening(listener);
    close(listener->wake[0]);
    close(listener->wake[1]);
    free(listener);
}

uint16_t ti_listener_port(const ti_listener *listener) {
    return listener->port;
}

void ti_listener_wake(void *data) {
    const ti_listener *listener = data;
    /* It fails only where the pipe is full, and then a wake is waiting already. */
    ssize_t written = write(listener->wake[1], "", 1);

    (void)written;
}

/* ------------------------------------------------------------------ binding */

typedef union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} address;

/* What the connections of the last sign-in left behind (TIME_WAIT) does not keep the port busy. On Linux that takes no port from a
 * socket that listens, and lets nobody take ours. */
static bool allow_reuse(int fd, uint16_t port) {
#ifdef __linux__
    int on = 1;

    return port == 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
#else
    (void)fd, (void)port;
    return true;
#endif
}

static uint16_t port_of(const address *a) {
    return ntohs(a->any.sa_family == AF_INET ? a->ipv4.sin_port : a->ipv6.sin6_port);
}

/* 0, or errno; *port: the one that was taken. */
static int listen_at(address *a, socklen_t size, int *listening, uint16_t *port) {
    int on = 1, cause;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) return errno;
    if (allow_reuse(fd, port_of(a)) &&
        (a->any.sa_family == AF_INET ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, &a->any, size) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, &a->any, &size) == 0) {
        *listening = fd;
        *port = port_of(a);
        return 0;
    }
    cause = errno;
    close(fd);
    return cause;
}

static int listen_ipv4(ti_listener *listener, const ti_redirect_uri *uri, uint16_t port) {
    address a = {.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)}};

    a.ipv4.sin_addr.s_addr = htonl(uri->ipv4);
    return listen_at(&a, sizeof a.ipv4, &listener->listening[0], &listener->port);
}

static int listen_ipv6(ti_listener *listener, uint16_t port) {
    address a = {.ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};

    a.ipv6.sin6_addr = in6addr_loopback;
    return listen_at(&a, sizeof a.ipv6, &listener->listening[1], &listener->port);
}

/* A machine may have only one of the families. */
static bool is_missing(int cause) {
    return cause == EAFNOSUPPORT || cause == EADDRNOTAVAIL;
}

/* localhost is where the browser looks first, so both or none. */
static int listen_both(ti_listener *listener, const ti_redirect_uri *uri) {
    int ipv4 = listen_ipv4(listener, uri, uri->port), ipv6;

    if (ipv4 != 0 && !is_missing(ipv4)) return ipv4;
    ipv6 = listen_ipv6(listener, ipv4 == 0 ? listener->port : uri->port);
    if (is_missing(ipv6)) return ipv4;
    if (ipv6 != 0) stop_listening(listener);
    return ipv6;
}

static int start_listening(ti_listener *listener, const ti_redirect_uri *uri) {
    int cause;

    if (!uri->ipv6) return listen_ipv4(listener, uri, uri->port);
    if (uri->ipv4 == 0) return listen_ipv6(listener, uri->port);
    for (int i = 0; i < PORT_TRIES; i++) {
        cause = listen_both(listener, uri);
        if (cause != EADDRINUSE || uri->port != 0) break;
    }
    return cause;
}

tacit_status ti_listener_bind(ti_listener *listener, const ti_redirect_uri *uri,
                              tacit_error *error) {
    int cause = start_listening(listener, uri);
    tacit_error why;

    if (cause == 0) return ti_error_clear(error);
    if (cause == EADDRINUSE)
        ti_error_set(&why, TACIT_ERR_NETWORK, "Port %u of %s is taken by another program.",
                     uri->port, uri->host);
    else if (cause == EACCES)
        ti_error_set(&why, TACIT_ERR_NETWORK, "This user may not listen at port %u of %s.",
                     uri->port, uri->host);
    else
        ti_error_set(&why, TACIT_ERR_NETWORK, "This machine cannot listen at %s.", uri->host);
    why.os_error = cause;
    return ti_error_copy(error, &why);
}

/* ------------------------------------------------------------------ accepting */

/* In the order in which they are given up: what has its answer, then what has not asked yet, the oldest first; else any. */
static bool goes_before(const ti_connection *a, const ti_connection *b) {
    static const int order[] = {[TI_CONNECTION_FREE] = 0,
                                [TI_CONNECTION_DRAINING] = 1,
                                [TI_CONNECTION_READING] = 2,
                                [TI_CONNECTION_WRITING] = 3};

    if (a->state != b->state) return order[a->state] < order[b->state];
    return a->deadline_boot_ms < b->deadline_boot_ms;
}

static ti_connection *make_room(ti_listener *listener) {
    ti_connection *place = &listener->connections[0];

    for (int i = 1; i < CONNECTIONS; i++)
        if (goes_before(&listener->connections[i], place)) place = &listener->connections[i];
    ti_connection_close(place);
    return place;
}

/* -1: nobody is there, or nobody can be taken. */
static int accept_one(ti_listener *listener, int listening) {
    for (;;) {
        /* cppcheck-suppress nullPointer ; accept(2): who connects need not be told */
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) return fd;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        listener->paused = errno != EAGAIN && errno != EWOULDBLOCK;
        return -1;
    }
}

/* As many as fit at once: those who wait to be read come in between. */
static ti_connection *accept_all(ti_listener *listener, int listening, ti_listener_answer_fn answer,
                                 void *data) {
    for (int i = 0; i < CONNECTIONS; i++) {
        int64_t now = ti_clock_boot_ms(listener->clock);
        int fd = accept_one(listener, listening);
        ti_connection *connection;

        if (fd < 0) break;
        connection = make_room(listener);
        ti_connection_open(connection, fd, now);
        if (ti_connection_advance(connection, answer, data, now)) return connection;
    }
    return NULL;
}

/* ------------------------------------------------------------------ waiting */

static int time_left(const ti_listener *listener, int64_t deadline_boot_ms) {
    int64_t now = ti_clock_boot_ms(listener->clock), first = deadline_boot_ms;
    int64_t longest = listener->paused ? PAUSE_MS : BLIND_WAIT_MS;

    for (int i = 0; i < CONNECTIONS; i++) {
        const ti_connection *c = &listener->connections[i];

        if (c->state != TI_CONNECTION_FREE && c->deadline_boot_ms < first)
            first = c->deadline_boot_ms;
    }
    if (first <= now) return 0;
    return first > now + longest ? (int)longest : (int)(first - now);
}

enum { WAKE, LISTENING, CONNECTED = LISTENING + FAMILIES, WATCHED = CONNECTED + CONNECTIONS };

static void watch(const ti_listener *listener, struct pollfd watched[WATCHED]) {
    watched[WAKE] = (struct pollfd){.fd = listener->wake[0], .events = POLLIN};
    for (int i = 0; i < FAMILIES; i++)
        watched[LISTENING + i] =
            (struct pollfd){.fd = listener->paused ? -1 : listener->listening[i], .events = POLLIN};
    for (int i = 0; i < CONNECTIONS; i++) {
        const ti_connection *c = &listener->connections[i];

        watched[CONNECTED + i] = (struct pollfd){.fd = c->state == TI_CONNECTION_FREE ? -1 : c->fd,
                                                 .events = ti_connection_events(c)};
    }
}

static void forget_wakes(const ti_listener *listener) {
    char bytes[64];

    while (read(listener->wake[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

/* One round; answers the connection with what was waited for, or NULL. Whoever is connected comes before those who want to be. */
static ti_connection *serve(ti_listener *listener, const struct pollfd watched[WATCHED],
                            ti_listener_answer_fn answer, void *data) {
    int64_t now = ti_clock_boot_ms(listener->clock);
    ti_connection *awaited = NULL;

    if (watched[WAKE].revents != 0) forget_wakes(listener);
    listener->paused = false;
    for (int i = 0; i < CONNECTIONS && awaited == NULL; i++) {
        ti_connection *c = &listener->connections[i];

        if (c->state == TI_CONNECTION_FREE) continue;
        if (watched[CONNECTED + i].revents != 0 && ti_connection_advance(c, answer, data, now))
            awaited = c;
        else if (c->state != TI_CONNECTION_FREE && c->deadline_boot_ms <= now)
            ti_connection_close(c);
    }
    for (int i = 0; i < FAMILIES && awaited == NULL; i++)
        if (watched[LISTENING + i].revents != 0)
            awaited = accept_all(listener, listener->listening[i], answer, data);
    return awaited;
}

/* The answer still has to arrive; nobody else matters any more. */
static void finish(const ti_listener *listener, ti_connection *awaited,
                   const atomic_bool *stopped) {
    while (awaited->state != TI_CONNECTION_FREE && !atomic_load(stopped)) {
        struct pollfd watched[] = {{.fd = listener->wake[0], .events = POLLIN},
                                   {.fd = awaited->fd, .events = ti_connection_events(awaited)}};
        int64_t now = ti_clock_boot_ms(listener->clock);

        if (awaited->deadline_boot_ms <= now) break;
        poll(watched, 2, (int)(awaited->deadline_boot_ms - now));
        if (watched[0].revents != 0) forget_wakes(listener);
        ti_connection_advance(awaited, NULL, NULL, ti_clock_boot_ms(listener->clock));
    }
}

ti_listener_end ti_listener_wait(ti_listener *listener, ti_listener_answer_fn answer, void *data,
                                 int64_t deadline_boot_ms, const atomic_bool *stopped) {
    ti_listener_end end = TI_LISTENER_ANSWERED;
    ti_connection *awaited = NULL;

    while (awaited == NULL && end == TI_LISTENER_ANSWERED) {
        struct pollfd watched[WATCHED];

        watch(listener, watched);
        if (poll(watched, WATCHED, time_left(listener, deadline_boot_ms)) >= 0)
            awaited = serve(listener, watched, answer, data);
        if (atomic_load(stopped))
            end = TI_LISTENER_STOPPED;
        else if (awaited == NULL && ti_clock_boot_ms(listener->clock) >= deadline_boot_ms)
            end = TI_LISTENER_DEADLINE;
    }
    stop_listening(listener);
    if (end == TI_LISTENER_ANSWERED) finish(listener, awaited, stopped);
    for (int i = 0; i < CONNECTIONS; i++) ti_connection_close(&listener->connections[i]);
    return end;
}
