/*
 * Properties: at most CONNECTIONS are held, each for a few seconds and with a bounded head; whoever wants to be served while they are
 * all taken takes the place of one that has nothing to lose, or was the slowest.
 *
 * Operation: one poller over what listens and what is connected, which other threads wake.
 *
 * Safety: all on the thread that waits; other threads wake the poller, and nothing else.
 */
#include "sign_in/listener.h"

#include "base/error.h"
#include "platform/poller.h"
#include "platform/socket.h"
#include "sign_in/connection.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CONNECTIONS = 32,
    FAMILIES = 2,
    WATCHED = CONNECTIONS + FAMILIES,
    PORT_TRIES = 32,           /* for a port that is free in both families */
    BLIND_WAIT_MS = 30 * 1000, /* the poller does not count a suspend */
    PAUSE_MS =
        100 /* where the process has no descriptor left to accept with, or no memory to watch */
};

struct ti_listener {
    const ti_clock *clock;
    ti_poller *poller;
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
    listener->poller = ti_poller_new();
    if (listener->poller != NULL) return listener;
    ti_error_set(error, TACIT_ERR_NO_MEMORY, "The process has no descriptor left.");
    if (error != NULL) error->os_error = errno;
    free(listener);
    return NULL;
}

static void stop_listening(ti_listener *listener) {
    for (int i = 0; i < FAMILIES; i++) {
        if (listener->listening[i] < 0) continue;
        ti_poller_watch(listener->poller, listener->listening[i], 0);
        ti_socket_close(listener->listening[i]);
        listener->listening[i] = -1;
    }
}

static void close_all_but(ti_listener *listener, const ti_connection *kept) {
    for (int i = 0; i < CONNECTIONS; i++)
        if (&listener->connections[i] != kept) ti_connection_close(&listener->connections[i]);
}

void ti_listener_free(ti_listener *listener) {
    if (listener == NULL) return;
    close_all_but(listener, NULL);
    stop_listening(listener);
    ti_poller_free(listener->poller);
    free(listener);
}

uint16_t ti_listener_port(const ti_listener *listener) {
    return listener->port;
}

void ti_listener_wake(void *data) {
    const ti_listener *listener = data;

    ti_poller_wake(listener->poller);
}

/* ------------------------------------------------------------------ binding */

static int listen_ipv4(ti_listener *listener, const ti_redirect_uri *uri, uint16_t port) {
    return ti_socket_listen(uri->ipv4, port, &listener->listening[0], &listener->port);
}

static int listen_ipv6(ti_listener *listener, uint16_t port) {
    return ti_socket_listen(0, port, &listener->listening[1], &listener->port);
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

/* As many as fit at once: those who wait to be read come in between. */
static ti_connection *accept_all(ti_listener *listener, int listening, ti_listener_answer_fn answer,
                                 void *data) {
    for (int i = 0; i < CONNECTIONS; i++) {
        int64_t now = ti_clock_boot_ms(listener->clock);
        int descriptor = ti_socket_accept(listening, &listener->paused);
        ti_connection *connection;

        if (descriptor < 0) break;
        connection = make_room(listener);
        ti_connection_open(connection, listener->poller, descriptor, now);
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

/* false: no memory. */
static bool watch_listening(const ti_listener *listener) {
    bool done = true;

    for (int i = 0; i < FAMILIES; i++)
        if (listener->listening[i] >= 0)
            done &= ti_poller_watch(listener->poller, listener->listening[i],
                                    listener->paused ? 0 : TI_POLLER_IN);
    return done;
}

static void watch(ti_listener *listener) {
    bool done = watch_listening(listener);

    for (int i = 0; i < CONNECTIONS; i++)
        if (listener->connections[i].state != TI_CONNECTION_FREE)
            done &= ti_connection_watch(&listener->connections[i]);
    if (!done) listener->paused = true;
}

typedef struct ready_set {
    ti_poller_ready ready[WATCHED];
    size_t count;
} ready_set;

static void wait_for(const ti_listener *listener, int timeout_ms, ready_set *set) {
    bool woken; /* by which the caller looks around anyway */

    set->count = ti_poller_wait(listener->poller, timeout_ms, set->ready, WATCHED, &woken);
}

static bool is_ready(const ready_set *set, int descriptor) {
    for (size_t i = 0; i < set->count; i++)
        if (set->ready[i].descriptor == descriptor) return true;
    return false;
}

/* One round; answers the connection with what was waited for, or NULL. Whoever is connected comes before those who want to be. */
static ti_connection *serve(ti_listener *listener, const ready_set *set,
                            ti_listener_answer_fn answer, void *data) {
    int64_t now = ti_clock_boot_ms(listener->clock);
    ti_connection *awaited = NULL;

    listener->paused = false;
    for (int i = 0; i < CONNECTIONS && awaited == NULL; i++) {
        ti_connection *c = &listener->connections[i];

        if (c->state == TI_CONNECTION_FREE) continue;
        if (is_ready(set, c->descriptor) && ti_connection_advance(c, answer, data, now))
            awaited = c;
        else if (c->state != TI_CONNECTION_FREE && c->deadline_boot_ms <= now)
            ti_connection_close(c);
    }
    for (int i = 0; i < FAMILIES && awaited == NULL; i++)
        if (is_ready(set, listener->listening[i]))
            awaited = accept_all(listener, listener->listening[i], answer, data);
    return awaited;
}

/* The answer still has to arrive; nobody else matters any more. */
static void finish(ti_listener *listener, ti_connection *awaited, const atomic_bool *stopped) {
    close_all_but(listener, awaited);
    while (awaited->state != TI_CONNECTION_FREE && !atomic_load(stopped)) {
        int64_t now = ti_clock_boot_ms(listener->clock);
        ready_set set;

        if (awaited->deadline_boot_ms <= now || !ti_connection_watch(awaited)) break;
        wait_for(listener, (int)(awaited->deadline_boot_ms - now), &set);
        ti_connection_advance(awaited, NULL, NULL, ti_clock_boot_ms(listener->clock));
    }
}

ti_listener_end ti_listener_wait(ti_listener *listener, ti_listener_answer_fn answer, void *data,
                                 int64_t deadline_boot_ms, const atomic_bool *stopped) {
    ti_listener_end end = TI_LISTENER_ANSWERED;
    ti_connection *awaited = NULL;

    while (awaited == NULL && end == TI_LISTENER_ANSWERED) {
        ready_set set;

        watch(listener);
        wait_for(listener, time_left(listener, deadline_boot_ms), &set);
        awaited = serve(listener, &set, answer, data);
        if (atomic_load(stopped))
            end = TI_LISTENER_STOPPED;
        else if (awaited == NULL && ti_clock_boot_ms(listener->clock) >= deadline_boot_ms)
            end = TI_LISTENER_DEADLINE;
    }
    stop_listening(listener);
    if (end == TI_LISTENER_ANSWERED) finish(listener, awaited, stopped);
    close_all_but(listener, NULL);
    return end;
}
