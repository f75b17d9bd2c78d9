/* Records in pieces, on a shelf that refuses entries of more than 2,560 bytes and dies when it is told to. */
#include "platform/store_chunks.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX 2560
#define ENTRIES_MAX 96
#define NAME "tacit/app/0123"

typedef struct entry {
    char name[64];
    char *bytes; /* NULL: none */
    size_t size;
} entry;

/* Steps are what changes it. From the one on at which it dies, nothing changes any more, as after a crash. */
typedef struct fake_shelf {
    ti_shelf shelf;
    entry entries[ENTRIES_MAX];
    int steps, dies_at;   /* dies_at: 0: never */
    tacit_status failure; /* what fails_at answers */
    int fails_at;         /* 0: no step */
    int done_though;      /* that step happens all the same */
    /* Called before each get, as by another process; besides: how many gets are left until it acts. */
    void (*beside)(struct fake_shelf *self);
    int besides;
} fake_shelf;

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static entry *find(fake_shelf *self, const char *name) {
    for (int i = 0; i < ENTRIES_MAX; i++) {
        if (self->entries[i].bytes && strcmp(self->entries[i].name, name) == 0)
            return &self->entries[i];
    }
    return NULL;
}

static entry *find_room(fake_shelf *self) {
    for (int i = 0; i < ENTRIES_MAX; i++) {
        if (!self->entries[i].bytes) return &self->entries[i];
    }
    fail_msg("the shelf is full");
    return NULL;
}

static tacit_status step(fake_shelf *self) {
    self->steps++;
    if (self->dies_at > 0 && self->steps >= self->dies_at) return TACIT_ERR_STORE_FAILED;
    return self->steps == self->fails_at ? self->failure : TACIT_OK;
}

static tacit_status get(void *data, const char *name, ti_buffer *bytes) {
    fake_shelf *self = data;
    if (self->beside) self->beside(self);
    entry *found = find(self, name);
    assert_int_equal(bytes->size, 0);
    assert_true(bytes->secret);
    if (!found) return TACIT_ERR_STORE_NOT_FOUND;
    assert_true(ti_buffer_append(bytes, found->bytes, found->size));
    return TACIT_OK;
}

static void set_entry(fake_shelf *self, const char *name, const char *bytes, size_t size) {
    entry *place = find(self, name);
    if (!place) place = find_room(self);
    free(place->bytes);
    snprintf(place->name, sizeof place->name, "%s", name);
    place->bytes = malloc(size + 1);
    assert_non_null(place->bytes);
    if (size > 0) memcpy(place->bytes, bytes, size);
    place->size = size;
}

static tacit_status put(void *data, const char *name, const char *bytes, size_t size) {
    fake_shelf *self = data;
    assert_in_range(size, 0, ENTRY_MAX);
    assert_true(strlen(name) + 1 <= strlen(NAME) + TI_CHUNKS_SUFFIX_SIZE);
    tacit_status status = step(self);
    if (status == TACIT_OK || (self->steps == self->fails_at && self->done_though))
        set_entry(self, name, bytes, size);
    return status;
}

static void clear(entry *gone) {
    free(gone->bytes);
    gone->bytes = NULL;
}

static tacit_status remove_entry(void *data, const char *name) {
    fake_shelf *self = data;
    entry *found = find(self, name);
    tacit_status status = step(self);
    if (status == TACIT_OK && found) clear(found);
    return status;
}

/* One step each, so that it dies between two, too. */
static tacit_status sweep(void *data, const char *prefix, const char *kept) {
    fake_shelf *self = data;
    for (int i = 0; i < ENTRIES_MAX; i++) {
        entry *one = &self->entries[i];
        if (!one->bytes || !begins_with(one->name, prefix)) continue;
        if (kept && begins_with(one->name, kept)) continue;
        tacit_status status = step(self);
        if (status != TACIT_OK) return status;
        clear(one);
    }
    return TACIT_OK;
}

static int set_up(void **state) {
    fake_shelf *self = calloc(1, sizeof *self);
    if (!self) return -1;
    self->shelf = (ti_shelf){.entry_max = ENTRY_MAX,
                             .get = get,
                             .put = put,
                             .remove = remove_entry,
                             .sweep = sweep,
                             .data = self};
    *state = self;
    return 0;
}

static int tear_down(void **state) {
    fake_shelf *self = *state;
    for (int i = 0; i < ENTRIES_MAX; i++) clear(&self->entries[i]);
    free(self);
    return 0;
}

static size_t count_entries(const fake_shelf *self) {
    size_t count = 0;
    for (int i = 0; i < ENTRIES_MAX; i++) count += self->entries[i].bytes != NULL;
    return count;
}

/* A record of one letter, by which it is told from others, but for a few bytes of every kind. */
static char *new_record(char letter, size_t size) {
    char *record = malloc(size + 1);
    assert_non_null(record);
    for (size_t i = 0; i < size; i++) record[i] = i % 100 == 99 ? (char)(i / 100) : letter;
    return record;
}

static tacit_status save(fake_shelf *self, const char *name, char letter, size_t size) {
    char *record = new_record(letter, size);
    tacit_status status = ti_chunks_save(&self->shelf, name, record, size);
    free(record);
    return status;
}

static bool is_record(const char *bytes, size_t got, char letter, size_t size) {
    char *record = new_record(letter, size);
    bool same = got == size && memcmp(bytes, record, size) == 0;
    free(record);
    return same;
}

static void assert_record(fake_shelf *self, const char *name, char letter, size_t size) {
    char *bytes;
    size_t got;
    assert_int_equal(ti_chunks_load(&self->shelf, name, &bytes, &got), TACIT_OK);
    assert_true(is_record(bytes, got, letter, size));
    free(bytes);
}

static void assert_load_fails(fake_shelf *self, const char *name, tacit_status expected) {
    char *bytes = NULL;
    size_t got;
    tacit_status status = ti_chunks_load(&self->shelf, name, &bytes, &got);
    if (status == TACIT_OK) free(bytes);
    assert_int_equal(status, expected);
}

/* How many entries a record of this size takes. */
static size_t entries_of(size_t size) {
    size_t room = ENTRY_MAX - 52;
    return size <= room ? 1 : 1 + (size - room + ENTRY_MAX - 1) / ENTRY_MAX;
}

/* Sizes at which a record begins to need one entry more, and what lies around. */
static const size_t sizes[] = {0,    1, 2507,  2508,  2509, 2508 + 2560, 2508 + 2561, 2508 + 5120,
                               4096, 3, 65535, 65536, 0};

static void records_of_all_sizes_come_back(void **state) {
    fake_shelf *self = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(save(self, NAME, (char)('a' + i), sizes[i]), TACIT_OK);
        assert_record(self, NAME, (char)('a' + i), sizes[i]);
        assert_int_equal(count_entries(self), entries_of(sizes[i]));
    }
    assert_int_equal(save(self, NAME, 'x', TI_CHUNKS_RECORD_MAX + 1), TACIT_ERR_STORE_TOO_LARGE);
    assert_record(self, NAME, (char)('a' + sizeof sizes / sizeof *sizes - 1), 0);
}

static void erased_record_leaves_nothing(void **state) {
    fake_shelf *self = *state;
    assert_load_fails(self, NAME, TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(save(self, NAME, 'a', 9000), TACIT_OK);
    assert_int_equal(save(self, NAME "4", 'b', 9000), TACIT_OK); /* not of this one */

    assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_OK);
    assert_load_fails(self, NAME, TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(count_entries(self), entries_of(9000));
    assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_OK);

    assert_record(self, NAME "4", 'b', 9000);
}

/* Old and new, from one entry to some: the last has to go where the new record is shorter. */
static const struct {
    size_t before, after;
} changes[] = {{10, 20}, {10, 9000}, {9000, 10}, {9000, 9001}, {20000, 6000}, {6000, 20000}};

/* Dies at one step; answers whether the save came through before. */
static bool save_dying(fake_shelf *self, int at, size_t size) {
    self->steps = 0;
    self->dies_at = at;
    tacit_status status = save(self, NAME, 'n', size);
    bool through = self->steps < at;
    self->dies_at = 0;
    if (through) assert_int_equal(status, TACIT_OK);
    return through;
}

static void death_in_a_save_leaves_the_old_record_or_the_new_one(void **state) {
    fake_shelf *self = *state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t before = changes[i].before, after = changes[i].after, old = 0, new = 0;
        bool through = false;
        for (int at = 1; !through; at++) {
            char *bytes;
            size_t got;
            assert_int_equal(save(self, NAME, 'o', before), TACIT_OK);

            through = save_dying(self, at, after);

            assert_int_equal(ti_chunks_load(&self->shelf, NAME, &bytes, &got), TACIT_OK);
            bool is_new = is_record(bytes, got, 'n', after);
            assert_true(is_new || is_record(bytes, got, 'o', before));
            assert_true(is_new || new == 0); /* once new it is never old again */
            is_new ? new ++ : old++;
            free(bytes);
            /* What was left is no part of the next record, nor in its way. */
            assert_int_equal(save(self, NAME, 'p', before), TACIT_OK);
            assert_record(self, NAME, 'p', before);
            assert_int_equal(count_entries(self), entries_of(before));
        }
        assert_int_equal(old, entries_of(after)); /* the head was the last of them */
        assert_true(new > 0);
    }
}

static void death_in_the_first_save_leaves_no_record_or_the_whole(void **state) {
    fake_shelf *self = *state;
    bool through = false;
    for (int at = 1; !through; at++) {
        through = save_dying(self, at, 9000);

        if (through) {
            assert_record(self, NAME, 'n', 9000);
        } else {
            assert_load_fails(self, NAME, TACIT_ERR_STORE_NOT_FOUND);
        }
        assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_OK);
        assert_int_equal(count_entries(self), 0); /* also without a head */
    }
}

static void death_in_an_erasure_leaves_the_record_or_none(void **state) {
    fake_shelf *self = *state;
    bool through = false;
    for (int at = 1; !through; at++) {
        assert_int_equal(save(self, NAME, 'a', 9000), TACIT_OK);
        self->steps = 0;
        self->dies_at = at;

        tacit_status status = ti_chunks_erase(&self->shelf, NAME);

        through = self->steps < at;
        self->dies_at = 0;
        assert_int_equal(status == TACIT_OK, through);
        if (at == 1) {
            assert_record(self, NAME, 'a', 9000);
        } else {
            assert_load_fails(self, NAME, TACIT_ERR_STORE_NOT_FOUND);
        }
        assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_OK);
        assert_int_equal(count_entries(self), 0);
    }
}

static void failed_save_keeps_the_old_record_and_leaves_nothing_of_the_new(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, NAME, 'o', 9000), TACIT_OK);
    for (int at = 1; at < (int)entries_of(20000); at++) {
        self->steps = 0;
        self->fails_at = at;
        self->failure = TACIT_ERR_STORE_UNAVAILABLE;

        assert_int_equal(save(self, NAME, 'n', 20000), TACIT_ERR_STORE_UNAVAILABLE);

        self->fails_at = 0;
        assert_record(self, NAME, 'o', 9000);
        assert_int_equal(count_entries(self), entries_of(9000));
    }
}

/* As where the answer to a call is lost. */
static void head_that_failed_and_came_about_is_whole(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, NAME, 'o', 9000), TACIT_OK);
    self->steps = 0;
    self->fails_at = (int)entries_of(20000);
    self->failure = TACIT_ERR_STORE_UNAVAILABLE;
    self->done_though = true;

    assert_int_equal(save(self, NAME, 'n', 20000), TACIT_ERR_STORE_UNAVAILABLE);

    assert_record(self, NAME, 'n', 20000);
    self->fails_at = 0;
    assert_int_equal(save(self, NAME, 'p', 1), TACIT_OK);
    assert_int_equal(count_entries(self), 1);
}

static void sweep_that_fails_does_not_fail_a_save(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, NAME, 'o', 9000), TACIT_OK);
    self->steps = 0;
    self->fails_at = 1 + (int)entries_of(9000);
    self->failure = TACIT_ERR_STORE_UNAVAILABLE;

    assert_int_equal(save(self, NAME, 'n', 9000), TACIT_OK);

    assert_record(self, NAME, 'n', 9000);
    self->fails_at = 0;
    assert_int_equal(save(self, NAME, 'p', 9000), TACIT_OK);
    assert_int_equal(count_entries(self), entries_of(9000));
    self->steps = 0;
    self->fails_at = 2;
    assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_ERR_STORE_UNAVAILABLE);
}

/* Each byte of each entry, each entry gone, each one longer or shorter. */
static void damage_is_told(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, NAME, 'a', 9000), TACIT_OK);
    for (int i = 0; i < ENTRIES_MAX; i++) {
        entry *one = &self->entries[i];
        if (!one->bytes) continue;
        for (size_t at = 0; at < one->size; at += at < 60 ? 1 : 97) {
            one->bytes[at] ^= 0x20;
            assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
            one->bytes[at] ^= 0x20;
        }
        one->size--;
        assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
        one->bytes[one->size + 1] = 'x';
        one->size += 2;
        assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
        one->size--;
        char *bytes = one->bytes;
        if (strcmp(one->name, NAME) == 0) continue;
        one->bytes = NULL;
        assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
        one->bytes = bytes;
    }
    assert_record(self, NAME, 'a', 9000);
    set_entry(self, NAME, "", 0);
    assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
    set_entry(self, NAME, "TACIT", 5);
    assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
    assert_int_equal(save(self, NAME, 'b', 10), TACIT_OK); /* and can be written over */
    assert_record(self, NAME, 'b', 10);
    assert_int_equal(count_entries(self), 1);
}

static void head_of_another_name_is_none_of_this(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, "tacit/app/4567", 'a', 10), TACIT_OK);
    entry *other = find(self, "tacit/app/4567");

    set_entry(self, NAME, other->bytes, other->size);

    assert_load_fails(self, NAME, TACIT_ERR_STORE_CORRUPT);
}

static void what_the_shelf_answers_is_told(void **state) {
    fake_shelf *self = *state;
    static const tacit_status answers[] = {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_UNAVAILABLE,
                                           TACIT_ERR_STORE_FAILED};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        self->steps = 0;
        self->fails_at = 1;
        self->failure = answers[i];
        assert_int_equal(save(self, NAME, 'a', 10), answers[i]);
        self->steps = 0;
        assert_int_equal(ti_chunks_erase(&self->shelf, NAME), answers[i]);
    }
}

/* Another process saves while this one loads. */
static void save_now(fake_shelf *self) {
    void (*beside)(fake_shelf *) = self->beside;
    self->beside = NULL;
    assert_int_equal(save(self, NAME, 'n', 9000), TACIT_OK);
    self->beside = beside;
}

static void save_beside(fake_shelf *self) {
    if (--self->besides == 0) save_now(self);
}

static void load_beside_a_save_gets_the_new_record(void **state) {
    fake_shelf *self = *state;
    int gets = (int)entries_of(20000);
    for (int at = 1; at <= gets; at++) {
        assert_int_equal(save(self, NAME, 'o', 20000), TACIT_OK);
        self->besides = at;
        self->beside = save_beside;
        assert_record(self, NAME, 'n', 9000); /* the entry that it was about to get is gone */
        self->beside = NULL;
    }
}

static void erase_beside(fake_shelf *self) {
    if (--self->besides == 0) assert_int_equal(ti_chunks_erase(&self->shelf, NAME), TACIT_OK);
}

static void load_beside_an_erasure_finds_none(void **state) {
    fake_shelf *self = *state;
    for (int at = 1; at <= (int)entries_of(9000); at++) {
        assert_int_equal(save(self, NAME, 'a', 9000), TACIT_OK);
        self->besides = at;
        self->beside = erase_beside;
        assert_load_fails(self, NAME, TACIT_ERR_STORE_NOT_FOUND);
        self->beside = NULL;
    }
}

static void load_beside_endless_saves_gives_up(void **state) {
    fake_shelf *self = *state;
    assert_int_equal(save(self, NAME, 'a', 9000), TACIT_OK);
    self->beside = save_now;

    assert_load_fails(self, NAME, TACIT_ERR_STORE_UNAVAILABLE);

    self->beside = NULL;
}

int main(void) {
#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_SHELF(records_of_all_sizes_come_back),
        ON_SHELF(erased_record_leaves_nothing),
        ON_SHELF(death_in_a_save_leaves_the_old_record_or_the_new_one),
        ON_SHELF(death_in_the_first_save_leaves_no_record_or_the_whole),
        ON_SHELF(death_in_an_erasure_leaves_the_record_or_none),
        ON_SHELF(failed_save_keeps_the_old_record_and_leaves_nothing_of_the_new),
        ON_SHELF(head_that_failed_and_came_about_is_whole),
        ON_SHELF(sweep_that_fails_does_not_fail_a_save),
        ON_SHELF(damage_is_told),
        ON_SHELF(head_of_another_name_is_none_of_this),
        ON_SHELF(what_the_shelf_answers_is_told),
        ON_SHELF(load_beside_a_save_gets_the_new_record),
        ON_SHELF(load_beside_an_erasure_finds_none),
        ON_SHELF(load_beside_endless_saves_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
