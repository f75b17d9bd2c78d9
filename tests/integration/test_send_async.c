/* Requests that go on without their caller: on the engine's thread, with one refresh for all. */
#include "support/calls.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static void end_world(world *w) {
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
}

static void wait_held(world *w, ts_part part, int requests) {
    assert_true(server_gate_waiters(world_server(w), part, requests, PATIENCE_MS));
}

/* ------------------------------------------------------------------ the plain case */

static void answer_comes_once_and_on_a_thread_of_the_library(void **state) {
    world *w = signed_in(NULL);
    call_outcome o = {.done = 0};

    (void)state;
    start_get(w, "/api/whoami", &o);
    await_outcomes(&o, 1);

    assert_int_equal(o.status, 200);
    assert_int_equal(o.attempts, 1);
    assert_false(pthread_equal(o.thread, pthread_self()));
    assert_int_equal(stats_of(w).requests, 1);
    end_world(w);
}

static void what_went_in_is_copied(void **state) {
    world *w = signed_in(NULL);
    char url[128], body[] = "hello", header[] = "X-Test: yes";
    const char *headers[] = {header, NULL};
    tacit_request request = request_to(url);
    call_outcome o = {.done = 0};

    (void)state;
    snprintf(url, sizeof url, "%s", server_url(world_server(w), "/api/echo"));
    request.headers = headers;
    request.body = body;
    request.body_size = sizeof body - 1;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    tacit_call_unref(must_start(world_session(w), &request, &o));
    memset(url, 'x', sizeof url - 1);
    memset(body, 'x', sizeof body - 1);
    memset(header, 'x', sizeof header - 1);
    headers[0] = NULL;
    server_gate_open(world_server(w), TS_API);
    await_outcomes(&o, 1);

    assert_int_equal(o.status, 200);
    assert_non_null(strstr(o.body, "\"body\":\"hello\""));
    assert_non_null(strstr(o.body, "\"X-Test\":\"yes\""));
    end_world(w);
}

typedef struct borrowed {
    call_outcome o;
    atomic_int released;
    int done_before; /* when it was released */
} borrowed;

static void on_release(void *data) {
    borrowed *b = data;

    b->done_before = atomic_load(&b->o.done);
    atomic_fetch_add(&b->released, 1);
}

static void borrowed_body_is_released_once_and_before_done(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/echo"));
    borrowed b = {.released = 0};

    (void)state;
    request.body = "lent";
    request.body_size = 4;
    request.body_release = on_release;
    request.release_data = &b;
    tacit_call_unref(must_start(world_session(w), &request, &b.o));
    await_outcomes(&b.o, 1);

    assert_non_null(strstr(b.o.body, "\"body\":\"lent\""));
    assert_int_equal(b.released, 1);
    assert_int_equal(b.done_before, 0);
    end_world(w);
}

static void what_cannot_start_takes_nothing_over(void **state) {
    world *w = signed_in(NULL);
    borrowed b = {.released = 0};
    tacit_request request = request_to("https://elsewhere.example/");
    tacit_error error;

    (void)state;
    request.body = "lent";
    request.body_size = 4;
    request.body_release = on_release;
    request.release_data = &b;

    assert_null(tacit_send_async(world_session(w), &request, on_outcome, &b.o, &error));
    assert_int_equal(error.status, TACIT_ERR_ORIGIN_NOT_ALLOWED);
    request.url = "http://elsewhere.example/";
    assert_null(tacit_send_async(world_session(w), &request, on_outcome, &b.o, &error));
    assert_int_equal(error.status, TACIT_ERR_INSECURE_URL);
    request.url = NULL;
    assert_null(tacit_send_async(world_session(w), &request, on_outcome, &b.o, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);

    end_world(w);
    assert_int_equal(b.released, 0);
    assert_int_equal(b.o.done, 0);
}

/* ------------------------------------------------------------------ many */

static size_t count_entries(const char *directory) {
    DIR *dir = opendir(directory);
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) count++;
    closedir(dir);
    return count;
}

static void thousands_go_through_a_bounded_wire_on_one_thread(void **state) {
    enum { CALLS = 3000, WIRE = 16 };
    world *w = signed_in(&(world_options){
        .client = {.struct_size = sizeof(tacit_client_options), .calls_max = WIRE}});
    call_outcome o = {.done = 0};
    size_t threads;

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < CALLS; i++) start_get(w, "/api/x", &o);
    wait_held(w, TS_API, WIRE);
    assert_int_equal(server_counters(world_server(w)).held, WIRE);
    threads = count_entries("/proc/self/task");
    server_gate_open(world_server(w), TS_API);
    await_outcomes(&o, CALLS);

    assert_int_equal(o.ok, CALLS);
    assert_in_range(threads, 1, 32);
    end_world(w);
}

static void full_queue_is_busy_and_takes_nothing(void **state) {
    world *w = signed_in(&(world_options){.client = {.struct_size = sizeof(tacit_client_options),
                                                     .calls_max = 1,
                                                     .calls_waiting_max = 2}});
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    call_outcome o = {.done = 0};
    tacit_error error;

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    start_get(w, "/api/x", &o);
    wait_held(w, TS_API, 1);
    start_get(w, "/api/x", &o);
    start_get(w, "/api/x", &o);
    assert_null(tacit_send_async(world_session(w), &request, on_outcome, &o, &error));
    assert_int_equal(error.status, TACIT_ERR_BUSY);
    assert_true(error.retryable);
    server_gate_open(world_server(w), TS_API);
    await_outcomes(&o, 3);

    assert_int_equal(o.ok, 3);
    end_world(w);
}

/* Starts as many as there is room for, on the wire and behind it, and is refused the next. */
static void fill_up(world *w, tacit_call **calls, int room, call_outcome *o) {
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_error error;

    for (int i = 0; i < room; i++) calls[i] = must_start(world_session(w), &request, o);
    assert_null(tacit_send_async(world_session(w), &request, on_outcome, o, &error));
    assert_int_equal(error.status, TACIT_ERR_BUSY);
}

/* However fast they come: none is refused that only has not got to the wire yet. */
static void call_that_the_wire_has_room_for_does_not_wait(void **state) {
    enum { WIRE = 8, BEHIND = 1, ROOM = WIRE + BEHIND, ROUNDS = 3 };
    world *w = signed_in(&(world_options){.client = {.struct_size = sizeof(tacit_client_options),
                                                     .calls_max = WIRE,
                                                     .calls_waiting_max = BEHIND}});
    tacit_call *calls[ROOM];
    call_outcome o = {.done = 0};

    (void)state;
    for (int round = 1; round <= ROUNDS; round++) {
        bool cancelled = round == 1;

        server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
        if (!cancelled)
            server_revoke_access_tokens(world_server(w)); /* all leave it and come back */
        fill_up(w, calls, ROOM, &o);
        for (int i = 0; cancelled && i < ROOM; i++) tacit_call_cancel(calls[i]);
        if (!cancelled) server_gate_open(world_server(w), TS_API);
        await_outcomes(&o, round * ROOM);
        server_gate_open(world_server(w), TS_API);
        for (int i = 0; i < ROOM; i++) tacit_call_unref(calls[i]);
    }

    assert_int_equal(o.ok, (ROUNDS - 1) * ROOM);
    end_world(w);
}

/* ------------------------------------------------------------------ tokens */

static void crowd_that_meets_a_401_causes_one_refresh(void **state) {
    enum { CALLS = 2000 };
    world *w = signed_in(NULL);
    call_outcome o = {.done = 0};

    (void)state;
    server_revoke_access_tokens(world_server(w));
    for (int i = 0; i < CALLS; i++) start_get(w, "/api/x", &o);
    await_outcomes(&o, CALLS);

    assert_int_equal(o.ok, CALLS);
    assert_int_equal(stats_of(w).refreshes, 1);
    end_world(w);
}

static void waiting_calls_hold_no_place_on_the_wire(void **state) {
    world *w = signed_in(
        &(world_options){.client = {.struct_size = sizeof(tacit_client_options), .calls_max = 2}});
    ts_server *server = world_server(w);
    call_outcome o = {.done = 0};

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 10; i++) start_get(w, "/api/x", &o);
    wait_held(w, TS_TOKEN_ENDPOINT, 1);
    wait_waiters(w, 10); /* all were refused, two at a time */
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    await_outcomes(&o, 10);

    assert_int_equal(o.ok, 10);
    assert_int_equal(o.attempts, 2);
    end_world(w);
}

static void failed_refresh_is_the_error_of_all_who_waited(void **state) {
    world *w = signed_in(NULL);
    ts_server *server = world_server(w);
    call_outcome o = {.done = 0};

    (void)state;
    server_revoke_access_tokens(server);
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 503);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 10; i++) start_get(w, "/api/x", &o);
    wait_waiters(w, 10);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    await_outcomes(&o, 10);

    assert_int_equal(o.failed, 10);
    assert_int_equal(o.error.status, TACIT_ERR_SERVER);
    end_world(w);
}

static void deadline_ends_a_call_that_waits_for_a_token(void **state) {
    world *w = signed_in(NULL);
    ts_server *server = world_server(w);
    tacit_request request = request_to(server_url(server, "/api/x"));
    call_outcome o = {.done = 0};

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    request.timeout_ms = 300;
    tacit_call_unref(must_start(world_session(w), &request, &o));
    await_outcomes(&o, 1);

    assert_int_equal(o.status, -TACIT_ERR_TIMEOUT);
    assert_false(o.error.outcome_unknown);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    end_world(w);
}

static void sign_out_turns_away_who_waits(void **state) {
    world *w = signed_in(NULL);
    ts_server *server = world_server(w);
    call_outcome o = {.done = 0};

    (void)state;
    server_revoke_access_tokens(server);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 10; i++) start_get(w, "/api/x", &o);
    wait_waiters(w, 10);
    tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL);
    await_outcomes(&o, 10);

    assert_int_equal(o.failed, 10);
    assert_int_equal(o.error.status, TACIT_ERR_SIGNED_OUT);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    end_world(w);
}

/* ------------------------------------------------------------------ ends */

static void cancel_ends_calls_wherever_they_are(void **state) {
    enum { CALLS = 20 };
    world *w = signed_in(
        &(world_options){.client = {.struct_size = sizeof(tacit_client_options), .calls_max = 5}});
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    tacit_call *calls[CALLS];
    call_outcome o = {.done = 0};

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < CALLS; i++) calls[i] = must_start(world_session(w), &request, &o);
    wait_held(w, TS_API, 5);
    for (int i = 0; i < CALLS; i++) tacit_call_cancel(calls[i]);
    await_outcomes(&o, CALLS);

    assert_int_equal(o.failed, CALLS);
    assert_int_equal(o.error.status, TACIT_ERR_CANCELLED);
    for (int i = 0; i < CALLS; i++) {
        tacit_call_cancel(calls[i]); /* too late, and harmless */
        tacit_call_unref(calls[i]);
    }
    server_gate_open(world_server(w), TS_API);
    end_world(w);
    assert_int_equal(o.done, CALLS);
}

static void deadline_on_the_wire_says_that_the_outcome_is_unknown(void **state) {
    world *w = signed_in(NULL);
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    call_outcome o = {.done = 0};

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    request.timeout_ms = 300;
    tacit_call_unref(must_start(world_session(w), &request, &o));
    await_outcomes(&o, 1);

    assert_int_equal(o.status, -TACIT_ERR_TIMEOUT);
    assert_true(o.error.outcome_unknown);
    server_gate_open(world_server(w), TS_API);
    end_world(w);
}

static void closing_ends_calls_in_the_air(void **state) {
    world *w = signed_in(NULL);
    call_outcome o = {.done = 0};

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < 20; i++) start_get(w, "/api/x", &o);
    wait_held(w, TS_API, 20);
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);
    await_outcomes(&o, 20);

    assert_int_equal(o.failed, 20);
    assert_int_equal(o.error.status, TACIT_ERR_CLOSED);
    server_gate_open(world_server(w), TS_API);
    end_world(w);
}

/* ------------------------------------------------------------------ tokens alone */

typedef struct token_outcome {
    atomic_int done;
    tacit_token *token;
    tacit_error error;
} token_outcome;

static void on_token(tacit_call *call, tacit_token *token, const tacit_error *error, void *data) {
    token_outcome *o = data;

    (void)call;
    o->token = token;
    if (error != NULL) o->error = *error;
    atomic_fetch_add(&o->done, 1);
}

static bool has_token(void *data) {
    return atomic_load(&((token_outcome *)data)->done) > 0;
}

static void ask_token(world *w, const tacit_token *refused, token_outcome *o) {
    tacit_call *call = tacit_session_token_async(world_session(w), refused, 0,
                                                 TACIT_TIMEOUT_DEFAULT, on_token, o, NULL);

    assert_non_null(call);
    tacit_call_unref(call);
    world_wait(has_token, o, "the token's done is called");
}

static void token_comes_as_it_is_and_renewed_after_a_401(void **state) {
    world *w = signed_in(NULL);
    token_outcome first = {.done = 0}, second = {.done = 0};

    (void)state;
    ask_token(w, NULL, &first);
    assert_non_null(first.token);
    ask_token(w, first.token, &second);

    assert_non_null(second.token);
    assert_int_equal(tacit_token_generation(second.token), tacit_token_generation(first.token) + 1);
    tacit_token_unref(first.token);
    tacit_token_unref(second.token);
    end_world(w);
}

static void token_for_nobody_is_an_error(void **state) {
    world *w = world_new(NULL);
    token_outcome o = {.done = 0};

    (void)state;
    ask_token(w, NULL, &o);

    assert_null(o.token);
    assert_int_equal(o.error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    end_world(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_comes_once_and_on_a_thread_of_the_library),
        cmocka_unit_test(what_went_in_is_copied),
        cmocka_unit_test(borrowed_body_is_released_once_and_before_done),
        cmocka_unit_test(what_cannot_start_takes_nothing_over),
        cmocka_unit_test(thousands_go_through_a_bounded_wire_on_one_thread),
        cmocka_unit_test(full_queue_is_busy_and_takes_nothing),
        cmocka_unit_test(call_that_the_wire_has_room_for_does_not_wait),
        cmocka_unit_test(crowd_that_meets_a_401_causes_one_refresh),
        cmocka_unit_test(waiting_calls_hold_no_place_on_the_wire),
        cmocka_unit_test(failed_refresh_is_the_error_of_all_who_waited),
        cmocka_unit_test(deadline_ends_a_call_that_waits_for_a_token),
        cmocka_unit_test(sign_out_turns_away_who_waits),
        cmocka_unit_test(cancel_ends_calls_wherever_they_are),
        cmocka_unit_test(deadline_on_the_wire_says_that_the_outcome_is_unknown),
        cmocka_unit_test(closing_ends_calls_in_the_air),
        cmocka_unit_test(token_comes_as_it_is_and_renewed_after_a_401),
        cmocka_unit_test(token_for_nobody_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
