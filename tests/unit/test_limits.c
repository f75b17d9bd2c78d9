/* The app's own limits: when a sign-in is over by them, and what a request changes. */
#include "session/limits.h"

#include "tests/support/unit.h"

#define MIN_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MIN_MS)

/* Of a sign-in that began at `began`; a limit of 0 is none. */
static ti_limits some_limits(int64_t began, int64_t max_idle_ms, int64_t max_age_ms) {
    ti_limits limits;

    ti_limits_init(&limits);
    ti_use_begin(&limits.use, began);
    if (max_idle_ms > 0) atomic_store(&limits.max_idle_ms, max_idle_ms);
    if (max_age_ms > 0) atomic_store(&limits.age_over_boot_ms, began + max_age_ms);
    return limits;
}

typedef struct limit_case {
    int64_t max_idle_ms, max_age_ms, used_ms, now_ms;
    int64_t over_ms;
    ti_limit reached;
    const char *why;
} limit_case;

static void the_first_limit_that_is_reached_ends_it(void **state) {
    static const limit_case cases[] = {
        {0, 0, 0, INT64_MAX - 1, TI_NEVER, TI_LIMIT_NONE, "no limit"},
        {HOUR_MS, 0, 0, HOUR_MS - 1, HOUR_MS, TI_LIMIT_NONE, "a moment before"},
        {HOUR_MS, 0, 0, HOUR_MS, HOUR_MS, TI_LIMIT_IDLE, "idle"},
        {HOUR_MS, 0, MIN_MS, HOUR_MS, HOUR_MS + MIN_MS, TI_LIMIT_NONE, "used meanwhile"},
        {0, HOUR_MS, 0, HOUR_MS - 1, HOUR_MS, TI_LIMIT_NONE, "a moment before"},
        {0, HOUR_MS, HOUR_MS - 1, HOUR_MS, HOUR_MS, TI_LIMIT_AGE, "old, whatever uses it"},
        {MIN_MS, HOUR_MS, 0, 9 * HOUR_MS, MIN_MS, TI_LIMIT_IDLE, "both: idle was first"},
        {MIN_MS, HOUR_MS, HOUR_MS - 1, 9 * HOUR_MS, HOUR_MS, TI_LIMIT_AGE, "both: age was first"},
        {INT32_MAX * INT64_C(1000), 0, 0, HOUR_MS, INT32_MAX * INT64_C(1000), TI_LIMIT_NONE,
         "the longest that an app can ask for"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const limit_case *c = &cases[i];
        ti_limits limits = some_limits(0, c->max_idle_ms, c->max_age_ms);

        atomic_store(&limits.use.used_boot_ms, c->used_ms);
        print_message("%s\n", c->why);
        assert_int_equal(ti_limits_over_boot_ms(&limits), c->over_ms);
        assert_int_equal(ti_limits_reached(&limits, c->now_ms), c->reached);
    }
}

static void nothing_ends_what_nobody_knows(void **state) {
    ti_limits limits = some_limits(0, MIN_MS, 0);
    bool first;

    (void)state;
    ti_limits_forget(&limits);

    assert_int_equal(ti_limits_over_boot_ms(&limits), TI_NEVER);
    assert_true(ti_limits_admit(&limits, HOUR_MS, &first));
    assert_false(ti_use_is_known(&limits.use));
}

static void a_request_puts_the_idle_limit_off(void **state) {
    ti_limits limits = some_limits(0, HOUR_MS, 0);
    bool first;

    (void)state;
    assert_true(ti_limits_admit(&limits, HOUR_MS - 1, &first));

    assert_int_equal(ti_limits_over_boot_ms(&limits), 2 * HOUR_MS - 1);
}

static void a_request_that_comes_too_late_changes_nothing(void **state) {
    ti_limits limits = some_limits(0, HOUR_MS, 0), old = some_limits(0, 0, HOUR_MS);
    bool first;

    (void)state;
    assert_false(ti_limits_admit(&limits, HOUR_MS, &first));
    assert_int_equal(ti_limits_reached(&limits, HOUR_MS), TI_LIMIT_IDLE);
    assert_false(atomic_load(&limits.unsaved));

    assert_false(ti_limits_admit(&old, HOUR_MS, &first));
}

/* Whoever was slow to look at the clock. */
static void an_older_request_does_not_take_a_newer_one_back(void **state) {
    ti_limits limits = some_limits(0, HOUR_MS, 0);
    bool first;

    (void)state;
    ti_limits_admit(&limits, 2 * MIN_MS, &first);
    ti_limits_admit(&limits, MIN_MS, &first);

    assert_int_equal(atomic_load(&limits.use.used_boot_ms), 2 * MIN_MS);
}

static void only_the_first_request_since_a_save_asks_for_another(void **state) {
    ti_limits limits = some_limits(0, HOUR_MS, 0);
    bool first;

    (void)state;
    ti_limits_admit(&limits, 1, &first);
    assert_true(first);
    ti_limits_admit(&limits, 2, &first);
    assert_false(first);

    atomic_store(&limits.unsaved, false); /* as the save does */
    ti_limits_admit(&limits, 3, &first);
    assert_true(first);
}

static void an_age_limit_alone_writes_nothing_down(void **state) {
    ti_limits limits = some_limits(0, 0, HOUR_MS);
    bool first;

    (void)state;
    assert_true(ti_limits_admit(&limits, MIN_MS, &first));

    assert_false(first);
    assert_int_equal(atomic_load(&limits.use.used_boot_ms), 0);
}

static void a_use_is_saved_ten_times_as_often_as_the_limit_at_least(void **state) {
    (void)state;
    assert_int_equal(ti_limits_save_pause_ms(1000), 100);
    assert_int_equal(ti_limits_save_pause_ms(MIN_MS), 6000);
    assert_int_equal(ti_limits_save_pause_ms(10 * MIN_MS), MIN_MS);
    assert_int_equal(ti_limits_save_pause_ms(24 * HOUR_MS), MIN_MS);
    assert_int_equal(ti_limits_save_pause_ms(TI_NEVER), MIN_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_limit_that_is_reached_ends_it),
        cmocka_unit_test(nothing_ends_what_nobody_knows),
        cmocka_unit_test(a_request_puts_the_idle_limit_off),
        cmocka_unit_test(a_request_that_comes_too_late_changes_nothing),
        cmocka_unit_test(an_older_request_does_not_take_a_newer_one_back),
        cmocka_unit_test(only_the_first_request_since_a_save_asks_for_another),
        cmocka_unit_test(an_age_limit_alone_writes_nothing_down),
        cmocka_unit_test(a_use_is_saved_ten_times_as_often_as_the_limit_at_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
