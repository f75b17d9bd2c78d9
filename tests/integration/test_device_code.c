/*
 * Sign-in by device code. The clock is moved by hand where the distance of polls counts; the server's own runs on, so that its interval is
 * next to nothing there, and the client makes a second of it.
 */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, STEP_MS = 200, STEPS_MAX = 5000, REQUEST_MS = 30000 };

typedef enum user { NOBODY_THERE, APPROVES, DENIES } user;

typedef struct scene {
    world *world;
    ts_server *server;
    user user;
    tacit_sign_in_options options;
    pthread_t thread;
    atomic_bool prompted, ended;
    int64_t shown_ms; /* when the code was, on the world's clock */
    tacit_status status;
    tacit_error error;

    /* what the prompt was given */
    int prompts;
    char user_code[64], uri[256], complete[256];
    int expires_in_s;
} scene;

/* ------------------------------------------------------------------ the scene */

static void on_prompt(const char *user_code, const char *verification_uri,
                      const char *verification_uri_complete, int expires_in_s, void *user_data) {
    scene *s = user_data;

    s->prompts++;
    strncpy(s->user_code, user_code, sizeof s->user_code - 1);
    strncpy(s->uri, verification_uri, sizeof s->uri - 1);
    if (verification_uri_complete != NULL)
        strncpy(s->complete, verification_uri_complete, sizeof s->complete - 1);
    s->expires_in_s = expires_in_s;
    if (s->user == APPROVES) server_device_approve(s->server, user_code);
    if (s->user == DENIES) server_device_deny(s->server, user_code);
    atomic_store(&s->prompted, true);
}

static void begin(scene *s, const ts_options *server, const world_options *options) {
    world_options o = *options;

    *s = (scene){.options = TACIT_SIGN_IN_OPTIONS_INIT};
    o.server = server;
    s->world = world_new(&o);
    s->server = world_server(s->world);
    s->options.device_prompt = on_prompt;
    s->options.user_data = s;
}

static ts_options at_any_pace(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.device_interval = "0.001";
    return options;
}

/* With a clock that stands still. */
static void begin_by_hand(scene *s) {
    ts_options options = at_any_pace();

    begin(s, &options, &(world_options){.clock = true});
}

static void *sign_in(void *data) {
    scene *s = data;

    s->status = tacit_sign_in_with_device_code(world_session(s->world), &s->options, &s->error);
    atomic_store(&s->ended, true);
    return NULL;
}

static bool is_prompted(void *data) {
    scene *s = data;

    return atomic_load(&s->prompted) || atomic_load(&s->ended);
}

static void start(scene *s) {
    atomic_store(&s->prompted, false);
    atomic_store(&s->ended, false);
    assert_int_equal(pthread_create(&s->thread, NULL, sign_in, s), 0);
}

/* Until the code is shown: polls follow, one for each interval. */
static void start_and_see_code(scene *s) {
    start(s);
    world_wait(is_prompted, s, "the prompt");
    assert_true(atomic_load(&s->prompted));
    s->shown_ms = world_clock_now(s->world);
}

static long polls(const scene *s) {
    return server_counters(s->server).token_requests;
}

/* An exchange takes no time on a clock that is moved by hand; one that is held takes all there is. */
static bool is_answering(const scene *s) {
    ts_counters now = server_counters(s->server);

    return now.concurrent_grants > 0 && now.held == 0;
}

/* Moves the clock until a further poll comes, or the sign-in is over. Answers how long after the code was shown, at the latest, that was:
 * the clock moves on while a poll is on its way, so of single pauses nothing exact can be said. */
static int64_t move_to_next_poll(scene *s) {
    long before = polls(s);

    for (int steps = 0; polls(s) == before && !atomic_load(&s->ended); steps++) {
        if (steps == STEPS_MAX) fail_msg("there is no further poll");
        if (!is_answering(s)) world_clock_move(s->world, STEP_MS);
        usleep(4000);
    }
    return world_clock_now(s->world) - s->shown_ms;
}

static void move_to_end(scene *s) {
    while (!atomic_load(&s->ended)) move_to_next_poll(s);
    pthread_join(s->thread, NULL);
}

static void assert_signed_in(const scene *s) {
    if (s->status != TACIT_OK) fail_msg("%s", s->error.message);
    assert_int_equal(tacit_session_get_state(world_session(s->world)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(s->world, "/api/x"), 200);
}

static void assert_ended(const scene *s, tacit_status status, const char *oauth_error) {
    tacit_session_state found;

    if (s->status != status) fail_msg("%s: %s", tacit_status_name(s->status), s->error.message);
    assert_int_equal(s->error.status, status);
    assert_string_equal(s->error.oauth_error, oauth_error);
    assert_int_equal(tacit_session_load(world_session(s->world), PATIENCE_MS, &found, NULL),
                     TACIT_OK);
    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
}

static bool has_no_live_refresh_token(void *server) {
    return server_counters(server).live_refresh_tokens == 0;
}

/* ------------------------------------------------------------------ as it should be */

static void the_user_sees_what_the_server_gave(void **state) {
    scene s;
    char *newest;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    start_and_see_code(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    newest = server_newest_user_code(s.server);
    assert_int_equal(s.prompts, 1);
    assert_string_equal(s.user_code, newest);
    assert_string_equal(s.uri, server_url(s.server, "/activate"));
    assert_memory_equal(s.complete, s.uri, strlen(s.uri));
    assert_string_equal(s.complete + strlen(s.uri) + strlen("?user_code="), newest);
    assert_int_equal(s.expires_in_s, 600);
    assert_int_equal(server_counters(s.server).device_requests, 1);
    assert_int_equal(polls(&s), 1);
    world_assert_events(s.world, TACIT_EVENT_SIGNED_IN, 1);
    free(newest);
    world_free(s.world);
}

static void a_complete_uri_may_be_missing(void **state) {
    ts_options options = at_any_pace();
    scene s;

    (void)state;
    options.device_members = "{\"verification_uri_complete\":null}";
    begin(&s, &options, &(world_options){.clock = true});
    s.user = APPROVES;
    start(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    assert_string_equal(s.complete, "");
    world_free(s.world);
}

/* The id_token that comes then has no nonce, since none was sent. */
static void scope_and_params_go_into_the_first_request(void **state) {
    static const char *const params[] = {"audience=https://api.example/", NULL};
    ts_record record;
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    s.options.scope = "openid notes";
    s.options.params = params;
    start(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    assert_true(server_record(s.server, TS_DEVICE, 0, &record));
    assert_non_null(strstr(record.body, "scope=openid+notes"));
    assert_non_null(strstr(record.body, "audience=https%3A%2F%2Fapi.example%2F"));
    assert_non_null(strstr(record.body, "client_id=test-client"));
    server_record_free(&record);
    assert_true(server_record(s.server, TS_TOKEN_ENDPOINT, 0, &record));
    assert_null(strstr(record.body, "audience="));
    server_record_free(&record);
    world_free(s.world);
}

static void discovery_costs_one_request(void **state) {
    ts_options options = at_any_pace();
    scene s;

    (void)state;
    begin(&s, &options, &(world_options){.from_issuer = true, .clock = true});
    s.user = APPROVES;
    start(&s);
    move_to_end(&s);

    if (s.status != TACIT_OK) fail_msg("%s", s.error.message);
    assert_int_equal(server_counters(s.server).metadata_requests, 1);
    assert_int_equal(server_counters(s.server).requests, 3);
    assert_signed_in(&s);
    world_free(s.world);
}

/* Both clocks run, so this takes its three seconds. */
static void polls_come_no_faster_than_the_server_asks(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    scene s;

    (void)state;
    options.device_interval = "1";
    begin(&s, &options, &(world_options){.clock = false});
    s.options.timeout_ms = PATIENCE_MS;
    start_and_see_code(&s);
    assert_true(server_wait_counter(s.server, TS_COUNTER(device_polls), 2, PATIENCE_MS));
    server_device_approve(s.server, s.user_code);
    pthread_join(s.thread, NULL);

    assert_signed_in(&s);
    assert_int_equal(server_counters(s.server).device_polls, 3);
    assert_int_equal(server_counters(s.server).device_polls_too_fast, 0);
    world_free(s.world);
}

static void the_servers_interval_is_kept(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    scene s;

    (void)state;
    options.device_interval = "\"junk\"";
    begin(&s, &options, &(world_options){.clock = true});
    start_and_see_code(&s);
    assert_true(move_to_next_poll(&s) >= 5000);
    tacit_sign_in_cancel(world_session(s.world));
    pthread_join(s.thread, NULL);

    assert_ended(&s, TACIT_ERR_CANCELLED, "");
    world_free(s.world);
}

static void slow_down_adds_five_seconds_for_good(void **state) {
    static const int64_t soonest_ms[] = {1000, 7000, 18000, 29000, 40000};
    int64_t at_ms[5];
    scene s;

    (void)state;
    begin_by_hand(&s);
    server_fail_oauth(s.server, 2, 400, "slow_down");
    start_and_see_code(&s);
    for (int i = 0; i < 4; i++) at_ms[i] = move_to_next_poll(&s);
    server_device_approve(s.server, s.user_code);
    at_ms[4] = move_to_next_poll(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    for (int i = 0; i < 5; i++) assert_true(at_ms[i] >= soonest_ms[i]);
    assert_int_equal(polls(&s), 5);
    world_free(s.world);
}

/* ------------------------------------------------------------------ how it ends otherwise */

static void the_user_may_refuse(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = DENIES;
    start(&s);
    move_to_end(&s);

    assert_ended(&s, TACIT_ERR_ACCESS_DENIED, "access_denied");
    world_free(s.world);
}

static void a_refusal_keeps_the_earlier_sign_in(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    world_sign_in(s.world);
    s.user = DENIES;
    start(&s);
    move_to_end(&s);

    assert_int_equal(s.status, TACIT_ERR_ACCESS_DENIED);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(server_counters(s.server).revocation_requests, 0);
    world_free(s.world);
}

typedef struct ending {
    const char *oauth_error;
    int http_status;
    tacit_status status;
} ending;

static void some_answers_end_it(void **state) {
    static const ending rows[] = {
        {"expired_token", 400, TACIT_ERR_EXPIRED},
        {"access_denied", 403, TACIT_ERR_ACCESS_DENIED},
        {"authorization_declined", 400, TACIT_ERR_ACCESS_DENIED},
        {"invalid_grant", 400, TACIT_ERR_OAUTH},
        {"invalid_client", 401, TACIT_ERR_OAUTH},
        {"unauthorized_client", 400, TACIT_ERR_OAUTH},
        {"not_in_any_rfc", 400, TACIT_ERR_OAUTH},
    };
    scene s;

    (void)state;
    begin_by_hand(&s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server_counters_reset(s.server);
        server_fail_oauth(s.server, 1, rows[i].http_status, rows[i].oauth_error);
        start(&s);
        move_to_end(&s);

        assert_ended(&s, rows[i].status, rows[i].oauth_error);
        assert_int_equal(s.error.http_status, rows[i].http_status);
        assert_false(s.error.outcome_unknown);
        assert_int_equal(polls(&s), 1);
    }
    world_free(s.world);
}

/* The server's word is not needed, nor the wall clock's. */
static void a_code_lives_as_long_as_the_server_said(void **state) {
    ts_options options = at_any_pace();
    int64_t began;
    scene s;

    (void)state;
    options.device_expires_in_s = 10;
    begin(&s, &options, &(world_options){.clock = true});
    start_and_see_code(&s);
    began = world_clock_now(s.world);
    world_wall_step(s.world,
                    (int64_t)50 * 365 * 24 * 3600 * 1000); /* 1970, and then the time came */
    move_to_end(&s);

    assert_ended(&s, TACIT_ERR_EXPIRED, "");
    assert_true(world_clock_now(s.world) - began >= 10000);
    assert_in_range(polls(&s), 0, 9);
    world_free(s.world);
}

static void a_clock_that_is_set_ends_nothing(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    start_and_see_code(&s);
    world_wall_step(s.world, (int64_t)50 * 365 * 24 * 3600 * 1000);
    move_to_end(&s);

    assert_signed_in(&s);
    world_free(s.world);
}

static void patience_may_end_before_the_code(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.options.timeout_ms = 4000;
    start_and_see_code(&s);
    move_to_end(&s);

    assert_ended(&s, TACIT_ERR_EXPIRED, "");
    assert_int_equal(s.expires_in_s, 4);
    assert_in_range(polls(&s), 0, 3);
    world_free(s.world);
}

static void a_server_may_know_no_devices(void **state) {
    ts_options options = at_any_pace();
    scene s;

    (void)state;
    options.metadata_members = "{\"device_authorization_endpoint\":null}";
    begin(&s, &options, &(world_options){.clock = true});
    start(&s);
    pthread_join(s.thread, NULL);

    assert_ended(&s, TACIT_ERR_UNSUPPORTED, "");
    assert_int_equal(s.prompts, 0);
    assert_int_equal(server_counters(s.server).requests, 0);
    world_free(s.world);
}

static void without_a_code_there_is_nothing_to_show(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    server_fail(s.server, TS_DEVICE, 1, 503);
    start(&s);
    pthread_join(s.thread, NULL);
    assert_ended(&s, TACIT_ERR_SERVER, "");
    server_captive_portal(s.server, TS_DEVICE, 1);
    start(&s);
    pthread_join(s.thread, NULL);

    assert_ended(&s, TACIT_ERR_PROTOCOL, "");
    assert_int_equal(s.prompts, 0);
    world_free(s.world);
}

/* ------------------------------------------------------------------ trouble between polls */

static void trouble_between_polls_ends_nothing(void **state) {
    static const ts_fault faults[] = {
        {.kind = TS_FAULT_ANSWER, .status = 502, .body = "<html>bad gateway</html>"},
        {.kind = TS_FAULT_ANSWER, .status = 503, .body = "{\"error\":\"invalid_grant\"}"},
        {.kind = TS_FAULT_ANSWER, .status = 500, .body = "{\"error\":\"access_denied\"}"},
        {.kind = TS_FAULT_ANSWER, .status = 400, .body = "{\"error\":\"temporarily_unavailable\"}"},
        {.kind = TS_FAULT_ANSWER, .status = 429, .body = "{\"error\":\"slow_down\"}"},
        {.kind = TS_FAULT_ANSWER, .status = 200, .body = "<html>please log in to the hotel</html>"},
        {.kind = TS_FAULT_ANSWER, .status = 200, .body = "{\"access_tok"},
        {.kind = TS_FAULT_ANSWER, .status = 200, .body = ""},
        {.kind = TS_FAULT_ANSWER, .status = 302, .headers = "Location: /elsewhere"},
        {.kind = TS_FAULT_ANSWER, .status = 404, .body = "not found"},
        {.kind = TS_FAULT_CLOSE},
        {.kind = TS_FAULT_OVERSIZED, .size = (size_t)4 << 20},
        {.kind = TS_FAULT_NESTED, .size = 1000},
    };
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        ts_fault fault = faults[i];

        server_counters_reset(s.server);
        fault.requests = 1;
        server_fault_add(s.server, TS_TOKEN_ENDPOINT, &fault);
        start(&s);
        move_to_end(&s);

        if (s.status != TACIT_OK) fail_msg("fault %zu: %s", i, s.error.message);
        assert_int_equal(server_counters(s.server).device_grants, 1);
        assert_int_equal(polls(&s), 2);
    }
    assert_signed_in(&s);
    world_free(s.world);
}

static void a_server_may_be_away_for_a_while(void **state) {
    ts_options options = at_any_pace();
    scene s;

    (void)state;
    options.own_authorization_port = true;
    begin(&s, &options, &(world_options){.clock = true});
    s.user = APPROVES;
    start_and_see_code(&s);
    server_authorization_go_away(s.server);
    for (int i = 0; i < 25; i++) {
        world_clock_move(s.world, STEP_MS);
        usleep(2000);
    }
    assert_false(atomic_load(&s.ended));
    assert_true(server_authorization_come_back(s.server));
    move_to_end(&s);

    assert_signed_in(&s);
    world_free(s.world);
}

static void retry_after_is_obeyed(void **state) {
    int64_t at_ms;
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    server_fail_retry_after(s.server, TS_TOKEN_ENDPOINT, 1, 429, "60");
    start_and_see_code(&s);
    move_to_next_poll(&s);
    at_ms = move_to_next_poll(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    assert_true(at_ms >= 1000 + 60000);
    world_free(s.world);
}

/* RFC 8628 section 3.5: after 2, 4, 8 and 16 s. The clock has moved on before a poll is seen, so the last, by far, has to do. */
static void who_meets_time_outs_polls_less_often(void **state) {
    int64_t fourth_ms = 0, fifth_ms;
    scene s;

    (void)state;
    begin_by_hand(&s);
    server_gate_close(s.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    start_and_see_code(&s);
    for (int i = 0; i < 4; i++) fourth_ms = move_to_next_poll(&s);
    fifth_ms = move_to_next_poll(&s);
    server_gate_open(s.server, TS_TOKEN_ENDPOINT);
    server_device_approve(s.server, s.user_code);
    move_to_end(&s);

    assert_signed_in(&s);
    assert_true(fifth_ms - fourth_ms >= REQUEST_MS + 10000);
    world_free(s.world);
}

/* What was pending is so afterwards. */
static void a_poll_without_an_answer_is_sent_again(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    server_close_connections(s.server, TS_TOKEN_ENDPOINT, 1, true);
    start_and_see_code(&s);
    move_to_next_poll(&s);
    server_device_approve(s.server, s.user_code);
    move_to_end(&s);

    assert_signed_in(&s);
    world_free(s.world);
}

/* The server has redeemed the code, and nobody knows the tokens. */
static void tokens_that_were_lost_are_told(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    s.user = APPROVES;
    server_fault_add(
        s.server, TS_TOKEN_ENDPOINT,
        &(ts_fault){.kind = TS_FAULT_ANSWER, .requests = 1, .after_processing = true, .body = "{"});
    start(&s);
    move_to_end(&s);

    assert_ended(&s, TACIT_ERR_OAUTH, "invalid_grant");
    assert_true(s.error.outcome_unknown);
    assert_int_equal(polls(&s), 2);
    world_free(s.world);
}

/* ------------------------------------------------------------------ called off */

typedef enum place { AT_THE_REQUEST, BETWEEN_POLLS, AT_A_POLL, PLACES } place;
typedef enum how { CANCEL, SIGN_OUT, CLOSE, HOWS } how;

/* The sign-in is at that place, and stays there. */
static void start_and_hold(scene *s, place where) {
    ts_part part = where == AT_THE_REQUEST ? TS_DEVICE : TS_TOKEN_ENDPOINT;

    if (where != BETWEEN_POLLS) server_gate_close(s->server, part, TS_BEFORE_ANSWER);
    if (where == AT_THE_REQUEST)
        start(s);
    else
        start_and_see_code(s);
    if (where == AT_A_POLL) move_to_next_poll(s);
    if (where != BETWEEN_POLLS) assert_true(server_gate_waiters(s->server, part, 1, PATIENCE_MS));
}

static void call_off(const scene *s, how how) {
    switch (how) {
    case CANCEL:
        tacit_sign_in_cancel(world_session(s->world));
        break;
    case SIGN_OUT:
        assert_int_equal(tacit_sign_out(world_session(s->world), PATIENCE_MS, NULL), TACIT_OK);
        break;
    default:
        assert_int_equal(world_close(s->world, PATIENCE_MS), TACIT_OK);
        break;
    }
}

/* At once: the clock stands still, and nothing is answered. */
static void it_can_be_called_off_at_any_moment(void **state) {
    static const tacit_status expected[HOWS] = {TACIT_ERR_CANCELLED, TACIT_ERR_SIGNED_OUT,
                                                TACIT_ERR_CLOSED};

    (void)state;
    for (int i = 0; i < PLACES * HOWS; i++) {
        scene s;

        begin_by_hand(&s);
        s.user = APPROVES;
        start_and_hold(&s, i / HOWS);
        call_off(&s, i % HOWS);
        pthread_join(s.thread, NULL);

        if (s.status != expected[i % HOWS])
            fail_msg("at %d, in way %d: %s", i / HOWS, i % HOWS, tacit_status_name(s.status));
        assert_int_equal(s.error.status, s.status);
        world_free(s.world);
    }
}

static void tokens_of_a_sign_in_that_was_called_off_are_revoked(void **state) {
    fake_store *store = fake_store_new();
    ts_options options = at_any_pace();
    scene s;

    (void)state;
    fake_store_fail(store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    begin(&s, &options, &(world_options){.store = fake_store_handle(store), .clock = true});
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);
    fake_store_gate_close(store, FAKE_LOAD);
    fake_store_fail(store, FAKE_LOAD, TACIT_OK);
    s.user = APPROVES;
    start_and_see_code(&s);
    move_to_next_poll(&s);
    assert_true(fake_store_gate_waiter(store, FAKE_LOAD));
    assert_true(server_wait_counter(s.server, TS_COUNTER(device_grants), 1, PATIENCE_MS));
    tacit_sign_in_cancel(world_session(s.world));
    pthread_join(s.thread, NULL);
    fake_store_gate_open(store, FAKE_LOAD);

    assert_int_equal(s.status, TACIT_ERR_CANCELLED);
    world_wait(has_no_live_refresh_token, s.server, "what was granted is revoked");
    assert_int_equal(fake_store_calls(store, FAKE_SAVE), 0);
    world_free(s.world);
    fake_store_free(store);
}

static void another_may_begin_after_one_was_called_off(void **state) {
    scene s;

    (void)state;
    begin_by_hand(&s);
    start_and_hold(&s, BETWEEN_POLLS);
    call_off(&s, CANCEL);
    pthread_join(s.thread, NULL);
    s.user = APPROVES;
    start(&s);
    move_to_end(&s);

    assert_signed_in(&s);
    world_free(s.world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_sees_what_the_server_gave),
        cmocka_unit_test(a_complete_uri_may_be_missing),
        cmocka_unit_test(scope_and_params_go_into_the_first_request),
        cmocka_unit_test(discovery_costs_one_request),
        cmocka_unit_test(polls_come_no_faster_than_the_server_asks),
        cmocka_unit_test(the_servers_interval_is_kept),
        cmocka_unit_test(slow_down_adds_five_seconds_for_good),
        cmocka_unit_test(the_user_may_refuse),
        cmocka_unit_test(a_refusal_keeps_the_earlier_sign_in),
        cmocka_unit_test(some_answers_end_it),
        cmocka_unit_test(a_code_lives_as_long_as_the_server_said),
        cmocka_unit_test(a_clock_that_is_set_ends_nothing),
        cmocka_unit_test(patience_may_end_before_the_code),
        cmocka_unit_test(a_server_may_know_no_devices),
        cmocka_unit_test(without_a_code_there_is_nothing_to_show),
        cmocka_unit_test(trouble_between_polls_ends_nothing),
        cmocka_unit_test(a_server_may_be_away_for_a_while),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(who_meets_time_outs_polls_less_often),
        cmocka_unit_test(a_poll_without_an_answer_is_sent_again),
        cmocka_unit_test(tokens_that_were_lost_are_told),
        cmocka_unit_test(it_can_be_called_off_at_any_moment),
        cmocka_unit_test(tokens_of_a_sign_in_that_was_called_off_are_revoked),
        cmocka_unit_test(another_may_begin_after_one_was_called_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
