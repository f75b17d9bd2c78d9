/* A loop with a server for each test, and exchanges that remember what became of them. */
#ifndef TEST_LOOP_FIXTURE_H
#define TEST_LOOP_FIXTURE_H

#include "transport_fixture.h"

#include "support/raw_server.h"
#include "support/server.h"
#include "transport/loop.h"

#include <dirent.h>
#include <stdio.h>

#define TRANSFERS_MAX 64

typedef struct loop_fixture {
    fixture *f;
    ts_server *server;
    char *authorization; /* for the server's API */
    ti_loop *loop;
} loop_fixture;

/* A transfer with what it needs. */
typedef struct exchange {
    ti_transfer transfer; /* first: finished() gets it */
    loop_fixture *t;
    ti_loop *loop;
    ti_url *url;
    ti_http_request request;
    ti_http_answer answer;
    tacit_status status;
    tacit_error error;
    int finished;
    void (*then)(struct exchange *exchange); /* from within finished; may be NULL */
    void *then_data;
} exchange;

static int finished_count; /* of all exchanges of a test */

static inline int loop_set_up(void **state) {
    loop_fixture *t = calloc(1, sizeof *t);
    if (!t || fixture_set_up((void **)&t->f)) return -1;
    fixture_start(t->f);
    t->server = server_start(NULL);
    t->loop = ti_loop_new(t->f->transport, TRANSFERS_MAX, &t->f->error);
    if (!t->server || !t->loop) return -1;
    char *access = NULL, *refresh = server_sign_in(t->server, "alice", "", &access);
    if (asprintf(&t->authorization, "Authorization: Bearer %s", access) < 0) return -1;
    free(refresh);
    free(access);
    finished_count = 0;
    *state = t;
    return 0;
}

static inline int loop_tear_down(void **state) {
    loop_fixture *t = *state;
    ti_loop_free(t->loop);
    server_stop(t->server);
    free(t->authorization);
    fixture_tear_down((void **)&t->f);
    free(t);
    return 0;
}

#define LOOP_TEST(function) cmocka_unit_test_setup_teardown(function, loop_set_up, loop_tear_down)

static inline void on_finished(ti_transfer *transfer, tacit_status status,
                               const tacit_error *error) {
    exchange *e = (exchange *)transfer;
    assert_null(transfer->handle);
    assert_int_equal(error->status, status);
    e->status = status;
    e->error = *error;
    e->finished++;
    finished_count++;
    if (e->then) e->then(e);
}

/* url: "/..." of the fixture's server, or whole. */
static inline void prepare(exchange *e, loop_fixture *t, const char *url) {
    memset(e, 0, sizeof *e);
    e->t = t;
    e->loop = t->loop;
    e->transfer.finished = on_finished;
    e->request.authorization = t->authorization;
    e->url = ti_url_parse(*url == '/' ? server_url(t->server, url) : url, "url", &t->f->error);
    assert_non_null(e->url);
}

static inline tacit_status start(exchange *e) {
    return ti_loop_start(e->loop, &e->transfer, TI_HANDLE_POOLED, e->url, &e->request, &e->answer,
                         &e->error);
}

static inline void dispose(exchange *e) {
    ti_url_free(e->url);
    ti_http_answer_free(&e->answer);
}

/* For 20 s at most, until as many have finished. */
static inline void run_loop_until(loop_fixture *t, ti_loop *loop, int count) {
    int64_t deadline = ti_clock_boot_ms(&t->f->clock) + 20000;
    while (finished_count < count) {
        assert_true(ti_clock_boot_ms(&t->f->clock) < deadline);
        ti_loop_run(loop, deadline);
    }
    assert_int_equal(finished_count, count);
}

static inline void run_until(loop_fixture *t, int count) {
    run_loop_until(t, t->loop, count);
}

/* At least so long. */
static inline void run_for(loop_fixture *t, int ms) {
    int64_t until = ti_clock_boot_ms(&t->f->clock) + ms;
    do {
        ti_loop_run(t->loop, until);
    } while (ti_clock_boot_ms(&t->f->clock) < until);
}

static inline int open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

#endif
