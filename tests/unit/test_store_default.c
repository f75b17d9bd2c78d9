/* The default store with a keyring and a file that do what a test says: what it takes from their answers. */
#include "support/unit.h"

#include "session/store.h"
#include "session/store_choice.h"
#include "session/store_default.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/client.h>

#define APPLICATION "com.example.default"

/* ------------------------------------------------------------------ two stores */

enum { RECORDS_MAX = 8 };

typedef struct fake {
    tacit_status answer;    /* of every call, where not TACIT_OK */
    tacit_status save_only; /* of saves */
    bool spoils;            /* what is loaded is not what was saved */
    bool is_none;           /* cannot be made */
    size_t record_size_max;
    void (*on_save)(void); /* while it saves */

    int calls;
    char *keys[RECORDS_MAX];
    char *records[RECORDS_MAX];
    size_t sizes[RECORDS_MAX];
} fake;

static fake keyring, file;
static ti_keyring_presence presence;
static int looks;
static char home[64];

static int find(const fake *self, const char *key) {
    for (int i = 0; i < RECORDS_MAX; i++)
        if (self->keys[i] != NULL && strcmp(self->keys[i], key) == 0) return i;
    return -1;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    fake *self = data;
    int at = find(self, key);

    self->calls++;
    if (self->answer != TACIT_OK) return self->answer;
    if (at < 0) return TACIT_ERR_STORE_NOT_FOUND;
    *size = self->sizes[at];
    *record = tacit_alloc(*size);
    memcpy(*record, self->records[at], *size);
    if (self->spoils) (*record)[0] ^= 1;
    return TACIT_OK;
}

static void drop(fake *self, int at) {
    free(self->keys[at]);
    free(self->records[at]);
    self->keys[at] = self->records[at] = NULL;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    fake *self = data;
    int at = find(self, key);

    self->calls++;
    if (self->answer != TACIT_OK) return self->answer;
    if (self->save_only != TACIT_OK) return self->save_only;
    if (self->on_save != NULL) self->on_save();
    if (at >= 0) drop(self, at);
    for (at = 0; self->keys[at] != NULL; at++) assert_true(at + 1 < RECORDS_MAX);
    self->keys[at] = strdup(key);
    self->records[at] = malloc(size + 1);
    memcpy(self->records[at], record, size);
    self->sizes[at] = size;
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    fake *self = data;
    int at = find(self, key);

    self->calls++;
    if (self->answer != TACIT_OK) return self->answer;
    if (at >= 0) drop(self, at);
    return TACIT_OK;
}

static int record_count(const fake *self) {
    int count = 0;

    for (int i = 0; i < RECORDS_MAX; i++) count += self->keys[i] != NULL;
    return count;
}

static tacit_store *store_of(fake *self, const char *description, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    if (self->is_none) {
        *error = (tacit_error){.status = TACIT_ERR_UNSUPPORTED, .message = "There is none."};
        return NULL;
    }
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.record_size_max = self->record_size_max;
    ops.description = description;
    return tacit_store_custom(&ops, self, error);
}

static tacit_store *make_keyring(const char *application_id, tacit_error *error) {
    assert_string_equal(application_id, APPLICATION);
    return store_of(&keyring, "the keyring", error);
}

static tacit_store *make_file(const tacit_store_file_options *options, tacit_error *error) {
    assert_non_null(strstr(options->directory, home));
    return store_of(&file, "the file", error);
}

static ti_keyring_presence look(void) {
    looks++;
    return presence;
}

/* ------------------------------------------------------------------ the default store of them */

static tacit_store *make(void) {
    const ti_default_parts parts = {.keyring = make_keyring, .look = look, .file = make_file};
    tacit_store *store = ti_store_default_new(APPLICATION, &parts, NULL);

    assert_non_null(store);
    return store;
}

static tacit_status save_text(tacit_store *store, const char *text) {
    return store->ops.save(store->data, "key", text, strlen(text));
}

static tacit_status load_key(tacit_store *store) {
    char *record = NULL;
    size_t size;
    tacit_status status = store->ops.load(store->data, "key", &record, &size);

    tacit_free(record);
    return status;
}

static const char *why(tacit_store *store) {
    int os_error = 0;
    const char *reason = store->ops.last_error(store->data, &os_error);

    return reason == NULL ? "" : reason;
}

static ti_choice remembered(void) {
    char directory[128];
    tacit_error error;
    ti_choice choice;

    snprintf(directory, sizeof directory, "%s/tacit", home);
    assert_int_equal(ti_choice_recall(directory, APPLICATION, &choice, &error), TACIT_OK);
    return choice;
}

static void remember(ti_choice choice) {
    char directory[128];

    snprintf(directory, sizeof directory, "%s/tacit", home);
    ti_choice_remember(directory, APPLICATION, choice);
}

static int set_up(void **state) {
    (void)state;
    strcpy(home, "/tmp/tacit-default-XXXXXX");
    assert_non_null(mkdtemp(home));
    setenv("XDG_STATE_HOME", home, 1);
    setenv("TACIT_STORE_KEY_FILE", "/nowhere/a.key", 1);
    unsetenv("CREDENTIALS_DIRECTORY");
    memset(&keyring, 0, sizeof keyring);
    memset(&file, 0, sizeof file);
    presence = TI_KEYRING_PRESENT;
    looks = 0;
    return 0;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where) {
    (void)facts, (void)kind, (void)where;
    return remove(path);
}

static int tear_down(void **state) {
    (void)state;
    for (int i = 0; i < RECORDS_MAX; i++) drop(&keyring, i), drop(&file, i);
    return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ------------------------------------------------------------------ the probe */

static void the_probe_is_erased(void **state) {
    tacit_store *store = make();

    (void)state;
    assert_int_equal(keyring.calls, 0);
    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(keyring.calls, 3 + 1); /* saved, loaded, erased; and then the load */
    assert_int_equal(record_count(&keyring), 0);
    assert_string_equal(tacit_store_describe(store), "the keyring");

    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(keyring.calls, 3 + 2); /* probed once */
    assert_int_equal(remembered(), TI_CHOICE_NONE);
    tacit_store_unref(store);
}

static void is_not_taken(tacit_status expected) {
    tacit_store *store = make();

    assert_int_equal(save_text(store, "x"), expected);
    assert_true(strlen(why(store)) > 0);
    assert_int_equal(file.calls, 0);
    assert_int_equal(record_count(&keyring), 0);
    assert_int_equal(remembered(), TI_CHOICE_NONE);
    tacit_store_unref(store);
}

static void a_keyring_that_spoils_is_neither_taken_nor_replaced(void **state) {
    (void)state;
    keyring.spoils = true;
    is_not_taken(TACIT_ERR_STORE_FAILED);
}

static void a_keyring_too_small_is_neither_taken_nor_replaced(void **state) {
    (void)state;
    keyring.save_only = TACIT_ERR_STORE_TOO_LARGE;
    is_not_taken(TACIT_ERR_STORE_FAILED);
    keyring.save_only = TACIT_OK;
    keyring.record_size_max = 4095;
    is_not_taken(TACIT_ERR_STORE_FAILED);
}

static void a_keyring_that_cannot_be_used_now_is_not_replaced(void **state) {
    static const tacit_status statuses[] = {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_UNAVAILABLE,
                                            TACIT_ERR_STORE_FAILED};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        keyring.answer = statuses[i];
        is_not_taken(statuses[i]);
    }
    assert_int_equal(looks, 1); /* only where it is not there now */
}

/* As in a forked child, whose parent has used the keyring's library. */
static void a_keyring_that_cannot_be_made_now_is_not_replaced(void **state) {
    tacit_store *store = make();

    (void)state;
    keyring.is_none = true;

    assert_int_equal(save_text(store, "x"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_string_equal(why(store), "there is none");
    assert_int_equal(file.calls, 0);
    tacit_store_unref(store);
}

static void each_missing_part_of_a_keyring_leads_to_the_file(void **state) {
    (void)state;
    keyring.answer = TACIT_ERR_STORE_UNAVAILABLE;
    for (presence = TI_KEYRING_UNSUPPORTED; presence <= TI_KEYRING_NO_COLLECTION; presence++) {
        tacit_store *store = make();

        assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
        assert_string_equal(tacit_store_describe(store), "the file");
        tacit_store_unref(store);
    }
}

static void without_a_key_each_names_what_to_set(void **state) {
    (void)state;
    unsetenv("TACIT_STORE_KEY_FILE");
    keyring.is_none = true;
    for (presence = TI_KEYRING_UNSUPPORTED; presence <= TI_KEYRING_NO_COLLECTION; presence++) {
        tacit_store *store = make();

        assert_int_equal(load_key(store), TACIT_ERR_STORE_UNAVAILABLE);
        assert_non_null(strstr(why(store), "TACIT_STORE_KEY_FILE"));
        tacit_store_unref(store);
    }
}

static void the_words_for_a_failure_are_those_of_the_store_that_failed(void **state) {
    tacit_store *store = make();

    (void)state;
    keyring.is_none = true;
    presence = TI_KEYRING_NO_LIBRARY;
    file.answer = TACIT_ERR_STORE_FAILED;

    assert_int_equal(load_key(store), TACIT_ERR_STORE_FAILED);
    assert_string_equal(why(store), ""); /* it has none */
    tacit_store_unref(store);
}

static void without_cryptography_there_is_no_file(void **state) {
    tacit_store *store = make();

    (void)state;
    keyring.is_none = file.is_none = true;
    presence = TI_KEYRING_NO_LIBRARY;

    assert_int_equal(load_key(store), TACIT_ERR_STORE_UNAVAILABLE);
    assert_string_equal(why(store), "there is none");
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ the record */

static void a_record_over_the_limit_does_not_get_there(void **state) {
    char *large = malloc(5001);
    tacit_store *store = make();

    (void)state;
    keyring.record_size_max = 5000;
    memset(large, 'x', 5001);

    assert_int_equal(store->ops.save(store->data, "key", large, 5001), TACIT_ERR_STORE_TOO_LARGE);
    assert_int_equal(remembered(), TI_CHOICE_NONE);
    assert_int_equal(store->ops.save(store->data, "key", large, 5000), TACIT_OK);
    assert_int_equal(remembered(), TI_CHOICE_KEYRING);
    tacit_store_unref(store);
    free(large);
}

static void a_save_that_fails_is_not_remembered(void **state) {
    tacit_store *store = make();

    (void)state;
    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    keyring.save_only = TACIT_ERR_STORE_LOCKED;
    assert_int_equal(save_text(store, "x"), TACIT_ERR_STORE_LOCKED);
    assert_int_equal(remembered(), TI_CHOICE_NONE);

    keyring.save_only = TACIT_OK;
    assert_int_equal(save_text(store, "x"), TACIT_OK);
    assert_int_equal(remembered(), TI_CHOICE_KEYRING);
    tacit_store_unref(store);
}

static void choose_the_file(void) {
    remember(TI_CHOICE_FILE);
}

static void who_is_second_moves_what_it_saved(void **state) {
    tacit_store *store = make();

    (void)state;
    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    keyring.on_save = choose_the_file; /* another process, at the worst moment */

    assert_int_equal(save_text(store, "x"), TACIT_OK);

    assert_int_equal(record_count(&file), 1);
    assert_int_equal(record_count(&keyring), 0);
    assert_int_equal(remembered(), TI_CHOICE_FILE);
    assert_string_equal(tacit_store_describe(store), "the file");
    tacit_store_unref(store);
}

static void what_cannot_be_moved_stays_until_it_can(void **state) {
    tacit_store *store = make();

    (void)state;
    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    keyring.on_save = choose_the_file;
    file.save_only = TACIT_ERR_STORE_FAILED;

    assert_int_equal(save_text(store, "x"), TACIT_ERR_STORE_FAILED);
    assert_int_equal(record_count(&keyring), 1);

    file.save_only = TACIT_OK;
    assert_int_equal(save_text(store, "y"), TACIT_OK);
    assert_int_equal(record_count(&file), 1);
    assert_int_equal(record_count(&keyring), 0);
    tacit_store_unref(store);
}

static void what_is_remembered_is_not_probed(void **state) {
    tacit_store *store = make();

    (void)state;
    remember(TI_CHOICE_KEYRING);
    assert_int_equal(load_key(store), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(keyring.calls, 1);

    keyring.answer = TACIT_ERR_STORE_UNAVAILABLE;
    assert_int_equal(load_key(store), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(file.calls, 0);
    assert_int_equal(looks, 0);
    tacit_store_unref(store);
}

static void a_remembered_keyring_that_cannot_be_made_is_named(void **state) {
    tacit_store *store = make();

    (void)state;
    remember(TI_CHOICE_KEYRING);
    keyring.is_none = true;

    assert_int_equal(load_key(store), TACIT_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(tacit_store_describe(store), "keyring"));
    assert_int_equal(file.calls, 0);
    tacit_store_unref(store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_probe_is_erased),
        CASE(a_keyring_that_spoils_is_neither_taken_nor_replaced),
        CASE(a_keyring_too_small_is_neither_taken_nor_replaced),
        CASE(a_keyring_that_cannot_be_used_now_is_not_replaced),
        CASE(a_keyring_that_cannot_be_made_now_is_not_replaced),
        CASE(each_missing_part_of_a_keyring_leads_to_the_file),
        CASE(without_a_key_each_names_what_to_set),
        CASE(the_words_for_a_failure_are_those_of_the_store_that_failed),
        CASE(without_cryptography_there_is_no_file),
        CASE(a_record_over_the_limit_does_not_get_there),
        CASE(a_save_that_fails_is_not_remembered),
        CASE(who_is_second_moves_what_it_saved),
        CASE(what_cannot_be_moved_stays_until_it_can),
        CASE(what_is_remembered_is_not_probed),
        CASE(a_remembered_keyring_that_cannot_be_made_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
