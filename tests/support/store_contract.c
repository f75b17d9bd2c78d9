#include "support/store_contract.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANG_MS 50000
#define STACK_BYTES (256 * 1024) /* as in a client */

void store_user_open(store_user *user, tacit_store *store) {
    assert_non_null(store);
    user->clock = (ti_clock){.injected = {0}};
    user->store = store;
    user->calls = ti_store_calls_new(&user->clock, STACK_BYTES);
    assert_non_null(user->calls);
}

void store_user_close(store_user *user) {
    assert_true(ti_store_calls_stop(user->calls, ti_clock_deadline(&user->clock, HANG_MS)));
    ti_store_calls_free(user->calls);
    tacit_store_unref(user->store);
}

static const ti_store_late never_late = {.fn = NULL};

tacit_status store_user_save(store_user *user, const char *key, const void *bytes, size_t size) {
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status;

    assert_true(ti_buffer_append(&record, bytes, size));
    status =
        ti_store_save(user->calls, user->store, key, &record, HANG_MS, never_late, &overdue, NULL);
    ti_buffer_free(&record);
    return status;
}

tacit_status store_user_erase(store_user *user, const char *key) {
    bool overdue;

    return ti_store_erase(user->calls, user->store, key, HANG_MS, never_late, &overdue, NULL);
}

tacit_status store_user_load(store_user *user, const char *key, ti_buffer *record) {
    bool overdue;

    return ti_store_load(user->calls, user->store, key, HANG_MS, never_late, record, &overdue,
                         NULL);
}

void assert_stored(store_user *user, const char *key, const void *bytes, size_t size) {
    ti_buffer record = TI_BUFFER_SECRET;

    assert_int_equal(store_user_load(user, key, &record), TACIT_OK);
    assert_int_equal(record.size, size);
    if (size > 0) assert_memory_equal(record.data, bytes, size);
    ti_buffer_free(&record);
}

void assert_stored_text(store_user *user, const char *key, const char *text) {
    assert_stored(user, key, text, strlen(text));
}

void assert_not_stored(store_user *user, const char *key) {
    ti_buffer record = TI_BUFFER_SECRET;

    assert_int_equal(store_user_load(user, key, &record), TACIT_ERR_STORE_NOT_FOUND);
    ti_buffer_free(&record);
}

static void save_text(store_user *user, const char *key, const char *text) {
    assert_int_equal(store_user_save(user, key, text, strlen(text)), TACIT_OK);
}

typedef struct fixture {
    const store_contract *contract;
    store_user user;
} fixture;

static int set_up(void **state) {
    const store_contract *contract = *state;
    fixture *self = calloc(1, sizeof *self);

    self->contract = contract;
    store_user_open(&self->user, contract->make(contract->data));
    *state = self;
    return 0;
}

static int tear_down(void **state) {
    fixture *self = *state;

    store_user_close(&self->user);
    free(self);
    return 0;
}

/* Every byte value, in no order that a filter could like. */
static char *binary(size_t size) {
    char *bytes = malloc(size + 1);
    unsigned state = 12345;

    for (size_t i = 0; i < size; i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = (char)(state >> 16);
    }
    return bytes;
}

static void records_of_all_sizes_come_back(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 65536, 1 << 20, 3, 0};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = binary(sizes[i]);

        assert_int_equal(store_user_save(user, "sizes", bytes, sizes[i]), TACIT_OK);
        assert_stored(user, "sizes", bytes, sizes[i]);
        free(bytes);
    }
}

static void text_comes_back_as_it_was(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static const char *const texts[] = {
        "{\"refresh_token\":\"r\"}", " blanks \t\r\n\n ",  "gr\xc3\xbc\xc3\x9f",
        "not utf-8: \xff\xfe\x80",   "trailing newline\n",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        save_text(user, "texts", texts[i]);
        assert_stored_text(user, "texts", texts[i]);
    }
}

static void nuls_are_bytes_like_others(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static const char bytes[] = "\0a\0\0b\0";

    assert_int_equal(store_user_save(user, "nuls", bytes, sizeof bytes), TACIT_OK);

    assert_stored(user, "nuls", bytes, sizeof bytes);
}

static void a_save_replaces(void **state) {
    store_user *user = &((fixture *)*state)->user;

    save_text(user, "replaced", "a long first record");
    save_text(user, "replaced", "second");
    assert_stored_text(user, "replaced", "second");

    assert_int_equal(store_user_erase(user, "replaced"), TACIT_OK);
    assert_not_stored(user, "replaced"); /* the first does not come to light */
}

static void what_was_never_saved_is_not_found(void **state) {
    store_user *user = &((fixture *)*state)->user;

    assert_not_stored(user, "never");
}

static void erase_is_fine_with_nothing_there(void **state) {
    store_user *user = &((fixture *)*state)->user;

    save_text(user, "erased", "x");
    assert_int_equal(store_user_erase(user, "erased"), TACIT_OK);
    assert_not_stored(user, "erased");
    assert_int_equal(store_user_erase(user, "erased"), TACIT_OK);
    assert_int_equal(store_user_erase(user, "never there"), TACIT_OK);

    save_text(user, "erased", "again");
    assert_stored_text(user, "erased", "again");
}

/* Saves all under their own name, so that two keys taken for one show. */
static void keep_apart(store_user *user, const char *const *keys, size_t count) {
    char text[32];

    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "record %zu", i);
        save_text(user, keys[i], text);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "record %zu", i);
        assert_stored_text(user, keys[i], text);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(store_user_erase(user, keys[i]), TACIT_OK);
        assert_not_stored(user, keys[i]);
        if (i + 1 < count) {
            snprintf(text, sizeof text, "record %zu", i + 1);
            assert_stored_text(user, keys[i + 1], text);
        }
    }
}

static void keys_are_compared_exactly(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static const char *const keys[] = {
        "https://login.example/ Client user", "https://login.example/ client user",
        "https://login.example/ client User", "https://login.example/ client user ",
        "https://login.example/ client use",  "https://login.example/ client use%",
        "https://login.example/ client *",    "https://login.example/",
    };

    keep_apart(user, keys, sizeof keys / sizeof *keys);
}

static void keys_may_hold_any_character(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static const char *const keys[] = {
        "../../etc/passwd",
        "/",
        "%s%n%d",
        "a=b;c=d&e",
        "\"quoted\" 'quoted' `quoted`",
        "back\\slash $HOME ~ {} [] () <> | ^ # ! ? , : @ +",
        "\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80",
        "a\xcc\x88", /* a letter and its mark: not the same as the letter in one */
        "\xc3\xa4",
        "-",
    };

    keep_apart(user, keys, sizeof keys / sizeof *keys);
}

static void long_keys_differ_in_their_last_byte(void **state) {
    store_user *user = &((fixture *)*state)->user;
    static char first[10001], second[10001];
    const char *keys[] = {first, second};

    memset(first, 'k', 10000);
    memcpy(second, first, 10000);
    second[9999] = 'l';

    keep_apart(user, keys, 2);
}

static void many_keys_live_side_by_side(void **state) {
    store_user *user = &((fixture *)*state)->user;
    char keys[16][16];
    const char *list[16];

    for (size_t i = 0; i < 16; i++) {
        snprintf(keys[i], sizeof keys[i], "many %zu", i);
        list[i] = keys[i];
    }

    keep_apart(user, list, 16);
}

static void another_store_object_finds_the_records(void **state) {
    fixture *self = *state;
    store_user other;

    save_text(&self->user, "shared", "from the first");
    store_user_open(&other, self->contract->make(self->contract->data));
    if (self->contract->persistent) {
        assert_stored_text(&other, "shared", "from the first");
        save_text(&other, "shared", "from the second");
        assert_stored_text(&self->user, "shared", "from the second");
    } else {
        assert_not_stored(&other, "shared");
    }
    store_user_close(&other);
}

#define THREADS 4

typedef struct worker {
    store_user *user;
    int number;
} worker;

static void *work(void *data) {
    worker *self = data;
    char own[32], text[32];

    snprintf(own, sizeof own, "thread %d", self->number);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "%d of %d", i, self->number);
        save_text(self->user, own, text);
        save_text(self->user, "common", text);
        assert_stored_text(self->user, own, text);
    }
    assert_int_equal(store_user_erase(self->user, own), TACIT_OK);
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state) {
    store_user *user = &((fixture *)*state)->user;
    worker workers[THREADS];
    pthread_t threads[THREADS];
    ti_buffer record = TI_BUFFER_SECRET;

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.user = user, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    assert_int_equal(store_user_load(user, "common", &record), TACIT_OK);
    assert_memory_equal(record.data, "4 of ", 5); /* the last of one of them */
    ti_buffer_free(&record);
}

#define CASE(name)                                                                                 \
    { #name, name, set_up, tear_down, (void *)contract }

int store_contract_run(const store_contract *contract) {
    const struct CMUnitTest tests[] = {
        CASE(records_of_all_sizes_come_back),
        CASE(text_comes_back_as_it_was),
        CASE(nuls_are_bytes_like_others),
        CASE(a_save_replaces),
        CASE(what_was_never_saved_is_not_found),
        CASE(erase_is_fine_with_nothing_there),
        CASE(keys_are_compared_exactly),
        CASE(keys_may_hold_any_character),
        CASE(long_keys_differ_in_their_last_byte),
        CASE(many_keys_live_side_by_side),
        CASE(another_store_object_finds_the_records),
        CASE(threads_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests_name(contract->name, tests, NULL, NULL);
}
