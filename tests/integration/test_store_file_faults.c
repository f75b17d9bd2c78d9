/*
 * Whatever system call fails, and wherever the process dies: afterwards the store holds the old
 * record or the new one, whole, and works. Each scenario is gone through once for each fault at each
 * call, the first, the second, and so on until there are no more.
 */
#include "support/system_faults.h"
#include "support/unit.h"

#include "platform/crypto.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "https://issuer.example app default"
#define OTHER_KEY "https://issuer.example app other"

enum { PATH_SIZE = 160, CALLS_MAX = 200 };

/* Larger than a page and a pipe: "old ...", "new ..." */
enum { RECORD_SIZE = 70000 };

static char root[PATH_SIZE], records[PATH_SIZE], key_file[PATH_SIZE];

/* ------------------------------------------------------------------ a place on the disk */

static void place_make(const char *where) {
    snprintf(root, sizeof root, "%s/tacit-test-XXXXXX", where);
    assert_non_null(mkdtemp(root));
    snprintf(records, sizeof records, "%.100s/a", root);
    snprintf(key_file, sizeof key_file, "%.100s/b/k", root);
}

/* In memory, where there is such a place: there are thousands. */
static const char *quick_place(void) {
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where) {
    (void)facts, (void)kind, (void)where;
    return remove(path);
}

static void place_remove(void) {
    assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int leftovers;

static int count_leftover(const char *path, const struct stat *facts, int kind, struct FTW *where) {
    size_t size = strlen(path);

    (void)facts, (void)kind, (void)where;
    if (size > 4 && strcmp(path + size - 4, ".new") == 0) leftovers++;
    return 0;
}

static int count_leftovers(void) {
    leftovers = 0;
    assert_int_equal(nftw(root, count_leftover, 8, FTW_PHYS), 0);
    return leftovers;
}

/* ------------------------------------------------------------------ the store, called directly */

static tacit_store *store_open(void) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    tacit_store *store;

    options.directory = records;
    options.key_file = key_file;
    store = tacit_store_file(&options, NULL);
    assert_non_null(store);
    return store;
}

static const char *record_of(const char *word) {
    static char record[RECORD_SIZE + 1];

    memset(record, *word, RECORD_SIZE);
    return record;
}

static tacit_status save(tacit_store *store, const char *word) {
    return store->ops.save(store->data, KEY, record_of(word), RECORD_SIZE);
}

/* *word: the first letter of what was loaded; 0: nothing. */
static tacit_status load(tacit_store *store, char *word) {
    char *record = NULL;
    size_t size = 0;
    tacit_status status = store->ops.load(store->data, KEY, &record, &size);

    *word = 0;
    if (status != TACIT_OK) {
        assert_null(record);
        return status;
    }
    assert_int_equal(size, RECORD_SIZE);
    assert_memory_equal(record, record_of(record), RECORD_SIZE); /* whole */
    *word = *record;
    free(record);
    return status;
}

static void save_old(void) {
    tacit_store *store = store_open();

    assert_int_equal(save(store, "old"), TACIT_OK);
    tacit_store_unref(store);
}

/* What a store that starts now finds: the letter, or 0. Anything else fails the test. */
static char found(void) {
    tacit_store *store = store_open();
    char word;
    tacit_status status = load(store, &word);

    assert_true(status == TACIT_OK || status == TACIT_ERR_STORE_NOT_FOUND);
    tacit_store_unref(store);
    return word;
}

/* ------------------------------------------------------------------ scenarios */

static tacit_status act_save(tacit_store *store) {
    return save(store, "new");
}

static tacit_status act_load(tacit_store *store) {
    char word;
    tacit_status status = load(store, &word);

    assert_true(status == TACIT_OK ? word == 'o' : word == 0);
    assert_int_not_equal(status, TACIT_ERR_STORE_NOT_FOUND); /* it would be taken for the truth */
    return status;
}

static const char *key_aside(void) {
    static char path[PATH_SIZE + 8];

    snprintf(path, sizeof path, "%s.aside", key_file);
    return path;
}

/* Nothing is overwritten with a new key, and none made. Answers TACIT_OK where the store said so. */
static tacit_status act_save_without_key(tacit_store *store) {
    tacit_status status;

    assert_int_equal(rename(key_file, key_aside()), 0);
    status = save(store, "new");
    assert_int_not_equal(status, TACIT_OK);
    assert_int_equal(access(key_file, F_OK), -1);
    assert_int_equal(rename(key_aside(), key_file), 0);
    return status == TACIT_ERR_STORE_UNAVAILABLE ? TACIT_OK : status;
}

static tacit_status act_erase(tacit_store *store) {
    return store->ops.erase(store->data, KEY);
}

static void prepare_nothing(void) {
}

/* A writer of the record and a maker of the key that died, and a key that was not used yet. */
static void prepare_leftovers(void) {
    tacit_store *store = store_open();
    char path[PATH_SIZE + 80];
    int fd;

    assert_int_equal(store->ops.save(store->data, OTHER_KEY, "x", 1), TACIT_OK);
    assert_int_equal(store->ops.erase(store->data, OTHER_KEY), TACIT_OK);
    tacit_store_unref(store);
    save_old();
    snprintf(path, sizeof path, "%s.0123456789abcdef.new", key_file);
    assert_int_equal(link(key_file, path), 0);
    snprintf(path, sizeof path, "%s/%s.record.0123456789abcdef.new", records,
             "396430a785d56f30ebc56b64fd0d7280");
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "TacitRec", 8), 8);
    close(fd);
    assert_int_equal(count_leftovers(), 2);
}

typedef struct scenario {
    const char *name;
    void (*prepare)(void);
    tacit_status (*act)(tacit_store *store);
    char before, after; /* what is found; 0: nothing */
} scenario;

static const scenario scenarios[] = {
    {"first save", prepare_nothing, act_save, 0, 'n'},
    {"save", save_old, act_save, 'o', 'n'},
    {"save beside leftovers", prepare_leftovers, act_save, 'o', 'n'},
    {"save without its key", save_old, act_save_without_key, 'o', 'o'},
    {"load", save_old, act_load, 'o', 'o'},
    {"erase", save_old, act_erase, 'o', 0},
    {"erase beside leftovers", prepare_leftovers, act_erase, 'o', 0},
};

static int lowest_free_fd(void) {
    int fd = open("/dev/null", O_RDONLY);

    close(fd);
    return fd;
}

static void check_error(tacit_store *store, tacit_status status) {
    int os_error = 0;

    assert_true(status == TACIT_ERR_STORE_FAILED || status == TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(strlen(store->ops.last_error(store->data, &os_error)) > 0);
}

/* The store works, keeps what it is given, and cleans up. */
static void check_afterwards(const scenario *scenario, bool done) {
    tacit_store *store;
    char word = found();

    assert_true(word == scenario->after || (!done && word == scenario->before));
    store = store_open();
    assert_int_equal(save(store, "last"), TACIT_OK);
    tacit_store_unref(store);
    assert_int_equal(found(), 'l');
    assert_int_equal(count_leftovers(), 0);
}

static void say(const scenario *scenario, system_fault fault, int n) {
    print_message("at %s, fault %d at call %d\n", scenario->name, (int)fault, n);
}

/* A full disk keeps nobody from cleaning up at once. */
static bool leaves_nothing(const scenario *scenario, system_fault fault) {
    return scenario->prepare != prepare_leftovers &&
           (fault == FAULT_FULL || fault == FAULT_SHORT_FULL);
}

/* Whether there was an n-th call. */
static bool fail_at(const scenario *scenario, system_fault fault, int n) {
    tacit_store *store = store_open();
    int free_fd = lowest_free_fd(), count;
    tacit_status status;
    bool met;

    system_faults_arm(fault, n);
    status = scenario->act(store);
    count = system_faults_disarm(&met);

    if (lowest_free_fd() != free_fd) say(scenario, fault, n);
    assert_int_equal(lowest_free_fd(), free_fd);
    if (!met || fault == FAULT_SHORT || fault == FAULT_INTERRUPTED)
        assert_int_equal(status, TACIT_OK);
    if (status != TACIT_OK) check_error(store, status);
    tacit_store_unref(store);
    if (leaves_nothing(scenario, fault)) assert_int_equal(count_leftovers(), 0);
    if (met) check_afterwards(scenario, status == TACIT_OK);
    return count >= n;
}

/* In the child. */
static int act_and_die_at(const scenario *scenario, int n) {
    tacit_store *store = store_open();
    tacit_status status;

    system_faults_arm(FAULT_DIE, n);
    status = scenario->act(store);
    system_faults_disarm(NULL);
    tacit_store_unref(store);
    return status == TACIT_OK ? 0 : 1;
}

/* Whether there was an n-th call. */
static bool die_at(const scenario *scenario, int n) {
    int status = 0;
    pid_t child = fork();

    if (child == 0) _exit(act_and_die_at(scenario, n));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0);
    rename(key_aside(), key_file); /* where it died without it */
    check_afterwards(scenario, status == 0);
    return WIFSIGNALED(status);
}

/* The number of calls. */
static int go_through(const scenario *scenario, system_fault fault) {
    bool there = true;
    int n = 0;

    while (there) {
        assert_true(++n < CALLS_MAX);
        place_make(quick_place());
        scenario->prepare();
        there = fault == FAULT_DIE ? die_at(scenario, n) : fail_at(scenario, fault, n);
        place_remove();
    }
    return n - 1;
}

static void go_through_all(system_fault fault) {
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        int calls = go_through(&scenarios[i], fault);

        assert_true(fault == FAULT_NO_MEMORY || calls >= 8);
    }
}

static void io_errors_lose_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_IO);
}

static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_FULL);
    go_through_all(FAULT_SHORT_FULL);
}

static void a_read_only_disk_loses_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_READ_ONLY);
}

static void too_many_open_files_lose_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_NO_FILES);
}

static void too_little_memory_loses_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_NO_MEMORY);
}

static void short_and_interrupted_calls_go_on(void **state) {
    (void)state;
    go_through_all(FAULT_SHORT);
    go_through_all(FAULT_INTERRUPTED);
}

static void death_at_any_call_loses_nothing(void **state) {
    (void)state;
    go_through_all(FAULT_DIE);
}

/* ------------------------------------------------------------------ what a power loss would show */

static void assert_changes(const scenario *scenario, const char *expected) {
    tacit_store *store;

    place_make("/tmp");
    scenario->prepare();
    store = store_open();
    system_faults_arm(FAULT_NONE, 0);
    assert_int_equal(scenario->act(store), TACIT_OK);
    system_faults_disarm(NULL);
    assert_string_equal(system_faults_trace(), expected);
    tacit_store_unref(store);
    place_remove();
}

/* Data before names, names before what depends on them. */
static void changes_reach_the_disk_in_order(void **state) {
    (void)state;
    assert_changes(&scenarios[0], "mkdir mkdir mkdir sync " /* the directory, and its name */
                                  "mkdir mkdir mkdir sync " /* that of the key */
                                  "create write sync link unlink sync " /* the key */
                                  "sync " /* ... again, as if another had made it */
                                  "create write sync rename sync"); /* the record */
    assert_changes(&scenarios[1], "sync create write sync rename sync");
    assert_changes(&scenarios[4], "");
    assert_changes(&scenarios[5], "unlink sync");
}

/* ------------------------------------------------------------------ what a passphrase costs */

static int derived;

ti_crypto_result __real_ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                         const unsigned char *salt, size_t salt_size,
                                         unsigned log2_n, unsigned r, unsigned p,
                                         unsigned char *key);
ti_crypto_result __wrap_ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                         const unsigned char *salt, size_t salt_size,
                                         unsigned log2_n, unsigned r, unsigned p,
                                         unsigned char *key);
ti_crypto_result __wrap_ti_crypto_scrypt(const char *passphrase, size_t passphrase_size,
                                         const unsigned char *salt, size_t salt_size,
                                         unsigned log2_n, unsigned r, unsigned p,
                                         unsigned char *key) {
    derived++;
    return __real_ti_crypto_scrypt(passphrase, passphrase_size, salt, salt_size, log2_n, r, p, key);
}

static tacit_store *passphrase_store(const char *passphrase) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;

    options.directory = records;
    options.passphrase = passphrase;
    return tacit_store_file(&options, NULL);
}

static void a_passphrase_is_derived_once_per_store_object(void **state) {
    tacit_store *first, *second;
    char word;

    (void)state;
    place_make("/tmp");
    first = passphrase_store("correct horse");
    second = passphrase_store("correct horse");
    derived = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(save(first, "x"), TACIT_OK);
        assert_int_equal(load(first, &word), TACIT_OK);
    }
    assert_int_equal(derived, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(load(second, &word), TACIT_OK);
        assert_int_equal(save(second, "y"), TACIT_OK);
        assert_int_equal(load(first, &word), TACIT_OK);
    }
    assert_int_equal(derived, 2); /* the second took over the salt of the first */

    tacit_store_unref(first);
    tacit_store_unref(second);
    place_remove();
}

/* Else whoever can write a file decides with which salt the next record is sealed. */
static void what_a_wrong_passphrase_derives_is_not_kept(void **state) {
    tacit_store *right, *wrong;
    char word;

    (void)state;
    place_make("/tmp");
    right = passphrase_store("correct horse");
    wrong = passphrase_store("battery staple");
    assert_int_equal(save(right, "x"), TACIT_OK);
    derived = 0;
    assert_int_equal(load(wrong, &word), TACIT_ERR_STORE_CORRUPT);
    assert_int_equal(load(wrong, &word), TACIT_ERR_STORE_CORRUPT);
    assert_int_equal(derived, 2);

    tacit_store_unref(right);
    tacit_store_unref(wrong);
    place_remove();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_errors_lose_nothing),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_read_only_disk_loses_nothing),
        cmocka_unit_test(too_many_open_files_lose_nothing),
        cmocka_unit_test(too_little_memory_loses_nothing),
        cmocka_unit_test(short_and_interrupted_calls_go_on),
        cmocka_unit_test(death_at_any_call_loses_nothing),
        cmocka_unit_test(changes_reach_the_disk_in_order),
        cmocka_unit_test(a_passphrase_is_derived_once_per_store_object),
        cmocka_unit_test(what_a_wrong_passphrase_derives_is_not_kept),
    };

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
