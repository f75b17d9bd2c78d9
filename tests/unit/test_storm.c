#include "session/storm.h"

#include "tests/support/unit.h"

#include <stdbool.h>

#define S INT64_C(1000)
#define MIN_MS (60 * S)
#define HOUR_MS (60 * MIN_MS)
#define STEPS_MAX 16

/* One row: forced grants at these times, and what became of the last. */
typedef struct storm_case {
    int64_t at_ms[STEPS_MAX]; /* ends with -1 */
    bool admitted;
    int64_t blocked_ms; /* after it */
    const char *why;
} storm_case;

static void forced_grants_are_limited(void **state) {
    static const storm_case cases[] = {
        {{0, -1}, true, 0, "the first"},
        {{0, 0, 0, 0, 0, -1}, true, 0, "five at once"},
        {{0, 0, 0, 0, 0, 0, -1}, false, MIN_MS, "six at once"},
        {{0, 1, 2, 3, 4, 29999, -1}, false, MIN_MS, "six within 30 s"},
        {{0, 1, 2, 3, 4, 30 * S, -1}, true, 0, "the first of six is 30 s ago"},
        {{0, 0, 0, 0, 0, 0, 60 * S, -1}, true, 0, "after the block"},
        {{0, 10 * S, 20 * S, 30 * S, 40 * S, 50 * S, 60 * S, 70 * S, 80 * S, 90 * S, -1},
         true,
         0,
         "ten in an hour"},
        {{0, 10 * S, 20 * S, 30 * S, 40 * S, 50 * S, 60 * S, 70 * S, 80 * S, 90 * S, 100 * S, -1},
         false,
         MIN_MS,
         "eleven in an hour"},
        {{0, 10 * S, 20 * S, 30 * S, 40 * S, 50 * S, 60 * S, 70 * S, 80 * S, 90 * S, HOUR_MS, -1},
         true,
         0,
         "the first of eleven is an hour ago"},
        {{0, 0, 0, 0, 0, 0, 29 * S, -1}, false, MIN_MS + MIN_MS, "the second block in a row"},
        {{0, 0, 0, 0, 0, 0, 1, 2, -1}, false, 4 * MIN_MS, "the third"},
        {{0, 0, 0, 0, 0, 0, 1, 2, 3, -1}, false, 8 * MIN_MS, "the fourth"},
        {{0, 0, 0, 0, 0, 0, 1, 2, 3, 4, -1}, false, 15 * MIN_MS, "the fifth, cut to 15 min"},
        {{0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, -1}, false, 15 * MIN_MS, "... and it stays so"},
        {{0, 0, 0, 0, 0, 0, 1, 2, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, -1},
         false,
         MIN_MS,
         "a quiet hour forgets the blocks"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_storm storm = {.blocks = 0};
        int64_t last = 0, blocked_ms;
        bool admitted = false;

        for (size_t k = 0; cases[i].at_ms[k] >= 0; k++) {
            last = cases[i].at_ms[k];
            admitted = ti_storm_admit(&storm, last);
        }
        blocked_ms = ti_storm_blocked_ms(&storm, last);
        if (admitted != cases[i].admitted || blocked_ms != cases[i].blocked_ms)
            fail_msg("%s: %d, blocked for %lld ms", cases[i].why, (int)admitted,
                     (long long)blocked_ms);
    }
}

static void block_runs_out(void **state) {
    ti_storm storm = {.blocks = 0};

    (void)state;
    assert_int_equal(ti_storm_blocked_ms(&storm, 0), 0);
    for (int i = 0; i < 6; i++) ti_storm_admit(&storm, 1000);
    assert_int_equal(ti_storm_blocked_ms(&storm, 1000), MIN_MS);
    assert_int_equal(ti_storm_blocked_ms(&storm, 1000 + MIN_MS - 1), 1);
    assert_int_equal(ti_storm_blocked_ms(&storm, 1000 + MIN_MS), 0);
    assert_int_equal(ti_storm_blocked_ms(&storm, INT64_MAX), 0);
}

/* Refused grants were never sent: they do not count, so that the block is no trap. */
static void refused_grants_do_not_count(void **state) {
    ti_storm storm = {.blocks = 0};

    (void)state;
    for (int i = 0; i < 1000; i++) ti_storm_admit(&storm, 0);
    assert_int_equal(storm.count, 5);
    for (int i = 0; i < 5; i++) assert_true(ti_storm_admit(&storm, 30 * S));
    assert_false(ti_storm_admit(&storm, 30 * S));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forced_grants_are_limited),
        cmocka_unit_test(block_runs_out),
        cmocka_unit_test(refused_grants_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
