/* What lies in a journal's file. Whatever is read must be within bounds, and the same after it was
 * written and read again; each input is also tried with checksums that fit. */
#include "session/journal_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_SIZE = 16, BODY_SIZE = TI_JOURNAL_SLOT_SIZE - CHECKSUM_SIZE };

static const int64_t hour_ms = 3600 * 1000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The seeds were written in the first; the others are after it, after a restart, and without a
 * clock that knows the year. */
static const ti_journal_clocks clocks[] = {
    {.boot_id = {7}, .boot_ms = 100000, .wall_ms = 1700000000000},
    {.boot_id = {7}, .boot_ms = 9000000, .wall_ms = 1700008900000},
    {.boot_id = {8}, .boot_ms = 20000, .wall_ms = 1700000300000},
    {.boot_id = {9}, .boot_ms = 0, .wall_ms = 0},
};

static void require(bool holds) {
    if (!holds) abort();
}

/* Near enough for differences of times to be times too. */
static void check_time(int64_t boot_ms, const ti_journal_clocks *now) {
    require(boot_ms <= now->boot_ms + hour_ms && boot_ms >= INT64_MIN / 2);
}

static void check_bounds(const ti_journal_image *image, const ti_journal_clocks *now) {
    const ti_journal *journal = &image->journal;
    const ti_storm *storm = &image->storm;

    require(journal->state >= TI_JOURNAL_IDLE && journal->state <= TI_JOURNAL_SIGNED_OUT);
    require(journal->generation <= journal->reserved && journal->reserved < UINT64_MAX / 2);
    require(journal->writer >= 0);
    require(storm->count <= TI_STORM_HOURLY_MAX && storm->next < TI_STORM_HOURLY_MAX);
    check_time(journal->posted_boot_ms, now);
    check_time(image->backoff.retry_boot_ms, now);
    check_time(image->backoff.refuse_until_boot_ms, now);
    check_time(image->look_until_boot_ms, now);
    check_time(storm->blocked_until_boot_ms, now);
    check_time(image->rate.newest_boot_ms, now);
    for (unsigned i = 0; i < TI_STORM_HOURLY_MAX; i++) check_time(storm->at_boot_ms[i], now);
}

/* By their bytes, since structs have gaps. */
static void check_same(const ti_journal_image *a, const ti_journal_image *b) {
    unsigned char left[TI_JOURNAL_SLOT_SIZE], right[TI_JOURNAL_SLOT_SIZE];

    require(ti_journal_write_bytes(a, &clocks[0], 0, left));
    require(ti_journal_write_bytes(b, &clocks[0], 0, right));
    require(memcmp(left, right, sizeof left) == 0);
}

/* Written behind what is there, as the next turn does, it is the one that counts. */
static void check_next(const unsigned char *file, const ti_journal_image *image, uint64_t number,
                       const ti_journal_clocks *now) {
    unsigned char next[TI_JOURNAL_FILE_SIZE];
    ti_journal_image back;
    uint64_t back_number;

    memcpy(next, file, sizeof next);
    require(
        ti_journal_write_bytes(image, now, number + 1, next + ti_journal_slot_offset(number + 1)));
    require(ti_journal_read_bytes(next, sizeof next, now, &back, &back_number) == TI_JOURNAL_READ);
    require(back_number == number + 1);
    check_same(image, &back);
}

static void check(const unsigned char *bytes, size_t size, const ti_journal_clocks *now) {
    unsigned char file[TI_JOURNAL_FILE_SIZE] = {0};
    ti_journal_image image, none = {.journal = {.state = TI_JOURNAL_IDLE}};
    uint64_t number;
    ti_journal_reading reading = ti_journal_read_bytes(bytes, size, now, &image, &number);

    require(reading != TI_JOURNAL_NO_CHECKSUM);
    if (reading == TI_JOURNAL_READ) {
        memcpy(file, bytes, size < sizeof file ? size : sizeof file);
        check_bounds(&image, now);
        /* The last number of all has no next; no app lives to see it. */
        if (number + 1 < UINT64_MAX / 2) check_next(file, &image, number, now);
    } else if (reading != TI_JOURNAL_LATER) {
        require(number == 0);
        check_same(&image, &none);
    }
}

static void seal(unsigned char *slot) {
    unsigned char hash[TI_SHA256_SIZE];

    require(ti_crypto_sha256(slot, BODY_SIZE, hash));
    memcpy(slot + BODY_SIZE, hash, CHECKSUM_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char sealed[TI_JOURNAL_FILE_SIZE] = {0};

    memcpy(sealed, data, size < sizeof sealed ? size : sizeof sealed);
    for (size_t at = 0; at < sizeof sealed; at += TI_JOURNAL_SLOT_SIZE) seal(sealed + at);
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        check(data, size, &clocks[i]);
        check(sealed, sizeof sealed, &clocks[i]);
    }
    return 0;
}
