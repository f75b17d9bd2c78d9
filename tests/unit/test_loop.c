/* Many exchanges on one thread: how they begin, end, and end early. test_loop_pause.c: how they wait. */
#include "loop_fixture.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* libcurl's memory: so many more requests are granted, and how many were refused. One thread. */
static size_t granted = SIZE_MAX, refused;

static bool grants(void) {
    if (granted == SIZE_MAX) return true;
    if (granted > 0) {
        granted--;
        return true;
    }
    refused++;
    return false;
}

static void *scarce_malloc(size_t size) {
    return grants() ? malloc(size) : NULL;
}

static void *scarce_realloc(void *memory, size_t size) {
    return grants() ? realloc(memory, size) : NULL;
}

static char *scarce_strdup(const char *text) {
    return grants() ? strdup(text) : NULL;
}

static void *scarce_calloc(size_t count, size_t size) {
    return grants() ? calloc(count, size) : NULL;
}

static void many_at_once_keep_their_connections(void **state) {
    loop_fixture *t = *state;
    static exchange all[TRANSFERS_MAX];
    for (int i = 0; i < TRANSFERS_MAX; i++) prepare(&all[i], t, "/nothing");

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TRANSFERS_MAX; i++) assert_int_equal(start(&all[i]), TACIT_OK);
        run_until(t, TRANSFERS_MAX * (round + 1));
    }

    for (int i = 0; i < TRANSFERS_MAX; i++) {
        assert_int_equal(all[i].finished, 3);
        assert_int_equal(all[i].status, TACIT_OK);
        assert_int_equal(all[i].answer.status, 404);
        assert_true(all[i].answer.sent);
        dispose(&all[i]);
    }
    assert_in_range(server_counters(t->server).connections, 1, TRANSFERS_MAX);
}

static void one_after_the_other_shares_a_connection(void **state) {
    loop_fixture *t = *state;
    exchange e;
    prepare(&e, t, "/nothing");

    for (int i = 1; i <= 5; i++) {
        assert_int_equal(start(&e), TACIT_OK);
        run_until(t, i);
    }

    assert_int_equal(server_counters(t->server).connections, 1);
    dispose(&e);
}

static void they_finish_in_the_order_of_their_answers(void **state) {
    loop_fixture *t = *state;
    exchange slow, quick;
    prepare(&slow, t, "/api/whoami");
    prepare(&quick, t, "/nothing");
    server_gate_close(t->server, TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(start(&slow), TACIT_OK);
    assert_int_equal(start(&quick), TACIT_OK);

    run_until(t, 1);
    assert_int_equal(quick.finished, 1);
    assert_int_equal(slow.finished, 0);
    server_gate_open(t->server, TS_API);
    run_until(t, 2);

    assert_int_equal(slow.answer.status, 200);
    dispose(&slow);
    dispose(&quick);
}

static void foreign_transfers_share_nothing(void **state) {
    loop_fixture *t = *state;
    exchange e;
    prepare(&e, t, "/nothing");

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ti_loop_start(t->loop, &e.transfer, TI_HANDLE_FOREIGN, e.url, &e.request,
                                       &e.answer, &e.error),
                         TACIT_OK);
        run_until(t, i);
        assert_int_equal(e.answer.status, 404);
    }

    assert_int_equal(server_counters(t->server).connections, 3);
    dispose(&e);
}

/*
 * Stops
 */

static void stopped_transfer_tells_what_had_happened(void **state) {
    loop_fixture *t = *state;
    const tacit_status reasons[] = {TACIT_ERR_CANCELLED, TACIT_ERR_TIMEOUT};
    server_gate_close(t->server, TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < 2; i++) {
        exchange e;
        prepare(&e, t, "/api/whoami");
        assert_int_equal(start(&e), TACIT_OK);
        while (server_counters(t->server).held < i + 1) run_for(t, 1);

        ti_loop_stop(t->loop, &e.transfer, reasons[i], &e.error);

        assert_null(e.transfer.handle);
        assert_true(e.answer.sent);
        assert_int_equal(e.answer.status, 0);
        assert_int_equal(e.error.status, reasons[i]);
        assert_true(e.error.outcome_unknown);
        ti_loop_stop(t->loop, &e.transfer, reasons[i], &e.error); /* there is nothing to stop */
        run_for(t, 1);
        assert_int_equal(e.finished, 0);
        dispose(&e);
    }
    server_gate_open(t->server, TS_API);
}

static void transfer_stopped_at_once_has_sent_nothing(void **state) {
    loop_fixture *t = *state;
    exchange e;
    prepare(&e, t, "/nothing");
    assert_int_equal(start(&e), TACIT_OK); /* what its handle remembers is of another send */
    run_until(t, 1);
    assert_true(e.answer.sent);
    assert_int_equal(start(&e), TACIT_OK);

    ti_loop_stop(t->loop, &e.transfer, TACIT_ERR_CANCELLED, &e.error);

    assert_false(e.answer.sent);
    assert_int_equal(e.answer.status, 0);
    assert_false(e.error.outcome_unknown);
    assert_int_equal(server_counters(t->server).requests, 1);
    dispose(&e);
}

static void stopped_transfer_has_what_had_arrived(void **state) {
    loop_fixture *t = *state;
    raw_server *server =
        raw_server_start(&(raw_options){.answer = OK "Content-Length: 9\r\nX-A: b\r\n\r\nhalf"});
    assert_non_null(server);
    exchange e;
    prepare(&e, t, raw_server_url(server));
    assert_int_equal(start(&e), TACIT_OK);
    while (e.answer.body.size < 4) run_for(t, 1000);

    ti_loop_stop(t->loop, &e.transfer, TACIT_ERR_TIMEOUT, &e.error);

    assert_int_equal(e.answer.status, 200);
    assert_string_equal(ti_http_answer_header(&e.answer, "x-a", 0), "b");
    assert_string_equal(e.answer.body.data, "half");
    raw_server_stop(server);
    dispose(&e);
}

static void start_again(exchange *e) {
    if (e->finished < 4) assert_int_equal(start(e), TACIT_OK);
}

static void stop_other(exchange *e) {
    exchange *other = e->then_data;
    ti_loop_stop(e->t->loop, &other->transfer, TACIT_ERR_CANCELLED, &other->error);
}

static void finished_may_start_and_stop(void **state) {
    loop_fixture *t = *state;
    exchange again, stopping, stopped;
    prepare(&again, t, "/nothing");
    prepare(&stopping, t, "/nothing");
    prepare(&stopped, t, "/api/whoami");
    again.then = start_again;
    stopping.then = stop_other;
    stopping.then_data = &stopped;
    server_gate_close(t->server, TS_API, TS_BEFORE_ANSWER);

    assert_int_equal(start(&stopped), TACIT_OK);
    assert_int_equal(start(&again), TACIT_OK);
    assert_int_equal(start(&stopping), TACIT_OK);
    run_until(t, 5);

    assert_int_equal(again.finished, 4);
    assert_int_equal(stopping.finished, 1);
    assert_int_equal(stopped.finished, 0);
    assert_int_equal(stopped.error.status, TACIT_ERR_CANCELLED);
    assert_null(stopped.transfer.handle);
    server_gate_open(t->server, TS_API);
    dispose(&again);
    dispose(&stopping);
    dispose(&stopped);
}

/*
 * Wakes
 */

static void run_waits_no_longer_than_it_is_told(void **state) {
    loop_fixture *t = *state;
    int64_t before = ti_clock_boot_ms(&t->f->clock);

    ti_loop_run(t->loop, before - 1);
    ti_loop_run(t->loop, before);
    ti_loop_run(t->loop, before + 50);

    assert_in_range(ti_clock_boot_ms(&t->f->clock) - before, 50, 5000);
}

static void wake_before_the_run_is_not_lost(void **state) {
    loop_fixture *t = *state;

    ti_loop_wake(t->loop);
    ti_loop_wake(t->loop);

    ti_loop_run(t->loop, TI_NEVER);
    assert_false(ti_loop_was_shaken(t->loop));
}

static void *wake(void *data) {
    ti_loop_wake(data);
    return NULL;
}

static void wake_reaches_it_from_another_thread(void **state) {
    loop_fixture *t = *state;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake, t->loop), 0);

        ti_loop_run(t->loop, TI_NEVER);

        pthread_join(thread, NULL);
    }
}

static void waking_the_transport_shakes_its_loops(void **state) {
    loop_fixture *t = *state;
    ti_loop *other = ti_loop_new(t->f->transport, 1, NULL);
    assert_non_null(other);

    ti_transport_wake(t->f->transport);

    ti_loop_run(t->loop, TI_NEVER);
    assert_true(ti_loop_was_shaken(t->loop));
    assert_false(ti_loop_was_shaken(t->loop));
    ti_loop_free(t->loop);
    t->loop = NULL;
    ti_transport_wake(t->f->transport);
    assert_true(ti_loop_was_shaken(other));
    ti_loop_free(other);
    ti_transport_wake(t->f->transport);
}

/*
 * Failures
 */

static void refused_connection_has_sent_nothing(void **state) {
    loop_fixture *t = *state;
    raw_server *server = raw_server_start(&(raw_options){.answer = NULL});
    assert_non_null(server);
    exchange e;
    prepare(&e, t, raw_server_url(server));
    raw_server_stop(server);

    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 1);

    assert_int_equal(e.status, TACIT_ERR_NETWORK);
    assert_int_equal(e.error.os_error, ECONNREFUSED);
    assert_false(e.answer.sent);
    assert_false(e.error.outcome_unknown);
    dispose(&e);
}

static void broken_answers_end_in_failure(void **state) {
    loop_fixture *t = *state;
    static const raw_options answers[] = {
        {.answer = OK "Content-Length: 9\r\n\r\nhalf", .then = RAW_RESET},
        {.answer = OK "Content-Length: 9\r\n\r\nhalf", .then = RAW_CLOSE},
        {.answer = OK "X-Half: ", .then = RAW_CLOSE},
        {.answer = "", .then = RAW_CLOSE},
    };
    for (int i = 0; i < 4; i++) {
        raw_server *server = raw_server_start(&answers[i]);
        assert_non_null(server);
        exchange e;
        prepare(&e, t, raw_server_url(server));

        assert_int_equal(start(&e), TACIT_OK);
        run_until(t, i + 1);

        assert_int_equal(e.status, TACIT_ERR_NETWORK);
        assert_true(e.answer.sent);
        assert_true(e.error.outcome_unknown);
        raw_server_stop(server);
        dispose(&e);
    }
}

static void without_descriptors_it_fails_and_goes_on(void **state) {
    loop_fixture *t = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    exchange e;
    prepare(&e, t, "/nothing");

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ti_loop *loop = ti_loop_new(t->f->transport, 1, &t->f->error);
    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_null(loop);
    assert_int_equal(t->f->error.status, TACIT_ERR_NO_MEMORY);
    assert_int_equal(e.status, TACIT_ERR_NETWORK);
    assert_false(e.answer.sent);
    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 2);
    assert_int_equal(e.answer.status, 404);
    dispose(&e);
}

/* Each request of libcurl for memory fails once, in a start and in what follows it. */
static void without_memory_each_ends_once_and_the_next_goes_well(void **state) {
    loop_fixture *t = *state;
    size_t failed_starts = 0, failed_runs = 0, n = 0;
    for (bool some_refused = true; some_refused; n++) {
        ti_loop *loop = ti_loop_new(t->f->transport, 2, NULL);
        assert_non_null(loop);
        exchange one, two;
        prepare(&one, t, "/nothing");
        prepare(&two, t, "/nothing");
        one.loop = two.loop = loop;
        finished_count = 0;
        refused = 0;

        granted = n;
        tacit_status status = start(&one);
        if (status) {
            failed_starts++;
            assert_int_equal(status, TACIT_ERR_NO_MEMORY);
            assert_int_equal(one.error.status, TACIT_ERR_NO_MEMORY);
            assert_null(one.transfer.handle);
        } else {
            run_loop_until(t, loop, 1);
            if (one.status) failed_runs++;
        }
        granted = SIZE_MAX;
        some_refused = refused > 0;

        assert_int_equal(one.finished, status ? 0 : 1);
        assert_int_equal(start(&two), TACIT_OK);
        run_loop_until(t, loop, one.finished + 1);
        assert_int_equal(two.status, TACIT_OK);
        assert_int_equal(two.answer.status, 404);
        dispose(&one);
        dispose(&two);
        ti_loop_free(loop);
    }
    assert_true(failed_starts > 5);
    assert_true(failed_runs > 5);
}

/*
 * What is kept
 */

static void crowd_meets_at_the_gate(loop_fixture *t, exchange *all, int count) {
    server_gate_close(t->server, TS_API, TS_BEFORE_PROCESSING);
    for (int i = 0; i < count; i++) {
        prepare(&all[i], t, "/api/whoami");
        assert_int_equal(start(&all[i]), TACIT_OK);
    }
    /* the server answers on two threads, so that it holds two */
    while (server_counters(t->server).connections < count) run_for(t, 1);
    server_gate_open(t->server, TS_API);
    run_until(t, count);
    for (int i = 0; i < count; i++) dispose(&all[i]);
}

static void after_a_crowd_trim_closes_connections(void **state) {
    loop_fixture *t = *state;
    static exchange all[16];
    int before = open_descriptors();
    crowd_meets_at_the_gate(t, all, 16);
    assert_int_equal(server_counters(t->server).connections, 16);

    ti_loop_trim(t->loop);

    /* the server's ends are in this process, too, but only its own thread closes them */
    assert_in_range(open_descriptors(), before, before + 16);
    exchange e;
    prepare(&e, t, "/nothing");
    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 17);
    assert_int_equal(e.answer.status, 404);
    assert_int_equal(server_counters(t->server).connections, 17);
    dispose(&e);
}

static void few_connections_survive_a_trim(void **state) {
    loop_fixture *t = *state;
    static exchange all[4];
    crowd_meets_at_the_gate(t, all, 4); /* as many as idle_connections_max */

    ti_loop_trim(t->loop);
    ti_loop_trim(t->loop);

    exchange e;
    prepare(&e, t, "/nothing");
    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 5);
    assert_int_equal(server_counters(t->server).connections, 4);
    dispose(&e);
}

/*
 * Callbacks
 */

typedef struct progress {
    int calls;
    int until; /* it stops with this call; 0: never */
} progress;

static bool on_progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                        void *data) {
    progress *p = data;
    assert_int_equal(sent, 0);
    assert_int_equal(to_send, 0);
    assert_int_equal(received, 0);
    assert_int_equal(to_receive, -1);
    return ++p->calls != p->until;
}

static void transfer_that_stands_still_tells_its_progress(void **state) {
    loop_fixture *t = *state;
    exchange still, stopped;
    progress told = {.until = 0}, stops = {.until = 0};
    prepare(&still, t, "/api/whoami");
    prepare(&stopped, t, "/api/whoami");
    still.request.progress = stopped.request.progress = on_progress;
    still.request.progress_data = &told;
    stopped.request.progress_data = &stops;
    server_gate_close(t->server, TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(start(&still), TACIT_OK);
    assert_int_equal(start(&stopped), TACIT_OK);
    while (server_counters(t->server).held < 2) run_for(t, 1);
    run_for(t, 100); /* what is to happen has happened */
    stops.until = stops.calls + 4;
    int before = told.calls;
    int64_t begun_ms = ti_clock_boot_ms(&t->f->clock);

    run_until(t, 1);
    assert_true(ti_clock_boot_ms(&t->f->clock) < begun_ms + 5000); /* nothing else ends the run */

    assert_int_equal(stopped.finished, 1);
    assert_int_equal(stopped.status, TACIT_ERR_CANCELLED);
    assert_int_equal(stops.calls, stops.until);
    assert_true(told.calls > before);
    ti_loop_stop(t->loop, &still.transfer, TACIT_ERR_CANCELLED, &still.error);
    server_gate_open(t->server, TS_API);
    dispose(&still);
    dispose(&stopped);
}

typedef struct sink {
    bool refuses;
    int begun;
    size_t bytes;
} sink;

static bool on_begin(const ti_http_answer *answer, void *data) {
    sink *s = data;
    s->begun++;
    assert_int_equal(s->bytes, 0);
    assert_int_equal(answer->status, 200);
    assert_non_null(ti_http_answer_header(answer, "Content-Length", 0));
    return !s->refuses;
}

static size_t on_write(const char *data, size_t size, void *sink_data) {
    (void)data;
    ((sink *)sink_data)->bytes += size;
    return size;
}

static void head_is_shown_before_the_first_byte(void **state) {
    loop_fixture *t = *state;
    const struct {
        const char *path;
        bool refuses;
        int begun;
        size_t bytes;
        tacit_status status;
    } cases[] = {{"/api/bytes?n=100000", false, 1, 100000, TACIT_OK},
                 {"/api/bytes?n=100000", true, 1, 0, TACIT_ERR_CANCELLED},
                 {"/nothing", false, 0, 0, TACIT_OK}};
    for (int i = 0; i < 3; i++) {
        exchange e;
        sink s = {.refuses = cases[i].refuses};
        prepare(&e, t, cases[i].path);
        e.request.write = on_write;
        e.request.write_begins = on_begin;
        e.request.write_data = &s;

        assert_int_equal(start(&e), TACIT_OK);
        run_until(t, i + 1);

        assert_int_equal(e.status, cases[i].status);
        assert_int_equal(s.begun, cases[i].begun);
        assert_int_equal(s.bytes, cases[i].bytes);
        dispose(&e);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LOOP_TEST(many_at_once_keep_their_connections),
        LOOP_TEST(one_after_the_other_shares_a_connection),
        LOOP_TEST(they_finish_in_the_order_of_their_answers),
        LOOP_TEST(foreign_transfers_share_nothing),
        LOOP_TEST(stopped_transfer_tells_what_had_happened),
        LOOP_TEST(transfer_stopped_at_once_has_sent_nothing),
        LOOP_TEST(stopped_transfer_has_what_had_arrived),
        LOOP_TEST(finished_may_start_and_stop),
        LOOP_TEST(run_waits_no_longer_than_it_is_told),
        LOOP_TEST(wake_before_the_run_is_not_lost),
        LOOP_TEST(wake_reaches_it_from_another_thread),
        LOOP_TEST(waking_the_transport_shakes_its_loops),
        LOOP_TEST(refused_connection_has_sent_nothing),
        LOOP_TEST(broken_answers_end_in_failure),
        LOOP_TEST(without_descriptors_it_fails_and_goes_on),
        LOOP_TEST(without_memory_each_ends_once_and_the_next_goes_well),
        LOOP_TEST(after_a_crowd_trim_closes_connections),
        LOOP_TEST(few_connections_survive_a_trim),
        LOOP_TEST(transfer_that_stands_still_tells_its_progress),
        LOOP_TEST(head_is_shown_before_the_first_byte),
    };
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, scarce_malloc, free, scarce_realloc,
                             scarce_strdup, scarce_calloc)) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
