/* HTTP/2 over TLS, by nginx in front of the tests' server: both drivers speak it, and asynchronous
 * calls share one connection, also in a storm and where some of them pause. Skipped where there is
 * no nginx. */
#include "support/calls.h"
#include "support/fixture.h"
#include "support/server.h"
#include "support/unit.h"

#include <curl/curl.h>
#include <limits.h>
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

enum { STREAMS = 8, STREAM_BYTES = 1000000 };

/* What comes and goes in one call: the alphabet, over and over, with a pause now and then. */
typedef struct stream_call {
    call_outcome o;
    tacit_call *call;
    size_t received, sent;
    int calls;
    atomic_int pauses;
    bool refuses, wrong;
} stream_call;

static bool pauses_now(stream_call *s) {
    bool pauses = ++s->calls % 4 == 0;

    if (pauses) atomic_fetch_add(&s->pauses, 1);
    return pauses;
}

static size_t take(const char *data, size_t size, void *write_data) {
    stream_call *s = write_data;

    if (pauses_now(s)) return TACIT_WRITE_PAUSE;
    if (s->refuses && s->calls > 4) return 0;
    for (size_t i = 0; i < size; i++) s->wrong |= data[i] != (char)('a' + (s->received + i) % 26);
    s->received += size;
    return size;
}

static size_t give(char *buffer, size_t capacity, void *read_data) {
    stream_call *s = read_data;
    size_t size = STREAM_BYTES - s->sent < capacity ? STREAM_BYTES - s->sent : capacity;

    if (pauses_now(s)) return TACIT_READ_PAUSE;
    for (size_t i = 0; i < size; i++) buffer[i] = (char)('a' + (s->sent + i) % 26);
    s->sent += size;
    return size;
}

/* Resumes each whenever it has paused, until all are over. */
static void resume_until_over(stream_call *streams) {
    int resumed[STREAMS] = {0}, over = 0;

    for (int left_ms = PATIENCE_MS; over < STREAMS; left_ms--) {
        if (left_ms == 0) fail_msg("%d of %d are over", over, STREAMS);
        over = 0;
        for (int i = 0; i < STREAMS; i++) {
            int pauses = atomic_load(&streams[i].pauses);

            over += atomic_load(&streams[i].o.done) > 0;
            if (pauses == resumed[i]) continue;
            resumed[i] = pauses;
            tacit_call_resume(streams[i].call);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* Even ones come, odd ones go; the first refuses what it is given after its pause. */
static void start_stream(front *f, stream_call *s, int i) {
    tacit_request request = TACIT_REQUEST_INIT;
    char url[128];

    snprintf(url, sizeof url, "%s/api/bytes?n=%d", f->base, STREAM_BYTES);
    request.url = url;
    if (i % 2 == 0) {
        s->refuses = i == 0;
        request.write = take;
        request.write_data = s;
    } else {
        snprintf(url, sizeof url, "%s/api/x", f->base);
        request.read = give;
        request.read_data = s;
        request.read_size = i % 4 == 1 ? STREAM_BYTES : 0;
    }
    s->call = must_start(f->session, &request, &s->o);
}

static void end_stream(stream_call *s, int i) {
    assert_true(atomic_load(&s->pauses) > 0);
    assert_int_equal(s->o.status, i == 0 ? -TACIT_ERR_CANCELLED : 200);
    assert_false(s->wrong);
    if (i > 0) assert_int_equal(s->received + s->sent, STREAM_BYTES);
    tacit_call_unref(s->call);
}

static void streams_of_one_connection_pause_one_by_one(void **state) {
    stream_call streams[STREAMS] = {{.calls = 0}};
    tacit_request request = TACIT_REQUEST_INIT;
    call_outcome other = {.done = 0};
    char url[128];
    front f;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();
    snprintf(url, sizeof url, "%s/api/x", f.base);
    request.url = url;

    for (int i = 0; i < STREAMS; i++) start_stream(&f, &streams[i], i);
    tacit_call_unref(must_start(f.session, &request, &other));
    await_outcomes(&other, 1); /* while the others wait to be resumed */
    resume_until_over(streams);

    assert_int_equal(other.ok, 1);
    for (int i = 0; i < STREAMS; i++) end_stream(&streams[i], i);
    assert_int_equal(await_log(&f, STREAMS + 1).connections, 1);
    front_free(&f);
}

/* Takes nothing before it is opened. */
typedef struct tap {
    call_outcome o;
    tacit_call *call;
    atomic_bool open, stops;
    atomic_int pauses;
    size_t received;
    bool wrong;
} tap;

static size_t take_when_open(const char *data, size_t size, void *write_data) {
    tap *t = write_data;

    if (!atomic_load(&t->open)) {
        atomic_fetch_add(&t->pauses, 1);
        return TACIT_WRITE_PAUSE;
    }
    for (size_t i = 0; i < size; i++) t->wrong |= data[i] != (char)('a' + (t->received + i) % 26);
    t->received += size;
    return size;
}

static bool goes_on(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                    void *progress_data) {
    (void)sent, (void)to_send, (void)received, (void)to_receive;
    return !atomic_load(&((tap *)progress_data)->stops);
}

static bool has_paused(void *data) {
    return atomic_load(&((tap *)data)->pauses) > 0;
}

/* Until it holds something back. */
static void start_tap(front *f, tap *t, int bytes, int timeout_ms) {
    tacit_request request = TACIT_REQUEST_INIT;
    char url[128];

    snprintf(url, sizeof url, "%s/api/bytes?n=%d", f->base, bytes);
    request.url = url;
    request.timeout_ms = timeout_ms;
    request.write = take_when_open;
    request.write_data = request.progress_data = t;
    request.progress = goes_on;
    t->call = must_start(f->session, &request, &t->o);
    world_wait(has_paused, t, "it pauses");
}

static void end_tap(tap *t) {
    await_outcomes(&t->o, 1);
    tacit_call_unref(t->call);
}

/* libcurl before 8.1 keeps it, where others go on with the connection, for the next that it is given
 * that handle for. */
static void what_a_stopped_stream_holds_back_comes_to_nobody(void **state) {
    enum { BY_CANCEL, BY_DEADLINE, BY_PROGRESS, WAYS };
    tap holder = {.received = 0};
    front f;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();
    start_tap(&f, &holder, STREAM_BYTES, 0);

    for (int way = 0; way < WAYS; way++) {
        tap stopped = {.received = 0}, next = {.received = 0};

        start_tap(&f, &stopped, STREAM_BYTES, way == BY_DEADLINE ? 1000 : 0);
        if (way == BY_CANCEL) tacit_call_cancel(stopped.call);
        atomic_store(&stopped.stops, way == BY_PROGRESS);
        end_tap(&stopped);
        start_tap(&f, &next, 26, 0);
        atomic_store(&next.open, true);
        tacit_call_resume(next.call);
        end_tap(&next);

        assert_int_equal(stopped.received, 0);
        assert_int_equal(next.o.status, 200);
        assert_int_equal(next.received, 26);
        assert_false(next.wrong);
    }
    atomic_store(&holder.open, true);
    tacit_call_resume(holder.call);
    end_tap(&holder);
    assert_int_equal(holder.received, STREAM_BYTES);
    assert_false(holder.wrong);
    front_free(&f);
}

/* libcurl's memory: the request after so many is refused, once. */
static atomic_long granted = LONG_MAX;

static bool grants(void) {
    return atomic_fetch_sub(&granted, 1) != 0;
}

static void *scarce_malloc(size_t size) {
    return grants() ? malloc(size) : NULL;
}

static void *scarce_calloc(size_t count, size_t size) {
    return grants() ? calloc(count, size) : NULL;
}

static void *scarce_realloc(void *block, size_t size) {
    return grants() ? realloc(block, size) : NULL;
}

static char *scarce_strdup(const char *text) {
    return grants() ? strdup(text) : NULL;
}

/* What libcurl knows of a socket that many share must not be asked for again once it is broken. */
static void without_memory_calls_on_one_connection_end(void **state) {
    enum { CALLS = 8, STEP = 3 };
    front f;
    bool refused = true;

    (void)state;
    if (!has_nginx()) skip();
    f = front_new();

    for (long n = 0; refused; n += STEP) {
        tap taps[CALLS] = {{.received = 0}};
        call_outcome after = {.done = 0};
        tacit_request request = TACIT_REQUEST_INIT;
        char url[128];

        for (int i = 0; i < CALLS; i++) start_tap(&f, &taps[i], 50000, 0);
        atomic_store(&granted, n);
        for (int i = 0; i < CALLS; i++) {
            atomic_store(&taps[i].open, true);
            tacit_call_resume(taps[i].call);
        }
        for (int i = 0; i < CALLS; i++) end_tap(&taps[i]);
        refused = atomic_exchange(&granted, LONG_MAX) < 0;

        snprintf(url, sizeof url, "%s/api/x", f.base);
        request.url = url;
        tacit_call_unref(must_start(f.session, &request, &after));
        await_outcomes(&after, 1);
        assert_int_equal(after.status, 200);
    }
    front_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_speak_http2),
        cmocka_unit_test(a_hundred_calls_share_one_connection),
        cmocka_unit_test(streams_of_one_connection_pause_one_by_one),
        cmocka_unit_test(what_a_stopped_stream_holds_back_comes_to_nobody),
        cmocka_unit_test(without_memory_calls_on_one_connection_end),
        cmocka_unit_test(a_storm_on_one_connection_refreshes_once),
    };

    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, scarce_malloc, free, scarce_realloc,
                             scarce_strdup, scarce_calloc)) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
