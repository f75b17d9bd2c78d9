/*
 * Many threads on one session. Run under TSan too, where the numbers are smaller.
 */
#include "support/sanitizer.h"
#include "support/unit.h"
#include "support/world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { MANY = THREAD_SANITIZER ? 200 : 1000, ROUNDS = THREAD_SANITIZER ? 3 : 10 };
enum { SOME = 64, FORCED = 4 /* the storm guard lets five through in 30 s (R14) */ };

typedef struct crowd {
    world *world;
    const char *path;
    pthread_barrier_t *barrier; /* NULL: none */
    atomic_bool stop;           /* for those who go on until told */
    int enough;                 /* for has_enough() */
    atomic_int ok, unauthorized, signed_out, closed, required, stormed, other;
} crowd;

static atomic_int *counter(crowd *c, int result) {
    switch (result) {
    case 200:
        return &c->ok;
    case 401:
        return &c->unauthorized;
    case -TACIT_ERR_SIGNED_OUT:
        return &c->signed_out;
    case -TACIT_ERR_CLOSED:
        return &c->closed;
    case -TACIT_ERR_SIGN_IN_REQUIRED:
        return &c->required;
    case -TACIT_ERR_REFRESH_STORM:
        return &c->stormed;
    default:
        fprintf(stderr, "unexpected result %d\n", result);
        return &c->other;
    }
}

static void tally(crowd *c, int result) {
    atomic_fetch_add(counter(c, result), 1);
}

static void *one_request(void *data) {
    crowd *c = data;

    if (c->barrier != NULL) pthread_barrier_wait(c->barrier);
    tally(c, world_get(c->world, c->path));
    return NULL;
}

static void *requests_until_stop(void *data) {
    crowd *c = data;

    while (!atomic_load(&c->stop)) {
        int result = world_get(c->world, c->path);

        tally(c, result);
        if (result == -TACIT_ERR_CLOSED) break;
    }
    return NULL;
}

static pthread_t *start(int count, void *(*body)(void *), crowd *c) {
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], &attributes, body, c), 0);
    pthread_attr_destroy(&attributes);
    return threads;
}

static void join(int count, pthread_t *threads) {
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
}

static world *signed_in_world(void) {
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.server = &server};
    world *w;

    server.threads = 4;
    w = world_new(&options);
    world_sign_in(w);
    return w;
}

static void storm(int count) {
    world *w = signed_in_world();
    ts_fault slow = {.kind = TS_FAULT_NONE, .requests = 1, .delay_after_ms = 50};
    pthread_barrier_t barrier;
    crowd c = {.world = w, .path = "/api/x", .barrier = &barrier};

    pthread_barrier_init(&barrier, NULL, (unsigned)count);
    server_fault_add(world_server(w), TS_TOKEN_ENDPOINT, &slow);
    server_revoke_access_tokens(world_server(w));

    join(count, start(count, one_request, &c));

    assert_int_equal(c.ok, count);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 1);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
    pthread_barrier_destroy(&barrier);
    world_free(w);
}

static void some_401s_are_one_refresh(void **state) {
    (void)state;
    storm(SOME);
}

static void many_401s_are_one_refresh(void **state) {
    (void)state;
    storm(MANY);
}

/* A barrier alone is blind: here half of the 401s are read only when the refresh is over. */
static void late_401s_start_no_second_refresh(void **state) {
    world *w = signed_in_world();
    ts_server *server = world_server(w);
    crowd late = {.world = w, .path = "/api/late"};
    pthread_t *threads;
    (void)state;

    server_revoke_access_tokens(server);
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    threads = start(SOME, one_request, &late);
    assert_true(server_gate_waiters(server, TS_API, SOME, WORLD_PATIENCE_MS));
    server_gate_release(server, TS_API, SOME / 2);
    assert_true(
        server_wait_counter(server, offsetof(ts_counters, refreshes_ok), 1, WORLD_PATIENCE_MS));
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    server_gate_open(server, TS_API); /* the other half reads its 401 now */
    join(SOME, threads);

    assert_int_equal(late.ok, SOME);
    assert_int_equal(server_counters(server).refreshes_ok, 1);
    world_free(w);
}

static bool has_enough(void *data) {
    crowd *c = data;

    return atomic_load(&c->ok) >= c->enough;
}

/* Tokens die again and again while everybody goes on; the storm guard is the only limit. */
static void revoked_while_in_use(void **state) {
    world *w = signed_in_world();
    ts_server *server = world_server(w);
    crowd c = {.world = w, .path = "/api/x"};
    pthread_t *threads = start(SOME / 4, requests_until_stop, &c);
    (void)state;

    for (int round = 0; round < FORCED; round++) {
        long before = server_counters(server).refreshes_ok;
        int ok = atomic_load(&c.ok);

        server_revoke_access_tokens(server);
        c.enough = ok + 50;
        world_wait(has_enough, &c, "requests go on after a revocation");
        assert_int_equal(server_counters(server).refreshes_ok, before + 1);
    }
    atomic_store(&c.stop, true);
    join(SOME / 4, threads);

    assert_int_equal(c.other + c.stormed, 0); /* a slow request may meet two revocations: its 401 */
    assert_int_equal(server_counters(server).peak_concurrent_grants, 1);
    world_free(w);
}

static void signed_out_and_in_as_another_during_a_flight(void **state) {
    world *w = signed_in_world();
    ts_server *server = world_server(w);
    tacit_error error;
    (void)state;

    for (int round = 0; round < FORCED; round++) {
        crowd c = {.world = w, .path = "/api/x"};
        pthread_t *threads;

        server_revoke_access_tokens(server);
        server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
        threads = start(8, one_request, &c);
        assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, WORLD_PATIENCE_MS));
        tacit_sign_out(world_session(w), TACIT_NO_WAIT, &error);
        join(8, threads); /* turned away at once, though the flight is still out */
        server_gate_open(server, TS_TOKEN_ENDPOINT);
        world_sign_in(w);

        assert_int_equal(c.signed_out + c.required, 8);
        assert_int_equal(world_get(w, "/api/x"), 200);
    }
    world_free(w);
}

static void closed_while_calls_are_inside(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        world *w = signed_in_world();
        tacit_session *session = world_open(w, NULL, "other");
        crowd c = {.world = w, .path = "/api/x"};
        pthread_t *threads = start(8, requests_until_stop, &c);
        tacit_token *token = NULL;

        tacit_session_ref(session);
        c.enough = 8;
        world_wait(has_enough, &c, "requests go on");
        if (round % 2 == 0) server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
        tacit_session_ref(world_session(w));
        assert_int_equal(tacit_session_close(session, TACIT_TIMEOUT_DEFAULT), TACIT_OK);
        assert_int_equal(tacit_session_token(session, 0, 1000, &token, NULL), TACIT_ERR_CLOSED);
        tacit_session_unref(session);
        assert_int_equal(tacit_client_shutdown(world_client(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);
        join(8, threads);

        assert_int_equal(c.closed, 8);
        assert_int_equal(c.other + c.stormed + c.unauthorized, 0);
        tacit_session_unref(world_session(w));
        world_free(w);
    }
}

static void everything_at_once(void **state) {
    world *w = signed_in_world();
    ts_server *server = world_server(w);
    crowd c = {.world = w, .path = "/api/x"};
    pthread_t *threads = start(SOME / 4, requests_until_stop, &c);
    tacit_error error;
    (void)state;

    for (int round = 0; round < 3 * ROUNDS; round++) {
        switch (round % 5) {
        case 0:
            server_revoke_access_tokens(server);
            break;
        case 1:
            tacit_session_refresh(world_session(w), 3, &error);
            break;
        case 2:
            tacit_client_network_changed(world_client(w));
            break;
        case 3:
            tacit_sign_out(world_session(w), round % 2 == 0 ? 2000 : 0, &error);
            break;
        default:
            world_sign_in(w);
            break;
        }
    }
    world_sign_in(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    atomic_store(&c.stop, true);
    join(SOME / 4, threads);

    assert_int_equal(c.other, 0);
    assert_int_equal(server_counters(server).peak_concurrent_grants, 1);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_401s_are_one_refresh),
        cmocka_unit_test(many_401s_are_one_refresh),
        cmocka_unit_test(late_401s_start_no_second_refresh),
        cmocka_unit_test(revoked_while_in_use),
        cmocka_unit_test(signed_out_and_in_as_another_during_a_flight),
        cmocka_unit_test(closed_while_calls_are_inside),
        cmocka_unit_test(everything_at_once),
    };
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
