/* Several processes, each with a store object of its own, at the same directory at once. */
#include "support/unit.h"

#include "platform/crypto.h"
#include "session/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 8, ROUNDS = 20, PATH_SIZE = 160, RECORD_SIZE = 20000 };

static char root[PATH_SIZE], records[PATH_SIZE], key_file[PATH_SIZE];

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/tacit-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(records, sizeof records, "%.100s/records", root);
    snprintf(key_file, sizeof key_file, "%.100s/keys/key", root);
    return 0;
}

static int tear_down(void **state) {
    char command[PATH_SIZE + 16];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    return 0;
}

static tacit_store *store_open(const char *passphrase) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;

    options.directory = records;
    options.key_file = passphrase == NULL ? key_file : NULL;
    options.passphrase = passphrase;
    return tacit_store_file(&options, NULL);
}

/* Whether the letter is all that is stored under the key; 0: any one letter. */
static bool holds(tacit_store *store, const char *key, char letter) {
    char *record = NULL;
    size_t size = 0;
    bool same;

    if (store->ops.load(store->data, key, &record, &size) != TACIT_OK) return false;
    same = size == RECORD_SIZE && (letter == 0 || *record == letter);
    for (size_t i = 1; same && i < size; i++) same = record[i] == record[0];
    free(record);
    return same;
}

static bool put(tacit_store *store, const char *key, char letter) {
    static char record[RECORD_SIZE];

    memset(record, letter, sizeof record);
    return store->ops.save(store->data, key, record, sizeof record) == TACIT_OK;
}

/* What a process does: 0, or the step at which it went wrong. */
typedef int (*work_fn)(tacit_store *store, int number);

/* They begin together, when the pipe is closed. */
static int run_one(int begin, work_fn work, const char *passphrase, int number) {
    tacit_store *store = store_open(passphrase);
    char byte;
    int step;

    if (read(begin, &byte, 1) != 0) return 99;
    step = work(store, number);
    if (step != 0) {
        int os_error = 0;

        fprintf(stderr, "process %d, step %d: %s\n", number, step,
                store->ops.last_error(store->data, &os_error));
    }
    tacit_store_unref(store);
    return step;
}

static void run_all(int processes, work_fn work, const char *passphrase) {
    pid_t children[PROCESSES];
    int begin[2], status;

    assert_int_equal(pipe(begin), 0);
    for (int i = 0; i < processes; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(begin[1]);
            _exit(run_one(begin[0], work, passphrase, i));
        }
    }
    close(begin[0]);
    close(begin[1]);
    for (int i = 0; i < processes; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* Every file that is not a record or the key is something left behind. */
static int count_files(const char *directory) {
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    int count = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

static void own_key(char key[32], int number) {
    snprintf(key, 32, "process %d", number);
}

static int save_own(tacit_store *store, int number) {
    char key[32];

    own_key(key, number);
    if (!put(store, key, (char)('a' + number))) return 1;
    return holds(store, key, (char)('a' + number)) ? 0 : 2;
}

/* They all find no key file, and make one. */
static void the_first_key_is_the_key_of_all(void **state) {
    tacit_store *store;

    (void)state;
    run_all(PROCESSES, save_own, NULL);

    store = store_open(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        char key[32];

        own_key(key, i);
        assert_true(holds(store, key, (char)('a' + i)));
    }
    tacit_store_unref(store);
    assert_int_equal(count_files(records), PROCESSES);
    *strrchr(key_file, '/') = '\0';
    assert_int_equal(count_files(key_file), 1);
}

static int save_common(tacit_store *store, int number) {
    for (int i = 0; i < ROUNDS; i++) {
        if (!put(store, "common", (char)('a' + number))) return 1;
        if (!holds(store, "common", 0)) return 2; /* of whomever, but whole */
    }
    return 0;
}

static void writers_of_one_record_do_not_disturb_each_other(void **state) {
    tacit_store *store;

    (void)state;
    run_all(PROCESSES, save_common, NULL);

    store = store_open(NULL);
    assert_true(holds(store, "common", 0));
    tacit_store_unref(store);
    assert_int_equal(count_files(records), 1);
}

static int save_and_erase(tacit_store *store, int number) {
    for (int i = 0; i < ROUNDS; i++) {
        if (number % 2 == 0 && !put(store, "common", (char)('a' + number))) return 1;
        if (number % 2 == 1 && store->ops.erase(store->data, "common") != TACIT_OK) return 2;
    }
    return 0;
}

static void an_erase_takes_nothing_from_under_a_writer(void **state) {
    (void)state;
    run_all(PROCESSES, save_and_erase, NULL);

    assert_true(count_files(records) <= 1);
}

static void each_process_reads_what_another_sealed_with_the_passphrase(void **state) {
    tacit_store *store;

    (void)state;
    run_all(3, save_own, "correct horse");

    store = store_open("correct horse");
    for (int i = 0; i < 3; i++) {
        char key[32];

        own_key(key, i);
        assert_true(holds(store, key, (char)('a' + i)));
    }
    tacit_store_unref(store);
}

/* What a living writer is at stays; what a dead one left goes. The name is that of a file beside the
 * record of "common". */
static void only_what_dead_writers_left_is_removed(void **state) {
    tacit_store *store = store_open(NULL);
    char path[PATH_SIZE + 100];
    DIR *listing;
    const struct dirent *entry;
    int living;

    (void)state;
    assert_true(put(store, "common", 'a'));
    listing = opendir(records);
    do entry = readdir(listing);
    while (entry->d_name[0] == '.');
    snprintf(path, sizeof path, "%s/%.60s.0123456789abcdef.new", records, entry->d_name);
    closedir(listing);
    living = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(living >= 0);
    assert_int_equal(flock(living, LOCK_EX), 0);

    assert_true(put(store, "common", 'b'));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(store->ops.erase(store->data, "common"), TACIT_OK);
    assert_int_equal(access(path, F_OK), 0);
    close(living);
    assert_int_equal(store->ops.erase(store->data, "common"), TACIT_OK);
    assert_int_equal(access(path, F_OK), -1);
    tacit_store_unref(store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_first_key_is_the_key_of_all),
        CASE(writers_of_one_record_do_not_disturb_each_other),
        CASE(an_erase_takes_nothing_from_under_a_writer),
        CASE(each_process_reads_what_another_sealed_with_the_passphrase),
        CASE(only_what_dead_writers_left_is_removed),
    };

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
