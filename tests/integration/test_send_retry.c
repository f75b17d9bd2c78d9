/* Requests that are sent anew after 429, 503 and broken connections. */
#include "support/raw_world.h"
#include "support/sending.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static tacit_request retrying(world *w, unsigned retries_max) {
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));

    request.retries_max = retries_max;
    return request;
}

/* A request on a thread of its own. */
typedef struct sender {
    pthread_t thread;
    world *world;
    const tacit_request *request;
    tacit_status status;
    tacit_error error;
    tacit_response *response;
} sender;

static void *send_main(void *data) {
    sender *s = data;

    s->status = send_either(world_session(s->world), s->request, &s->response, &s->error);
    return NULL;
}

static void sender_start(sender *s, world *w, const tacit_request *request) {
    *s = (sender){.world = w, .request = request};
    assert_int_equal(pthread_create(&s->thread, NULL, send_main, s), 0);
}

/* Moves the clock on until the server has counted so many; by how much, in all. */
static int64_t move_until(world *w, size_t counter, long count, int64_t step_ms) {
    int64_t begun_ms = now_ms(), moved_ms = 0;

    while (!server_wait_counter(world_server(w), counter, count, 20)) {
        world_clock_move(w, step_ms);
        moved_ms += step_ms;
        if (now_ms() - begun_ms > PATIENCE_MS) fail_msg("no request number %ld", count);
    }
    return moved_ms;
}

static void what_the_server_cannot_do_now_it_is_asked_later(void **state) {
    (void)state;
    static const int statuses[] = {429, 503};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        world *w = signed_in(NULL);
        tacit_request request = retrying(w, 2);
        int64_t begun_ms = now_ms();
        tacit_response *response;

        server_fail(world_server(w), TS_API, 2, statuses[i]);
        response = must_send(w, &request);

        assert_int_equal(tacit_response_status(response), 200);
        assert_int_equal(tacit_response_retries(response), 2);
        assert_int_equal(tacit_response_attempts(response), 3);
        assert_true(now_ms() - begun_ms >= 250 + 500);
        tacit_response_free(response);
        world_free(w);
    }
}

static void the_last_answer_is_the_callers(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = retrying(w, 1);
    tacit_response *response;

    server_fail(world_server(w), TS_API, 0, 503);
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 503);
    assert_int_equal(tacit_response_retries(response), 1);
    assert_int_equal(server_counters(world_server(w)).api_requests, 2);
    tacit_response_free(response);
    world_free(w);
}

static void retry_after_is_waited_for_on_the_injected_clock(void **state) {
    (void)state;
    world *w = signed_in(&(world_options){.clock = true});
    tacit_request request = retrying(w, 1);
    sender s;

    server_fail_retry_after(world_server(w), TS_API, 1, 503, "7");
    sender_start(&s, w, &request);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(api_requests), 1, PATIENCE_MS));
    assert_true(move_until(w, TS_COUNTER(api_requests), 2, 1000) >= 7000);
    pthread_join(s.thread, NULL);

    assert_int_equal(s.status, TACIT_OK);
    assert_int_equal(tacit_response_status(s.response), 200);
    assert_int_equal(tacit_response_retries(s.response), 1);
    tacit_response_free(s.response);
    world_free(w);
}

static void what_would_come_after_the_deadline_is_not_waited_for(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request answered = retrying(w, 5), broken = retrying(w, 5);
    int64_t begun_ms = now_ms();
    tacit_response *response;

    server_fail_retry_after(world_server(w), TS_API, 1, 503, "3600");
    response = must_send(w, &answered);
    assert_int_equal(tacit_response_status(response), 503);
    assert_string_equal(tacit_response_header(response, "Retry-After"), "3600");
    assert_int_equal(tacit_response_retries(response), 0);
    tacit_response_free(response);

    broken.timeout_ms = 240; /* the least pause is longer */
    server_go_away(world_server(w));
    must_fail(w, &broken, TACIT_ERR_NETWORK);
    assert_true(now_ms() - begun_ms < 10000);
    assert_true(server_come_back(world_server(w)));
    world_free(w);
}

static void a_broken_connection_is_made_anew(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request = retrying(w, 1);
    tacit_response *response;

    server_close_connections(world_server(w), TS_API, 1, false);
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_retries(response), 1);
    tacit_response_free(response);
    world_free(w);
}

static void what_is_not_idempotent_is_sent_once(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PATCH", "PURGE"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        world *w = signed_in(NULL);
        tacit_request request = retrying(w, 5);

        request.method = methods[i];
        /* first, on a new connection: libcurl itself sends again where a kept one is closed */
        server_close_connections(world_server(w), TS_API, 1, true);
        assert_true(must_fail(w, &request, TACIT_ERR_NETWORK).outcome_unknown);
        server_fail(world_server(w), TS_API, 1, 503);
        assert_int_equal(status_of(w, &request), 503);
        assert_int_equal(server_counters(world_server(w)).api_requests, 2);
        world_free(w);
    }
}

static void a_stream_is_rewound_for_the_retry(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream s = {.size = 50000, .piece = 10000};
    tacit_request request = retrying(w, 1);
    ts_record first, second;

    request.method = "PUT";
    request.read = read_stream;
    request.rewind = rewind_stream;
    request.read_data = &s;
    server_fail(world_server(w), TS_API, 1, 503);
    assert_int_equal(status_of(w, &request), 200);

    assert_int_equal(s.rewinds, 1);
    first = record_of(world_server(w), 0);
    second = record_of(world_server(w), 1);
    assert_int_equal(second.body_size, 50000);
    assert_memory_equal(first.body, second.body, 50000);
    server_record_free(&first);
    server_record_free(&second);
    world_free(w);
}

static void a_stream_that_cannot_be_rewound_is_sent_once(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream s = {.size = 50000, .piece = 10000};
    tacit_request request = retrying(w, 5);

    request.method = "PUT";
    request.read = read_stream;
    request.read_data = &s;
    server_fail(world_server(w), TS_API, 1, 503);

    assert_int_equal(status_of(w, &request), 503);
    assert_int_equal(server_counters(world_server(w)).api_requests, 1);
    world_free(w);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"

static void what_write_has_got_is_not_sent_again(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha",
                                          OK_ANSWER, NULL};
    raw_world raw = raw_world_new(&(raw_options){.answers = answers, .then = RAW_CLOSE});
    stream s = {.take_max = 100};
    tacit_request request = request_to(raw_server_url(raw.server));

    request.retries_max = 5;
    request.write = write_stream;
    request.write_data = &s;
    must_fail(raw.world, &request, TACIT_ERR_NETWORK);

    assert_int_equal(s.received, 2);
    assert_int_equal(raw_server_requests(raw.server), 1);
    raw_world_free(&raw);
}

static void half_of_what_write_has_not_got_is(void **state) {
    (void)state;
    static const char *const halves[] = {
        "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nha", /* not for write */
    };

    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        const char *answers[] = {halves[i], OK_ANSWER, NULL};
        raw_world raw = raw_world_new(&(raw_options){.answers = answers, .then = RAW_CLOSE});
        stream s = {.take_max = 100};
        tacit_request request = request_to(raw_server_url(raw.server));

        request.retries_max = 1;
        request.write = write_stream;
        request.write_data = &s;
        assert_int_equal(status_of(raw.world, &request), 200);
        assert_int_equal(s.received, 5);
        raw_world_free(&raw);
    }
}

static void what_the_caller_stopped_is_not_tried_again(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    stream reader = {.size = 10, .piece = 10, .abort = true}, writer = {.take_max = 0};
    stream liar = {.size = 10, .piece = 10};
    tacit_request upload = retrying(w, 5), download = retrying(w, 5), lie;

    upload.method = "PUT";
    upload.read = read_stream;
    upload.rewind = rewind_stream;
    upload.read_data = &reader;
    must_fail(w, &upload, TACIT_ERR_CANCELLED);
    assert_int_equal(reader.reads, 1);

    lie = upload;
    lie.read_data = &liar;
    lie.read_size = 20;
    must_fail(w, &lie, TACIT_ERR_CANCELLED);
    assert_int_equal(liar.rewinds, 0);

    download.url = server_url(world_server(w), "/api/bytes?n=10");
    download.write = write_stream;
    download.write_data = &writer;
    must_fail(w, &download, TACIT_ERR_CANCELLED);
    assert_int_equal(writer.received, 10);
    world_free(w);
}

/* R13: the token is over when the pause is, and nobody has to be told by a 401. */
static void a_token_that_expired_in_the_pause_is_renewed_first(void **state) {
    (void)state;
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {
        .clock = true, .server = &server, .session = TACIT_SESSION_OPTIONS_INIT};
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_request request;
    ts_record first, second;
    long grants;
    world *w;
    sender s;

    server.access_lifetime_ms = 60000;
    server.expires_in = "60";
    options.session.policy = TACIT_POLICY_REACTIVE;
    w = signed_in(&options);
    grants = server_counters(world_server(w)).token_requests;
    request = retrying(w, 1);
    request.timeout_ms = 3600000;
    server_fail_retry_after(world_server(w), TS_API, 1, 503, "100");
    sender_start(&s, w, &request);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(api_requests), 1, PATIENCE_MS));
    /* no further than to the refresh, which the clock would outrun */
    assert_true(move_until(w, TS_COUNTER(token_requests), grants + 1, 25000) >= 100000);
    pthread_join(s.thread, NULL);

    assert_int_equal(s.status, TACIT_OK);
    assert_int_equal(tacit_response_status(s.response), 200);
    first = record_of(world_server(w), 0);
    second = record_of(world_server(w), 1);
    assert_string_not_equal(first.authorization, second.authorization);
    assert_int_equal(server_counters(world_server(w)).api_401, 0);
    tacit_session_get_stats(world_session(w), &stats);
    assert_int_equal(stats.replays, 0);
    server_record_free(&first);
    server_record_free(&second);
    tacit_response_free(s.response);
    world_free(w);
}

static void a_retry_is_no_replay_and_a_replay_no_retry(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_request request = retrying(w, 2);
    tacit_response *response;

    server_fail(world_server(w), TS_API, 1, 503);
    server_fail(world_server(w), TS_API, 1, 429);
    server_revoke_access_tokens(world_server(w)); /* met by the third send */
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_retries(response), 2);
    assert_int_equal(tacit_response_attempts(response), 4);
    tacit_session_get_stats(world_session(w), &stats);
    assert_int_equal(stats.replays, 1);
    tacit_response_free(response);
    world_free(w);
}

static tacit_status close_it(world *w) {
    return world_close(w, PATIENCE_MS);
}

static tacit_status shut_it_down(world *w) {
    return tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL);
}

static void closing_ends_the_pause(void **state) {
    (void)state;
    static tacit_status (*const ends[])(world *) = {close_it, shut_it_down};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        world *w = signed_in(&(world_options){.clock = true});
        tacit_request request = retrying(w, 1);
        sender s;

        server_fail_retry_after(world_server(w), TS_API, 1, 503, "30");
        sender_start(&s, w, &request);
        assert_true(server_wait_counter(world_server(w), TS_COUNTER(api_requests), 1, PATIENCE_MS));
        assert_int_equal(ends[i](w), TACIT_OK);
        pthread_join(s.thread, NULL);

        assert_int_equal(s.status, TACIT_ERR_CLOSED);
        assert_null(s.response);
        world_free(w);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_cannot_do_now_it_is_asked_later),
        cmocka_unit_test(the_last_answer_is_the_callers),
        cmocka_unit_test(retry_after_is_waited_for_on_the_injected_clock),
        cmocka_unit_test(what_would_come_after_the_deadline_is_not_waited_for),
        cmocka_unit_test(a_broken_connection_is_made_anew),
        cmocka_unit_test(what_is_not_idempotent_is_sent_once),
        cmocka_unit_test(a_stream_is_rewound_for_the_retry),
        cmocka_unit_test(a_stream_that_cannot_be_rewound_is_sent_once),
        cmocka_unit_test(what_write_has_got_is_not_sent_again),
        cmocka_unit_test(half_of_what_write_has_not_got_is),
        cmocka_unit_test(what_the_caller_stopped_is_not_tried_again),
        cmocka_unit_test(a_token_that_expired_in_the_pause_is_renewed_first),
        cmocka_unit_test(a_retry_is_no_replay_and_a_replay_no_retry),
        cmocka_unit_test(closing_ends_the_pause),
    };

    int failed = cmocka_run_group_tests_name("on this thread", tests, NULL, NULL);

    through_engine = true;
    return failed + cmocka_run_group_tests_name("on the engine's", tests, NULL, NULL);
}
