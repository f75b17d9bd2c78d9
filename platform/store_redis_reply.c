#include "platform/store_redis_reply.h"

#include "base/error.h"

#include <string.h>

typedef struct cause {
    const char *code;
    tacit_status status;
    const char *sentence;
} cause;

static const cause causes[] = {
    {"LOADING", TACIT_ERR_STORE_UNAVAILABLE, "it is loading its data"},
    {"READONLY", TACIT_ERR_STORE_UNAVAILABLE, "it is a read-only replica"},
    {"MASTERDOWN", TACIT_ERR_STORE_UNAVAILABLE, "it is a replica that has lost its master"},
    {"NOREPLICAS", TACIT_ERR_STORE_UNAVAILABLE, "it has too few replicas to write"},
    {"OOM", TACIT_ERR_STORE_UNAVAILABLE, "its memory is full (maxmemory)"},
    {"MISCONF", TACIT_ERR_STORE_UNAVAILABLE, "it cannot write to its disk, and takes nothing"},
    {"BUSY", TACIT_ERR_STORE_UNAVAILABLE, "it is busy with a script"},
    {"TRYAGAIN", TACIT_ERR_STORE_UNAVAILABLE, "it is busy with moving keys"},
    {"ERR max number of clients", TACIT_ERR_STORE_UNAVAILABLE,
     "it has all the clients that it takes"},
    {"NOAUTH", TACIT_ERR_STORE_FAILED, "it asks for a password, and the URL has none"},
    /* What it says to a command of more than ten words. */
    {"ERR Protocol error: unauthenticated", TACIT_ERR_STORE_FAILED,
     "it asks for a password, and the URL has none"},
    {"WRONGPASS", TACIT_ERR_STORE_FAILED, "it refuses the user or the password"},
    {"DENIED", TACIT_ERR_STORE_FAILED,
     "it takes no other hosts, since its user `default` has no password (protected mode)"},
    {"NOPERM", TACIT_ERR_STORE_FAILED, "the user may not do there what a store has to"},
    {"MOVED", TACIT_ERR_STORE_FAILED, "it is one of a cluster, which this store does not know"},
    {"CLUSTERDOWN", TACIT_ERR_STORE_FAILED,
     "it is one of a cluster, which this store does not know"},
    {"WRONGTYPE", TACIT_ERR_STORE_CORRUPT, "something else lies under a key of the store"},
};

/* A script's error has its cause in the middle before Redis 7: "ERR Error running script (...): ... -OOM command not allowed". */
static bool names(const redisReply *reply, const char *code) {
    size_t size = strlen(code);
    const char *found = reply->str;

    if (strncmp(reply->str, code, size) == 0 && reply->str[size] == ' ') return true;
    if (strncmp(reply->str, "ERR Error running script", 24) != 0) return false;
    while ((found = strstr(found, code)) != NULL) {
        if ((found[-1] == '-' || found[-1] == ' ') && found[size] == ' ') return true;
        found += size;
    }
    return false;
}

static tacit_status explain(const redisReply *reply, tacit_error *error) {
    size_t size = strspn(reply->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (names(reply, causes[i].code))
            return ti_error_set(error, causes[i].status, "%s", causes[i].sentence);
    if (size > 16) size = 16;
    return ti_error_set(error, TACIT_ERR_STORE_FAILED, "it refuses a command (%.*s)", (int)size,
                        reply->str);
}

tacit_status ti_redis_reply_check(const redisReply *reply, tacit_error *error) {
    return reply->type == REDIS_REPLY_ERROR ? explain(reply, error) : ti_error_clear(error);
}

tacit_status ti_redis_reply_expect(const redisReply *reply, int type, tacit_error *error) {
    tacit_status status = ti_redis_reply_check(reply, error);

    if (status != TACIT_OK || reply->type == type) return status;
    return ti_error_set(error, TACIT_ERR_STORE_FAILED, "it answers something else than was asked");
}
