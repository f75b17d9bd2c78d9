#include "session/schedule.h"

#include "tests/support/unit.h"

#include "base/clock.h"

#define MIN_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MIN_MS)
#define TEN_YEARS_MS (INT64_C(315360000) * 1000)
#define DRAW_MAX UINT32_MAX

typedef struct due_case {
    int64_t issued_ms, lifetime_ms, refresh_in_s;
    int lead_s;
    uint32_t random;
    int64_t expected;
    const char *why;
} due_case;

static void tokens_are_due_before_their_end(void **state) {
    static const due_case cases[] = {
        {0, HOUR_MS, -1, 0, 0, HOUR_MS - 300000, "a tenth, at most 300 s"},
        {0, HOUR_MS, -1, 0, DRAW_MAX, HOUR_MS - 599999, "at most twice that"},
        {0, HOUR_MS, -1, 0, DRAW_MAX / 2 + 1, HOUR_MS - 450000, "the middle of the draw"},
        {500, HOUR_MS, -1, 0, 0, 500 + HOUR_MS - 300000, "counted from sending the grant"},
        {-HOUR_MS, HOUR_MS, -1, 0, 0, -300000, "of a record: issued before the boot"},
        {0, 20 * MIN_MS, -1, 0, 0, 18 * MIN_MS, "a tenth"},
        {0, 20 * MIN_MS, -1, 0, DRAW_MAX, 16 * MIN_MS + 1, "two tenths"},
        {0, 2 * MIN_MS, -1, 0, 0, 90000, "at least 30 s"},
        {0, 2 * MIN_MS, -1, 0, DRAW_MAX, 60001, "twice 30 s"},
        {0, MIN_MS, -1, 0, DRAW_MAX, 30000, "never more than half the lifetime"},
        {0, 40000, -1, 0, 0, 20000, "30 s would be more than half"},
        {0, 1000, -1, 0, DRAW_MAX, 500, "one second"},
        {0, 1, -1, 0, 0, 1, "one millisecond"},
        {7, 0, -1, 0, 0, 7, "over at once"},
        {0, HOUR_MS, -1, 60, DRAW_MAX, HOUR_MS - MIN_MS, "the app's lead, which nothing spreads"},
        {0, HOUR_MS, -1, 1800, 0, HOUR_MS / 2, "the app's lead, just half"},
        {0, HOUR_MS, -1, 1801, 0, HOUR_MS / 2, "the app's lead, cut to half"},
        {0, HOUR_MS, -1, INT32_MAX, 0, HOUR_MS / 2, "the app's lead, absurd"},
        {0, HOUR_MS, 60, 0, 0, MIN_MS, "the server's wish"},
        {0, HOUR_MS, 60, 600, DRAW_MAX, MIN_MS, "... wins over the app's lead"},
        {0, HOUR_MS, 0, 0, 0, 0, "... at once"},
        {0, HOUR_MS, 3600, 0, 0, HOUR_MS, "... at the very end"},
        {0, HOUR_MS, 3601, 0, 0, HOUR_MS, "... above the lifetime is cut to it"},
        {0, HOUR_MS, INT64_MAX, 0, 0, HOUR_MS, "... beyond all numbers"},
        {0, -1, 60, 0, 0, MIN_MS, "... without a lifetime"},
        {HOUR_MS, -1, INT64_MAX, 0, 0, TI_NEVER, "... beyond all numbers, without a lifetime"},
        {0, -1, -1, 0, 0, TI_NEVER, "unknown lifetime"},
        {0, -1, -1, 60, DRAW_MAX, TI_NEVER, "unknown lifetime, and a lead"},
        {0, TEN_YEARS_MS, -1, 0, 0, TEN_YEARS_MS - 300000, "ten years"},
        {0, INT64_MAX, -1, 0, 0, INT64_MAX - 300000, "the longest lifetime"},
        {HOUR_MS, INT64_MAX, -1, 0, 0, TI_NEVER, "... does not wrap around"},
        {HOUR_MS, INT64_MAX, INT64_MAX, 0, 0, TI_NEVER, "... nor with a wish above it"},
        {HOUR_MS, INT64_MAX, INT64_MAX / 1000, 0, 0, TI_NEVER, "... nor with a wish below it"},
        {INT64_MAX - 10, HOUR_MS, -1, 0, 0, TI_NEVER, "issued at the end of time"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const due_case *c = &cases[i];
        int64_t due =
            ti_schedule_due(c->issued_ms, c->lifetime_ms, c->refresh_in_s, c->lead_s, c->random);

        if (due != c->expected)
            fail_msg("%s: %lld, not %lld", c->why, (long long)due, (long long)c->expected);
    }
}

#define DAY_MS (24 * HOUR_MS)

typedef struct end_case {
    int64_t expires_ms, lifetime_ms;
    uint32_t random;
    int64_t renewal_ms, warning_ms;
    const char *why;
} end_case;

static void a_refresh_token_is_renewed_and_else_told_of_before_its_end(void **state) {
    static const end_case cases[] = {
        {30 * DAY_MS, 30 * DAY_MS, 0, 27 * DAY_MS - 300000, 27 * DAY_MS, "a month: 3 days before"},
        {30 * DAY_MS, 30 * DAY_MS, DRAW_MAX, 27 * DAY_MS - 599999, 27 * DAY_MS, "... spread"},
        {4 * DAY_MS, 4 * DAY_MS, 0, 3 * DAY_MS - 300000, 3 * DAY_MS, "a quarter"},
        {12 * DAY_MS, 12 * DAY_MS, 0, 9 * DAY_MS - 300000, 9 * DAY_MS, "a quarter, just 3 days"},
        {HOUR_MS, HOUR_MS, 0, 40 * MIN_MS, 45 * MIN_MS, "an hour"},
        {HOUR_MS, 4 * DAY_MS, 0, HOUR_MS - DAY_MS - 300000, HOUR_MS - DAY_MS, "in it already"},
        {MIN_MS, MIN_MS, DRAW_MAX, 30000, 45000, "never before half of the lifetime is over"},
        {4, 4, 0, 2, 3, "four milliseconds"},
        {7, 0, 0, 7, 7, "over at once"},
        {TI_NEVER, -1, 0, TI_NEVER, TI_NEVER, "unknown"},
        {1000, -1, 0, TI_NEVER, TI_NEVER, "an end without a lifetime"},
        {TI_NEVER, HOUR_MS, 0, TI_NEVER, TI_NEVER, "a lifetime that never ends"},
        {INT64_MAX - 1, INT64_MAX, 0, INT64_MAX - 1 - 3 * DAY_MS - 300000,
         INT64_MAX - 1 - 3 * DAY_MS, "the longest lifetime"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const end_case *c = &cases[i];
        int64_t renewal = ti_schedule_renewal(c->expires_ms, c->lifetime_ms, c->random);
        int64_t warning = ti_schedule_warning(c->expires_ms, c->lifetime_ms);

        if (renewal != c->renewal_ms) fail_msg("%s: renewed at %lld", c->why, (long long)renewal);
        if (warning != c->warning_ms) fail_msg("%s: told at %lld", c->why, (long long)warning);
    }
}

typedef struct loaded_case {
    int64_t due_ms, expires_ms, now_ms;
    uint32_t random;
    int64_t expected;
    const char *why;
} loaded_case;

static void loaded_tokens_that_are_due_are_spread(void **state) {
    static const loaded_case cases[] = {
        {1001, 5000, 1000, DRAW_MAX, 1001, "not due yet: as it was"},
        {TI_NEVER, TI_NEVER, 1000, DRAW_MAX, TI_NEVER, "never due"},
        {1000, HOUR_MS, 1000, 0, 1000, "due: the earliest"},
        {1000, HOUR_MS, 1000, DRAW_MAX, 1000 + 59999, "due: within a minute"},
        {0, 1000, 5000, 0, 5000, "over: the earliest"},
        {0, 1000, 5000, DRAW_MAX, 5000 + 59999, "over: within a minute"},
        {900, 21000, 1000, DRAW_MAX, 1000 + 9999, "at most half of what it still lives"},
        {900, 1002, 1000, DRAW_MAX, 1000, "one more millisecond"},
        {0, 5000, 5000, DRAW_MAX, 5000 + 59999, "over just now"},
        {-HOUR_MS, -MIN_MS, 0, 0, 0, "over before the boot"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const loaded_case *c = &cases[i];
        int64_t due = ti_schedule_due_loaded(c->due_ms, c->expires_ms, c->now_ms, c->random);

        if (due != c->expected)
            fail_msg("%s: %lld, not %lld", c->why, (long long)due, (long long)c->expected);
    }
}

typedef struct pause_case {
    unsigned failures;
    uint32_t random;
    int64_t expected;
    const char *why;
} pause_case;

/* R8 */
static void pauses_double_up_to_five_minutes(void **state) {
    static const pause_case cases[] = {
        {0, 0, 1000, "the shortest"},
        {0, DRAW_MAX, 1999, "first: up to a second more"},
        {1, DRAW_MAX, 2999, "second: up to two"},
        {8, 0, 1000, "the draw may always be 0"},
        {8, DRAW_MAX, 256999, "2^8 s"},
        {9, DRAW_MAX, 300999, "cut to five minutes"},
        {31, DRAW_MAX, 300999, "beyond the width of an int"},
        {UINT32_MAX, DRAW_MAX, 300999, "for ever"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t pause_ms = ti_schedule_backoff_ms(cases[i].failures, cases[i].random);

        if (pause_ms != cases[i].expected)
            fail_msg("%s: %lld, not %lld", cases[i].why, (long long)pause_ms,
                     (long long)cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_due_before_their_end),
        cmocka_unit_test(a_refresh_token_is_renewed_and_else_told_of_before_its_end),
        cmocka_unit_test(loaded_tokens_that_are_due_are_spread),
        cmocka_unit_test(pauses_double_up_to_five_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
