/* Encrypted files: the contract of all stores, in each way to have a key, and what is theirs. */
#include "support/store_contract.h"

#include "support/unit.h"

#include "platform/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/store.h>

static char directory[] = "/tmp/tacit-test-XXXXXX";

static tacit_status give_key(void *data, unsigned char key[32]) {
    memset(key, *(const unsigned char *)data, 32);
    return TACIT_OK;
}

static tacit_store *make_with_key_file(void *data) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char records[64], key[64];

    (void)data;
    snprintf(records, sizeof records, "%s/a/records", directory);
    snprintf(key, sizeof key, "%s/b/key", directory);
    options.directory = records;
    options.key_file = key;
    return tacit_store_file(&options, NULL);
}

static tacit_store *make_with_passphrase(void *data) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char records[64];

    snprintf(records, sizeof records, "%s/passphrase", directory);
    options.directory = records;
    options.passphrase = data;
    return tacit_store_file(&options, NULL);
}

static tacit_store *make_with_callback(void *data) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char records[64];

    snprintf(records, sizeof records, "%s/callback/", directory);
    options.directory = records;
    options.get_key = give_key;
    options.key_data = data;
    return tacit_store_file(&options, NULL);
}

static void remove_directory(void) {
    char command[sizeof directory + 16];

    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const store_contract contracts[] = {
        {.name = "key file", .make = make_with_key_file, .persistent = true},
        {.name = "passphrase",
         .make = make_with_passphrase,
         .data = (char[]){"correct horse"},
         .persistent = true},
        {.name = "callback",
         .make = make_with_callback,
         .data = (unsigned char[]){7},
         .persistent = true},
    };
    int failed = 0;

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    if (mkdtemp(directory) == NULL) return 1;
    for (size_t i = 0; i < sizeof contracts / sizeof *contracts; i++)
        failed += store_contract_run(&contracts[i]);
    remove_directory();
    return failed;
}
