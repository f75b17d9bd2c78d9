#include "session/journal_bytes.h"

#include "tests/support/unit.h"

#include <string.h>

static const ti_journal_clocks now = {.boot_id = {7}, .boot_ms = 100000, .wall_ms = 5000000};

enum { RATE_AT = 320 }; /* where what a first version knew ends */

static ti_journal_image sample(void) {
    ti_journal_image image = {
        .journal = {.state = TI_JOURNAL_POSTED,
                    .attempts = 2,
                    .sign_in_id = {{1, 2, 3}},
                    .generation = 41,
                    .reserved = 44,
                    .writer = 0x1234567812345678,
                    .posted_boot_ms = 99000,
                    .head = {{1, 1, 2}},
                    .posted = {{9, 8, 7}}},
        .look_until_boot_ms = 125000,
        .backoff = {.failures = 3,
                    .retried_early = true,
                    .retry_boot_ms = 130000,
                    .refuse_until_boot_ms = 120000,
                    .status = TACIT_ERR_SERVER,
                    .http_status = 429},
        .storm = {.at_boot_ms = {90000, 91000},
                  .next = 2,
                  .count = 2,
                  .blocks = 1,
                  .blocked_until_boot_ms = 160000},
        .rate = {.limit = 10, .newest_boot_ms = 95000, .counts = {2, [60] = 1}},
    };

    return image;
}

typedef struct file {
    unsigned char bytes[TI_JOURNAL_FILE_SIZE];
} file;

static void put(file *f, const ti_journal_image *image, const ti_journal_clocks *clocks,
                uint64_t number) {
    assert_true(
        ti_journal_write_bytes(image, clocks, number, f->bytes + ti_journal_slot_offset(number)));
}

static ti_journal_reading get(const file *f, size_t size, ti_journal_image *image,
                              uint64_t *number) {
    return ti_journal_read_bytes(f->bytes, size, &now, image, number);
}

/* Field by field through bytes, since structs have gaps. */
static void assert_same(const ti_journal_image *a, const ti_journal_image *b) {
    unsigned char left[TI_JOURNAL_SLOT_SIZE], right[TI_JOURNAL_SLOT_SIZE];

    assert_true(ti_journal_write_bytes(a, &now, 1, left));
    assert_true(ti_journal_write_bytes(b, &now, 1, right));
    assert_memory_equal(left, right, sizeof left);
}

static void what_was_written_is_read(void **state) {
    ti_journal_image image = sample(), found;
    uint64_t number;
    file f = {{0}};

    (void)state;
    put(&f, &image, &now, 5);
    assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_READ);
    assert_int_equal(number, 5);
    assert_same(&image, &found);
    assert_int_equal(found.journal.generation, 41);
    assert_int_equal(found.backoff.http_status, 429);
    assert_int_equal(found.storm.at_boot_ms[1], 91000);
    assert_int_equal(found.rate.limit, 10);
    assert_int_equal(found.rate.newest_boot_ms, 95000);
    assert_int_equal(found.rate.counts[60], 1);
}

static void blank_file_is_new_and_a_short_one_is_not(void **state) {
    ti_journal_image found;
    uint64_t number;
    file f = {{0}};

    (void)state;
    assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_NEW);
    assert_int_equal(number, 0);
    assert_int_equal(get(&f, sizeof f.bytes - 1, &found, &number), TI_JOURNAL_CORRUPT);
    assert_int_equal(get(&f, 0, &found, &number), TI_JOURNAL_CORRUPT);
}

/* Wherever a write was cut short, the one before is still there. */
static void torn_write_leaves_the_one_before(void **state) {
    ti_journal_image before = sample(), after = sample(), found;
    unsigned char slot[TI_JOURNAL_SLOT_SIZE];
    uint64_t number;

    (void)state;
    after.journal.generation = 44;
    assert_true(ti_journal_write_bytes(&after, &now, 8, slot));
    for (size_t cut = 0; cut < sizeof slot; cut++) {
        file f = {{0}};

        put(&f, &before, &now, 6);
        put(&f, &before, &now, 7);
        memcpy(f.bytes + ti_journal_slot_offset(8), slot, cut);
        assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_READ);
        if (number == 8) continue; /* what was cut off is what was there before */
        assert_int_equal(number, 7);
        assert_int_equal(found.journal.generation, 41);
    }
}

static void newer_slot_counts_wherever_it_lies(void **state) {
    ti_journal_image old = sample(), new = sample(), found;
    uint64_t number;

    (void)state;
    new.journal.generation = 43;
    for (uint64_t first = 1; first <= 2; first++) {
        file f = {{0}};

        put(&f, &old, &now, first);
        put(&f, &new, &now, first + 1);
        assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_READ);
        assert_int_equal(number, first + 1);
        assert_int_equal(found.journal.generation, 43);
    }
}

static void every_flipped_byte_is_seen(void **state) {
    ti_journal_image image = sample(), found;
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < TI_JOURNAL_SLOT_SIZE; i++) {
        file f = {{0}};

        put(&f, &image, &now, 2);
        f.bytes[i] ^= 0x20;
        if (get(&f, sizeof f.bytes, &found, &number) != TI_JOURNAL_CORRUPT) fail_msg("byte %zu", i);
    }
}

static void seal(unsigned char *slot) {
    unsigned char hash[TI_SHA256_SIZE];

    assert_true(ti_crypto_sha256(slot, TI_JOURNAL_SLOT_SIZE - 16, hash));
    memcpy(slot + TI_JOURNAL_SLOT_SIZE - 16, hash, 16);
}

static void later_version_is_told_from_damage(void **state) {
    ti_journal_image image = sample(), found;
    uint64_t number;
    file f = {{0}};

    (void)state;
    put(&f, &image, &now, 2);
    f.bytes[8] = 2; /* the version */
    seal(f.bytes);
    assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_LATER);
    f.bytes[0] = 'T';
    seal(f.bytes);
    assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_CORRUPT);
}

/* A slot of a version that knew of no rate has zeros there. */
static void what_is_newer_than_a_slot_is_nothing(void **state) {
    ti_journal_image image = sample(), found;
    uint64_t number;
    file f = {{0}};

    (void)state;
    image.rate = (ti_grant_rate){.limit = 0};
    put(&f, &image, &now, 2);
    for (size_t i = RATE_AT; i < TI_JOURNAL_SLOT_SIZE - 16; i++) assert_int_equal(f.bytes[i], 0);
    assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_READ);
    assert_int_equal(found.rate.limit, 0);
    assert_int_equal(ti_grant_rate_free_at(&found.rate, TI_GRANT_NEEDED), INT64_MIN);
}

static void nonsense_with_a_good_checksum_is_corrupt(void **state) {
    ti_journal_image found;
    uint64_t number;

    (void)state;
    for (int i = 0; i < 6; i++) {
        ti_journal_image image = sample();
        file f = {{0}};

        if (i == 0) image.journal.state = (ti_journal_state)9;
        if (i == 1) image.journal.generation = image.journal.reserved + 1;
        if (i == 2) image.journal.writer = -1;
        if (i == 3) image.storm.count = TI_STORM_HOURLY_MAX + 1;
        if (i == 4) image.storm.next = TI_STORM_HOURLY_MAX;
        put(&f, &image, &now, i == 5 ? UINT64_MAX : 1);
        if (get(&f, sizeof f.bytes, &found, &number) != TI_JOURNAL_CORRUPT) fail_msg("%d", i);
    }
}

typedef struct time_case {
    const char *why;
    ti_journal_clocks written;
    int64_t retry_boot_ms, expected;
} time_case;

/* Written at boot 500 s and wall 4,990 s of another boot, which is boot 90 s of this one. */
static void times_are_carried_over_a_restart_by_the_wall_clock(void **state) {
    static const time_case cases[] = {
        {"the same boot", {{7}, 95000, 4995000}, 130000, 130000},
        {"none", {{8}, 500000, 4990000}, 0, 0},
        {"another boot", {{8}, 500000, 4990000}, 530000, 120000},
        {"another boot, long ago", {{8}, 500000, 4990000}, 400000, -10000},
        {"a clock that was far ahead", {{8}, 500000, 999990000}, 530000, 100000 + 3600000},
        {"the same boot, far ahead", {{7}, 95000, 4995000}, 99999999, 100000 + 3600000},
        {"a clock out of all measure", {{8}, INT64_MIN, INT64_MAX}, 530000, 0},
        {"a time out of all measure", {{8}, 500000, 4000000}, INT64_MIN, 0},
        {"a time out of all measure in the same boot", {{7}, 95000, 4995000}, INT64_MIN + 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_journal_image image = sample(), found;
        uint64_t number;
        file f = {{0}};

        image.backoff.retry_boot_ms = image.rate.newest_boot_ms = cases[i].retry_boot_ms;
        put(&f, &image, &cases[i].written, 1);
        assert_int_equal(get(&f, sizeof f.bytes, &found, &number), TI_JOURNAL_READ);
        if (found.backoff.retry_boot_ms != cases[i].expected)
            fail_msg("%s: %lld", cases[i].why, (long long)found.backoff.retry_boot_ms);
        assert_int_equal(found.rate.newest_boot_ms, cases[i].expected);
    }
}

/* Two boots may have no name: that is none that they share. */
static void a_boot_without_a_name_is_not_the_same(void **state) {
    static const ti_journal_clocks then = {{0}, 500000, 4990000}, nameless = {{0}, 100000, 5000000};
    ti_journal_image image = sample(), found;
    uint64_t number;
    file f = {{0}};

    (void)state;
    image.backoff.retry_boot_ms = 530000;
    put(&f, &image, &then, 1);
    assert_int_equal(ti_journal_read_bytes(f.bytes, sizeof f.bytes, &nameless, &found, &number),
                     TI_JOURNAL_READ);
    assert_int_equal(found.backoff.retry_boot_ms, 120000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(blank_file_is_new_and_a_short_one_is_not),
        cmocka_unit_test(torn_write_leaves_the_one_before),
        cmocka_unit_test(newer_slot_counts_wherever_it_lies),
        cmocka_unit_test(every_flipped_byte_is_seen),
        cmocka_unit_test(later_version_is_told_from_damage),
        cmocka_unit_test(what_is_newer_than_a_slot_is_nothing),
        cmocka_unit_test(nonsense_with_a_good_checksum_is_corrupt),
        cmocka_unit_test(times_are_carried_over_a_restart_by_the_wall_clock),
        cmocka_unit_test(a_boot_without_a_name_is_not_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
