#include "exchange_fixture.h"

#include <string.h>

/* A 401, after which the token with this id is there at once. */
static ti_step late_401(ti_exchange *exchange, uint64_t id) {
    assert_int_equal(ti_exchange_answered(exchange, &REFUSED), TI_STEP_TOKEN);
    assert_false(exchange->wait);
    assert_ptr_equal(exchange->need.refused, exchange->token);
    return ti_exchange_token(exchange, token_of(0, id), NULL);
}

/* A 401, after which a refresh has to bring it. */
static ti_step refreshed_401(ti_exchange *exchange, uint64_t id) {
    assert_int_equal(ti_exchange_answered(exchange, &REFUSED), TI_STEP_TOKEN);
    assert_int_equal(ti_exchange_no_token(exchange, TACIT_ERR_TIMEOUT), TI_STEP_TOKEN);
    assert_true(exchange->wait);
    assert_ptr_equal(exchange->need.refused, exchange->token);
    return ti_exchange_token(exchange, token_of(0, id), NULL);
}

static const ti_exchange_plan GET = {.method = "GET"};
static const ti_exchange_plan POST = {.method = "POST", .body = true};
static const ti_exchange_plan STREAM = {.method = "PUT", .body = true, .streamed = true};
static const ti_exchange_plan STREAM_AGAIN = {
    .method = "PUT", .body = true, .streamed = true, .rewindable = true};

static void an_answer_that_is_not_about_the_token_is_the_callers(void **state) {
    (void)state;
    static const int statuses[] = {200, 204, 400, 401, 403, 404, 429, 500, 503};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ti_exchange exchange = sending(&GET);
        ti_exchange_answer answer = {.status = statuses[i], .may_force = true};

        assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_ANSWER);
        assert_int_equal(exchange.sends, 1);
    }
}

static void without_a_token_nothing_is_sent(void **state) {
    (void)state;
    static const tacit_status statuses[] = {TACIT_ERR_TIMEOUT, TACIT_ERR_SIGN_IN_REQUIRED,
                                            TACIT_ERR_NETWORK, TACIT_ERR_CLOSED};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ti_exchange exchange = begun(&GET);

        assert_int_equal(ti_exchange_no_token(&exchange, statuses[i]), TI_STEP_FAIL);
    }
}

static void a_refresh_after_a_401_is_the_replay(void **state) {
    (void)state;
    ti_exchange exchange = sending(&GET);

    assert_int_equal(refreshed_401(&exchange, 2), TI_STEP_SEND);

    assert_true(exchange.replayed);
    assert_int_equal(exchange.sends, 2);
    assert_ptr_equal(exchange.token, token_of(0, 2));
    assert_int_equal(ti_exchange_answered(&exchange, &OK), TI_STEP_ANSWER);
}

static void a_late_401_does_not_use_the_replay(void **state) {
    (void)state;
    ti_exchange exchange = sending(&GET);

    assert_int_equal(late_401(&exchange, 2), TI_STEP_SEND);
    assert_false(exchange.replayed);
    assert_int_equal(refreshed_401(&exchange, 3), TI_STEP_SEND);
    assert_true(exchange.replayed);
    assert_int_equal(exchange.sends, 3);
}

static void a_401_after_the_replay_is_the_answer(void **state) {
    (void)state;
    ti_exchange exchange = sending(&GET);

    refreshed_401(&exchange, 2);

    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_ANSWER);
    assert_int_equal(exchange.sends, 2);
}

static void there_are_three_sends_at_most(void **state) {
    (void)state;
    ti_exchange exchange = sending(&GET);

    assert_int_equal(late_401(&exchange, 2), TI_STEP_SEND);
    assert_int_equal(late_401(&exchange, 3), TI_STEP_SEND);

    assert_false(exchange.replayed);
    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_ANSWER);
    assert_int_equal(exchange.sends, TI_SENDS_MAX);
}

static void a_failed_refresh_is_the_error(void **state) {
    (void)state;
    static const tacit_status statuses[] = {TACIT_ERR_NETWORK, TACIT_ERR_SIGN_IN_REQUIRED,
                                            TACIT_ERR_REFRESH_STORM, TACIT_ERR_TIMEOUT};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ti_exchange exchange = sending(&GET);

        ti_exchange_answered(&exchange, &REFUSED);
        ti_exchange_no_token(&exchange, TACIT_ERR_TIMEOUT);

        assert_int_equal(ti_exchange_no_token(&exchange, statuses[i]), TI_STEP_FAIL);
    }
}

static void only_a_refresh_under_way_is_waited_for(void **state) {
    (void)state;
    ti_exchange exchange = sending(&GET);

    ti_exchange_answered(&exchange, &REFUSED);

    assert_int_equal(ti_exchange_no_token(&exchange, TACIT_ERR_SERVER), TI_STEP_FAIL);
}

/* R14 */
static void an_origin_that_may_not_force_gets_only_what_is_there(void **state) {
    (void)state;
    static const ti_exchange_answer refusal = {.status = 401, .refuses_token = true};
    ti_exchange same = sending(&GET), newer = sending(&GET), none = sending(&GET);

    assert_int_equal(ti_exchange_answered(&same, &refusal), TI_STEP_TOKEN);
    assert_null(same.need.refused);
    assert_false(same.wait);
    assert_int_equal(ti_exchange_token(&same, token_of(0, 1), NULL), TI_STEP_ANSWER);
    assert_int_equal(same.sends, 1);

    ti_exchange_answered(&newer, &refusal);
    assert_int_equal(ti_exchange_token(&newer, token_of(0, 2), NULL), TI_STEP_SEND);
    assert_false(newer.replayed);

    ti_exchange_answered(&none, &refusal);
    assert_int_equal(ti_exchange_no_token(&none, TACIT_ERR_TIMEOUT), TI_STEP_ANSWER);
}

/* R16 */
static void a_replay_as_someone_else_ends_signed_out(void **state) {
    (void)state;
    tacit_error error = TACIT_ERROR_INIT;
    ti_exchange at_once = sending(&GET), waited = sending(&GET);

    ti_exchange_answered(&at_once, &REFUSED);
    assert_int_equal(ti_exchange_token(&at_once, token_of(1, 2), &error), TI_STEP_FAIL);
    assert_int_equal(error.status, TACIT_ERR_SIGNED_OUT);

    error.status = TACIT_OK;
    ti_exchange_answered(&waited, &REFUSED);
    ti_exchange_no_token(&waited, TACIT_ERR_TIMEOUT);
    assert_int_equal(ti_exchange_token(&waited, token_of(1, 2), &error), TI_STEP_FAIL);
    assert_int_equal(error.status, TACIT_ERR_SIGNED_OUT);
}

static void a_streamed_body_wants_a_token_that_lives(void **state) {
    (void)state;
    static const struct {
        bool streamed;
        int asked, wanted;
    } rows[] = {
        {false, 0, 0},
        {false, 5, 5},
        {true, 0, TI_STREAM_MIN_VALID_S},
        {true, 5, TI_STREAM_MIN_VALID_S},
        {true, 600, 600},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange_plan plan = {.method = "PUT",
                                 .body = true,
                                 .streamed = rows[i].streamed,
                                 .min_valid_s = rows[i].asked};

        assert_int_equal(begun(&plan).need.min_valid_s, rows[i].wanted);
    }
}

static void a_streamed_body_is_rewound_before_the_replay(void **state) {
    (void)state;
    ti_exchange_answer refusal = REFUSED;
    ti_exchange exchange = sending(&STREAM_AGAIN);

    refusal.body_begun = true;
    ti_exchange_answered(&exchange, &refusal);

    assert_int_equal(ti_exchange_token(&exchange, token_of(0, 2), NULL), TI_STEP_REWIND);
    assert_int_equal(ti_exchange_rewound(&exchange, true, NULL), TI_STEP_SEND);
    assert_true(exchange.with_body);
}

static void a_body_of_which_nothing_was_read_needs_no_rewind(void **state) {
    (void)state;
    ti_exchange exchange = sending(&STREAM);

    assert_int_equal(refreshed_401(&exchange, 2), TI_STEP_SEND);
}

static void a_body_in_memory_needs_no_rewind(void **state) {
    (void)state;
    ti_exchange exchange = sending(&POST);

    assert_int_equal(refreshed_401(&exchange, 2), TI_STEP_SEND);
    assert_true(exchange.with_body);
}

/* The token is renewed all the same: the caller sends it anew, and that works. */
static void a_body_that_cannot_be_rewound_fails_after_the_refresh(void **state) {
    (void)state;
    static const ti_exchange_plan *const plans[] = {&STREAM, &STREAM_AGAIN};
    ti_exchange_answer refusal = REFUSED;

    refusal.body_begun = true;
    for (size_t i = 0; i < 2; i++) {
        tacit_error error = TACIT_ERROR_INIT;
        ti_exchange exchange = sending(plans[i]);
        ti_step step;

        assert_int_equal(ti_exchange_answered(&exchange, &refusal), TI_STEP_TOKEN);
        assert_int_equal(ti_exchange_no_token(&exchange, TACIT_ERR_TIMEOUT), TI_STEP_TOKEN);
        step = ti_exchange_token(&exchange, token_of(0, 2), &error);
        if (step == TI_STEP_REWIND) step = ti_exchange_rewound(&exchange, false, &error);

        assert_int_equal(step, TI_STEP_FAIL);
        assert_int_equal(error.status, TACIT_ERR_BODY_NOT_REPLAYABLE);
        assert_int_equal(error.http_status, 401);
        assert_true(error.retryable);
    }
}

static void redirects_change_the_method_as_the_rfc_says(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *method;
        bool body;
        const char *next;
        bool next_body;
    } rows[] = {
        {301, "GET", false, "GET", false},   {301, "POST", true, "GET", false},
        {302, "POST", true, "GET", false},   {302, "PUT", true, "PUT", true},
        {303, "POST", true, "GET", false},   {303, "PUT", true, "GET", false},
        {303, "HEAD", false, "HEAD", false}, {307, "POST", true, "POST", true},
        {308, "POST", true, "POST", true},   {308, "DELETE", false, "DELETE", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange_plan plan = {.method = rows[i].method, .body = rows[i].body};
        ti_exchange_answer answer = {.status = rows[i].status, .location = true};
        ti_exchange exchange = sending(&plan);

        assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_FOLLOW);
        assert_int_equal(ti_exchange_followed(&exchange, false, NULL), TI_STEP_SEND);
        assert_string_equal(exchange.method, rows[i].next);
        assert_int_equal(exchange.with_body, rows[i].next_body);
        assert_int_equal(exchange.sends, 1);
        assert_false(exchange.foreign);
    }
}

static void what_cannot_be_followed_is_the_answer(void **state) {
    (void)state;
    static const struct {
        int status;
        bool location, no_redirects;
    } rows[] = {{304, true, false}, {300, true, false}, {302, false, false},
                {302, true, true},  {200, true, false}, {201, true, false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange_plan plan = {.method = "GET", .no_redirects = rows[i].no_redirects};
        ti_exchange_answer answer = {.status = rows[i].status, .location = rows[i].location};
        ti_exchange exchange = sending(&plan);

        assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_ANSWER);
    }
}

static void the_eleventh_redirect_is_the_answer(void **state) {
    (void)state;
    static const ti_exchange_answer redirect = {.status = 302, .location = true};
    ti_exchange exchange = sending(&GET);

    for (int i = 0; i < 10; i++) {
        assert_int_equal(ti_exchange_answered(&exchange, &redirect), TI_STEP_FOLLOW);
        assert_int_equal(ti_exchange_followed(&exchange, false, NULL), TI_STEP_SEND);
    }

    assert_int_equal(ti_exchange_answered(&exchange, &redirect), TI_STEP_ANSWER);
}

/* R11 */
static void the_401_of_a_foreign_origin_is_just_an_answer(void **state) {
    (void)state;
    static const ti_exchange_answer redirect = {.status = 307, .location = true};
    ti_exchange exchange = sending(&GET);

    ti_exchange_answered(&exchange, &redirect);
    assert_int_equal(ti_exchange_followed(&exchange, true, NULL), TI_STEP_SEND);

    assert_true(exchange.foreign);
    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_ANSWER);
}

static void a_foreign_origin_cannot_send_the_token_back(void **state) {
    (void)state;
    static const ti_exchange_answer redirect = {.status = 307, .location = true};
    ti_exchange exchange = sending(&GET);

    ti_exchange_answered(&exchange, &redirect);
    ti_exchange_followed(&exchange, true, NULL);
    ti_exchange_answered(&exchange, &redirect);
    assert_int_equal(ti_exchange_followed(&exchange, false, NULL), TI_STEP_SEND);

    assert_true(exchange.foreign);
    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_ANSWER);
}

static void a_hop_within_the_origins_may_be_replayed(void **state) {
    (void)state;
    static const ti_exchange_answer redirect = {.status = 307, .location = true};
    ti_exchange exchange = sending(&POST);

    ti_exchange_answered(&exchange, &redirect);
    ti_exchange_followed(&exchange, false, NULL);

    assert_int_equal(refreshed_401(&exchange, 2), TI_STEP_SEND);
    assert_true(exchange.with_body);
    assert_int_equal(ti_exchange_answered(&exchange, &redirect), TI_STEP_FOLLOW);
}

static void a_streamed_body_follows_only_if_it_can_be_rewound(void **state) {
    (void)state;
    static const struct {
        const ti_exchange_plan *plan;
        int status;
        bool begun;
        ti_step expected;
    } rows[] = {
        {&STREAM_AGAIN, 307, true, TI_STEP_REWIND}, {&STREAM_AGAIN, 303, true, TI_STEP_SEND},
        {&STREAM, 307, true, TI_STEP_FAIL},         {&STREAM, 303, true, TI_STEP_SEND},
        {&STREAM, 308, false, TI_STEP_SEND},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error = TACIT_ERROR_INIT;
        ti_exchange_answer answer = {
            .status = rows[i].status, .location = true, .body_begun = rows[i].begun};
        ti_exchange exchange = sending(rows[i].plan);

        assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_FOLLOW);
        assert_int_equal(ti_exchange_followed(&exchange, false, &error), rows[i].expected);
        if (rows[i].expected != TI_STEP_FAIL) continue;
        assert_int_equal(error.status, TACIT_ERR_BODY_NOT_REPLAYABLE);
        assert_int_equal(error.http_status, rows[i].status);
        assert_false(error.retryable);
    }
}

/* A 307 keeps the method of the hop before it, not that of the request. */
static void a_body_that_was_dropped_does_not_come_back(void **state) {
    (void)state;
    static const ti_exchange_answer see_other = {.status = 303, .location = true};
    static const ti_exchange_answer temporary = {.status = 307, .location = true};
    ti_exchange exchange = sending(&POST);

    ti_exchange_answered(&exchange, &see_other);
    ti_exchange_followed(&exchange, false, NULL);
    ti_exchange_answered(&exchange, &temporary);
    ti_exchange_followed(&exchange, false, NULL);

    assert_string_equal(exchange.method, "GET");
    assert_false(exchange.with_body);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_is_not_about_the_token_is_the_callers),
        cmocka_unit_test(without_a_token_nothing_is_sent),
        cmocka_unit_test(a_refresh_after_a_401_is_the_replay),
        cmocka_unit_test(a_late_401_does_not_use_the_replay),
        cmocka_unit_test(a_401_after_the_replay_is_the_answer),
        cmocka_unit_test(there_are_three_sends_at_most),
        cmocka_unit_test(a_failed_refresh_is_the_error),
        cmocka_unit_test(only_a_refresh_under_way_is_waited_for),
        cmocka_unit_test(an_origin_that_may_not_force_gets_only_what_is_there),
        cmocka_unit_test(a_replay_as_someone_else_ends_signed_out),
        cmocka_unit_test(a_streamed_body_wants_a_token_that_lives),
        cmocka_unit_test(a_streamed_body_is_rewound_before_the_replay),
        cmocka_unit_test(a_body_of_which_nothing_was_read_needs_no_rewind),
        cmocka_unit_test(a_body_in_memory_needs_no_rewind),
        cmocka_unit_test(a_body_that_cannot_be_rewound_fails_after_the_refresh),
        cmocka_unit_test(redirects_change_the_method_as_the_rfc_says),
        cmocka_unit_test(what_cannot_be_followed_is_the_answer),
        cmocka_unit_test(the_eleventh_redirect_is_the_answer),
        cmocka_unit_test(the_401_of_a_foreign_origin_is_just_an_answer),
        cmocka_unit_test(a_foreign_origin_cannot_send_the_token_back),
        cmocka_unit_test(a_hop_within_the_origins_may_be_replayed),
        cmocka_unit_test(a_streamed_body_follows_only_if_it_can_be_rewound),
        cmocka_unit_test(a_body_that_was_dropped_does_not_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
