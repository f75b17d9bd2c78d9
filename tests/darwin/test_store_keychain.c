/* The Keychain of macOS, against a fake of it: what is asked of the system, and what becomes of its
 * answers. */
#include "darwin/fake_core_foundation.h"
#include "darwin/fake_keychain.h"
#include "support/store_contract.h"
#include "support/unit.h"

#include <pthread.h>

/* The files under test, which no other system compiles. */
#include "platform/store_keychain.c"
#include "platform/store_keychain_items.c"
#include "platform/store_keychain_status.c"

#define APPLICATION "org.example.App"
#define GROUP "TEAMID1234.org.example.shared"
#define KEY "https://login.example/ client user"
#define LONG_MS 50000

static tacit_store *make_store(bool data_protection, const char *group) {
    tacit_store_keychain_options options = TACIT_STORE_KEYCHAIN_OPTIONS_INIT;
    tacit_error error;

    options.application_id = APPLICATION;
    options.data_protection = data_protection;
    options.access_group = group;
    tacit_store *store = tacit_store_keychain(&options, &error);
    if (store == NULL) print_error("%s\n", error.message);
    return store;
}

/* The account of the key, valid until the next question. */
static const char *account_of(const char *key) {
    static char text[2 * TI_SHA256_SIZE + 1];
    CFStringRef account = create_account(key);

    snprintf(text, sizeof text, "%s", fake_cf_text(account));
    CFRelease(account);
    return text;
}

/* ------------------------------------------------------------------ the contract of all stores */

static void lock_keychain(void *data, bool locked) {
    (void)data;
    fake_keychain_lock(locked);
}

static void take_keychain_away(void *data, bool away) {
    (void)data;
    fake_keychain_answer(away ? errSecNotAvailable : errSecSuccess);
}

static void hang_keychain(void *data, bool hangs) {
    (void)data;
    fake_keychain_hang(hangs);
}

static void damage_item(void *data, const char *key) {
    (void)data;
    fake_keychain_overwrite(account_of(key), "typed by a person", 17);
}

static tacit_store *make_as_data_says(void *data) {
    return make_store(*(const bool *)data, NULL);
}

static int keep_the_contract(const char *name, bool data_protection) {
    const store_contract contract = {.name = name,
                                     .make = make_as_data_says,
                                     .data = &data_protection,
                                     .persistent = true,
                                     .lock = lock_keychain,
                                     .away = take_keychain_away,
                                     .hang = hang_keychain,
                                     .damage = damage_item};
    fake_keychain_reset();
    int failed = store_contract_run(&contract);
    if (fake_keychain_asked() > 0 || !fake_keychain_may_ask() || fake_cf_alive() > 0) {
        print_error("%s: a person was asked, or something was left behind\n", name);
        failed++;
    }
    return failed;
}

/* ------------------------------------------------------------------ cases of its own */

typedef struct fixture {
    store_user user;
    tacit_error error; /* of the last call below */
} fixture;

static int set_up(void **state) {
    static fixture self;

    fake_keychain_reset();
    self = (fixture){.error = TACIT_ERROR_INIT};
    *state = &self;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fake_cf_fail_at(0);
    if (fake_cf_alive() > 0 || fake_keychain_asked() > 0) {
        print_error("%d objects are left, a person was asked %d times\n", fake_cf_alive(),
                    fake_keychain_asked());
        return -1;
    }
    return 0;
}

static tacit_status save_text(fixture *self, const char *text) {
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    assert_true(ti_buffer_append_string(&record, text));
    tacit_status status = ti_store_save(self->user.calls, self->user.store, KEY, &record, LONG_MS,
                                        (ti_store_late){.fn = NULL}, &overdue, &self->error);
    ti_buffer_free(&record);
    return status;
}

static tacit_status load_any(fixture *self) {
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status =
        ti_store_load(self->user.calls, self->user.store, KEY, LONG_MS, (ti_store_late){.fn = NULL},
                      &record, &overdue, &self->error);
    ti_buffer_free(&record);
    return status;
}

static void an_item_says_whose_it_is(void **state) {
    fixture *self = *state;
    fake_keychain_item item;

    store_user_open(&self->user, make_store(false, NULL));
    assert_int_equal(save_text(self, "record"), TACIT_OK);
    store_user_close(&self->user);

    assert_int_equal(fake_keychain_count(), 1);
    assert_true(fake_keychain_find(account_of(KEY), &item));
    assert_string_equal(item.service, APPLICATION);
    assert_string_equal(item.label, APPLICATION " sign-in");
    assert_false(item.data_protection);
    assert_null(item.accessible);
    assert_null(item.group);
}

static void data_protection_keeps_items_on_this_device(void **state) {
    fixture *self = *state;
    fake_keychain_item item;

    store_user_open(&self->user, make_store(true, NULL));
    assert_int_equal(save_text(self, "record"), TACIT_OK);
    store_user_close(&self->user);

    assert_true(fake_keychain_find(account_of(KEY), &item));
    assert_true(item.data_protection);
    assert_string_equal(item.accessible, "kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly");
    assert_null(item.group);
}

static void an_access_group_implies_data_protection(void **state) {
    fixture *self = *state;
    fake_keychain_item item;

    store_user_open(&self->user, make_store(false, GROUP));
    assert_int_equal(save_text(self, "record"), TACIT_OK);
    assert_stored_text(&self->user, KEY, "record");
    assert_non_null(
        strstr(tacit_store_describe(self->user.store), "for programs of its access group"));
    store_user_close(&self->user);

    assert_true(fake_keychain_find(account_of(KEY), &item));
    assert_true(item.data_protection);
    assert_string_equal(item.group, GROUP);
}

static void the_two_keychains_do_not_mix(void **state) {
    fixture *self = *state;

    store_user_open(&self->user, make_store(false, NULL));
    assert_int_equal(save_text(self, "in the file"), TACIT_OK);
    store_user_close(&self->user);
    store_user_open(&self->user, make_store(true, NULL));
    assert_not_stored(&self->user, KEY);
    store_user_close(&self->user);
}

/* The person's consent is to the item: a new one would ask anew. */
static void a_save_updates_the_item_that_is_there(void **state) {
    fixture *self = *state;
    fake_keychain_item before, after;

    store_user_open(&self->user, make_store(false, NULL));
    assert_int_equal(save_text(self, "first"), TACIT_OK);
    assert_true(fake_keychain_find(account_of(KEY), &before));
    assert_int_equal(save_text(self, "second"), TACIT_OK);
    assert_true(fake_keychain_find(account_of(KEY), &after));
    store_user_close(&self->user);

    assert_int_equal(after.made, before.made);
    assert_int_equal(fake_keychain_count(), 1);
}

static void what_another_program_adds_meanwhile_is_updated(void **state) {
    fixture *self = *state;

    store_user_open(&self->user, make_store(false, NULL));
    fake_keychain_race(1, false);
    assert_int_equal(save_text(self, "ours"), TACIT_OK);

    assert_int_equal(fake_keychain_count(), 1);
    assert_stored_text(&self->user, KEY, "ours");
    store_user_close(&self->user);
}

static void a_race_that_does_not_end_is_given_up(void **state) {
    fixture *self = *state;

    store_user_open(&self->user, make_store(false, NULL));
    fake_keychain_race(1000, true);
    assert_int_equal(save_text(self, "ours"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(self->error.retryable);
    fake_keychain_race(0, false);
    assert_int_equal(save_text(self, "ours"), TACIT_OK);
    store_user_close(&self->user);
}

static void nobody_is_asked_and_the_switch_is_put_back(void **state) {
    fixture *self = *state;

    for (int allowed = 0; allowed <= 1; allowed++) {
        fake_keychain_reset();
        SecKeychainSetUserInteractionAllowed((Boolean)allowed);
        for (int protected = 0; protected <= 1; protected ++) {
            store_user_open(&self->user, make_store(protected, NULL));
            fake_keychain_lock(true);
            assert_int_equal(load_any(self), TACIT_ERR_STORE_LOCKED);
            assert_int_equal(save_text(self, "text"), TACIT_ERR_STORE_LOCKED);
            assert_int_equal(store_user_erase(&self->user, KEY), TACIT_ERR_STORE_LOCKED);
            fake_keychain_lock(false);
            store_user_close(&self->user);
        }
        assert_int_equal(fake_keychain_may_ask(), allowed);
    }
    assert_int_equal(fake_keychain_asked(), 0);
}

static void *save_in_other_store(void *data) {
    fixture *self = data;

    assert_int_equal(save_text(self, "hung"), TACIT_OK);
    return NULL;
}

static void the_switch_stays_off_for_the_last_call(void **state) {
    fixture *self = *state, other = {.error = TACIT_ERROR_INIT};
    pthread_t thread;
    ti_keychain keychain = {.data_protection = false};

    store_user_open(&other.user, make_store(false, NULL));
    begin_silence(&keychain); /* a call that goes on */
    assert_int_equal(pthread_create(&thread, NULL, save_in_other_store, &other), 0);
    pthread_join(thread, NULL);
    assert_false(fake_keychain_may_ask());
    end_silence(&keychain);

    assert_true(fake_keychain_may_ask());
    store_user_close(&other.user);
    (void)self;
}

static void each_answer_has_its_meaning(void **state) {
    fixture *self = *state;
    static const struct {
        OSStatus answer;
        tacit_status load, save;
        const char *clause;
    } rows[] = {
        {errSecInteractionNotAllowed, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, "-25308"},
        {errSecInteractionRequired, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, "-25315"},
        {errSecAuthFailed, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, "this program"},
        {errSecUserCanceled, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, "-128"},
        {errSecInDarkWake, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, "sleeps"},
        {errSecNotAvailable, TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE,
         "no keychain"},
        {errSecNoDefaultKeychain, TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE,
         "no keychain"},
        {errSecNoSuchKeychain, TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE,
         "no keychain"},
        {errSecServiceNotAvailable, TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE,
         "service"},
        {errSecDecode, TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT, "decrypted"},
        {errSecInvalidKeychain, TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT, "damaged"},
        {errSecDataTooLarge, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_TOO_LARGE, "fit"},
        {errSecMissingEntitlement, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED,
         "com.apple.application-identifier"},
        {errSecAllocate, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, "memory"},
        {errSecDiskFull, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, "disk is full"},
        {errSecReadOnly, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, "written"},
        {-67808, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, "OSStatus -67808"},
    };

    store_user_open(&self->user, make_store(false, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_keychain_answer(rows[i].answer);
        assert_int_equal(load_any(self), rows[i].load);
        if (strstr(self->error.message, rows[i].clause) == NULL && rows[i].load == rows[i].save)
            fail_msg("%s", self->error.message);
        assert_int_equal(save_text(self, "text"), rows[i].save);
        if (strstr(self->error.message, rows[i].clause) == NULL)
            fail_msg("%s", self->error.message);
    }
    fake_keychain_answer(errSecSuccess);
    assert_int_equal(fake_keychain_count(), 0);
    store_user_close(&self->user);
}

static void an_unsigned_program_is_told_what_it_lacks(void **state) {
    fixture *self = *state;

    fake_keychain_entitle(false);
    store_user_open(&self->user, make_store(true, NULL));
    assert_int_equal(load_any(self), TACIT_ERR_STORE_FAILED);
    assert_non_null(strstr(self->error.message, "lacks an entitlement"));
    store_user_close(&self->user);

    store_user_open(&self->user, make_store(false, NULL)); /* needs none */
    assert_int_equal(load_any(self), TACIT_ERR_STORE_NOT_FOUND);
    store_user_close(&self->user);
}

static void a_result_of_another_kind_is_corrupt(void **state) {
    (void)state;
    keychain_store self = {.application_id = NULL};
    char *record = NULL;
    size_t size;

    assert_int_equal(copy_record(&self, NULL, &record, &size), TACIT_ERR_STORE_CORRUPT);
    assert_int_equal(copy_record(&self, kSecClass, &record, &size), TACIT_ERR_STORE_CORRUPT);
    assert_null(record);
}

/* Neither is the record lost nor anything else, wherever it happens. */
static void without_memory_a_call_fails_and_the_next_works(void **state) {
    fixture *self = *state;
    int failures = 0;

    store_user_open(&self->user, make_store(true, GROUP));
    for (int n = 1;; n++) {
        fake_cf_fail_at(n);
        tacit_status saved = save_text(self, "new");
        bool came = fake_cf_has_failed();
        fake_cf_fail_at(0);
        assert_int_equal(saved, came ? TACIT_ERR_STORE_FAILED : TACIT_OK);
        if (!came) break;
        failures++;
        assert_int_equal(fake_keychain_count(), 0);
    }
    for (int n = 1;; n++) {
        fake_cf_fail_at(n);
        tacit_status loaded = load_any(self);
        bool came = fake_cf_has_failed();
        fake_cf_fail_at(0);
        assert_int_equal(loaded, came ? TACIT_ERR_STORE_FAILED : TACIT_OK);
        if (!came) break;
        failures++;
    }
    assert_true(failures >= 8);
    assert_stored_text(&self->user, KEY, "new");
    store_user_close(&self->user);
}

static void without_memory_there_is_no_store(void **state) {
    (void)state;
    tacit_store_keychain_options options = TACIT_STORE_KEYCHAIN_OPTIONS_INIT;
    tacit_error error;

    options.application_id = APPLICATION;
    options.access_group = GROUP;
    for (int n = 1;; n++) {
        fake_cf_fail_at(n);
        tacit_store *store = tacit_store_keychain(&options, &error);
        bool came = fake_cf_has_failed();
        fake_cf_fail_at(0);
        assert_true(came == (store == NULL));
        tacit_store_unref(store);
        if (!came) break;
        assert_int_equal(fake_cf_alive(), 0);
    }
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    static const struct {
        const char *application_id, *group, *named;
    } rows[] = {
        {NULL, NULL, "options->application_id"},
        {"", NULL, "options->application_id"},
        {"not \xff UTF-8", NULL, "options->application_id"},
        {APPLICATION, "", "options->access_group"},
        {APPLICATION, "\xff", "options->access_group"},
    };
    tacit_error error;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_store_keychain_options options = TACIT_STORE_KEYCHAIN_OPTIONS_INIT;
        options.application_id = rows[i].application_id;
        options.access_group = rows[i].group;
        assert_null(tacit_store_keychain(&options, &error));
        assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, rows[i].named));
    }
    assert_null(tacit_store_keychain(NULL, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_null(tacit_store_keyring("", &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
}

static void the_keyring_is_the_keychain_without_options(void **state) {
    fixture *self = *state;

    assert_int_equal(ti_keyring_look(), TI_KEYRING_PRESENT);
    store_user_open(&self->user, tacit_store_keyring(APPLICATION, NULL));
    assert_int_equal(save_text(self, "record"), TACIT_OK);
    store_user_close(&self->user);

    store_user_open(&self->user, make_store(false, NULL));
    assert_stored_text(&self->user, KEY, "record");
    store_user_close(&self->user);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_item_says_whose_it_is),
        CASE(data_protection_keeps_items_on_this_device),
        CASE(an_access_group_implies_data_protection),
        CASE(the_two_keychains_do_not_mix),
        CASE(a_save_updates_the_item_that_is_there),
        CASE(what_another_program_adds_meanwhile_is_updated),
        CASE(a_race_that_does_not_end_is_given_up),
        CASE(nobody_is_asked_and_the_switch_is_put_back),
        CASE(the_switch_stays_off_for_the_last_call),
        CASE(each_answer_has_its_meaning),
        CASE(an_unsigned_program_is_told_what_it_lacks),
        CASE(a_result_of_another_kind_is_corrupt),
        CASE(without_memory_a_call_fails_and_the_next_works),
        CASE(without_memory_there_is_no_store),
        CASE(bad_arguments_are_named),
        CASE(the_keyring_is_the_keychain_without_options),
    };

    return keep_the_contract("the file-based keychain", false) +
           keep_the_contract("the data-protection keychain", true) +
           cmocka_run_group_tests_name("the Keychain", tests, NULL, NULL);
}
