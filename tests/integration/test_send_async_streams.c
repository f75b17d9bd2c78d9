/* What streams in asynchronous calls: it pauses and goes on, ends in files, and is retried, on the engine's thread. */
#include "support/calls.h"
#include "support/fixture.h"
#include "support/seen.h"
#include "support/unit.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, SIZE = 300000 };

static void end_world(world *w) {
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
}

/* ------------------------------------------------------------------ pause and resume */

typedef struct valve {
    call_outcome o;
    atomic_bool closed;
    atomic_int pauses;
    atomic_size_t passed;
    size_t size;       /* of what is sent */
    atomic_int pieces; /* until it closes by itself; below 0: it does not */
} valve;

static bool is_shut(valve *v) {
    int pieces = atomic_load(&v->pieces);

    if (pieces == 0) atomic_store(&v->closed, true);
    if (pieces >= 0) atomic_store(&v->pieces, pieces - 1);
    if (atomic_load(&v->closed)) atomic_fetch_add(&v->pauses, 1);
    return atomic_load(&v->closed);
}

static size_t write_to(const char *data, size_t size, void *write_data) {
    valve *v = write_data;

    (void)data;
    if (is_shut(v)) return TACIT_WRITE_PAUSE;
    atomic_fetch_add(&v->passed, size);
    return size;
}

static size_t read_from(char *buffer, size_t capacity, void *read_data) {
    valve *v = read_data;
    size_t left = v->size - atomic_load(&v->passed);
    size_t size = left < capacity ? left : capacity;

    if (is_shut(v)) return TACIT_READ_PAUSE;
    memset(buffer, 'x', size);
    atomic_fetch_add(&v->passed, size);
    return size;
}

static bool has_paused(void *data) {
    return atomic_load(&((valve *)data)->pauses) > 0;
}

static bool has_passed(void *data) {
    return atomic_load(&((valve *)data)->passed) > 0;
}

/* Opens it; passed stands still until then. */
static void open_valve(valve *v, tacit_call *call) {
    size_t passed = atomic_load(&v->passed);

    look_a_while();
    assert_int_equal(atomic_load(&v->passed), passed);
    assert_int_equal(atomic_load(&v->o.done), 0);
    atomic_store(&v->closed, false);
    atomic_store(&v->pieces, -1);
    tacit_call_resume(call);
}

static void writer_that_pauses_gets_the_rest_after_resume(void **state) {
    world *w = signed_in(NULL);
    char path[64];
    valve v = {.pieces = 1};
    tacit_request request;
    tacit_call *call;

    (void)state;
    snprintf(path, sizeof path, "/api/bytes?n=%d", SIZE);
    request = request_to(server_url(world_server(w), path));
    request.write = write_to;
    request.write_data = &v;
    call = must_start(world_session(w), &request, &v.o);
    world_wait(has_paused, &v, "the writer pauses");
    open_valve(&v, call);
    await_outcomes(&v.o, 1);

    assert_int_equal(v.o.status, 200);
    assert_int_equal(v.passed, SIZE);
    tacit_call_unref(call);
    end_world(w);
}

static void reader_that_pauses_is_asked_again_after_resume(void **state) {
    world *w = signed_in(NULL);
    valve v = {.pieces = 1, .size = SIZE};
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_call *call;

    (void)state;
    request.read = read_from;
    request.read_size = SIZE;
    request.read_data = &v;
    call = must_start(world_session(w), &request, &v.o);
    world_wait(has_paused, &v, "the reader pauses");
    open_valve(&v, call);
    await_outcomes(&v.o, 1);

    assert_int_equal(v.o.status, 200);
    assert_int_equal(v.passed, SIZE);
    tacit_call_unref(call);
    end_world(w);
}

static void call_that_is_paused_before_it_sends_waits_for_resume(void **state) {
    world *w = signed_in(
        &(world_options){.client = {.struct_size = sizeof(tacit_client_options), .calls_max = 1}});
    ts_server *server = world_server(w);
    call_outcome first = {.done = 0};
    valve v = {.pieces = -1};
    tacit_request request = request_to(server_url(server, "/api/bytes?n=1000"));
    tacit_call *call;

    (void)state;
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    start_get(w, "/api/x", &first);
    request.write = write_to;
    request.write_data = &v;
    call = must_start(world_session(w), &request, &v.o);
    tacit_call_pause(call);
    server_gate_open(server, TS_API);
    await_outcomes(&first, 1);
    open_valve(&v, call);
    world_wait(has_passed, &v, "the writer gets something");
    await_outcomes(&v.o, 1);

    assert_int_equal(v.passed, 1000);
    tacit_call_unref(call);
    end_world(w);
}

/* Also where its body is in memory, and nobody has to be asked for it. */
static void call_that_is_paused_before_it_sends_sends_nothing(void **state) {
    world *w = signed_in(
        &(world_options){.client = {.struct_size = sizeof(tacit_client_options), .calls_max = 1}});
    ts_server *server = world_server(w);
    tacit_request request = request_to(server_url(server, "/api/echo"));
    call_outcome first = {.done = 0}, paused = {.done = 0}, other = {.done = 0};
    tacit_call *call;

    (void)state;
    server_counters_reset(server);
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    start_get(w, "/api/x", &first);
    request.body = "once";
    request.body_size = 4;
    call = must_start(world_session(w), &request, &paused);
    tacit_call_pause(call);
    server_gate_open(server, TS_API);
    await_outcomes(&first, 1);
    start_get(w, "/api/x", &other); /* nor does it hold the only place on the wire */
    await_outcomes(&other, 1);
    assert_int_equal(server_counters(server).api_requests, 2);
    tacit_call_resume(call);
    await_outcomes(&paused, 1);

    assert_int_equal(paused.status, 200);
    assert_int_equal(server_counters(server).api_requests, 3);
    tacit_call_unref(call);
    end_world(w);
}

static void paused_call_still_has_its_deadline_and_can_be_cancelled(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=300000"));
    valve late = {.pieces = 0}, cancelled = {.pieces = 0};
    tacit_call *call;

    (void)state;
    request.write = write_to;
    request.write_data = &cancelled;
    call = must_start(world_session(w), &request, &cancelled.o);
    world_wait(has_paused, &cancelled, "the writer pauses");
    tacit_call_cancel(call);
    tacit_call_unref(call);
    await_outcomes(&cancelled.o, 1);
    request.write_data = &late;
    request.timeout_ms = 300;
    tacit_call_unref(must_start(world_session(w), &request, &late.o));
    await_outcomes(&late.o, 1);

    assert_int_equal(cancelled.o.status, -TACIT_ERR_CANCELLED);
    assert_int_equal(late.o.status, -TACIT_ERR_TIMEOUT);
    end_world(w);
}

/* ------------------------------------------------------------------ callbacks that refuse or lie */

static size_t refuse_all(const char *data, size_t size, void *write_data) {
    (void)data, (void)size, (void)write_data;
    return 0;
}

static void writer_that_refuses_ends_its_call_alone(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=1000"));
    call_outcome refused = {.done = 0}, other = {.done = 0};

    (void)state;
    request.write = refuse_all;
    tacit_call_unref(must_start(world_session(w), &request, &refused));
    start_get(w, "/api/x", &other);
    await_outcomes(&refused, 1);
    await_outcomes(&other, 1);

    assert_int_equal(refused.status, -TACIT_ERR_CANCELLED);
    assert_int_equal(other.status, 200);
    end_world(w);
}

static void reader_with_less_than_it_said_ends_its_call_alone(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    valve v = {.pieces = -1, .size = 10};
    call_outcome other = {.done = 0};

    (void)state;
    request.read = read_from;
    request.read_data = &v;
    request.read_size = 1000;
    tacit_call_unref(must_start(world_session(w), &request, &v.o));
    start_get(w, "/api/x", &other);
    await_outcomes(&v.o, 1);
    await_outcomes(&other, 1);

    assert_int_equal(v.o.status, -TACIT_ERR_CANCELLED);
    assert_int_equal(other.status, 200);
    end_world(w);
}

/* ------------------------------------------------------------------ files, forms and retries */

static void answer_is_whole_in_its_file_when_done_comes(void **state) {
    world *w = signed_in(NULL);
    char *directory = fixture_directory_new(), *file = fixture_path(directory, "answer");
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=300000"));
    call_outcome o = {.done = 0};
    struct stat is;

    (void)state;
    request.file = file;
    tacit_call_unref(must_start(world_session(w), &request, &o));
    await_outcomes(&o, 1);

    assert_int_equal(o.status, 200);
    assert_int_equal(stat(file, &is), 0);
    assert_int_equal(is.st_size, 300000);
    end_world(w);
    free(file);
    fixture_directory_free(directory);
}

static void file_that_cannot_be_written_is_an_error(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=1000"));
    call_outcome o = {.done = 0};

    (void)state;
    request.file = "/nonexistent/answer";
    tacit_call_unref(must_start(world_session(w), &request, &o));
    await_outcomes(&o, 1);

    assert_int_equal(o.status, -TACIT_ERR_FILE);
    assert_int_not_equal(o.error.os_error, 0);
    end_world(w);
}

static void form_is_sent_again_after_a_401(void **state) {
    world *w = signed_in(NULL);
    tacit_part part = TACIT_PART_INIT;
    const tacit_part *const parts[] = {&part, NULL};
    tacit_request request = request_to(server_url(world_server(w), "/api/echo"));
    call_outcome o = {.done = 0};

    (void)state;
    part.name = "note";
    part.data = "written";
    part.size = 7;
    request.parts = parts;
    server_revoke_access_tokens(world_server(w));
    tacit_call_unref(must_start(world_session(w), &request, &o));
    await_outcomes(&o, 1);

    assert_int_equal(o.status, 200);
    assert_int_equal(o.attempts, 2);
    assert_non_null(strstr(o.body, "written"));
    end_world(w);
}

static bool has_been_refused(void *data) {
    return server_counters(world_server(data)).api_requests >= 1;
}

static void retry_waits_for_its_time_and_not_on_the_wire(void **state) {
    world *w = signed_in(&(world_options){
        .clock = true, .client = {.struct_size = sizeof(tacit_client_options), .calls_max = 1}});
    ts_server *server = world_server(w);
    tacit_request request = request_to(server_url(server, "/api/x"));
    call_outcome o = {.done = 0}, other = {.done = 0};

    (void)state;
    server_counters_reset(server);
    server_fail_retry_after(server, TS_API, 1, 503, "7");
    request.retries_max = 1;
    tacit_call_unref(must_start(world_session(w), &request, &o));
    world_wait(has_been_refused, w, "the server refuses");
    start_get(w, "/api/x", &other);
    await_outcomes(&other, 1);
    world_clock_move(w, 6900);
    look_a_while();
    assert_int_equal(atomic_load(&o.done), 0);
    world_clock_move(w, 200);
    await_outcomes(&o, 1);

    assert_int_equal(o.status, 200);
    assert_int_equal(o.retries, 1);
    end_world(w);
}

/* The server had it all when the connection broke, and the second send never came. */
static void outcome_of_a_broken_send_stays_unknown(void **state) {
    enum { CANCEL, CLOSE, DEADLINE, ENDS };

    (void)state;
    for (int end = 0; end < ENDS; end++) {
        world *w = signed_in(&(world_options){.clock = true});
        tacit_request request = request_to(server_url(world_server(w), "/api/x"));
        call_outcome o = {.done = 0};
        tacit_call *call;

        server_close_connections(world_server(w), TS_API, 1, true);
        request.method = "DELETE";
        request.retries_max = 1;
        call = must_start(world_session(w), &request, &o);
        world_wait(has_been_refused, w, "the server breaks the connection");
        look_a_while();
        if (end == CANCEL) tacit_call_cancel(call);
        if (end == CLOSE) assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);
        if (end == DEADLINE) world_clock_move(w, 3600000);
        await_outcomes(&o, 1);

        assert_true(o.error.outcome_unknown);
        tacit_call_unref(call);
        end_world(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_that_pauses_gets_the_rest_after_resume),
        cmocka_unit_test(reader_that_pauses_is_asked_again_after_resume),
        cmocka_unit_test(call_that_is_paused_before_it_sends_waits_for_resume),
        cmocka_unit_test(call_that_is_paused_before_it_sends_sends_nothing),
        cmocka_unit_test(paused_call_still_has_its_deadline_and_can_be_cancelled),
        cmocka_unit_test(writer_that_refuses_ends_its_call_alone),
        cmocka_unit_test(reader_with_less_than_it_said_ends_its_call_alone),
        cmocka_unit_test(answer_is_whole_in_its_file_when_done_comes),
        cmocka_unit_test(file_that_cannot_be_written_is_an_error),
        cmocka_unit_test(form_is_sent_again_after_a_401),
        cmocka_unit_test(retry_waits_for_its_time_and_not_on_the_wire),
        cmocka_unit_test(outcome_of_a_broken_send_stays_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
