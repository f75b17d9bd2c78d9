#include "support/redis.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 48, START_MS = 20000 };

struct ts_redis {
    char *directory, *socket, *log, *url;
    const char *arguments[ARGUMENTS_MAX];
    pid_t pid; /* 0: it does not run */
};

/* ------------------------------------------------------------------ the server */

bool redis_is_installed(void) {
    static const char *const argv[] = {"redis-server", "--version", NULL};
    fixture_run run;
    bool installed = fixture_run_program(argv, NULL, START_MS, &run);

    if (!installed) return false;
    installed = run.exit_code == 0;
    fixture_run_free(&run);
    return installed;
}

static bool is_there(ts_redis *redis) {
    redisContext *context = redisConnectUnix(redis->socket);
    redisReply *reply = context != NULL && context->err == 0 ? redisCommand(context, "PING") : NULL;
    bool there = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    freeReplyObject(reply);
    redisFree(context);
    return there;
}

/* setpriv has it killed when the test dies, however that comes. */
void redis_restart(ts_redis *redis) {
    extern char **environ;
    posix_spawn_file_actions_t files;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, redis->log,
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    assert_int_equal(posix_spawnp(&redis->pid, redis->arguments[0], &files, NULL,
                                  (char *const *)(uintptr_t)redis->arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&files);
    for (int waited_ms = 0; !is_there(redis); waited_ms += 5) {
        if (waited_ms > START_MS || waitpid(redis->pid, NULL, WNOHANG) != 0)
            fail_msg("redis-server does not start: see %s", redis->log);
        poll(NULL, 0, 5);
    }
}

ts_redis *redis_start(const char *const *arguments) {
    ts_redis *redis = calloc(1, sizeof *redis);
    int count = 0;

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        free(redis);
        skip();
    }
    redis->directory = fixture_directory_new();
    redis->socket = fixture_path(redis->directory, "redis.sock");
    redis->log = fixture_path(redis->directory, "redis.log");
    assert_true(asprintf(&redis->url, "unix://%s", redis->socket) > 0);
    const char *const base[] = {"setpriv",
                                "--pdeathsig",
                                "KILL",
                                "redis-server",
                                "--port",
                                "0",
                                "--unixsocket",
                                redis->socket,
                                "--dir",
                                redis->directory,
                                "--save",
                                "",
                                "--enable-debug-command",
                                "yes",
                                NULL};
    for (const char *const *next = base; *next != NULL; next++) redis->arguments[count++] = *next;
    for (; arguments != NULL && *arguments != NULL; arguments++) {
        assert_true(count < ARGUMENTS_MAX - 1);
        redis->arguments[count++] = *arguments;
    }
    redis_restart(redis);
    return redis;
}

void redis_kill(ts_redis *redis) {
    if (redis->pid == 0) return;
    kill(redis->pid, SIGKILL);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
}

void redis_free(ts_redis *redis) {
    if (redis == NULL) return;
    redis_kill(redis);
    fixture_directory_free(redis->directory);
    free(redis->socket);
    free(redis->log);
    free(redis->url);
    free(redis);
}

const char *redis_url(const ts_redis *redis) {
    return redis->url;
}

const char *redis_socket(const ts_redis *redis) {
    return redis->socket;
}

const char *redis_directory(const ts_redis *redis) {
    return redis->directory;
}

void redis_freeze(ts_redis *redis) {
    kill(redis->pid, SIGSTOP);
    waitpid(redis->pid, NULL, WUNTRACED);
}

void redis_thaw(ts_redis *redis) {
    kill(redis->pid, SIGCONT);
}

/* ------------------------------------------------------------------ stores */

tacit_status redis_key(void *data, unsigned char key[32]) {
    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)(7 * i + (data != NULL ? *(unsigned char *)data : 0));
    return TACIT_OK;
}

tacit_store_redis_options redis_store_options(const char *url) {
    tacit_store_redis_options options = TACIT_STORE_REDIS_OPTIONS_INIT;

    options.url = url;
    options.get_key = redis_key;
    options.lease_ms = REDIS_LEASE_MS;
    return options;
}

tacit_store *redis_store(ts_redis *redis, const char *prefix) {
    tacit_store_redis_options options = redis_store_options(redis->url);
    tacit_error error = TACIT_ERROR_INIT;
    tacit_store *store;

    options.prefix = prefix;
    store = tacit_store_redis(&options, &error);
    if (store == NULL) fail_msg("%s", error.message);
    return store;
}

/* ------------------------------------------------------------------ Redis itself */

redisReply *redis_ask(ts_redis *redis, const char *format, ...) {
    redisContext *context = redisConnectUnix(redis->socket);
    redisReply *reply;
    va_list arguments;

    assert_true(context != NULL && context->err == 0);
    va_start(arguments, format);
    reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s: %s", format, reply->str);
    redisFree(context);
    return reply;
}

void redis_do(ts_redis *redis, const char *command) {
    freeReplyObject(redis_ask(redis, command));
}

long redis_count(ts_redis *redis, const char *pattern) {
    redisReply *reply = redis_ask(redis, "KEYS %s", pattern);
    long count = (long)reply->elements;

    freeReplyObject(reply);
    return count;
}

char *redis_find(ts_redis *redis, const char *pattern) {
    redisReply *reply = redis_ask(redis, "KEYS %s", pattern);
    char *key;

    assert_int_equal(reply->elements, 1);
    key = strdup(reply->element[0]->str);
    freeReplyObject(reply);
    return key;
}
