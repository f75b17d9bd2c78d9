/* What an exchange makes of answers and failures that may be tried again. */
#include "exchange_fixture.h"

#include <limits.h>

static const ti_exchange_answer BUSY = {.status = 503};
static const ti_exchange_answer NOTHING = {.status = 0};

static ti_exchange getting(unsigned retries_max) {
    return sending(&(ti_exchange_plan){.method = "GET", .retries_max = retries_max});
}

/* After TI_STEP_PAUSE, with the token that there is then. */
static ti_step resumed(ti_exchange *exchange, uint64_t id) {
    assert_int_equal(ti_exchange_paused(exchange, NULL), TI_STEP_TOKEN);
    assert_true(exchange->wait);
    assert_null(exchange->need.refused);
    return ti_exchange_token(exchange, token_of(0, id), NULL);
}

static void what_may_be_tried_again(void **state) {
    (void)state;
    static const struct {
        const char *method;
        int status;
        tacit_status failure;
        bool retried;
    } rows[] = {
        {"GET", 503, TACIT_OK, true},
        {"GET", 429, TACIT_OK, true},
        {"HEAD", 503, TACIT_OK, true},
        {"OPTIONS", 503, TACIT_OK, true},
        {"PUT", 503, TACIT_OK, true},
        {"DELETE", 503, TACIT_OK, true},
        {"GET", 0, TACIT_ERR_NETWORK, true},
        {"GET", 0, TACIT_ERR_TIMEOUT, true}, /* of connecting; its own leaves no time for a pause */
        {"DELETE", 200, TACIT_ERR_NETWORK, true}, /* half an answer */

        {"POST", 503, TACIT_OK, false},
        {"PATCH", 429, TACIT_OK, false},
        {"get", 503, TACIT_OK, false}, /* another method (RFC 9110 section 9.1) */
        {"PURGE", 503, TACIT_OK, false},
        {"POST", 0, TACIT_ERR_NETWORK, false},
        {"GET", 200, TACIT_OK, false},
        {"GET", 404, TACIT_OK, false},
        {"GET", 500, TACIT_OK, false},
        {"GET", 502, TACIT_OK, false},
        {"GET", 504, TACIT_OK, false},
        {"GET", 0, TACIT_ERR_TLS, false},
        {"GET", 0, TACIT_ERR_CANCELLED, false},
        {"GET", 0, TACIT_ERR_TOO_LARGE, false},
        {"GET", 200, TACIT_ERR_FILE, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange_plan plan = {.method = rows[i].method, .retries_max = 1};
        ti_exchange exchange = sending(&plan);
        ti_exchange_answer answer = {.status = rows[i].status};
        bool failed = rows[i].failure != TACIT_OK;
        ti_step otherwise = failed ? TI_STEP_FAIL : TI_STEP_ANSWER, step;

        step = failed ? ti_exchange_failed(&exchange, rows[i].failure, &answer)
                      : ti_exchange_answered(&exchange, &answer);
        if (step != (rows[i].retried ? TI_STEP_PAUSE : otherwise)) fail_msg("row %zu", i);
    }
}

static void without_the_option_nothing_is_tried_again(void **state) {
    (void)state;
    ti_exchange answered = getting(0), failed = getting(0);

    assert_int_equal(ti_exchange_answered(&answered, &BUSY), TI_STEP_ANSWER);
    assert_int_equal(ti_exchange_failed(&failed, TACIT_ERR_NETWORK, &NOTHING), TI_STEP_FAIL);
}

static void so_often_and_no_more(void **state) {
    (void)state;
    ti_exchange exchange = getting(2);

    assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_PAUSE);
    assert_int_equal(resumed(&exchange, 1), TI_STEP_SEND);
    assert_int_equal(ti_exchange_failed(&exchange, TACIT_ERR_NETWORK, &NOTHING), TI_STEP_PAUSE);
    assert_int_equal(resumed(&exchange, 1), TI_STEP_SEND);
    assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_ANSWER);

    assert_int_equal(exchange.retries, 2);
    assert_int_equal(exchange.sends, 3);
    assert_int_equal(exchange.tokens, 1);
}

static void pauses_grow_and_half_of_each_is_drawn(void **state) {
    (void)state;
    static const int whole_ms[] = {500, 1000, 2000, 4000, 8000, 10000, 10000, 10000};
    ti_exchange exchange = getting(100);

    for (size_t i = 0; i < sizeof whole_ms / sizeof *whole_ms; i++) {
        static const uint32_t numbers[] = {0, 1, 123456789, UINT32_MAX};
        int least = INT_MAX, most = 0;

        for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
            ti_exchange_answer answer = {.status = 503, .random = numbers[j]};

            assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_PAUSE);
            assert_in_range(exchange.pause_ms, whole_ms[i] / 2, whole_ms[i]);
            if (exchange.pause_ms < least) least = exchange.pause_ms;
            if (exchange.pause_ms > most) most = exchange.pause_ms;
        }
        assert_int_equal(least, whole_ms[i] / 2);
        assert_true(most > least);
        assert_int_equal(resumed(&exchange, 1), TI_STEP_SEND);
    }
    while (exchange.retries < 99) resumed(&exchange, 1);
    ti_exchange_answered(&exchange, &BUSY);
    assert_in_range(exchange.pause_ms, 5000, 10000);
}

static void the_server_says_how_long(void **state) {
    (void)state;
    static const struct {
        int retry_after_s, pause_ms;
    } rows[] = {{1, 1000}, {7, 7000}, {3600, 3600000}, {INT_MAX, INT_MAX / 1000 * 1000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange exchange = getting(1);
        ti_exchange_answer answer = {.status = 429, .retry_after_s = rows[i].retry_after_s};

        assert_int_equal(ti_exchange_answered(&exchange, &answer), TI_STEP_PAUSE);
        assert_int_equal(exchange.pause_ms, rows[i].pause_ms);
    }
}

static void what_the_caller_has_got_cannot_be_taken_back(void **state) {
    (void)state;
    static const ti_exchange_answer half = {.status = 200, .delivered = true};
    ti_exchange exchange = getting(5);

    assert_int_equal(ti_exchange_failed(&exchange, TACIT_ERR_NETWORK, &half), TI_STEP_FAIL);
}

static void a_body_is_one_that_can_be_sent_again(void **state) {
    (void)state;
    static const struct {
        bool streamed, rewindable, begun;
        ti_step first, then;
    } rows[] = {
        {false, false, false, TI_STEP_PAUSE, TI_STEP_SEND},
        {true, true, true, TI_STEP_PAUSE, TI_STEP_REWIND},
        {true, true, false, TI_STEP_PAUSE, TI_STEP_SEND},
        {true, false, false, TI_STEP_PAUSE, TI_STEP_SEND},
        {true, false, true, TI_STEP_ANSWER, TI_STEP_ANSWER},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_exchange_plan plan = {.method = "PUT",
                                 .body = true,
                                 .streamed = rows[i].streamed,
                                 .rewindable = rows[i].rewindable,
                                 .retries_max = 1};
        ti_exchange_answer answer = {.status = 503, .body_begun = rows[i].begun};
        ti_exchange exchange = sending(&plan);

        assert_int_equal(ti_exchange_answered(&exchange, &answer), rows[i].first);
        if (rows[i].first != TI_STEP_PAUSE) continue;
        assert_int_equal(resumed(&exchange, 1), rows[i].then);
        if (rows[i].then == TI_STEP_REWIND) {
            assert_int_equal(ti_exchange_rewound(&exchange, true, NULL), TI_STEP_SEND);
        }
        assert_int_equal(ti_exchange_answered(&exchange, &OK), TI_STEP_ANSWER);
    }
}

static void a_body_that_does_not_rewind_after_all_is_an_error(void **state) {
    (void)state;
    static const ti_exchange_plan plan = {
        .method = "PUT", .body = true, .streamed = true, .rewindable = true, .retries_max = 1};
    static const ti_exchange_answer answer = {.status = 503, .body_begun = true};
    tacit_error error = TACIT_ERROR_INIT;
    ti_exchange exchange = sending(&plan);

    ti_exchange_answered(&exchange, &answer);
    assert_int_equal(resumed(&exchange, 1), TI_STEP_REWIND);

    assert_int_equal(ti_exchange_rewound(&exchange, false, &error), TI_STEP_FAIL);
    assert_int_equal(error.status, TACIT_ERR_BODY_NOT_REPLAYABLE);
    assert_int_equal(error.http_status, 503);
    assert_true(error.retryable);
}

static void a_token_that_came_meanwhile_is_taken(void **state) {
    (void)state;
    ti_exchange exchange = getting(1);

    ti_exchange_answered(&exchange, &BUSY);
    assert_int_equal(resumed(&exchange, 2), TI_STEP_SEND);

    assert_ptr_equal(exchange.token, token_of(0, 2));
    assert_false(exchange.replayed);
}

/* R16 */
static void a_retry_as_someone_else_ends_signed_out(void **state) {
    (void)state;
    tacit_error error = TACIT_ERROR_INIT;
    ti_exchange exchange = getting(1);

    ti_exchange_answered(&exchange, &BUSY);
    ti_exchange_paused(&exchange, NULL);

    assert_int_equal(ti_exchange_token(&exchange, token_of(1, 2), &error), TI_STEP_FAIL);
    assert_int_equal(error.status, TACIT_ERR_SIGNED_OUT);
}

static void without_a_token_there_is_no_retry(void **state) {
    (void)state;
    static const tacit_status statuses[] = {TACIT_ERR_TIMEOUT, TACIT_ERR_SIGN_IN_REQUIRED,
                                            TACIT_ERR_NETWORK};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ti_exchange exchange = getting(1);

        ti_exchange_answered(&exchange, &BUSY);
        ti_exchange_paused(&exchange, NULL);
        assert_int_equal(ti_exchange_no_token(&exchange, statuses[i]), TI_STEP_FAIL);
    }
}

/* Neither uses up what the other may. */
static void a_401_after_retries_is_replayed(void **state) {
    (void)state;
    ti_exchange exchange = getting(5);

    for (int i = 0; i < 4; i++) {
        assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_PAUSE);
        assert_int_equal(resumed(&exchange, 1), TI_STEP_SEND);
    }
    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_TOKEN);
    assert_ptr_equal(exchange.need.refused, token_of(0, 1));
    assert_false(exchange.wait);
    assert_int_equal(ti_exchange_no_token(&exchange, TACIT_ERR_TIMEOUT), TI_STEP_TOKEN);
    assert_int_equal(ti_exchange_token(&exchange, token_of(0, 2), NULL), TI_STEP_SEND);

    assert_true(exchange.replayed);
    assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_PAUSE);
    assert_int_equal(resumed(&exchange, 2), TI_STEP_SEND);
    assert_int_equal(ti_exchange_answered(&exchange, &REFUSED), TI_STEP_ANSWER);
    assert_int_equal(exchange.retries, 5);
    assert_int_equal(exchange.sends, 7);
}

static void the_hop_that_failed_is_tried_again(void **state) {
    (void)state;
    static const ti_exchange_plan plan = {.method = "POST", .body = true, .retries_max = 1};
    static const ti_exchange_answer see_other = {.status = 303, .location = true};
    ti_exchange exchange = sending(&plan);

    ti_exchange_answered(&exchange, &see_other);
    assert_int_equal(ti_exchange_followed(&exchange, false, NULL), TI_STEP_SEND);
    assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_PAUSE);
    assert_int_equal(resumed(&exchange, 1), TI_STEP_SEND);

    assert_string_equal(exchange.method, "GET");
    assert_false(exchange.with_body);
}

/* R11 */
static void a_foreign_hop_is_tried_again_without_a_token(void **state) {
    (void)state;
    static const ti_exchange_answer redirect = {.status = 307, .location = true};
    ti_exchange exchange = getting(1);

    ti_exchange_answered(&exchange, &redirect);
    ti_exchange_followed(&exchange, true, NULL);
    assert_int_equal(ti_exchange_answered(&exchange, &BUSY), TI_STEP_PAUSE);

    assert_int_equal(ti_exchange_paused(&exchange, NULL), TI_STEP_SEND);
    assert_true(exchange.foreign);
}

static void other_words_are_no_retry(void **state) {
    (void)state;
    static const ti_exchange_answer unsatisfiable = {.status = 416};
    ti_exchange exchange = getting(1);

    assert_int_equal(ti_exchange_reworded(&exchange, &unsatisfiable, NULL), TI_STEP_SEND);

    assert_int_equal(exchange.retries, 0);
    assert_int_equal(exchange.sends, 2);
    assert_int_equal(exchange.tokens, 1);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_tried_again),
        cmocka_unit_test(without_the_option_nothing_is_tried_again),
        cmocka_unit_test(so_often_and_no_more),
        cmocka_unit_test(pauses_grow_and_half_of_each_is_drawn),
        cmocka_unit_test(the_server_says_how_long),
        cmocka_unit_test(what_the_caller_has_got_cannot_be_taken_back),
        cmocka_unit_test(a_body_is_one_that_can_be_sent_again),
        cmocka_unit_test(a_body_that_does_not_rewind_after_all_is_an_error),
        cmocka_unit_test(a_token_that_came_meanwhile_is_taken),
        cmocka_unit_test(a_retry_as_someone_else_ends_signed_out),
        cmocka_unit_test(without_a_token_there_is_no_retry),
        cmocka_unit_test(a_401_after_retries_is_replayed),
        cmocka_unit_test(the_hop_that_failed_is_tried_again),
        cmocka_unit_test(a_foreign_hop_is_tried_again_without_a_token),
        cmocka_unit_test(other_words_are_no_retry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
