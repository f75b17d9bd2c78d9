#include "oauth/lifetime.h"

#include "oauth/json.h"
#include "tests/support/unit.h"

#include <string.h>

/* 2026-01-01T00:00:00Z */
#define NOW_S INT64_C(1767225600)
#define NOW_MS (NOW_S * 1000)

typedef struct row {
    const char *json;
    int64_t expected_s;
    const char *why;
} row;

static void check(const row *rows, size_t count, bool absolute) {
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(value);

        int64_t seconds =
            absolute ? ti_lifetime_absolute_s(value, NOW_MS) : ti_lifetime_relative_s(value);

        if (seconds != rows[i].expected_s) {
            fail_msg("%s: %s is %lld", rows[i].why, rows[i].json, (long long)seconds);
        }
        ti_json_wipe_and_free(value);
    }
}

static void reads_relative_lifetimes(void **state) {
    (void)state;
    static const row rows[] = {
        {"3600", 3600, "as RFC 6749 says"},
        {"\"3600\"", 3600, "a string"},
        {"3599.7", 3599, "a fraction is cut"},
        {"\"3.6e3\"", 3600, "an exponent in a string"},
        {"0.5", 1, "at least a second"},
        {"0", -1, "zero is unknown"},
        {"-300", -1, "negative is unknown"},
        {"\"-300\"", -1, "negative string"},
        {"1e300", TI_LIFETIME_MAX_S, "huge is clamped"},
        {"\"1e13\"", TI_LIFETIME_MAX_S, "huge string"},
        {"99999999999999999999999", TI_LIFETIME_MAX_S, "beyond 64 bits"},
        {"315360000", TI_LIFETIME_MAX_S, "ten years"},
        {"315359999", TI_LIFETIME_MAX_S - 1, "a second less"},
        {"null", -1, "null"},
        {"true", -1, "no number"},
        {"\"soon\"", -1, "no number either"},
        {"[3600]", -1, "an array"},
    };
    check(rows, sizeof rows / sizeof *rows, false);
    assert_int_equal(ti_lifetime_relative_s(NULL), -1);
}

static void reads_absolute_expiries(void **state) {
    (void)state;
    static const row rows[] = {
        {"1767229200", 3600, "epoch seconds"},
        {"\"1767229200\"", 3600, "as a string"},
        {"1767229200.9", 3600, "with a fraction"},
        {"1767229200000", 3600, "epoch milliseconds"},
        {"\"1767229200000\"", 3600, "as a string"},
        {"5184000", 5184000, "too small for a date: seconds from now"},
        {"\"5184000\"", 5184000, "as a string"},
        {"0", -1, "zero"},
        {"-1", -1, "negative"},
        {"1767225599", -1, "over already"},
        {"99999999999", TI_LIFETIME_MAX_S, "far away"},
        {"\"2026-01-01T01:00:00Z\"", 3600, "ISO 8601"},
        {"\"2026-01-01t01:00:00z\"", 3600, "lower case"},
        {"\"2026-01-01T01:00:00.250Z\"", 3600, "with a fraction"},
        {"\"2026-01-01T03:00:00+02:00\"", 3600, "with an offset"},
        {"\"2025-12-31T22:30:00-0230\"", 3600, "with an offset, basic form"},
        {"\"2026-01-01T03:00:00+02\"", 3600, "with hours only"},
        {"\"2026-01-01 01:00:00\"", 3600, "with a space, no zone"},
        {"\"2026-03-01T00:00:00Z\"", 59 * 86400, "over February"},
        {"\"2028-03-01T00:00:00Z\"", 790 * 86400, "over a leap day"},
        {"\"2026-13-01T00:00:00Z\"", -1, "month 13"},
        {"\"2026-01-01T24:00:00Z\"", -1, "hour 24"},
        {"\"2026-01-01T01:00:00Zulu\"", -1, "text behind"},
        {"\"2026-01-01T01:00:00+2\"", -1, "half an offset"},
        {"\"2026-01-01\"", -1, "a day"},
        {"\"2026-01-01T01:00\"", -1, "without seconds"},
        {"\"Thu, 01 Jan 2026 01:00:00 GMT\"", -1, "an HTTP date"},
        {"\"\"", -1, "empty"},
        {"null", -1, "null"},
        {"{}", -1, "an object"},
    };
    check(rows, sizeof rows / sizeof *rows, true);
    assert_int_equal(ti_lifetime_absolute_s(NULL, NOW_MS), -1);
}

static void a_clock_far_off_saturates(void **state) {
    (void)state;
    json_t *date = json_string("2026-01-01T01:00:00Z");

    assert_int_equal(ti_lifetime_absolute_s(date, INT64_MIN), TI_LIFETIME_MAX_S);
    assert_int_equal(ti_lifetime_absolute_s(date, INT64_MAX), -1);

    json_decref(date);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_relative_lifetimes),
        cmocka_unit_test(reads_absolute_expiries),
        cmocka_unit_test(a_clock_far_off_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
