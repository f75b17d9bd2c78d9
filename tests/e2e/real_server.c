#include "e2e/real_server.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <jansson.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY "ready "

struct real_server {
    pid_t pid;
    int in; /* the server ends when this end is closed */
    FILE *out;
    char *issuer, *directory;
};

char *real_server_script(const char *name) {
    return fixture_path(E2E_SCRIPTS, name);
}

static void spawn(real_server *server) {
    extern char **environ;
    char *script = real_server_script("server.mjs");
    char *const arguments[] = {E2E_NODE, script, NULL};
    posix_spawn_file_actions_t files;
    int in[2], out[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&server->pid, E2E_NODE, &files, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(out[1]);
    server->in = in[1];
    server->out = fdopen(out[0], "r");
    assert_non_null(server->out);
    free(script);
}

/* It says more than its name: what it would do otherwise in production. */
static char *read_issuer(FILE *out) {
    struct pollfd readable = {.fd = fileno(out), .events = POLLIN};
    char *line = NULL, *issuer = NULL;
    size_t capacity = 0;

    while (issuer == NULL) {
        ssize_t size;

        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        size = getline(&line, &capacity, out);
        assert_true(size > 0);
        if (strncmp(line, READY, strlen(READY)) != 0) continue;
        line[size - 1] = '\0';
        issuer = strdup(line + strlen(READY));
    }
    free(line);
    return issuer;
}

int real_server_start(void **state) {
    real_server *server = calloc(1, sizeof *server);

    signal(SIGPIPE, SIG_IGN);
    server->directory = fixture_directory_new();
    assert_non_null(server->directory);
    spawn(server);
    server->issuer = read_issuer(server->out);
    *state = server;
    return 0;
}

int real_server_stop(void **state) {
    real_server *server = *state;
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    int end = 0;
    pid_t ended;

    close(server->in);
    while ((ended = waitpid(server->pid, &end, WNOHANG)) == 0 && now_ms() < deadline_ms)
        poll(NULL, 0, 5);
    if (ended == 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, &end, 0);
    }
    fclose(server->out);
    fixture_directory_free(server->directory);
    free(server->issuer);
    free(server);
    return WIFEXITED(end) ? WEXITSTATUS(end) : -1;
}

const char *real_server_issuer(const real_server *server) {
    return server->issuer;
}

char *real_server_url(const real_server *server, const char *path) {
    char *url = NULL;

    assert_true(asprintf(&url, "%s%s", server->issuer, path) > 0);
    return url;
}

const char *real_server_directory(const real_server *server) {
    return server->directory;
}

static reply ask_path(const real_server *server, const char *path, const char *secret,
                      const char *form) {
    CURL *curl = curl_easy_init();
    char *url = real_server_url(server, path);
    reply reply;

    if (secret != NULL) curl_easy_setopt(curl, CURLOPT_USERPWD, secret);
    reply = ask_with(curl, url, NULL, form);
    curl_easy_cleanup(curl);
    free(url);
    return reply;
}

static json_t *json_of(reply reply) {
    json_t *json = json_loads(reply.body, 0, NULL);

    assert_status(reply, 200);
    assert_non_null(json);
    return json;
}

long real_server_requests(const real_server *server, const char *agent, const char *path) {
    char *query = NULL;
    const char *asked;
    json_t *counts, *count;
    long sum = 0;

    assert_true(asprintf(&query, "/requests?agent=%s", agent) > 0);
    counts = json_of(ask_path(server, query, NULL, NULL));
    json_object_foreach(counts, asked, count) {
        if (path == NULL || strcmp(asked, path) == 0) sum += (long)json_integer_value(count);
    }
    json_decref(counts);
    free(query);
    return sum;
}

reply real_server_post(const real_server *server, const char *path, const char *secret,
                       const char *form) {
    return ask_path(server, path, secret, form);
}

bool real_server_knows(const real_server *server, const char *token) {
    char *form = NULL;
    json_t *answer;
    bool active;

    assert_true(asprintf(&form, "token=%s", token) > 0);
    answer = json_of(real_server_post(server, "/token/introspection", "svc:svc-secret", form));
    active = json_is_true(json_object_get(answer, "active"));
    json_decref(answer);
    free(form);
    return active;
}

reply real_server_replay(const real_server *server, const char *refresh_token) {
    char *form = NULL;
    reply reply;

    assert_true(asprintf(&form, "grant_type=refresh_token&client_id=app&refresh_token=%s",
                         refresh_token) > 0);
    reply = real_server_post(server, "/token", NULL, form);
    free(form);
    return reply;
}
