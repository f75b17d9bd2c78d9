/* HTTP/2 over TLS, by nginx in front of the tests' server: both drivers speak it, and asynchronous
 * calls share one connection, also in a storm. Skipped where there is no nginx. */
#include "support/calls.h"
#include "support/fixture.h"
#include "support/server.h"
#include "support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 100, START_MS = 30000, PATIENCE_MS = 20000 };

typedef struct front {
    ts_server *server;
    char *directory; /* nginx' own */
    char base[64];   /* what the client sees */
    tacit_client *client;
    tacit_provider *provider;
    tacit_store *store;
    tacit_session *session;
} front;

static bool has_nginx(void) {
    return system("PATH=$PATH:/usr/sbin; command -v nginx >/dev/null") == 0;
}

static long number_in(const char *directory, const char *name) {
    char *path = fixture_path(directory, name);
    FILE *file = fopen(path, "r");
    long number = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &number), 1);
    fclose(file);
    free(path);
    return number;
}

static void start_nginx(front *f) {
    const char *argv[] = {"sh", TS_NGINX_SCRIPT, f->directory, server_url(f->server, ""), NULL};
    fixture_run run;

    assert_true(fixture_run_program(argv, NULL, START_MS, &run));
    if (run.exit_code != 0) fail_msg("nginx: %s", run.output);
    fixture_run_free(&run);
    snprintf(f->base, sizeof f->base, "https://localhost:%ld", number_in(f->directory, "https"));
}

static void open_session(front *f) {
    const char *origins[] = {f->base, NULL};
    char json[256], *ca_file = fixture_path(f->directory, "ca.pem");
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;
    tacit_error error;

    client.ca_file = ca_file;
    f->client = tacit_client_new(&client, &error);
    assert_non_null(f->client);
    free(ca_file);
    snprintf(json, sizeof json, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\"}", f->base,
             f->base);
    f->provider = tacit_provider_from_json(json, &error);
    assert_non_null(f->provider);
    f->store = tacit_store_memory();
    session.client_id = "test-client";
    session.origins = origins;
    session.store = f->store;
    f->session = tacit_session_open(f->client, f->provider, &session, &error);
    assert_non_null(f->session);
    if (tacit_sign_in_with_password(f->session, "alice", "wonderland", NULL, &error) != TACIT_OK)
        fail_msg("%s", error.message);
}

static front front_new(void) {
    ts_options options = TS_OPTIONS_INIT;
    front f = {.directory = fixture_directory_new()};

    options.threads = 4;
    f.server = server_start(&options);
    assert_true(f.server != NULL && f.directory != NULL);
    start_nginx(&f);
    open_session(&f);
    return f;
}

static void front_free(front *f) {
    assert_int_equal(tacit_client_shutdown(f->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_session_close(f->session, TACIT_NO_WAIT);
    tacit_client_unref(f->client);
    tacit_provider_unref(f->provider);
    tacit_store_unref(f->store);
    kill((pid_t)number_in(f->directory, "pid"), SIGTERM);
    server_stop(f->server);
    fixture_directory_free(f->directory);
}

/* What nginx has seen of /api. */
typedef struct log {
    int requests, http2, connections;
} log;

static log read_log(const front *f) {
    char *path = fixture_path(f->directory, "access.log");
    FILE *file = fopen(path, "r");
    char protocol[16], target[128];
    long seen[1024], connection;
    int status;
    log l = {0};

    assert_non_null(file);
    while (fscanf(file, "%ld %15s %d %127s", &connection, protocol, &status, target) == 4) {
        int i = 0;

        if (strncmp(target, "/api/", 5) != 0) continue;
        l.requests++;
        l.http2 += strcmp(protocol, "HTTP/2.0") == 0;
        while (i < l.connections && seen[i] != connection) i++;
        if (i == l.connections && i < 1024) seen[l.connections++] = connection;
    }
    fclose(file);
    free(path);
    return l;
}

/* It writes a line after the answer has left. */
static log await_log(const front *f, int requests) {
    log l = read_log(f);

    for (int left_ms = PATIENCE_MS; l.requests < requests && left_ms > 0; left_ms -= 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000}, NULL);
        l = read_log(f);
    }
    assert_int_equal(l.requests, requests);
    return l;
}

static void start_many(front *f, call_outcome *o) {
    char url[128];
    tacit_request request = TACIT_REQUEST_INIT;

    snprintf(url, sizeof url, "%s/api/whoami", f->base);
    request.url = url;
    for (int i = 0; i < MANY; i++) tacit_call_unref(must_start(f->session, &request, o));
}

/* ------------------------------------------------------------------ tests */

static void requests_speak_http2(void **state) {
    front f;
    char url[128];
    tacit_response *response;
    tacit_error error;
    log l;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();
    snprintf(url, sizeof url, "%s/api/whoami", f.base);

    for (int i = 0; i < 3; i++) {
        if (tacit_get(f.session, url, &response, &error) != TACIT_OK) fail_msg("%s", error.message);
        assert_int_equal(tacit_response_status(response), 200);
        tacit_response_free(response);
    }

    l = await_log(&f, 3);
    assert_int_equal(l.http2, 3);
    assert_int_equal(l.connections, 1);
    front_free(&f);
}

static void a_hundred_calls_share_one_connection(void **state) {
    call_outcome o = {.done = 0};
    front f;
    log l;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();

    start_many(&f, &o);
    await_outcomes(&o, MANY);

    assert_int_equal(o.ok, MANY);
    l = await_log(&f, MANY);
    assert_int_equal(l.http2, MANY);
    assert_int_equal(l.connections, 1);
    front_free(&f);
}

static void a_storm_on_one_connection_refreshes_once(void **state) {
    call_outcome o = {.done = 0};
    front f;
    log l;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();
    server_gate_close(f.server, TS_API, TS_BEFORE_ANSWER);
    server_revoke_access_tokens(f.server);

    start_many(&f, &o);
    assert_true(server_gate_waiters(f.server, TS_API, 1, PATIENCE_MS));
    server_gate_open(f.server, TS_API);
    await_outcomes(&o, MANY);

    assert_int_equal(o.ok, MANY);
    assert_int_equal(server_counters(f.server).refreshes_ok, 1);
    l = await_log(&f, (int)server_counters(f.server).api_requests);
    assert_true(l.requests > MANY);
    assert_int_equal(l.http2, l.requests);
    assert_int_equal(l.connections, 1);
    front_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_speak_http2),
        cmocka_unit_test(a_hundred_calls_share_one_connection),
        cmocka_unit_test(a_storm_on_one_connection_refreshes_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
