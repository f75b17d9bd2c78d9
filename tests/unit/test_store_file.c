/* What tacit_store_file() takes, and that it leaves the disk alone. The rest is in integration. */
#include "support/unit.h"

#include "platform/crypto.h"
#include "session/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tacit_status get_key(void *data, unsigned char key[32]) {
    (void)data, (void)key;
    return TACIT_ERR_STORE_UNAVAILABLE;
}

/* Nothing of this can be made, or looked at. */
#define NOWHERE "/dev/null/nowhere"

static tacit_store_file_options full_options(void) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;

    options.directory = NOWHERE;
    options.passphrase = "correct horse";
    return options;
}

static void refused(tacit_store_file_options options, const char *named) {
    tacit_error error;

    assert_null(tacit_store_file(&options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    if (strstr(error.message, named) == NULL) fail_msg("%s: %s", named, error.message);
}

static void wrong_options_are_refused_and_named(void **state) {
    tacit_store_file_options options;

    (void)state;
    options = full_options(), options.struct_size = 0;
    refused(options, "TACIT_STORE_FILE_OPTIONS_INIT");
    options = full_options(), options.directory = NULL;
    refused(options, "directory");
    options = full_options(), options.directory = "";
    refused(options, "directory");
    options = full_options(), options.passphrase = NULL;
    refused(options, "exactly one");
    options = full_options(), options.key_file = "/k";
    refused(options, "exactly one");
    options = full_options(), options.get_key = get_key;
    refused(options, "exactly one");
    options = full_options(), options.passphrase = NULL, options.key_file = "";
    refused(options, "key_file");
    options = full_options(), options.passphrase = "";
    refused(options, "passphrase");
    assert_null(tacit_store_file(NULL, NULL));
}

static void assert_describes(const tacit_store_file_options *options, const char *expected) {
    tacit_store *store = tacit_store_file(options, NULL);

    assert_non_null(store);
    assert_string_equal(tacit_store_describe(store), expected);
    tacit_store_unref(store);
}

static void the_description_names_the_place_and_the_key(void **state) {
    tacit_store_file_options options = full_options();

    (void)state;
    if (!ti_crypto_can_seal()) skip();
    assert_describes(&options, "files in " NOWHERE ", encrypted with a key from a passphrase");
    options.directory = NOWHERE "///";
    options.passphrase = NULL, options.get_key = get_key;
    assert_describes(&options, "files in " NOWHERE ", encrypted with a key from the app");
    options.get_key = NULL, options.key_file = "/dev/null/key";
    assert_describes(&options, "files in " NOWHERE ", encrypted with the key in /dev/null/key");
    options.key_file = "/key";
    assert_describes(&options, "files in " NOWHERE ", encrypted with the key in /key");
}

static void relative_paths_count_from_here(void **state) {
    tacit_store_file_options options = full_options();
    char *here = getcwd(NULL, 0), expected[512];

    (void)state;
    if (!ti_crypto_can_seal()) skip();
    options.directory = "records";
    options.passphrase = NULL, options.key_file = "key";
    snprintf(expected, sizeof expected, "files in %s/records, encrypted with the key in %s/key",
             here, here);
    assert_describes(&options, expected);
    assert_int_not_equal(access("records", F_OK), 0);
    assert_int_not_equal(access("key", F_OK), 0);
    free(here);
}

static void lock_and_journal_lie_beside_the_records(void **state) {
    tacit_store_file_options options = full_options();
    tacit_store *store;

    (void)state;
    if (!ti_crypto_can_seal()) skip();
    store = tacit_store_file(&options, NULL);

    assert_string_equal(store->ops.lock_directory, NOWHERE);
    assert_false(store->ops.process_only);
    tacit_store_unref(store);
}

static void options_are_copied(void **state) {
    char directory[] = NOWHERE, passphrase[] = "correct horse";
    tacit_store_file_options options = full_options();
    tacit_store *store;

    (void)state;
    if (!ti_crypto_can_seal()) skip();
    options.directory = directory;
    options.passphrase = passphrase;
    store = tacit_store_file(&options, NULL);
    memset(directory, 'x', 5);
    memset(passphrase, 'x', 5);

    assert_string_equal(store->ops.lock_directory, NOWHERE);
    tacit_store_unref(store);
}

static void without_a_crypto_library_it_is_unsupported(void **state) {
    tacit_store_file_options options = full_options();
    tacit_error error;

    (void)state;
    if (ti_crypto_can_seal()) skip();

    assert_null(tacit_store_file(&options, &error));

    assert_int_equal(error.status, TACIT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "TACIT_CRYPTO"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_options_are_refused_and_named),
        cmocka_unit_test(the_description_names_the_place_and_the_key),
        cmocka_unit_test(relative_paths_count_from_here),
        cmocka_unit_test(lock_and_journal_lie_beside_the_records),
        cmocka_unit_test(options_are_copied),
        cmocka_unit_test(without_a_crypto_library_it_is_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
