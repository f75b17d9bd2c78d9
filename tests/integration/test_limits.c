/* max_idle_s and max_age_s: what ends a sign-in, what counts as its use, and who hears of it. */
#include "support/limited.h"
#include "support/unit.h"

#include <pthread.h>

enum { IDLE_S = 600, PATIENCE_MS = WORLD_PATIENCE_MS };
#define IDLE_MS (IDLE_S * SECOND_MS)

/* ------------------------------------------------------------------ the end */

static void nobody_made_a_request_for_so_long(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    pass(&l, IDLE_MS - 1);
    assert_goes_on(&l);
    pass(&l, IDLE_MS);

    assert_ended(&l, "max_idle_s");
    limited_free(&l);
}

static void the_sign_in_is_so_old_whatever_uses_it(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);

    (void)state;
    pass(&l, IDLE_MS - 1);
    assert_goes_on(&l);
    pass(&l, 1);

    assert_ended(&l, "max_age_s");
    limited_free(&l);
}

static void each_sign_in_counts_anew(void **state) {
    limited l = limited_new(NULL, IDLE_S, IDLE_S);

    (void)state;
    pass(&l, IDLE_MS - 1);
    world_sign_in(l.world);
    pass(&l, IDLE_MS - 1);

    assert_goes_on(&l);
    limited_free(&l);
}

static void a_sign_in_after_the_end_is_one_like_any_other(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);

    (void)state;
    pass(&l, IDLE_MS);
    world_wait_event(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_sign_in(l.world);
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    world_restart(l.world);

    assert_int_equal(world_get(l.world, "/api/x"), 200);
    world_assert_events(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    limited_free(&l);
}

typedef struct asker {
    world *world;
    pthread_t thread;
    tacit_error error;
    atomic_bool answered;
} asker;

static void *ask(void *data) {
    asker *a = data;
    tacit_request request = request_to(server_url(world_server(a->world), "/api/x"));
    tacit_response *response = NULL;

    send_either(world_session(a->world), &request, &response, &a->error);
    tacit_response_free(response);
    atomic_store(&a->answered, true);
    return NULL;
}

static bool waits_or_is_answered(void *data) {
    asker *a = data;
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;

    tacit_client_get_stats(world_client(a->world), &stats);
    return stats.calls_waiting > 0 || atomic_load(&a->answered);
}

/* A machine wakes up after the limit, and a request is faster than the timer, which hears of it last. */
static void assert_no_request_goes_out(limited *l, bool engine) {
    asker a = {.world = l->world};

    assert_int_equal(world_get(l->world, "/api/x"), 200); /* a handle keeps the token now */
    server_counters_reset(l->server);
    pass_quietly(IDLE_MS);
    through_engine = engine;
    assert_int_equal(pthread_create(&a.thread, NULL, ask, &a), 0);
    world_wait(waits_or_is_answered, &a, "the request to be stopped");
    pass(l, 0);
    pthread_join(a.thread, NULL);
    through_engine = false;

    assert_int_equal(a.error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(server_counters(l->server).api_requests, 0);
}

static void not_one_request_goes_out_after_a_suspend(void **state) {
    for (int engine = 0; engine < 2; engine++) {
        limited idle = limited_new(NULL, IDLE_S, 0), old;

        (void)state;
        assert_no_request_goes_out(&idle, engine);
        assert_ended(&idle, "max_idle_s");
        limited_free(&idle);

        old = limited_new(NULL, 0, IDLE_S);
        assert_no_request_goes_out(&old, engine);
        assert_ended(&old, "max_age_s");
        limited_free(&old);
    }
}

/* They wait for a refresh meanwhile, whose answer comes too late; what it brought is revoked. */
static void whoever_waits_is_told_what_ended(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);
    asker askers[5] = {{.world = l.world},
                       {.world = l.world},
                       {.world = l.world},
                       {.world = l.world},
                       {.world = l.world}};

    (void)state;
    pass(&l, IDLE_MS - 1);
    server_revoke_access_tokens(l.server);
    server_gate_close(l.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    assert_true(server_gate_waiters(l.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    wait_waiters(l.world, 5);
    pass(&l, 1);
    server_gate_open(l.server, TS_TOKEN_ENDPOINT);

    for (int i = 0; i < 5; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].error.status, TACIT_ERR_SIGN_IN_REQUIRED);
        assert_non_null(strstr(askers[i].error.message, "max_age_s"));
    }
    assert_ended(&l, "max_age_s");
    limited_free(&l);
}

/* ------------------------------------------------------------------ what counts as use */

static void take(tacit_session *session) {
    tacit_token *token = NULL;

    assert_int_equal(tacit_session_token(session, 0, TACIT_TIMEOUT_DEFAULT, &token, NULL),
                     TACIT_OK);
    tacit_token_unref(token);
}

static void renew(tacit_session *session) {
    tacit_token *token = NULL, *newer = NULL;

    tacit_session_token(session, 0, TACIT_TIMEOUT_DEFAULT, &token, NULL);
    pass_quietly(IDLE_MS / 2);
    assert_int_equal(tacit_session_renew(session, token, TACIT_TIMEOUT_DEFAULT, &newer, NULL),
                     TACIT_OK);
    tacit_token_unref(token);
    tacit_token_unref(newer);
}

typedef struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool came;
    tacit_status status;
} outcome;

static void on_token(tacit_call *call, tacit_token *token, const tacit_error *error, void *data) {
    outcome *o = data;

    (void)call;
    tacit_token_unref(token);
    pthread_mutex_lock(&o->lock);
    o->came = true;
    o->status = error == NULL ? TACIT_OK : error->status;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static void take_async(tacit_session *session) {
    outcome o = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, TACIT_OK};
    tacit_call *call =
        tacit_session_token_async(session, NULL, 0, TACIT_TIMEOUT_DEFAULT, on_token, &o, NULL);

    assert_non_null(call);
    pthread_mutex_lock(&o.lock);
    while (!o.came) pthread_cond_wait(&o.changed, &o.lock);
    pthread_mutex_unlock(&o.lock);
    assert_int_equal(o.status, TACIT_OK);
    tacit_call_unref(call);
}

static void a_token_for_another_stack_is_use(void **state) {
    static void (*const uses[])(tacit_session *) = {take, renew, take_async};
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        uses[i](world_session(l.world));
        pass(&l, IDLE_MS - 1);
    }

    assert_goes_on(&l);
    limited_free(&l);
}

static void an_asynchronous_request_is_use(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    tacit_request request = request_to(server_url(l.server, "/api/x"));

    (void)state;
    through_engine = true;
    for (int i = 0; i < 3; i++) {
        pass(&l, IDLE_MS - 1);
        assert_int_equal(status_of(l.world, &request), 200);
    }
    through_engine = false;

    assert_goes_on(&l);
    limited_free(&l);
}

/* Offline the user works on, too. */
static void a_request_that_fails_is_use(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    server_go_away(l.server);
    for (int i = 0; i < 3; i++) {
        pass(&l, IDLE_MS - 1);
        assert_int_equal(world_get(l.world, "/api/x"), -TACIT_ERR_NETWORK);
    }
    assert_true(server_come_back(l.server));

    assert_goes_on(&l);
    limited_free(&l);
}

static void neither_refreshes_nor_questions_are_use(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    for (int i = 0; i < 3; i++) {
        pass(&l, IDLE_MS / 4);
        assert_int_equal(tacit_session_refresh(world_session(l.world), TACIT_TIMEOUT_DEFAULT, NULL),
                         TACIT_OK);
        tacit_session_load(world_session(l.world), TACIT_NO_WAIT, NULL, NULL);
        stats_of(l.world);
    }
    pass(&l, IDLE_MS / 4);

    assert_ended(&l, "max_idle_s");
    limited_free(&l);
}

static void a_background_refresh_is_no_use(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    limited l;

    (void)state;
    server.access_lifetime_ms = 120 * 1000;
    l = limited_new(&server, IDLE_S, 0);
    for (long i = 1; i <= 5; i++) {
        pass(&l, 110 * SECOND_MS);
        assert_true(server_wait_counter(l.server, TS_COUNTER(refreshes_ok), i, PATIENCE_MS));
        world_wait_event(l.world, TACIT_EVENT_REFRESHED, (size_t)i);
    }
    pass(&l, IDLE_MS - 550 * SECOND_MS);

    assert_ended(&l, "max_idle_s");
    limited_free(&l);
}

/* ------------------------------------------------------------------ several sessions */

static void the_strictest_session_counts(void **state) {
    limited l = limited_new(NULL, 10 * IDLE_S, 0);
    tacit_session *strict = open_beside(&l, IDLE_S, 0);

    (void)state;
    pass(&l, IDLE_MS);

    assert_ended(&l, "max_idle_s");
    tacit_session_close(strict, PATIENCE_MS);
    limited_free(&l);
}

static void requests_of_a_session_without_limits_count_too(void **state) {
    limited l = limited_new(NULL, 0, 0);
    tacit_session *strict = open_beside(&l, IDLE_S, 0);

    (void)state;
    for (int i = 0; i < 3; i++) {
        pass(&l, IDLE_MS - 1);
        assert_goes_on(&l);
    }
    pass(&l, IDLE_MS);

    assert_ended(&l, "max_idle_s");
    tacit_session_close(strict, PATIENCE_MS);
    limited_free(&l);
}

static void a_session_that_is_closed_limits_nothing(void **state) {
    limited l = limited_new(NULL, 0, 0);
    tacit_session *strict = open_beside(&l, IDLE_S, IDLE_S);

    (void)state;
    tacit_session_close(strict, PATIENCE_MS);
    pass(&l, IDLE_MS);

    assert_goes_on(&l);
    limited_free(&l);
}

static void limits_that_come_later_count_from_then(void **state) {
    limited l = limited_new(NULL, 0, 0);
    tacit_session *strict;

    (void)state;
    pass(&l, IDLE_MS);
    strict = open_beside(&l, 0, IDLE_S);
    pass(&l, IDLE_MS - 1);
    assert_goes_on(&l);
    pass(&l, 1);

    assert_ended(&l, "max_age_s");
    tacit_session_close(strict, PATIENCE_MS);
    limited_free(&l);
}

static void a_session_may_find_that_its_limit_is_reached(void **state) {
    limited l = limited_new(NULL, 0, 10 * IDLE_S);
    tacit_session *strict;

    (void)state;
    pass(&l, IDLE_MS);
    strict = open_beside(&l, 0, IDLE_S);

    assert_ended(&l, "max_age_s");
    tacit_session_close(strict, PATIENCE_MS);
    limited_free(&l);
}

/* ------------------------------------------------------------------ sign-outs and other ends */

static void a_sign_out_before_is_all_there_is(void **state) {
    limited l = limited_new(NULL, IDLE_S, IDLE_S);

    (void)state;
    assert_int_equal(tacit_sign_out(world_session(l.world), PATIENCE_MS, NULL), TACIT_OK);
    pass(&l, IDLE_MS);
    look_a_while();

    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    world_assert_events(l.world, TACIT_EVENT_SIGNED_OUT, 1);
    limited_free(&l);
}

static void a_sign_out_after_it_has_nothing_to_do(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    pass(&l, IDLE_MS);
    assert_ended(&l, "max_idle_s");

    assert_int_equal(tacit_sign_out(world_session(l.world), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGNED_OUT), 0);
    limited_free(&l);
}

/* Ended in memory at once; erased when the store is back. */
static void a_locked_store_puts_nothing_off(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    world_event failed;

    (void)state;
    fake_store_fail(l.store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    fake_store_fail(l.store, FAKE_ERASE, TACIT_ERR_STORE_LOCKED);
    pass(&l, IDLE_MS);
    world_wait_event(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(world_get(l.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_wait(nothing_lives, &l, "the refresh token to be revoked");
    assert_false(record_is_gone(&l));
    assert_true(world_event_at(l.world, TACIT_EVENT_STORE_FAILED, 0, &failed));

    fake_store_fail(l.store, FAKE_LOAD, TACIT_OK);
    fake_store_fail(l.store, FAKE_ERASE, TACIT_OK);
    pass(&l, HOUR_MS);
    assert_ended(&l, "max_idle_s");
    limited_free(&l);
}

/* What could not be erased is believed by no process: the mark is there. */
static void a_record_that_stays_is_never_used_again(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    tacit_session_state found;

    (void)state;
    fake_store_fail(l.store, FAKE_ERASE, TACIT_ERR_STORE_LOCKED);
    pass(&l, IDLE_MS);
    world_wait_event(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_wait_event(l.world, TACIT_EVENT_STORE_FAILED, 1);
    assert_false(record_is_gone(&l));
    world_restart(l.world);
    assert_int_equal(tacit_session_load(world_session(l.world), PATIENCE_MS, &found, NULL),
                     TACIT_OK);

    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(server_counters(l.server).token_requests, 0);
    fake_store_fail(l.store, FAKE_ERASE, TACIT_OK);
    limited_free(&l);
}

/* R4: its answer is waited for; what it brings is revoked with the rest. */
static void a_refresh_under_way_is_waited_for(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    pass(&l, IDLE_MS - SECOND_MS);
    server_gate_close(l.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(tacit_session_refresh(world_session(l.world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
    assert_true(server_gate_waiters(l.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    pass(&l, SECOND_MS);
    look_a_while();
    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    server_gate_open(l.server, TS_TOKEN_ENDPOINT);

    assert_ended(&l, "max_idle_s");
    assert_int_equal(server_counters(l.server).refreshes_ok, 1);
    limited_free(&l);
}

static atomic_int not_revoked;

static void log_line(tacit_log_level level, const char *message, void *data) {
    (void)data;
    if (level == TACIT_LOG_WARNING && strstr(message, "was not revoked") != NULL)
        atomic_fetch_add(&not_revoked, 1);
}

static bool both_are_logged(void *data) {
    (void)data;
    return atomic_load(&not_revoked) == 2; /* the refresh token and the access token */
}

static void without_a_network_it_ends_all_the_same(void **state) {
    limited l;

    (void)state;
    limited_log = log_line;
    l = limited_new(NULL, IDLE_S, 0);
    limited_log = NULL;
    server_go_away(l.server);
    pass(&l, IDLE_MS);
    world_wait_event(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    world_wait(record_is_gone, &l, "the record to be erased");
    world_wait(both_are_logged, NULL, "what was not revoked to be logged");

    assert_int_equal(world_get(l.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(server_come_back(l.server));
    limited_free(&l);
}

/* The access token is revoked too, as by a sign-out. */
static void the_access_token_is_revoked_with_the_rest(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    tacit_token *token = world_token(l.world);

    (void)state;
    pass(&l, IDLE_MS);
    assert_ended(&l, "max_idle_s");

    assert_false(server_access_token_is_live(l.server, tacit_token_value(token)));
    tacit_token_unref(token);
    limited_free(&l);
}

static void limits_below_nothing_are_refused(void **state) {
    limited l = limited_new(NULL, 0, 0);
    tacit_session_options options = limited_options(&l, -1, 0).session;
    tacit_error error;

    (void)state;
    options.client_id = "test-client";
    assert_null(
        tacit_session_open(world_client(l.world), world_provider(l.world), &options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "max_idle_s"));
    options.max_idle_s = 0;
    options.max_age_s = -1;
    assert_null(
        tacit_session_open(world_client(l.world), world_provider(l.world), &options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "max_age_s"));
    limited_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_made_a_request_for_so_long),
        cmocka_unit_test(the_sign_in_is_so_old_whatever_uses_it),
        cmocka_unit_test(each_sign_in_counts_anew),
        cmocka_unit_test(a_sign_in_after_the_end_is_one_like_any_other),
        cmocka_unit_test(not_one_request_goes_out_after_a_suspend),
        cmocka_unit_test(whoever_waits_is_told_what_ended),
        cmocka_unit_test(a_token_for_another_stack_is_use),
        cmocka_unit_test(an_asynchronous_request_is_use),
        cmocka_unit_test(a_request_that_fails_is_use),
        cmocka_unit_test(neither_refreshes_nor_questions_are_use),
        cmocka_unit_test(a_background_refresh_is_no_use),
        cmocka_unit_test(the_strictest_session_counts),
        cmocka_unit_test(requests_of_a_session_without_limits_count_too),
        cmocka_unit_test(a_session_that_is_closed_limits_nothing),
        cmocka_unit_test(limits_that_come_later_count_from_then),
        cmocka_unit_test(a_session_may_find_that_its_limit_is_reached),
        cmocka_unit_test(a_sign_out_before_is_all_there_is),
        cmocka_unit_test(a_sign_out_after_it_has_nothing_to_do),
        cmocka_unit_test(a_locked_store_puts_nothing_off),
        cmocka_unit_test(a_record_that_stays_is_never_used_again),
        cmocka_unit_test(a_refresh_under_way_is_waited_for),
        cmocka_unit_test(without_a_network_it_ends_all_the_same),
        cmocka_unit_test(the_access_token_is_revoked_with_the_rest),
        cmocka_unit_test(limits_below_nothing_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
