/* Many exchanges on one thread: how they begin, end, wait and go on. */
#include "transport_fixture.h"

#include "support/raw_server.h"
#include "support/server.h"
#include "transport/loop.h"

#include <pthread.h>
#include <stdio.h>

#define TRANSFERS_MAX 64

/* A transfer with what it needs, and what became of it. */
typedef struct exchange {
    ti_transfer transfer; /* first: finished() gets it */
    fixture *f;
    ti_loop *loop;
    ti_url *url;
    ti_http_request request;
    ti_http_answer answer;
    tacit_status status;
    tacit_error error;
    int finished, order;
    void (*then)(struct exchange *exchange); /* from within finished; may be NULL */
    void *then_data;
} exchange;

static int finished_count; /* of all exchanges of a test */

static int set_up(void **state) {
    finished_count = 0;
    return fixture_set_up(state);
}

#define LOOP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, fixture_tear_down)

static void on_finished(ti_transfer *transfer, tacit_status status, const tacit_error *error) {
    exchange *e = (exchange *)transfer;
    assert_null(transfer->handle);
    assert_int_equal(error->status, status);
    e->status = status;
    e->error = *error;
    e->finished++;
    e->order = finished_count++;
    if (e->then) e->then(e);
}

static void begin(exchange *e, fixture *f, ti_loop *loop, const char *text) {
    memset(e, 0, sizeof *e);
    e->f = f;
    e->loop = loop;
    e->transfer.finished = on_finished;
    e->url = ti_url_parse(text, "url", &f->error);
    assert_non_null(e->url);
}

static tacit_status start(exchange *e) {
    return ti_loop_start(e->loop, &e->transfer, TI_HANDLE_POOLED, e->url, &e->request, &e->answer,
                         &e->error);
}

static void end(exchange *e) {
    ti_url_free(e->url);
    ti_http_answer_free(&e->answer);
}

static ti_loop *new_loop(fixture *f) {
    ti_loop *loop = ti_loop_new(f->transport, TRANSFERS_MAX, &f->error);
    assert_non_null(loop);
    return loop;
}

/* For 20 s at most, until as many have finished. */
static void run_until(fixture *f, ti_loop *loop, int count) {
    int64_t deadline = ti_clock_boot_ms(&f->clock) + 20000;
    while (finished_count < count) {
        assert_true(ti_clock_boot_ms(&f->clock) < deadline);
        ti_loop_run(loop, deadline);
    }
}

static void many_at_once_keep_their_connections(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    ti_loop *loop = new_loop(f);
    static exchange all[TRANSFERS_MAX];
    for (int i = 0; i < TRANSFERS_MAX; i++) begin(&all[i], f, loop, server_url(server, "/nothing"));

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TRANSFERS_MAX; i++) assert_int_equal(start(&all[i]), TACIT_OK);
        run_until(f, loop, TRANSFERS_MAX * (round + 1));
    }

    for (int i = 0; i < TRANSFERS_MAX; i++) {
        assert_int_equal(all[i].finished, 3);
        assert_int_equal(all[i].status, TACIT_OK);
        assert_int_equal(all[i].answer.status, 404);
        assert_true(all[i].answer.sent);
        end(&all[i]);
    }
    assert_in_range(server_counters(server).connections, 1, TRANSFERS_MAX);
    ti_loop_free(loop);
    server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LOOP_TEST(many_at_once_keep_their_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
