/* What examples/device tells the server of a batch, and when it tries again. */
#include "support/unit.h"

#ifdef TS_DEVICE_PARTS

#include "examples/device/backoff.h"
#include "examples/device/dates.h"
#include "examples/device/message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static boot_id boot(unsigned char byte) {
    boot_id id;

    memset(id.bytes, byte, sizeof id.bytes);
    return id;
}

static batch made(unsigned char of_boot, int64_t ahead_ms) {
    return (batch){.boot = boot(of_boot),
                   .run_boot_ms = 1500,
                   .number = 7,
                   .dropped = 3,
                   .ahead_ms = ahead_ms,
                   .count = 2,
                   .readings = {{.seq = 4, .value = -21, .at_boot_ms = 2000},
                                {.seq = 5, .value = READING_NONE, .at_boot_ms = 3000}}};
}

/* ------------------------------------------------------------------ messages */

static void a_key_names_boot_run_and_batch(void **state) {
    char key[MESSAGE_KEY_BYTES];
    batch b = made(0xab, CLOCK_UNKNOWN);

    (void)state;
    message_key(&b, key);
    assert_string_equal(key, "abababababababababababababababab-1500-7");
    b.run_boot_ms = INT64_MIN;
    b.number = UINT32_MAX;
    message_key(&b, key);
    assert_string_equal(key, "abababababababababababababababab--9223372036854775808-4294967295");
}

static void a_message_has_all_readings_with_their_dates(void **state) {
    batch b = made(0xab, CLOCK_UNKNOWN);
    char *text = message_text("meter", &b, 1000000);

    (void)state;
    assert_string_equal(text, "{\"device\":\"meter\",\"boot\":\"abababababababababababababababab\","
                              "\"run\":1500,\"dropped\":3,\"readings\":["
                              "{\"seq\":4,\"boot_ms\":2000,\"unix_ms\":1002000,\"value\":-21},"
                              "{\"seq\":5,\"boot_ms\":3000,\"unix_ms\":1003000,\"value\":null}]}");
    free(text);
}

static void a_message_may_have_no_dates(void **state) {
    batch b = made(0xab, CLOCK_UNKNOWN);
    char *text = message_text("meter", &b, CLOCK_UNKNOWN);

    (void)state;
    assert_non_null(strstr(text, "{\"seq\":4,\"boot_ms\":2000,\"unix_ms\":null,\"value\":-21}"));
    free(text);
}

/* ------------------------------------------------------------------ dates */

static void this_boot_is_dated_by_the_clock_of_now(void **state) {
    dates d = {.next = 0};
    boot_id now = boot(1);
    batch b = made(1, 5); /* what it said then was wrong */
    int64_t wall_ms = dates_ahead_ms(&d, &now, &b) + clock_boot_ms();

    (void)state;
    assert_in_range(wall_ms / 1000, time(NULL) - 1, time(NULL) + 1);
}

static void an_earlier_boot_is_dated_by_what_it_knew_last(void **state) {
    dates d = {.next = 0};
    boot_id now = boot(1);
    batch unknown = made(2, CLOCK_UNKNOWN), first = made(2, 100), later = made(2, 200),
          other = made(3, CLOCK_UNKNOWN);

    (void)state;
    dates_note(&unknown, &d);
    assert_true(dates_ahead_ms(&d, &now, &unknown) == CLOCK_UNKNOWN);
    dates_note(&first, &d);
    dates_note(&later, &d);

    assert_int_equal(dates_ahead_ms(&d, &now, &unknown), 200);
    assert_int_equal(dates_ahead_ms(&d, &now, &first), 100);
    assert_true(dates_ahead_ms(&d, &now, &other) == CLOCK_UNKNOWN);
}

static void many_boots_leave_the_latest(void **state) {
    dates d = {.next = 0};
    boot_id now = boot(1);

    (void)state;
    for (unsigned char i = 2; i < 2 + 3 * DATES_MAX; i++) {
        batch known = made(i, i), unknown = made(i, CLOCK_UNKNOWN);

        dates_note(&known, &d);
        assert_int_equal(dates_ahead_ms(&d, &now, &unknown), i);
    }
}

/* ------------------------------------------------------------------ pauses */

static void pauses_grow_to_a_minute(void **state) {
    static const int64_t longest_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    backoff b = {.failures = 0};

    (void)state;
    for (size_t i = 0; i < sizeof longest_ms / sizeof *longest_ms; i++) {
        backoff_failed(&b, 5000, 0);
        assert_in_range(b.until_boot_ms - 5000, longest_ms[i] / 2, longest_ms[i]);
    }
    backoff_end(&b);
    assert_int_equal(b.until_boot_ms, 0);
    backoff_failed(&b, 5000, 0);
    assert_in_range(b.until_boot_ms - 5000, 500, 1000);
}

static void the_server_may_ask_for_an_hour_and_no_more(void **state) {
    backoff b = {.failures = 0};

    (void)state;
    backoff_failed(&b, 0, 90);
    assert_int_equal(b.until_boot_ms, 90000);
    backoff_failed(&b, 0, INT32_MAX);
    assert_int_equal(b.until_boot_ms, 3600000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_names_boot_run_and_batch),
        cmocka_unit_test(a_message_has_all_readings_with_their_dates),
        cmocka_unit_test(a_message_may_have_no_dates),
        cmocka_unit_test(this_boot_is_dated_by_the_clock_of_now),
        cmocka_unit_test(an_earlier_boot_is_dated_by_what_it_knew_last),
        cmocka_unit_test(many_boots_leave_the_latest),
        cmocka_unit_test(pauses_grow_to_a_minute),
        cmocka_unit_test(the_server_may_ask_for_an_hour_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the example. */
int main(void) {
    return 0;
}

#endif
