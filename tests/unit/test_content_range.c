#include "call/content_range.h"

#include "tests/support/unit.h"

static void ranges_are_read(void **state) {
    (void)state;
    static const struct {
        const char *value;
        uint64_t first, last;
        int64_t complete;
    } rows[] = {
        {"bytes 0-0/1", 0, 0, 1},
        {"bytes 200-999/1000", 200, 999, 1000},
        {"Bytes 200-999/*", 200, 999, -1},
        {"bytes 5000000000-5000000001/5000000002", 5000000000, 5000000001, 5000000002},
        {"bytes 0-99/200", 0, 99, 200},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_content_range range;

        if (!ti_content_range_parse(rows[i].value, &range)) fail_msg("\"%s\"", rows[i].value);
        assert_true(range.first == rows[i].first);
        assert_true(range.last == rows[i].last);
        assert_true(range.complete == rows[i].complete);
    }
}

static void what_makes_no_sense_is_none(void **state) {
    (void)state;
    static const char *const values[] = {
        "",
        "bytes",
        "bytes ",
        "bytes */1000",
        "items 0-1/2",
        "bytes 5-4/10",
        "bytes 0-10/10",
        "bytes 0-9/",
        "bytes 0-9",
        "bytes -9/10",
        "bytes 0-/10",
        "bytes 0-9/10 ",
        "bytes 0-9/10,11",
        "bytes +0-9/10",
        "bytes 0x0-9/10",
        "bytes 0-99999999999999999999/99999999999999999999999",
        "bytes 18446744073709551616-18446744073709551617/*",
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ti_content_range range;

        if (ti_content_range_parse(values[i], &range)) fail_msg("\"%s\"", values[i]);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(what_makes_no_sense_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
