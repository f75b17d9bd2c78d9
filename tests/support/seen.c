#include "support/seen.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Test tokens are made of characters that a form leaves as they are. */
static char *form_value(const char *body, const char *name) {
    size_t name_size = strlen(name);

    while (*body != '\0') {
        size_t size = strcspn(body, "&");

        if (size > name_size && strncmp(body, name, name_size) == 0)
            return strndup(body + name_size, size - name_size);
        body += size + (body[size] == '&');
    }
    return NULL;
}

char *seen_refresh_token(ts_server *server, size_t index) {
    ts_record record;
    char *token = NULL;

    if (server_record(server, TS_TOKEN_ENDPOINT, index, &record))
        token = form_value(record.body, "refresh_token=");
    server_record_free(&record);
    return token;
}

size_t seen_refresh_token_count(ts_server *server, const char *refresh_token) {
    size_t count = 0;

    for (size_t i = 0; i < server_record_count(server, TS_TOKEN_ENDPOINT); i++) {
        char *token = seen_refresh_token(server, i);

        count += token != NULL && strcmp(token, refresh_token) == 0;
        free(token);
    }
    return count;
}

bool seen_any_refresh_token_twice(ts_server *server) {
    bool twice = false;

    for (size_t i = 0; i < server_record_count(server, TS_TOKEN_ENDPOINT) && !twice; i++) {
        char *token = seen_refresh_token(server, i);

        twice = token != NULL && seen_refresh_token_count(server, token) > 1;
        free(token);
    }
    return twice;
}

size_t seen_access_token_count(ts_server *server, const char *access_token) {
    size_t count = 0;
    ts_record record;

    for (size_t i = 0; server_record(server, TS_API, i, &record); i++) {
        count += strstr(record.authorization, access_token) != NULL;
        server_record_free(&record);
    }
    return count;
}

void wait_token_requests(world *w, long count) {
    if (!server_wait_counter(world_server(w), TS_COUNTER(token_requests), count, WORLD_PATIENCE_MS))
        fail_msg("there were %ld token requests, not %ld",
                 server_counters(world_server(w)).token_requests, count);
}

typedef struct waiting {
    world *world;
    long count;
} waiting;

static bool so_many_wait(void *data) {
    const waiting *expected = data;
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;

    tacit_client_get_stats(world_client(expected->world), &stats);
    return (long)stats.calls_waiting >= expected->count;
}

void wait_waiters(world *w, long count) {
    waiting expected = {w, count};

    world_wait(so_many_wait, &expected, "so many wait for a token");
}

void wait_failed_refreshes(world *w, size_t count) {
    world_wait_event(w, TACIT_EVENT_REFRESH_FAILED, count);
    stats_of(w); /* waits for whoever told it to let go of the lock */
}

static bool is_over_by_now(void *data) {
    world_clock_move(data, 500);
    return world_event_count(data, TACIT_EVENT_SIGN_IN_REQUIRED) > 0;
}

void wait_sign_in_required(world *w) {
    world_wait(is_over_by_now, w, "the sign-in is over");
    stats_of(w);
}

void look_a_while(void) {
    struct timespec pause = {.tv_nsec = 30 * 1000000};

    nanosleep(&pause, NULL);
}

tacit_session_stats stats_of(world *w) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(world_session(w), &stats);
    return stats;
}
