#include "session/grant_rate.h"

#include "tests/support/unit.h"

#include <stdlib.h>

#define MIN_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MIN_MS)
#define FREE INT64_MIN
#define TIMES_MAX 12

/* One row: refreshes at these times, and from when on one more may go. */
typedef struct rate_case {
    int limit;
    int64_t at_ms[TIMES_MAX]; /* ends with -1 */
    int64_t background_ms, needed_ms;
    const char *why;
} rate_case;

static void refreshes_stay_under_the_limit_of_any_hour(void **state) {
    static const rate_case cases[] = {
        {10, {-1}, FREE, FREE, "none yet"},
        {10, {0, 0, 0, 0, -1}, FREE, FREE, "four of ten"},
        {10, {0, 1, 2, 3, 4, -1}, HOUR_MS, FREE, "half of them: the background waits"},
        {10, {0, 1, 2, 3, 4, 5, -1}, HOUR_MS + 1, FREE, "... until there is room for it again"},
        {10, {0, 1, 2, 3, 4, 5, 6, 7, -1}, HOUR_MS + 3, FREE, "eight"},
        {10, {0, 1, 2, 3, 4, 5, 6, 7, 8, -1}, HOUR_MS + 4, HOUR_MS, "the tenth is never sent"},
        {10,
         {0, 1, 2, 3, 4, 5, 6, 7, 8, HOUR_MS, HOUR_MS + 1, -1},
         HOUR_MS + 6,
         HOUR_MS + 2,
         "a rolling hour"},
        {3, {0, -1}, HOUR_MS, FREE, "half of three"},
        {3, {0, 7, -1}, HOUR_MS + 7, HOUR_MS, "two of three"},
        {2, {5, -1}, HOUR_MS + 5, HOUR_MS + 5, "one of two"},
        {1, {-1}, FREE, FREE, "a limit of one allows one all the same"},
        {1, {5, -1}, HOUR_MS + 5, HOUR_MS + 5, "... and no more"},
        {INT32_MAX, {0, 0, 0, -1}, FREE, FREE, "a limit that is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rate_case *c = &cases[i];
        ti_grant_rate *rate = ti_grant_rate_new(c->limit);
        int64_t background, needed;

        assert_non_null(rate);
        for (size_t k = 0; c->at_ms[k] >= 0; k++) ti_grant_rate_note(rate, c->at_ms[k]);
        background = ti_grant_rate_free_at(rate, TI_GRANT_IN_BACKGROUND);
        needed = ti_grant_rate_free_at(rate, TI_GRANT_NEEDED);
        if (background != c->background_ms || needed != c->needed_ms)
            fail_msg("%s: %lld, %lld", c->why, (long long)background, (long long)needed);
        free(rate);
    }
}

static void without_a_limit_nothing_waits(void **state) {
    (void)state;
    assert_int_equal(ti_grant_rate_free_at(NULL, TI_GRANT_IN_BACKGROUND), INT64_MIN);
    assert_int_equal(ti_grant_rate_free_at(NULL, TI_GRANT_NEEDED), INT64_MIN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refreshes_stay_under_the_limit_of_any_hour),
        cmocka_unit_test(without_a_limit_nothing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
