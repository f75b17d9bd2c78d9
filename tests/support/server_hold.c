/*
 * Requests that wait: for a time (delays) or for a gate.
 *
 * Properties: a held request costs no thread; its connection is suspended. Whoever takes a request
 *   out of a list, and only that one, resumes its connection.
 * Operation: the handler suspends first and lists then, so that nobody can resume too early. The
 *   keeper thread releases what is due, and lets the server go away when /__control asked for it.
 * Safety: lists are guarded by the server's lock; libmicrohttpd is called without it.
 */
#include "server_internal.h"

#include <time.h>

static struct timespec at_ms(int64_t ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    return time;
}

static void append(ts_request_list *list, ts_request *request) {
    request->next = NULL;
    if (list->last)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
}

static ts_request *take_first(ts_request_list *list) {
    ts_request *request = list->first;

    if (!request) return NULL;
    list->first = request->next;
    if (!list->first) list->last = NULL;
    return request;
}

/* Mostly appends: delays are rarely of different lengths. */
static void insert_by_due(ts_request_list *list, ts_request *request) {
    if (!list->last || list->last->due_ms <= request->due_ms) {
        append(list, request);
        return;
    }
    ts_request **place = &list->first;
    while ((*place)->due_ms <= request->due_ms) place = &(*place)->next;
    request->next = *place;
    *place = request;
}

static void resume(ts_request_list *released) {
    for (ts_request *next, *request = released->first; request; request = next) {
        next = request->next; /* the request may be gone once it is resumed */
        MHD_resume_connection(request->connection);
    }
}

bool ts_hold_for(ts_request *request, int delay_ms) {
    ts_server *server = request->server;

    if (delay_ms <= 0) return false;
    MHD_suspend_connection(request->connection);
    pthread_mutex_lock(&server->lock);
    bool held = !server->draining;
    if (held) {
        request->due_ms = ts_now_ms() + delay_ms;
        insert_by_due(&server->timed, request);
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    if (!held) MHD_resume_connection(request->connection);
    return true;
}

static bool is_closed_locked(const ts_request *request, ts_gate_place place) {
    return request->server->gates[request->part].closed[place] && !request->server->draining;
}

bool ts_hold_at_gate(ts_request *request, ts_gate_place place) {
    ts_server *server = request->server;
    ts_gate *gate = &server->gates[request->part];

    pthread_mutex_lock(&server->lock);
    bool closed = is_closed_locked(request, place);
    pthread_mutex_unlock(&server->lock);
    if (!closed) return false;

    MHD_suspend_connection(request->connection);
    pthread_mutex_lock(&server->lock);
    bool held = is_closed_locked(request, place); /* it may have opened meanwhile */
    if (held) {
        append(&gate->held, request);
        gate->held_count++;
        server->counters.held++;
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    if (!held) MHD_resume_connection(request->connection);
    return true;
}

static void take_held_locked(ts_server *server, ts_gate *gate, int requests,
                             ts_request_list *released) {
    while (requests-- > 0 && gate->held.first) {
        append(released, take_first(&gate->held));
        gate->held_count--;
        server->counters.held--;
    }
}

void server_gate_close(ts_server *server, ts_part part, ts_gate_place place) {
    pthread_mutex_lock(&server->lock);
    server->gates[part].closed[place] = true;
    pthread_mutex_unlock(&server->lock);
}

void server_gate_let_pass(ts_server *server, ts_part part) {
    ts_gate *gate = &server->gates[part];

    pthread_mutex_lock(&server->lock);
    gate->closed[TS_BEFORE_PROCESSING] = gate->closed[TS_BEFORE_ANSWER] = false;
    pthread_mutex_unlock(&server->lock);
}

void server_gate_release(ts_server *server, ts_part part, int requests) {
    ts_request_list released = {NULL, NULL};

    pthread_mutex_lock(&server->lock);
    take_held_locked(server, &server->gates[part], requests, &released);
    pthread_mutex_unlock(&server->lock);
    resume(&released);
}

void server_gate_open(ts_server *server, ts_part part) {
    ts_request_list released = {NULL, NULL};
    ts_gate *gate = &server->gates[part];

    pthread_mutex_lock(&server->lock);
    gate->closed[TS_BEFORE_PROCESSING] = gate->closed[TS_BEFORE_ANSWER] = false;
    take_held_locked(server, gate, gate->held_count, &released);
    pthread_mutex_unlock(&server->lock);
    resume(&released);
}

bool server_gate_waiters(ts_server *server, ts_part part, int requests, int timeout_ms) {
    struct timespec deadline = at_ms(ts_now_ms() + timeout_ms);
    const ts_gate *gate = &server->gates[part];
    int error = 0;

    pthread_mutex_lock(&server->lock);
    while (gate->held_count < requests && error == 0) {
        error = pthread_cond_timedwait(&server->changed, &server->lock, &deadline);
    }
    bool reached = gate->held_count >= requests;
    pthread_mutex_unlock(&server->lock);
    return reached;
}

bool server_wait_counter(ts_server *server, size_t counter, long n, int timeout_ms) {
    struct timespec deadline = at_ms(ts_now_ms() + timeout_ms);
    const long *value = (const long *)((const char *)&server->counters + counter);
    int error = 0;

    pthread_mutex_lock(&server->lock);
    while (*value < n && error == 0) {
        error = pthread_cond_timedwait(&server->changed, &server->lock, &deadline);
    }
    bool reached = *value >= n;
    pthread_mutex_unlock(&server->lock);
    return reached;
}

void ts_release_all(ts_server *server) {
    ts_request_list released = {NULL, NULL};
    ts_request *request;

    pthread_mutex_lock(&server->lock);
    server->draining = true;
    while ((request = take_first(&server->timed))) append(&released, request);
    for (int part = 0; part < TS_PARTS; part++) {
        ts_gate *gate = &server->gates[part];
        take_held_locked(server, gate, gate->held_count, &released);
    }
    pthread_mutex_unlock(&server->lock);
    resume(&released);
}

static void release_due(ts_server *server) {
    ts_request_list released = {NULL, NULL};
    int64_t now_ms = ts_now_ms();

    while (server->timed.first && server->timed.first->due_ms <= now_ms) {
        append(&released, take_first(&server->timed));
    }
    pthread_mutex_unlock(&server->lock);
    resume(&released);
    pthread_mutex_lock(&server->lock);
}

/* The lock is held, except while listeners stop or start. */
static void begin_to_be_away(ts_server *server) {
    ts_away away = server->away;

    server->away = TS_AWAY_NOBODY;
    pthread_mutex_unlock(&server->lock);
    if (away == TS_AWAY_ALL)
        server_go_away(server);
    else
        server_authorization_go_away(server);
    pthread_mutex_lock(&server->lock);
    server->back_at_ms = ts_now_ms() + server->away_ms;
}

static void be_back(ts_server *server) {
    server->back_at_ms = 0;
    pthread_mutex_unlock(&server->lock);
    server_come_back(server);
    pthread_mutex_lock(&server->lock);
}

static void wait_for_what_is_due(ts_server *server) {
    int64_t due_ms = server->timed.first ? server->timed.first->due_ms : 0;

    if (server->back_at_ms && (!due_ms || server->back_at_ms < due_ms)) due_ms = server->back_at_ms;
    if (!due_ms) {
        pthread_cond_wait(&server->changed, &server->lock);
        return;
    }
    struct timespec due = at_ms(due_ms);
    pthread_cond_timedwait(&server->changed, &server->lock, &due);
}

void *ts_keeper(void *data) {
    ts_server *server = data;

    pthread_mutex_lock(&server->lock);
    while (!server->stopping) {
        int64_t now_ms = ts_now_ms();
        if (server->away)
            begin_to_be_away(server);
        else if (server->back_at_ms && server->back_at_ms <= now_ms)
            be_back(server);
        else if (server->timed.first && server->timed.first->due_ms <= now_ms)
            release_due(server);
        else
            wait_for_what_is_due(server);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}
