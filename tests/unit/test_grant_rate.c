#include "session/grant_rate.h"

#include "tests/support/unit.h"

#define MIN_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MIN_MS)
#define FREE INT64_MIN
#define TIMES_MAX 12

/* One row: refreshes at these times, and from when on one more may go. */
typedef struct rate_case {
    unsigned limit;
    int64_t at_ms[TIMES_MAX]; /* ends with -1 */
    int64_t background_ms, needed_ms;
    const char *why;
} rate_case;

static void refreshes_stay_under_the_limit_of_any_hour(void **state) {
    static const rate_case cases[] = {
        {10, {-1}, FREE, FREE, "none yet"},
        {10, {0, 0, 0, 0, -1}, FREE, FREE, "four of ten"},
        {10, {0, 1, 2, 3, 4, -1}, HOUR_MS, FREE, "half of them: the background waits"},
        {10, {0, 1, 2, 3, 4, 5, -1}, HOUR_MS + MIN_MS, FREE, "... until its minute is an hour ago"},
        {10, {0, 1, 2, 3, 4, 5, 6, 7, -1}, HOUR_MS + MIN_MS, FREE, "eight"},
        {10, {0, 1, 2, 3, 4, 5, 6, 7, 8, -1}, HOUR_MS + MIN_MS, HOUR_MS, "the tenth is never sent"},
        {10,
         {0, 0, MIN_MS, MIN_MS, MIN_MS, MIN_MS, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, -1},
         HOUR_MS + MIN_MS,
         HOUR_MS,
         "a rolling hour: the first two have just left it"},
        {10,
         {0, 0, 0, 0, 0, HOUR_MS + 1, -1},
         FREE,
         FREE,
         "what is older than an hour is forgotten"},
        {10, {5, 5, 5, 5, 5, 99 * HOUR_MS, -1}, FREE, FREE, "... long ago, too"},
        {10,
         {MIN_MS, MIN_MS, MIN_MS, MIN_MS, 0, -1},
         HOUR_MS + MIN_MS,
         FREE,
         "a clock that is behind"},
        {3, {0, -1}, HOUR_MS, FREE, "half of three"},
        {3, {0, 7, -1}, HOUR_MS + MIN_MS, HOUR_MS, "two of three"},
        {2, {5, -1}, HOUR_MS + MIN_MS, HOUR_MS + MIN_MS, "one of two"},
        {1, {-1}, FREE, FREE, "a limit of one allows one all the same"},
        {1, {5, -1}, HOUR_MS + MIN_MS, HOUR_MS + MIN_MS, "... and no more"},
        {0, {0, 0, 0, 0, 0, 0, -1}, FREE, FREE, "no limit"},
        {INT32_MAX, {0, 0, 0, -1}, FREE, FREE, "a limit that is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rate_case *c = &cases[i];
        ti_grant_rate rate = {.limit = c->limit};
        int64_t background, needed;

        for (size_t k = 0; c->at_ms[k] >= 0; k++) ti_grant_rate_note(&rate, c->at_ms[k]);
        background = ti_grant_rate_free_at(&rate, TI_GRANT_IN_BACKGROUND);
        needed = ti_grant_rate_free_at(&rate, TI_GRANT_NEEDED);
        if (background != c->background_ms || needed != c->needed_ms)
            fail_msg("%s: %lld, %lld", c->why, (long long)background, (long long)needed);
    }
}

static void a_minute_of_too_many_is_counted_as_many(void **state) {
    ti_grant_rate rate = {.limit = UINT8_MAX + 1};

    (void)state;
    for (int i = 0; i < 1000; i++) ti_grant_rate_note(&rate, MIN_MS);
    assert_int_equal(rate.counts[0], UINT8_MAX);
    assert_int_equal(ti_grant_rate_free_at(&rate, TI_GRANT_NEEDED), HOUR_MS + MIN_MS);
}

static void what_is_taken_back_was_never_there(void **state) {
    ti_grant_rate rate = {.limit = 2};

    (void)state;
    ti_grant_rate_note(&rate, MIN_MS);
    ti_grant_rate_take_back(&rate);
    assert_int_equal(ti_grant_rate_free_at(&rate, TI_GRANT_NEEDED), FREE);
    ti_grant_rate_take_back(&rate);
    assert_int_equal(ti_grant_rate_free_at(&rate, TI_GRANT_NEEDED), FREE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refreshes_stay_under_the_limit_of_any_hour),
        cmocka_unit_test(what_is_taken_back_was_never_there),
        cmocka_unit_test(a_minute_of_too_many_is_counted_as_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
