/* Asynchronous requests to servers that do their worst, and users who come and go meanwhile: each call ends once, in time, and none is
 * sent for somebody else. */
#include "support/many_calls.h"
#include "support/seen.h"
#include "support/unit.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static many_calls *new_calls(const world_options *options) {
    many_calls *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->world = signed_in(options);
    c->request = (tacit_request)TACIT_REQUEST_INIT;
    return c;
}

/* clock: one that stands still. */
static many_calls *new_calls_on_wire(unsigned calls_max, bool clock) {
    return new_calls(&(world_options){
        .client = {.struct_size = sizeof(tacit_client_options), .calls_max = calls_max},
        .clock = clock});
}

static ts_server *server_of(const many_calls *c) {
    return world_server(c->world);
}

static void end_calls(many_calls *c) {
    assert_int_equal(tacit_client_shutdown(world_client(c->world), PATIENCE_MS, NULL), TACIT_OK);
    many_await(c);
    many_unref(c);
    world_free(c->world);
    free(c);
}

static void hold(many_calls *c, ts_part part) {
    server_gate_close(server_of(c), part, TS_BEFORE_ANSWER);
}

static void await_held(many_calls *c, ts_part part, int requests) {
    assert_true(server_gate_waiters(server_of(c), part, requests, PATIENCE_MS));
}

/* ------------------------------------------------------------------ deadlines */

static void a_deadline_holds_in_the_queue(void **state) {
    many_calls *c = new_calls_on_wire(1, true);

    (void)state;
    hold(c, TS_API);
    many_start(c);
    await_held(c, TS_API, 1);
    c->request.timeout_ms = 200;
    many_start_all(c, 20);
    world_clock_move(c->world, 201);
    while (atomic_load(&c->done) < 20) look_a_while();

    assert_int_equal(many_count(c, -TACIT_ERR_TIMEOUT), 20);
    server_gate_open(server_of(c), TS_API);
    many_await(c);
    assert_int_equal(many_count(c, 200), 1);
    end_calls(c);
}

static size_t refuse_for_now(const char *data, size_t size, void *write_data) {
    (void)data, (void)size;
    atomic_fetch_add((atomic_int *)write_data, 1);
    return TACIT_WRITE_PAUSE;
}

static bool all_were_offered(void *data) {
    return atomic_load((atomic_int *)data) >= 20;
}

static void a_deadline_holds_while_it_pauses(void **state) {
    many_calls *c = new_calls_on_wire(256, true);
    atomic_int offered = 0;

    (void)state;
    c->request.timeout_ms = 300;
    c->request.write = refuse_for_now;
    c->request.write_data = &offered;
    many_start_all(c, 20);
    world_wait(all_were_offered, &offered, "every answer is there");
    assert_int_equal(atomic_load(&c->done), 0);
    world_clock_move(c->world, 301);
    many_await(c);

    assert_int_equal(many_count(c, -TACIT_ERR_TIMEOUT), 20);
    assert_int_equal(atomic_load(&offered), 20); /* once each, until somebody resumes */
    end_calls(c);
}

/* Paused before the answer came, or before they could send: nothing moves until the deadline. */
static void a_deadline_holds_where_the_app_paused(void **state) {
    many_calls *c = new_calls_on_wire(1, true);

    (void)state;
    c->path = "/api/bytes?n=20000000"; /* more than comes at once */
    c->request.timeout_ms = 300;
    hold(c, TS_API);
    many_start_all(c, 3);
    await_held(c, TS_API, 1);
    for (int i = 0; i < 3; i++) tacit_call_pause(c->handles[i]);
    server_gate_open(server_of(c), TS_API);
    look_a_while();
    assert_int_equal(atomic_load(&c->done), 0);
    world_clock_move(c->world, 301);
    many_await(c);

    assert_int_equal(many_count(c, -TACIT_ERR_TIMEOUT), 3);
    end_calls(c);
}

/* Each ends in time wherever it is: waiting for a token, on the wire, behind it. */
static void a_deadline_holds_wherever_a_call_is(void **state) {
    many_calls *c = new_calls_on_wire(8, false);

    (void)state;
    server_revoke_access_tokens(server_of(c));
    hold(c, TS_TOKEN_ENDPOINT);
    for (int i = 0; i < 200; i++) {
        c->request.timeout_ms = 100 + 5 * i;
        many_start(c);
    }
    many_await(c);

    assert_int_equal(many_count(c, -TACIT_ERR_TIMEOUT), 200);
    server_gate_open(server_of(c), TS_TOKEN_ENDPOINT);
    end_calls(c);
}

/* ------------------------------------------------------------------ bad servers */

static void servers_that_fail_end_calls_with_errors(void **state) {
    static const struct {
        ts_fault_kind kind;
        int status;
    } cases[] = {{TS_FAULT_CLOSE, -TACIT_ERR_NETWORK},
                 {TS_FAULT_RESET, -TACIT_ERR_NETWORK},
                 {TS_FAULT_TRICKLE, 200}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        many_calls *c = new_calls(NULL);
        ts_fault fault = {.kind = cases[i].kind, .requests = 0, .trickle_ms = 1};

        server_fault_add(server_of(c), TS_API, &fault);
        many_start_all(c, 300);
        many_await(c);
        assert_int_equal(many_count(c, cases[i].status), 300);
        server_faults_clear(server_of(c), TS_API);
        many_start_all(c, 300); /* and nothing is left of it */
        many_await(c);
        assert_int_equal(many_count(c, 200), cases[i].status == 200 ? 600 : 300);
        end_calls(c);
    }
}

static void a_server_that_is_gone_ends_all_at_once(void **state) {
    many_calls *c = new_calls(NULL);

    (void)state;
    hold(c, TS_API);
    many_start_all(c, 600);
    await_held(c, TS_API, 256);
    server_go_away(server_of(c));
    many_await(c);
    assert_int_equal(many_count(c, -TACIT_ERR_NETWORK) + many_count(c, 200), 600);

    server_gate_open(server_of(c), TS_API);
    assert_true(server_come_back(server_of(c)));
    many_start(c);
    many_await(c);
    assert_int_equal(c->statuses[600], 200);
    end_calls(c);
}

/* ------------------------------------------------------------------ callbacks that refuse */

static size_t refuse(const char *data, size_t size, void *write_data) {
    (void)data, (void)size, (void)write_data;
    return 0;
}

static size_t abort_reading(char *buffer, size_t capacity, void *read_data) {
    (void)read_data;
    memset(buffer, 'x', capacity); /* what it had begun to read */
    return TACIT_READ_ABORT;
}

static bool stop_progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                          void *progress_data) {
    (void)sent, (void)to_send, (void)received, (void)to_receive, (void)progress_data;
    return false;
}

static void callbacks_that_refuse_end_their_call_alone(void **state) {
    many_calls *c = new_calls(NULL);

    (void)state;
    for (int i = 0; i < 200; i++) {
        c->request = (tacit_request)TACIT_REQUEST_INIT;
        if (i % 4 == 1) c->request.write = refuse;
        if (i % 4 == 2) c->request.read = abort_reading;
        if (i % 4 == 3) c->request.progress = stop_progress;
        many_start(c);
    }
    many_await(c);

    assert_int_equal(many_count(c, 200), 50);
    assert_int_equal(many_count(c, -TACIT_ERR_CANCELLED), 150);
    end_calls(c);
}

/* A reader that has less than it said, or more. */
static void a_reader_that_lies_about_its_size_ends(void **state) {
    many_calls *c = new_calls(NULL);
    stream less = {.size = 10, .piece = 10}, more = {.size = 1000, .piece = 1000};

    (void)state;
    c->path = "/api/echo";
    c->request.method = "PUT";
    c->request.timeout_ms = 2000;
    c->request.read = read_stream;
    c->request.read_size = 100;
    c->request.read_data = &less;
    many_start(c);
    c->request.read_data = &more;
    many_start(c);
    many_await(c);

    assert_true(atomic_load(&c->statuses[0]) < 0);
    end_calls(c);
}

typedef struct tap {
    atomic_int offered;
    atomic_size_t received;
} tap;

/* Every other time it wants to be asked again. */
static size_t take_in_gulps(const char *data, size_t size, void *write_data) {
    tap *t = write_data;

    (void)data;
    if (atomic_fetch_add(&t->offered, 1) % 2 == 0) return TACIT_WRITE_PAUSE;
    atomic_fetch_add(&t->received, size);
    return size;
}

static void *resume_until_done(void *data) {
    many_calls *c = data;

    while (atomic_load(&c->done) < c->started)
        for (int i = 0; i < c->started; i++) tacit_call_resume(c->handles[i]);
    return NULL;
}

/* Resumed from threads, as often as they can, while they complete. */
static void what_pauses_loses_no_byte(void **state) {
    enum { CALLS = 8, SIZE = 500000, THREADS = 2 };
    many_calls *c = new_calls(NULL);
    tap taps[CALLS] = {{.offered = 0}};
    pthread_t threads[THREADS];

    (void)state;
    c->path = "/api/bytes?n=500000";
    c->request.write = take_in_gulps;
    hold(c, TS_API); /* no handle is used before it is there */
    for (int i = 0; i < CALLS; i++) {
        c->request.write_data = &taps[i];
        many_start(c);
    }
    server_gate_open(server_of(c), TS_API);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, resume_until_done, c), 0);
    many_await(c);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    assert_int_equal(many_count(c, 200), CALLS);
    for (int i = 0; i < CALLS; i++) assert_int_equal(atomic_load(&taps[i].received), SIZE);
    end_calls(c);
}

/* ------------------------------------------------------------------ one refresh for a crowd */

static void a_401_storm_of_ten_thousand_costs_one_refresh(void **state) {
    many_calls *c = new_calls(NULL);
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;

    (void)state;
    server_revoke_access_tokens(server_of(c));
    hold(c, TS_TOKEN_ENDPOINT);
    many_start_all(c, CALLS_MAX);
    wait_waiters(c->world, CALLS_MAX);
    tacit_client_get_stats(world_client(c->world), &stats);
    assert_int_equal(stats.calls_waiting, CALLS_MAX);
    server_gate_open(server_of(c), TS_TOKEN_ENDPOINT);
    many_await(c);

    assert_int_equal(many_count(c, 200), CALLS_MAX);
    assert_int_equal(server_counters(server_of(c)).refresh_grants, 1);
    end_calls(c);
}

/* ------------------------------------------------------------------ who is who (R16) */

static void sign_in_as(many_calls *c, const char *user) {
    tacit_error error;

    if (tacit_sign_in_with_password(world_session(c->world), user, "pw", NULL, &error) != TACIT_OK)
        fail_msg("%s: %s", user, error.message);
}

/* Of API requests, those with this token. */
static size_t sent_with(many_calls *c, const tacit_token *token) {
    return seen_access_token_count(server_of(c), tacit_token_value(token));
}

static many_calls *new_calls_of_any_user(unsigned calls_max) {
    ts_options options = TS_OPTIONS_INIT;
    many_calls *c = calloc(1, sizeof *c);

    assert_non_null(c);
    options.username = options.password = NULL;
    c->world = world_new(&(world_options){
        .server = &options,
        .client = {.struct_size = sizeof(tacit_client_options), .calls_max = calls_max}});
    c->request = (tacit_request)TACIT_REQUEST_INIT;
    sign_in_as(c, "alice");
    return c;
}

static void what_alice_queued_is_never_sent_as_bob(void **state) {
    many_calls *c = new_calls_of_any_user(2);
    tacit_token *bobs;

    (void)state;
    hold(c, TS_API);
    many_start_all(c, 50);
    await_held(c, TS_API, 2);
    sign_in_as(c, "bob");
    bobs = world_token(c->world);
    server_gate_open(server_of(c), TS_API);
    many_await(c);

    assert_int_equal(sent_with(c, bobs), 0);
    assert_true(many_count(c, -TACIT_ERR_SIGNED_OUT) >= 48);
    many_start(c); /* but what is asked for now is bob's */
    many_await(c);
    assert_int_equal(c->statuses[50], 200);
    assert_int_equal(sent_with(c, bobs), 1);
    tacit_token_unref(bobs);
    end_calls(c);
}

static void what_waits_for_alices_token_is_never_sent_as_bob(void **state) {
    many_calls *c = new_calls_of_any_user(4);
    tacit_token *bobs;

    (void)state;
    server_revoke_access_tokens(server_of(c));
    hold(c, TS_TOKEN_ENDPOINT);
    many_start_all(c, 50);
    wait_waiters(c->world, 50);
    server_gate_open(server_of(c), TS_TOKEN_ENDPOINT);
    sign_in_as(c, "bob");
    bobs = world_token(c->world);
    many_await(c);

    /* The refresh may have come first: then they were sent, as alice. */
    assert_int_equal(sent_with(c, bobs), 0);
    assert_int_equal(many_count(c, -TACIT_ERR_SIGNED_OUT) + many_count(c, 200) + many_count(c, 401),
                     50);
    tacit_token_unref(bobs);
    end_calls(c);
}

static void what_is_queued_at_a_sign_out_is_not_sent(void **state) {
    many_calls *c = new_calls_of_any_user(2);

    (void)state;
    hold(c, TS_API);
    many_start_all(c, 50);
    await_held(c, TS_API, 2);
    assert_int_equal(tacit_sign_out(world_session(c->world), PATIENCE_MS, NULL), TACIT_OK);
    server_gate_open(server_of(c), TS_API);
    many_await(c);

    assert_int_equal(server_counters(server_of(c)).api_requests, 2);
    assert_int_equal(many_count(c, -TACIT_ERR_SIGNED_OUT), 48);
    end_calls(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_holds_in_the_queue),
        cmocka_unit_test(a_deadline_holds_while_it_pauses),
        cmocka_unit_test(a_deadline_holds_where_the_app_paused),
        cmocka_unit_test(a_deadline_holds_wherever_a_call_is),
        cmocka_unit_test(servers_that_fail_end_calls_with_errors),
        cmocka_unit_test(a_server_that_is_gone_ends_all_at_once),
        cmocka_unit_test(callbacks_that_refuse_end_their_call_alone),
        cmocka_unit_test(a_reader_that_lies_about_its_size_ends),
        cmocka_unit_test(what_pauses_loses_no_byte),
        cmocka_unit_test(a_401_storm_of_ten_thousand_costs_one_refresh),
        cmocka_unit_test(what_alice_queued_is_never_sent_as_bob),
        cmocka_unit_test(what_waits_for_alices_token_is_never_sent_as_bob),
        cmocka_unit_test(what_is_queued_at_a_sign_out_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
