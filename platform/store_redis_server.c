#include "platform/store_redis_server.h"

#include "base/error.h"
#include "platform/os.h"
#include "platform/store_redis_reply.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MAX = 4 };

struct ti_redis_server {
    /* set at creation, then read-only */
    ti_redis_address address;
    char *ca_file;
    int timeout_ms;

    pthread_mutex_t lock;
    ti_redis_link *idle[IDLE_MAX]; /* guarded by lock: the last is the one used last */
    int idle_count;                /* guarded by lock */
};

ti_redis_server *ti_redis_server_new(ti_redis_address *address, const char *ca_file,
                                     int timeout_ms) {
    ti_redis_server *server = calloc(1, sizeof *server);

    if (server == NULL) return NULL;
    if (ca_file != NULL && (server->ca_file = strdup(ca_file)) == NULL) {
        free(server);
        return NULL;
    }
    if (pthread_mutex_init(&server->lock, NULL) != 0) {
        free(server->ca_file);
        free(server);
        return NULL;
    }
    server->timeout_ms = timeout_ms;
    server->address = *address;
    *address = (ti_redis_address){.origin = NULL};
    return server;
}

void ti_redis_server_free(ti_redis_server *server) {
    if (server == NULL) return;
    while (server->idle_count > 0) ti_redis_link_close(server->idle[--server->idle_count]);
    pthread_mutex_destroy(&server->lock);
    ti_redis_address_free(&server->address);
    free(server->ca_file);
    free(server);
}

const char *ti_redis_server_shown(const ti_redis_server *server) {
    return server->address.shown;
}

int ti_redis_server_timeout_ms(const ti_redis_server *server) {
    return server->timeout_ms;
}

/* ------------------------------------------------------------------ links */

static ti_redis_link *take_idle(ti_redis_server *server) {
    ti_redis_link *link = NULL;

    pthread_mutex_lock(&server->lock);
    if (server->idle_count > 0) link = server->idle[--server->idle_count];
    pthread_mutex_unlock(&server->lock);
    return link;
}

/* What Redis has closed meanwhile, by its own timeout or a restart, or a router forgot, is no reason to fail. */
static tacit_status get_link(ti_redis_server *server, int timeout_ms, ti_redis_link **link,
                             tacit_error *error) {
    while ((*link = take_idle(server)) != NULL) {
        if (ti_redis_link_is_fit(*link)) return ti_error_clear(error);
        ti_redis_link_close(*link);
    }
    return ti_redis_link_open(&server->address, server->ca_file, ti_os_boot_ms() + timeout_ms, link,
                              error);
}

static void put_link(ti_redis_server *server, ti_redis_link *link) {
    pthread_mutex_lock(&server->lock);
    if (server->idle_count < IDLE_MAX) {
        server->idle[server->idle_count++] = link;
        link = NULL;
    }
    pthread_mutex_unlock(&server->lock);
    ti_redis_link_close(link);
}

/* Where one connection broke or fell silent, the others are no better, and would only cost their time. Where one is answered with an
 * error, they lead to who became a replica, or are signed on as it was right once. */
static void drop_idle(ti_redis_server *server) {
    ti_redis_link *link;

    while ((link = take_idle(server)) != NULL) ti_redis_link_close(link);
}

/* ------------------------------------------------------------------ asking */

static tacit_status check(redisReply **reply, int type, tacit_error *error) {
    tacit_status status;

    if ((*reply)->type == REDIS_REPLY_NIL) {
        freeReplyObject(*reply);
        *reply = NULL;
        return ti_error_clear(error);
    }
    status = ti_redis_reply_expect(*reply, type, error);
    if (status == TACIT_OK) return status;
    freeReplyObject(*reply);
    *reply = NULL;
    return status;
}

tacit_status ti_redis_ask(ti_redis_server *server, const ti_redis_argument *arguments, int count,
                          int type, int timeout_ms, redisReply **reply, tacit_error *error) {
    ti_redis_link *link;
    tacit_status status = get_link(server, timeout_ms, &link, error);

    *reply = NULL;
    if (status != TACIT_OK) return status;
    status = ti_redis_link_ask(link, arguments, count, ti_os_boot_ms() + timeout_ms, reply, error);
    if (status == TACIT_OK) status = check(reply, type, error);
    if (status == TACIT_OK) {
        put_link(server, link);
        return status;
    }
    ti_redis_link_close(link);
    drop_idle(server);
    return status;
}
