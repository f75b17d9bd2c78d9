/* The pool of handles: what is reused, kept, dropped and woken. */
#include "transport_fixture.h"

#include "support/server.h"

#include <pthread.h>

#define THREADS 8
#define SENDS 25

static void count(void *thing) {
    (*(int *)thing)++;
}

static bool is_same(void *thing, void *data) {
    return thing == data;
}

static void the_most_recently_used_handle_comes_first(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ti_handle *a = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    ti_handle *b = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    assert_ptr_not_equal(a, b);

    ti_handle_release(f->transport, a);
    ti_handle_release(f->transport, b);

    assert_ptr_equal(ti_handle_acquire(f->transport, TI_HANDLE_POOLED), b);
    assert_ptr_equal(ti_handle_acquire(f->transport, TI_HANDLE_POOLED), a);
    ti_handle_release(f->transport, a);
    ti_handle_release(f->transport, b);
    ti_handle_release(f->transport, NULL);
}

static void handles_beyond_the_limit_and_others_than_pooled_are_freed(void **state) {
    fixture *f = *state;
    f->options.idle_connections_max = 1;
    fixture_start(f);
    int freed = 0;
    const ti_handle_kind kinds[] = {TI_HANDLE_POOLED, TI_HANDLE_POOLED, TI_HANDLE_FRESH,
                                    TI_HANDLE_FOREIGN};
    ti_handle *handles[4];
    for (int i = 0; i < 4; i++) {
        handles[i] = ti_handle_acquire(f->transport, kinds[i]);
        ti_handle_keep(handles[i], &freed, count);
    }

    for (int i = 0; i < 4; i++) ti_handle_release(f->transport, handles[i]);

    assert_int_equal(freed, 3);
    ti_transport_free(f->transport);
    f->transport = NULL;
    assert_int_equal(freed, 4);
}

static void what_a_handle_keeps_is_released_once(void **state) {
    fixture *f = *state;
    fixture_start(f);
    int first = 0, second = 0;
    ti_handle *handle = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    assert_null(ti_handle_kept(handle));

    ti_handle_keep(handle, &first, count);
    assert_ptr_equal(ti_handle_kept(handle), &first);
    ti_handle_keep(handle, &second, count);
    assert_int_equal(first, 1);
    ti_handle_keep(handle, NULL, NULL);

    assert_null(ti_handle_kept(handle));
    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    ti_handle_release(f->transport, handle);
}

static void idle_handles_drop_what_matches(void **state) {
    fixture *f = *state;
    fixture_start(f);
    int dropped = 0, kept = 0, out = 0;
    ti_handle *a = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    ti_handle *b = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    ti_handle *c = ti_handle_acquire(f->transport, TI_HANDLE_POOLED);
    ti_handle_keep(a, &dropped, count);
    ti_handle_keep(b, &kept, count);
    ti_handle_keep(c, &out, count);
    ti_handle_release(f->transport, a);
    ti_handle_release(f->transport, b);

    ti_transport_drop_kept(f->transport, is_same, &dropped);
    ti_transport_drop_kept(f->transport, is_same, &out);

    assert_int_equal(dropped, 1);
    assert_int_equal(kept, 0);
    assert_int_equal(out, 0); /* its holder's business */
    /* and the pool is as it was */
    assert_ptr_equal(ti_handle_acquire(f->transport, TI_HANDLE_POOLED), b);
    assert_ptr_equal(ti_handle_acquire(f->transport, TI_HANDLE_POOLED), a);
    ti_handle_release(f->transport, a);
    ti_handle_release(f->transport, b);
    ti_handle_release(f->transport, c);
    ti_transport_free(f->transport);
    f->transport = NULL;
    assert_int_equal(dropped, 1);
    assert_int_equal(kept, 1);
    assert_int_equal(out, 1);
}

static void pooled_handles_keep_their_connection_and_fresh_ones_do_not(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const char *url = server_url(server, "/nothing");

    for (int i = 0; i < 3; i++) assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, NULL), 0);
    assert_int_equal(server_counters(server).connections, 1);
    for (int i = 0; i < 3; i++) assert_int_equal(fixture_send(f, TI_HANDLE_FRESH, url, NULL), 0);

    assert_int_equal(server_counters(server).connections, 4);
    server_stop(server);
}

typedef struct worker {
    fixture *f;
    const char *url;
    int failed;
} worker;

static void *send_many(void *data) {
    worker *w = data;
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    for (int i = 0; i < SENDS; i++) {
        ti_handle *handle = ti_handle_acquire(w->f->transport, TI_HANDLE_POOLED);
        const ti_url *url = ti_handle_url(handle, w->url, "url", NULL);
        const ti_http_request request = {.deadline_boot_ms =
                                             ti_clock_boot_ms(&w->f->clock) + 20000};
        if (ti_handle_send(handle, url, &request, &answer, NULL) || answer.status != 404) {
            w->failed++;
        }
        ti_handle_release(w->f->transport, handle);
        if (i % 8 == 0) ti_transport_wake(w->f->transport);
        if (i % 8 == 4) ti_transport_drop_kept(w->f->transport, is_same, NULL);
    }
    ti_http_answer_free(&answer);
    return NULL;
}

static void many_threads_share_the_pool(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    pthread_t threads[THREADS];
    worker workers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.f = f, .url = server_url(server, "/nothing")};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failed, 0);
    }

    assert_int_equal(server_counters(server).requests, THREADS * SENDS);
    server_stop(server);
}

/*
 * Cancelling and deadlines, with a server that holds its answer
 */

typedef struct canceller {
    fixture *f;
    ts_server *server;
    atomic_bool cancelled;
    int64_t at_ms;
} canceller;

static void *cancel_when_held(void *data) {
    canceller *c = data;
    server_gate_waiters(c->server, TS_API, 1, 10000);
    c->at_ms = ti_clock_boot_ms(&c->f->clock);
    atomic_store(&c->cancelled, true);
    ti_transport_wake(c->f->transport);
    return NULL;
}

static void a_wake_ends_a_cancelled_send_at_once(void **state) {
    fixture *f = *state;
    fixture_start(f);
    canceller c = {.f = f, .server = server_start(NULL)};
    assert_non_null(c.server);
    /* over a kept connection, since libcurl wakes by itself while it makes one */
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(c.server, "/nothing"), NULL), 0);
    server_gate_close(c.server, TS_API, TS_BEFORE_ANSWER);
    const ti_http_request request = {.cancelled = &c.cancelled};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_held, &c), 0);

    tacit_status status =
        fixture_send(f, TI_HANDLE_POOLED, server_url(c.server, "/api/a"), &request);
    int64_t ended_ms = ti_clock_boot_ms(&f->clock);
    pthread_join(thread, NULL);

    assert_int_equal(status, TACIT_ERR_CANCELLED);
    assert_true(f->error.outcome_unknown);
    /* without the wake it would be up to a second; the half is for slow machines */
    assert_in_range(ended_ms - c.at_ms, 0, 500);
    server_gate_open(c.server, TS_API);
    server_stop(c.server);
}

static void what_is_cancelled_before_is_not_sent(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    atomic_bool cancelled = true;
    const ti_http_request request = {.cancelled = &cancelled};

    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), &request);

    assert_int_equal(status, TACIT_ERR_CANCELLED);
    assert_false(f->answer.sent);
    assert_false(f->error.outcome_unknown);
    assert_int_equal(server_counters(server).connections, 0);
    server_stop(server);
}

static void a_deadline_ends_a_send(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    /* The connection is there, so that on a slow machine, too, the request is sent in time. */
    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), NULL);
    assert_int_equal(status, TACIT_OK);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    int64_t begin_ms = ti_clock_boot_ms(&f->clock);
    const ti_http_request request = {.deadline_boot_ms = begin_ms + 300};

    status = fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/api/a"), &request);

    assert_int_equal(status, TACIT_ERR_TIMEOUT);
    assert_true(f->error.retryable);
    assert_true(f->error.outcome_unknown);
    assert_in_range(ti_clock_boot_ms(&f->clock) - begin_ms, 300, 1200);
    server_gate_open(server, TS_API);
    server_stop(server);
}

static void a_deadline_that_has_passed_sends_nothing(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    const ti_http_request request = {.deadline_boot_ms = ti_clock_boot_ms(&f->clock)};

    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/a"), &request);

    assert_int_equal(status, TACIT_ERR_TIMEOUT);
    assert_false(f->error.outcome_unknown);
    assert_int_equal(server_counters(server).connections, 0);
    server_stop(server);
}

static atomic_llong boot_ms;

static int64_t injected_boot_ms(void *data) {
    (void)data;
    return atomic_load(&boot_ms);
}

static void *suspend_when_held(void *data) {
    server_gate_waiters(data, TS_API, 1, 10000);
    atomic_fetch_add(&boot_ms, 3600 * 1000);
    return NULL;
}

/* poll()'s clock stands still meanwhile, so nothing wakes the send but its own slice. */
static void a_deadline_holds_across_a_suspend(void **state) {
    fixture *f = *state;
    f->clock.injected.boot_ms = injected_boot_ms;
    atomic_store(&boot_ms, 1000);
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    /* over a kept connection, since libcurl wakes by itself while it makes one */
    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/nothing"), NULL), 0);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    const ti_http_request request = {.deadline_boot_ms = 1000 + 60 * 1000};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, suspend_when_held, server), 0);
    int64_t begin_ms = ti_os_boot_ms();

    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/api/a"), &request);

    pthread_join(thread, NULL);
    assert_int_equal(status, TACIT_ERR_TIMEOUT);
    assert_in_range(ti_os_boot_ms() - begin_ms, 0, 3000);
    server_gate_open(server, TS_API);
    server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_most_recently_used_handle_comes_first),
        FIXTURE_TEST(handles_beyond_the_limit_and_others_than_pooled_are_freed),
        FIXTURE_TEST(what_a_handle_keeps_is_released_once),
        FIXTURE_TEST(idle_handles_drop_what_matches),
        FIXTURE_TEST(pooled_handles_keep_their_connection_and_fresh_ones_do_not),
        FIXTURE_TEST(many_threads_share_the_pool),
        FIXTURE_TEST(a_wake_ends_a_cancelled_send_at_once),
        FIXTURE_TEST(what_is_cancelled_before_is_not_sent),
        FIXTURE_TEST(a_deadline_ends_a_send),
        FIXTURE_TEST(a_deadline_that_has_passed_sends_nothing),
        FIXTURE_TEST(a_deadline_holds_across_a_suspend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
