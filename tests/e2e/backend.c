#include "e2e/backend.h"

#include "e2e/daemon.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLE_BEGIN "https://"
#define EXAMPLE_END ".example"
#define LISTENS "listening on "

enum { ENVIRONMENT_MAX = 32 };

struct backend {
    const backend_site *site;
    daemon_process process;
    char *environment[ENVIRONMENT_MAX + 1]; /* later ones count */
    char *origin, *log;
    unsigned settled;  /* asked so often whether its log is up to date */
    long counted_from; /* a byte of its log */
};

int backend_site_start(void **state, const backend_plan *plan) {
    backend_site *site = calloc(1, sizeof *site);

    assert_non_null(site);
    site->plan = plan;
    site->data = data_servers_start(plan->has_database, plan->has_redis);
    *state = site;
    return 0;
}

int backend_site_stop(void **state) {
    backend_site *site = *state;

    if (site->shared != NULL) backend_stop(site->shared);
    data_servers_stop(site->data);
    free(site);
    return 0;
}

static void add_variables(backend *backend, const char *const *variables) {
    size_t count = 0;

    while (backend->environment[count] != NULL) count++;
    for (; variables != NULL && *variables != NULL; variables++) {
        assert_true(count < ENVIRONMENT_MAX);
        backend->environment[count] = strdup(*variables);
        assert_non_null(backend->environment[count++]);
    }
}

static void run(backend *backend) {
    char *program = NULL;
    const char *argv[] = {E2E_NODE, NULL, NULL};

    assert_true(asprintf(&program, "%s/dist/%s/main.js", E2E_BACKENDS, backend->site->plan->name) >
                0);
    argv[1] = program;
    daemon_start(&backend->process, argv, (const char *const *)backend->environment, backend->log);
    free(program);
}

static void sign_up(backend *backend) {
    static const char user[] =
        "{\"username\":\"" BACKEND_USER "\",\"password\":\"" BACKEND_PASSWORD "\"}";
    reply reply = backend_ask(backend, backend->site->plan->sign_up, NULL, user);

    /* 409: an earlier test has done it. */
    if (reply.status != 201 && reply.status != 409)
        fail_msg("sign-up: %ld %s", reply.status, reply.body);
    reply_free(&reply);
}

backend *backend_start(const backend_site *site, const char *const *environment) {
    static unsigned count;
    const char *const any_port[] = {"PORT=0", "NODE_ENV=production", NULL};
    backend *made = calloc(1, sizeof *made);
    char name[32];

    assert_non_null(made);
    made->site = site;
    snprintf(name, sizeof name, "backend-%u.log", count++);
    made->log = fixture_path(data_servers_directory(site->data), name);
    add_variables(made, any_port);
    add_variables(made, data_servers_environment(site->data));
    add_variables(made, site->plan->environment);
    add_variables(made, environment);
    run(made);
    made->origin = daemon_wait_line(&made->process, LISTENS, 0);
    if (site->plan->sign_up != NULL) sign_up(made);
    return made;
}

void backend_stop(backend *backend) {
    daemon_stop(&backend->process);
    for (size_t i = 0; backend->environment[i] != NULL; i++) free(backend->environment[i]);
    free(backend->origin);
    free(backend->log);
    free(backend);
}

/* Its process does one thing after the other: when the line of this answer is there, so are those of
 * all that came before. */
static void settle(backend *backend) {
    char path[32], line[48];

    snprintf(path, sizeof path, "/settled/%u", ++backend->settled);
    snprintf(line, sizeof line, "GET %s ", path);
    assert_status(backend_ask(backend, path, NULL, NULL), 404);
    free(daemon_wait_line(&backend->process, line, 0));
}

static long log_size(const backend *backend) {
    char *log = daemon_says(&backend->process, 0);
    long size = (long)strlen(log);

    free(log);
    return size;
}

backend *backend_shared(backend_site *site) {
    if (site->shared == NULL) site->shared = backend_start(site, NULL);
    settle(site->shared);
    site->shared->counted_from = log_size(site->shared);
    return site->shared;
}

void backend_restart(backend *backend, const char *variable) {
    char *port = NULL, *listens;
    long from;

    settle(backend);
    assert_true(asprintf(&port, "PORT=%s", strrchr(backend->origin, ':') + 1) > 0);
    add_variables(backend, (const char *const[]){port, variable, NULL});
    from = log_size(backend);
    daemon_stop(&backend->process);
    run(backend);
    listens = daemon_wait_line(&backend->process, LISTENS, from);
    assert_string_equal(listens, backend->origin);
    free(listens);
    free(port);
}

const backend_plan *backend_plan_of(const backend *backend) {
    return backend->site->plan;
}

const data_servers *backend_data(const backend *backend) {
    return backend->site->data;
}

const char *backend_origin(const backend *backend) {
    return backend->origin;
}

char *backend_url(const backend *backend, const char *path) {
    char *url = NULL;

    assert_true(asprintf(&url, "%s%s", backend->origin, path) > 0);
    return url;
}

static char *read_example(const char *name) {
    char *path = NULL, *text = NULL;
    size_t size = 0;
    FILE *file;

    assert_true(asprintf(&path, "%s/%s.json", E2E_PROVIDERS, name) > 0);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    free(path);
    return text;
}

char *backend_provider_json(const backend *backend) {
    char *example = read_example(backend->site->plan->name), *json = NULL, *found;
    const char *rest = example;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);

    assert_non_null(out);
    while ((found = strstr(rest, EXAMPLE_BEGIN)) != NULL) {
        fprintf(out, "%.*s%s", (int)(found - rest), rest, backend->origin);
        rest = strstr(found, EXAMPLE_END);
        assert_non_null(rest);
        rest += strlen(EXAMPLE_END);
    }
    fputs(rest, out);
    assert_int_equal(fclose(out), 0);
    free(example);
    return json;
}

tacit_provider *backend_provider(const backend *backend) {
    char *json = backend_provider_json(backend);
    tacit_error error;
    tacit_provider *provider = tacit_provider_from_json(json, &error);

    assert_string_equal(error.message, "");
    assert_non_null(provider);
    free(json);
    return provider;
}

reply backend_ask(const backend *backend, const char *path, const char *const *headers,
                  const char *body) {
    CURL *curl = curl_easy_init();
    struct curl_slist *lines = curl_slist_append(NULL, "Content-Type: application/json");
    char *url = backend_url(backend, path);
    reply reply;

    for (; headers != NULL && *headers != NULL; headers++)
        lines = curl_slist_append(lines, *headers);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
    reply = ask_with_lines(curl, url, lines, body);
    curl_easy_cleanup(curl);
    curl_slist_free_all(lines);
    free(url);
    return reply;
}

long backend_count(backend *backend, const char *answer) {
    char *log;
    long count;

    settle(backend);
    log = daemon_says(&backend->process, backend->counted_from);
    count = lines_beginning(log, answer);
    free(log);
    return count;
}
