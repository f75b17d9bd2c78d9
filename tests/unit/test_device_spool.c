/* The spool of examples/device: what was appended is there after any death, in order, once. */
#include "support/fixture.h"
#include "support/unit.h"

#ifdef TS_DEVICE_PARTS

#include "examples/device/frame.h"
#include "examples/device/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 1 << 20, MIDDLE = 16 << 10, SMALL = 1, FRAME = FRAME_HEAD_BYTES + BATCH_HEAD_BYTES };

/* ------------------------------------------------------------------ helpers */

static void count_seen(const batch *b, void *data) {
    (void)b;
    ++*(int *)data;
}

static spool *opened(const char *directory, size_t bytes_max) {
    int seen = 0;
    spool *s = spool_open(directory, bytes_max, count_seen, &seen);

    assert_non_null(s);
    return s;
}

/* Like the uplink does it: number is the batch's, and the first of its readings. */
static batch sealed(spool *s, uint32_t number, uint32_t readings) {
    batch b = {.number = number, .run_boot_ms = 77, .ahead_ms = CLOCK_UNKNOWN, .count = readings};

    memset(b.boot.bytes, 0xb0, sizeof b.boot.bytes);
    for (uint32_t i = 0; i < readings; i++)
        b.readings[i] = (reading){
            .seq = number + i, .value = -(int32_t)i, .at_boot_ms = INT64_C(1) << 33 | number};
    spool_make_room(s);
    b.dropped = spool_take_dropped(s);
    return b;
}

static batch append(spool *s, uint32_t number, uint32_t readings) {
    batch b = sealed(s, number, readings);

    assert_true(spool_append(s, &b));
    return b;
}

static void assert_next(spool *s, uint32_t number, uint32_t readings) {
    batch b, expected = {.count = 0};

    assert_true(spool_peek(s, &b));
    assert_int_equal(b.number, number);
    expected = b;
    for (uint32_t i = 0; i < readings; i++)
        expected.readings[i] = (reading){
            .seq = number + i, .value = -(int32_t)i, .at_boot_ms = INT64_C(1) << 33 | number};
    assert_int_equal(b.count, readings);
    assert_int_equal(b.run_boot_ms, 77);
    assert_memory_equal(b.readings, expected.readings, readings * sizeof(reading));
    spool_pop(s);
}

static char *first_file(const char *directory) {
    return fixture_path(directory, "00000001.spool");
}

static size_t read_file(const char *path, unsigned char *bytes, size_t capacity) {
    int file = open(path, O_RDONLY);
    ssize_t size = read(file, bytes, capacity);

    assert_true(size >= 0);
    close(file);
    return (size_t)size;
}

static void write_file(const char *path, const unsigned char *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(file, bytes, size), size);
    close(file);
}

/* ------------------------------------------------------------------ order and life */

static void what_goes_in_comes_out_in_order(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, LARGE);

    (void)state;
    assert_true(spool_is_empty(s));
    append(s, 0, 3);
    append(s, 3, 1);
    assert_next(s, 0, 3);
    append(s, 4, BATCH_READINGS_MAX);
    assert_next(s, 3, 1);
    assert_next(s, 4, BATCH_READINGS_MAX);

    assert_true(spool_is_empty(s));
    spool_close(s);
    fixture_directory_free(directory);
}

static void it_outlives_its_process(void **state) {
    char *directory = fixture_directory_new();
    int seen = 0;
    spool *s = opened(directory, LARGE);

    (void)state;
    append(s, 0, 3);
    append(s, 3, 2);
    spool_close(s);
    s = spool_open(directory, LARGE, count_seen, &seen);
    append(s, 5, 1);

    assert_int_equal(seen, 2);
    assert_next(s, 0, 3);
    assert_next(s, 3, 2);
    assert_next(s, 5, 1);
    spool_close(s);
    fixture_directory_free(directory);
}

static void nothing_is_left_of_what_was_delivered(void **state) {
    char *directory = fixture_directory_new(), *file = first_file(directory);
    spool *s = opened(directory, LARGE);

    (void)state;
    append(s, 0, 3);
    assert_int_equal(access(file, F_OK), 0);
    assert_next(s, 0, 3);

    assert_int_not_equal(access(file, F_OK), 0);
    append(s, 3, 1);
    assert_next(s, 3, 1);
    spool_close(s);
    free(file);
    fixture_directory_free(directory);
}

/* ------------------------------------------------------------------ power loss */

/* The power may go at any byte of a write, and what was written before stays. */
static void a_torn_tail_costs_only_itself(void **state) {
    static unsigned char whole[4096];
    char *directory = fixture_directory_new(), *file = first_file(directory);
    spool *s = opened(directory, LARGE);
    size_t size, ends[3];

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        append(s, 10 * i, i + 1);
        ends[i] = read_file(file, whole, sizeof whole);
    }
    spool_close(s);
    size = ends[2];
    for (size_t cut = 0; cut <= size; cut++) {
        write_file(file, whole, cut);
        s = opened(directory, LARGE);
        append(s, 99, 2);
        for (uint32_t i = 0; i < 3 && ends[i] <= cut; i++) assert_next(s, 10 * i, i + 1);
        assert_next(s, 99, 2);
        assert_true(spool_is_empty(s));
        spool_close(s);
    }
    free(file);
    fixture_directory_free(directory);
}

/* Some file systems have the new length first, and zeros or old bytes where the data should be. */
static void a_tail_of_other_bytes_costs_only_itself(void **state) {
    static unsigned char whole[4096], damaged[4096];
    char *directory = fixture_directory_new(), *file = first_file(directory);
    spool *s = opened(directory, LARGE);
    size_t first, size;

    (void)state;
    append(s, 0, 2);
    first = read_file(file, whole, sizeof whole);
    append(s, 2, 3);
    size = read_file(file, whole, sizeof whole);
    spool_close(s);
    for (size_t at = first; at < size; at++)
        for (int zeros = 0; zeros < 2; zeros++) {
            memcpy(damaged, whole, size);
            if (zeros)
                memset(damaged + at, 0, size - at);
            else
                damaged[at] ^= 0x10;
            if (memcmp(damaged, whole, size) == 0) continue;
            write_file(file, damaged, size);
            s = opened(directory, LARGE);
            assert_next(s, 0, 2);
            assert_true(spool_is_empty(s));
            spool_close(s);
        }
    free(file);
    fixture_directory_free(directory);
}

/* ------------------------------------------------------------------ bounds */

static uint32_t bytes_of(const char *directory) {
    uint32_t sum = 0;

    for (uint32_t i = 1; i < 200; i++) {
        char name[32], *path;
        struct stat about;

        snprintf(name, sizeof name, "%08x.spool", i);
        path = fixture_path(directory, name);
        if (stat(path, &about) == 0) sum += (uint32_t)about.st_size;
        free(path);
    }
    return sum;
}

/* Everything is told: there, or counted. */
static void a_full_spool_gives_up_the_oldest_and_counts_them(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, SMALL);
    uint32_t next = 0, batches = 0;
    batch b;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        append(s, 7 * i, 7);
        assert_in_range(bytes_of(directory), 1, 8 * FRAME_BYTES_MAX);
    }
    spool_close(s);
    s = opened(directory, SMALL);
    for (; spool_peek(s, &b); spool_pop(s), batches++) {
        if (batches == 0) next = b.number;
        assert_int_equal(b.number, next);
        next += 7;
    }
    assert_int_equal(next, 700);
    assert_in_range(batches, 10, 99);
    spool_close(s);
    fixture_directory_free(directory);
}

/* Some arrive meanwhile, so that files are given up of which a part was delivered. */
static void what_is_lost_and_what_arrives_is_all_there_was(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, MIDDLE);
    uint32_t arrived = 0, lost = 0;
    batch b;

    (void)state;
    for (uint32_t i = 0; i < 600; i++) {
        append(s, 7 * i, 7);
        if (i % 3 == 0 && spool_peek(s, &b)) {
            arrived += b.count;
            lost += b.dropped;
            spool_pop(s);
        }
    }
    for (; spool_peek(s, &b); spool_pop(s)) {
        arrived += b.count;
        lost += b.dropped;
    }
    assert_int_equal(arrived + lost, 4200);
    assert_true(lost > 0);
    spool_close(s);
    fixture_directory_free(directory);
}

static void another_life_knows_what_was_lost(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, MIDDLE);
    uint32_t arrived = 0, lost = 0;
    batch b;

    (void)state;
    for (uint32_t i = 0; i < 600; i++) {
        append(s, 7 * i, 7);
        if (i % 97 == 50) {
            spool_close(s);
            s = opened(directory, MIDDLE);
        }
    }
    for (; spool_peek(s, &b); spool_pop(s)) {
        arrived += b.count;
        lost += b.dropped;
    }
    assert_int_equal(arrived + lost, 4200);
    assert_true(lost > 0);
    spool_close(s);
    fixture_directory_free(directory);
}

/* The frame that tells of the loss is on the disk, and the file that was lost as well. */
static void check_told_as_lost(size_t bytes_max) {
    static unsigned char bytes[MIDDLE];
    char *directory = fixture_directory_new(), *file = first_file(directory);
    spool *s = opened(directory, bytes_max);
    uint32_t arrived = 0, lost = 0, batches = 0;
    size_t size = 0;
    batch b;

    while (access(file, F_OK) == 0 || batches == 0) {
        if (batches > 0) size = read_file(file, bytes, sizeof bytes);
        append(s, 7 * batches++, 7);
    }
    spool_close(s);
    write_file(file, bytes, size);
    s = opened(directory, bytes_max);

    assert_int_not_equal(access(file, F_OK), 0);
    assert_int_equal(spool_take_dropped(s), 0);
    for (; spool_peek(s, &b); spool_pop(s)) {
        arrived += b.count;
        lost += b.dropped;
    }
    assert_int_equal(arrived + lost, 7 * batches);
    spool_close(s);
    free(file);
    fixture_directory_free(directory);
}

static void what_was_told_as_lost_is_not_sent(void **state) {
    (void)state;
    check_told_as_lost(MIDDLE);
    check_told_as_lost(SMALL);
}

/* The power goes between the two. */
static void what_was_not_told_as_lost_is_sent(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, SMALL);
    uint32_t arrived = 0, lost = 0;
    batch b;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) append(s, 7 * i, 7);
    sealed(s, 700, 7); /* for which there was made room, and no more */
    spool_close(s);
    s = opened(directory, SMALL);
    for (; spool_peek(s, &b); spool_pop(s)) {
        arrived += b.count;
        lost += b.dropped;
    }
    assert_int_equal(arrived + lost, 700);
    spool_close(s);
    fixture_directory_free(directory);
}

static void a_spool_made_smaller_gives_up_what_is_too_much(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, LARGE);
    uint32_t arrived = 0, lost = 0;
    batch b;

    (void)state;
    for (uint32_t i = 0; i < 200; i++) append(s, BATCH_READINGS_MAX * i, BATCH_READINGS_MAX);
    spool_close(s);
    s = opened(directory, SMALL);
    append(s, 200 * BATCH_READINGS_MAX, 1);
    for (; spool_peek(s, &b); spool_pop(s)) {
        arrived += b.count;
        lost += b.dropped;
    }
    assert_int_equal(arrived + lost, 200 * BATCH_READINGS_MAX + 1);
    spool_close(s);
    fixture_directory_free(directory);
}

/* ------------------------------------------------------------------ a disk that fails */

static void limit_files(rlim_t bytes) {
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_disk_that_takes_nothing_costs_nothing(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, LARGE);
    batch b;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    append(s, 0, 3);
    b = sealed(s, 3, 3);
    limit_files(2 * FRAME); /* there is room for half of it */
    assert_false(spool_append(s, &b));
    assert_int_equal(errno, EFBIG);
    limit_files(4);
    assert_false(spool_append(s, &b));
    assert_false(spool_append(s, &b));
    limit_files(RLIM_INFINITY);
    assert_true(spool_append(s, &b));

    assert_next(s, 0, 3);
    assert_next(s, 3, 3);
    assert_true(spool_is_empty(s));
    spool_close(s);
    fixture_directory_free(directory);
}

/* A process that has no descriptor left, say, has one later. */
static void what_cannot_be_opened_now_is_kept(void **state) {
    char *directory = fixture_directory_new();
    spool *s = opened(directory, LARGE);
    struct rlimit usual, none;
    batch b;

    (void)state;
    append(s, 1, 10);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool there = spool_peek(s, &b);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);

    assert_false(there);
    assert_false(spool_is_empty(s));
    assert_next(s, 1, 10);
    assert_int_equal(spool_take_dropped(s), 0);
    spool_close(s);
    fixture_directory_free(directory);
}

static void without_its_directory_there_is_no_spool(void **state) {
    int seen = 0;

    (void)state;
    assert_null(spool_open("/nonexistent", LARGE, count_seen, &seen));
    assert_int_equal(errno, ENOENT);
}

/* ------------------------------------------------------------------ bytes */

static void files_are_the_same_on_every_processor(void **state) {
    static const unsigned char expected[] = {
        'T',  'S',  'P',  '1',  60,   0,    0,    0,    0,    0,    0,    0,    5,
        0,    0,    0,    0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0,
        0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 77,   0,    0,    0,    0,    0,    0,
        0,    4,    3,    2,    1,    9,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x80, 1,    0,    0,    0,    1,    0,    0,    0,    0xfe,
        0xff, 0xff, 0xff, 3,    0,    0,    0,    2,    0,    0,    0};
    frame f = {
        .first_segment = 5,
        .batch = {.run_boot_ms = 77,
                  .number = 0x01020304,
                  .dropped = 9,
                  .ahead_ms = CLOCK_UNKNOWN,
                  .count = 1,
                  .readings = {{.seq = 1, .value = -2, .at_boot_ms = INT64_C(0x200000003)}}}};
    unsigned char bytes[FRAME_BYTES_MAX];

    (void)state;
    memset(f.batch.boot.bytes, 0xb0, 16);
    assert_int_equal(frame_encode(&f, bytes), sizeof expected);
    memset(bytes + 8, 0, 4); /* the checksum */
    assert_memory_equal(bytes, expected, sizeof expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(it_outlives_its_process),
        cmocka_unit_test(nothing_is_left_of_what_was_delivered),
        cmocka_unit_test(a_torn_tail_costs_only_itself),
        cmocka_unit_test(a_tail_of_other_bytes_costs_only_itself),
        cmocka_unit_test(a_full_spool_gives_up_the_oldest_and_counts_them),
        cmocka_unit_test(what_is_lost_and_what_arrives_is_all_there_was),
        cmocka_unit_test(another_life_knows_what_was_lost),
        cmocka_unit_test(what_was_told_as_lost_is_not_sent),
        cmocka_unit_test(what_was_not_told_as_lost_is_sent),
        cmocka_unit_test(a_spool_made_smaller_gives_up_what_is_too_much),
        cmocka_unit_test(a_disk_that_takes_nothing_costs_nothing),
        cmocka_unit_test(what_cannot_be_opened_now_is_kept),
        cmocka_unit_test(without_its_directory_there_is_no_spool),
        cmocka_unit_test(files_are_the_same_on_every_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the example. */
int main(void) {
    return 0;
}

#endif
