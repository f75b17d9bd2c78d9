/* Encrypted files: the contract of all stores, in each way to have a key, and what is theirs. */
#include "support/store_contract.h"

#include "support/unit.h"

#include "platform/crypto.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/store.h>

static char directory[] = "/tmp/tacit-test-XXXXXX";

static void fill(const char *path, const char *text) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The record's name is a hash of the key (platform/store_file.c). */
static void damage_in(const char *folder, const char *key) {
    unsigned char digest[TI_SHA256_SIZE];
    char name[33], path[128];

    assert_true(ti_crypto_sha256(key, strlen(key), digest));
    for (size_t i = 0; i < 16; i++) snprintf(name + 2 * i, 3, "%02x", digest[i]);
    snprintf(path, sizeof path, "%s/%s/%s.record", directory, folder, name);
    assert_int_equal(access(path, F_OK), 0);
    fill(path, "no record");
}

/* ------------------------------------------------------------------ with a key file */

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

static void damage_with_key_file(void *data, const char *key) {
    (void)data;
    damage_in("a/records", key);
}

/* The medium that the key is on. */
static void take_key_file_away(void *data, bool away) {
    char here[64], elsewhere[64];

    (void)data;
    snprintf(here, sizeof here, "%s/b", directory);
    snprintf(elsewhere, sizeof elsewhere, "%s/c", directory);
    assert_int_equal(away ? rename(here, elsewhere) : rename(elsewhere, here), 0);
}

/* ------------------------------------------------------------------ with a passphrase */

static tacit_store *make_with_passphrase(void *data) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char records[64];

    snprintf(records, sizeof records, "%s/passphrase", directory);
    options.directory = records;
    options.passphrase = data;
    return tacit_store_file(&options, NULL);
}

static void damage_with_passphrase(void *data, const char *key) {
    (void)data;
    damage_in("passphrase", key);
}

/* ------------------------------------------------------------------ with a key of the app's */

/* A secure element, which may be locked, away, or not answer. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    tacit_status failure; /* guarded by lock; TACIT_OK: none */
    bool hangs;           /* guarded by lock */
} element = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static tacit_status give_key(void *data, unsigned char key[32]) {
    tacit_status status;

    pthread_mutex_lock(&element.lock);
    while (element.hangs) pthread_cond_wait(&element.changed, &element.lock);
    status = element.failure;
    pthread_mutex_unlock(&element.lock);
    memset(key, *(const unsigned char *)data, 32);
    return status;
}

static void fail_with(tacit_status failure) {
    pthread_mutex_lock(&element.lock);
    element.failure = failure;
    pthread_mutex_unlock(&element.lock);
}

static void lock_element(void *data, bool locked) {
    (void)data;
    fail_with(locked ? TACIT_ERR_STORE_LOCKED : TACIT_OK);
}

static void take_element_away(void *data, bool away) {
    (void)data;
    fail_with(away ? TACIT_ERR_STORE_UNAVAILABLE : TACIT_OK);
}

static void hang_element(void *data, bool hangs) {
    (void)data;
    pthread_mutex_lock(&element.lock);
    element.hangs = hangs;
    pthread_cond_broadcast(&element.changed);
    pthread_mutex_unlock(&element.lock);
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

static void damage_with_callback(void *data, const char *key) {
    (void)data;
    damage_in("callback", key);
}

/* ------------------------------------------------------------------ */

static char passphrase[] = "correct horse";
static unsigned char callback_key[] = {7};

/* A place is a letter for the kind of key, and the directory. */
static tacit_store *make_at(const char *place) {
    snprintf(directory, sizeof directory, "%s", place + 1);
    if (*place == 'p') return make_with_passphrase(passphrase);
    if (*place == 'c') return make_with_callback(callback_key);
    return make_with_key_file(NULL);
}

static int run(store_contract contract, char kind) {
    char place[sizeof directory + 1];

    snprintf(place, sizeof place, "%c%s", kind, directory);
    contract.persistent = true;
    contract.erases_always = true; /* which needs no key */
    contract.place = place;
    return store_contract_run(&contract);
}

static void remove_directory(void) {
    char command[sizeof directory + 16];

    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv) {
    const store_contract with_key_file = {
        .name = "key file",
        .make = make_with_key_file,
        .damage = damage_with_key_file,
        .away = take_key_file_away,
    };
    const store_contract with_passphrase = {
        .name = "passphrase",
        .make = make_with_passphrase,
        .data = passphrase,
        .damage = damage_with_passphrase,
    };
    const store_contract with_callback = {
        .name = "callback",
        .make = make_with_callback,
        .data = callback_key,
        .damage = damage_with_callback,
        .lock = lock_element,
        .away = take_element_away,
        .hang = hang_element,
    };
    int failed;

    store_contract_worker(argc, argv, make_at);
    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    if (mkdtemp(directory) == NULL) return 1;
    failed = run(with_key_file, 'k') + run(with_passphrase, 'p') + run(with_callback, 'c');
    remove_directory();
    return failed;
}
