/* A transport of its own for each test of the transport floor, and a send in one line. */
#ifndef TEST_TRANSPORT_FIXTURE_H
#define TEST_TRANSPORT_FIXTURE_H

#include "support/unit.h"

#include "transport/transport.h"

#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    ti_clock clock;
    ti_log log;
    ti_transport_options options;
    ti_transport *transport;
    ti_http_answer answer;
    tacit_error error;
} fixture;

/* Options that a test may change before it calls fixture_start(). */
static inline int fixture_set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f || !ti_log_init(&f->log, NULL, NULL, TACIT_LOG_ERROR)) return -1;
    f->options = (ti_transport_options){.proxy = "",
                                        .connect_timeout_ms = 10000,
                                        .idle_connections_max = 4,
                                        .response_bytes_max = 64 * 1024,
                                        .clock = &f->clock,
                                        .log = &f->log};
    *state = f;
    return 0;
}

static inline int fixture_tear_down(void **state) {
    fixture *f = *state;
    ti_http_answer_free(&f->answer);
    ti_transport_free(f->transport);
    ti_log_destroy(&f->log);
    free(f);
    return 0;
}

static inline void fixture_start(fixture *f) {
    f->transport = ti_transport_new(&f->options, &f->error);
    assert_non_null(f->transport);
}

/* request NULL: a GET. A deadline of 0 becomes one in 20 s. */
static inline tacit_status fixture_send_with(fixture *f, ti_handle *handle, const char *text,
                                             const ti_http_request *request) {
    ti_http_request r = request ? *request : (ti_http_request){.method = NULL};
    if (r.deadline_boot_ms == 0) r.deadline_boot_ms = ti_clock_boot_ms(&f->clock) + 20000;
    const ti_url *url = ti_handle_url(handle, text, "url", &f->error);
    assert_non_null(url);
    return ti_handle_send(handle, url, &r, &f->answer, &f->error);
}

static inline tacit_status fixture_send(fixture *f, ti_handle_kind kind, const char *text,
                                        const ti_http_request *request) {
    ti_handle *handle = ti_handle_acquire(f->transport, kind);
    assert_non_null(handle);
    tacit_status status = fixture_send_with(f, handle, text, request);
    ti_handle_release(f->transport, handle);
    return status;
}

#define FIXTURE_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

#endif
