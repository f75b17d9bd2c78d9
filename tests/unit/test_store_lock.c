/* Where a record's lock lies, and what is said of one that cannot be had. What a lock does is test_process_lock.c's. */
#include "tests/support/fixture.h"
#include "tests/support/forgetful_store.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/client.h"
#include "session/store.h"
#include "session/store_lock.h"

static const char key[] = "https://issuer.example client default";

/* ------------------------------------------------------------------ a lock of a store's own */

static struct own {
    tacit_status next; /* what every function answers */
    const char *why;
    size_t journal_size, got;
    unsigned opened, closed, asked;
    bool held, lives;
} own;

static tacit_status own_open(void *data, const char *of, bool create, size_t journal_size,
                             void **lock) {
    (void)create;
    assert_string_equal(of, key);
    own.asked++;
    own.journal_size = journal_size;
    if (own.next != TACIT_OK) return own.next;
    own.opened++;
    *lock = data;
    return TACIT_OK;
}

static tacit_status own_take(void *lock) {
    (void)lock;
    own.asked++;
    return own.next;
}

static void own_release(void *lock) {
    (void)lock;
    own.asked++;
}

static bool own_is_held(void *lock) {
    (void)lock;
    own.asked++;
    return own.held;
}

static tacit_status own_read(void *lock, void *bytes, size_t size, size_t *got) {
    (void)lock;
    memset(bytes, 'r', size);
    *got = own.got;
    own.asked++;
    return own.next;
}

static tacit_status own_write(void *lock, size_t offset, const void *bytes, size_t size,
                              bool durable) {
    (void)lock, (void)offset, (void)bytes, (void)size, (void)durable;
    own.asked++;
    return own.next;
}

static tacit_status own_begin_life(void *lock, int64_t life) {
    (void)lock, (void)life;
    own.asked++;
    return own.next;
}

static bool own_lives(void *lock, int64_t life) {
    (void)lock, (void)life;
    own.asked++;
    return own.lives;
}

static void own_close(void *lock) {
    (void)lock;
    own.closed++;
    own.asked++;
}

static const char *own_explain(void *data, void *lock) {
    (void)data, (void)lock;
    return own.why;
}

static const tacit_store_lock_ops own_ops = {.struct_size = sizeof own_ops,
                                             .open = own_open,
                                             .take = own_take,
                                             .release = own_release,
                                             .is_held = own_is_held,
                                             .read = own_read,
                                             .write = own_write,
                                             .begin_life = own_begin_life,
                                             .end_life = own_release,
                                             .lives = own_lives,
                                             .close = own_close,
                                             .explain = own_explain};

static tacit_store *own_store(void) {
    tacit_store_ops ops = forgetful_store_ops;
    tacit_store *store;

    own = (struct own){.next = TACIT_OK};
    ops.struct_size = sizeof ops;
    ops.description = "a shelf";
    ops.lock = &own_ops;
    store = tacit_store_custom(&ops, &own, NULL);
    assert_non_null(store);
    return store;
}

/* ------------------------------------------------------------------ files */

static tacit_store *store_of(const char *directory, const char *application_id) {
    tacit_store_ops ops = forgetful_store_ops;
    tacit_store *store;

    ops.struct_size = sizeof ops;
    ops.lock_directory = directory;
    ops.application_id = application_id;
    store = tacit_store_custom(&ops, NULL, NULL);
    assert_non_null(store);
    return store;
}

static bool exists(const char *directory, const char *name) {
    char *path = fixture_path(directory, name);
    struct stat found;
    bool there = stat(path, &found) == 0;

    free(path);
    return there;
}

/* Those of every version before: a user's journal is found again after an update. */
static void names_stay_what_they_were(void **state) {
    static const char of_nobody[] = "43e93fb26e2d7411f66931f3b093193f.journal";
    static const char of_the_client[] = "c7dd0bbef7b0878803cbd9435e07afd8.journal";
    static const char of_the_store[] = "730b796440b8f281ec0138decae4748e.journal";
    static const struct {
        bool client, directory, store;
        const char *name;
    } cases[] = {
        {false, false, false, of_nobody},  {true, false, false, of_the_client},
        {true, false, true, of_the_store}, {true, true, false, of_nobody},
        {true, true, true, of_the_store},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *state_dir = fixture_directory_new(), *directory = fixture_directory_new();
        tacit_client client = {.state_dir = state_dir,
                               .application_id = cases[i].client ? "org.example.app" : NULL};
        tacit_store *store = store_of(cases[i].directory ? directory : NULL,
                                      cases[i].store ? "org.example.store" : NULL);
        ti_store_lock *lock;

        assert_int_equal(ti_store_lock_open(&client, store, key, true, &lock, NULL), TACIT_OK);

        assert_true(exists(cases[i].directory ? directory : state_dir, cases[i].name));
        ti_store_lock_close(lock);
        tacit_store_unref(store);
        fixture_directory_free(directory);
        fixture_directory_free(state_dir);
    }
}

static void without_a_directory_nobody_made_it_and_nobody_can(void **state) {
    tacit_client client = {.state_dir = NULL};
    tacit_store *store = store_of(NULL, NULL);
    ti_store_lock *lock;
    tacit_error error;
    (void)state;

    assert_int_equal(ti_store_lock_open(&client, store, key, false, &lock, &error),
                     TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(ti_store_lock_open(&client, store, key, true, &lock, &error),
                     TACIT_ERR_STORE_FAILED);

    assert_null(lock);
    assert_non_null(strstr(error.message, "state_dir"));
    tacit_store_unref(store);
}

static void a_file_that_cannot_be_had_is_explained(void **state) {
    char directory[] = "/dev/null/tacit";
    tacit_client client = {.state_dir = directory};
    tacit_store *store = store_of(NULL, NULL);
    ti_store_lock *lock;
    tacit_error error;
    (void)state;

    assert_int_equal(ti_store_lock_open(&client, store, key, true, &lock, &error),
                     TACIT_ERR_STORE_FAILED);

    assert_non_null(
        strstr(error.message, "The lock between processes cannot be had in /dev/null/tacit: "));
    assert_int_equal(error.os_error, ENOTDIR);
    assert_true(error.retryable);
    tacit_store_unref(store);
}

static void a_file_excludes_the_other_and_is_held(void **state) {
    char *state_dir = fixture_directory_new();
    tacit_client client = {.state_dir = state_dir};
    tacit_store *store = store_of(NULL, NULL);
    ti_store_lock *one, *other;
    (void)state;
    ti_store_lock_open(&client, store, key, true, &one, NULL);
    ti_store_lock_open(&client, store, key, false, &other, NULL);

    assert_int_equal(ti_store_lock_take(one, NULL), TACIT_OK);

    assert_int_equal(ti_store_lock_take(other, NULL), TACIT_ERR_BUSY);
    assert_true(ti_store_lock_is_held(one));
    ti_store_lock_close(one);
    assert_int_equal(ti_store_lock_take(other, NULL), TACIT_OK);
    ti_store_lock_close(other);
    ti_store_lock_close(NULL);
    tacit_store_unref(store);
    fixture_directory_free(state_dir);
}

/* ------------------------------------------------------------------ the store's own */

static ti_store_lock *open_own_lock(tacit_store *store) {
    tacit_client client = {.state_dir = NULL};
    ti_store_lock *lock;

    assert_int_equal(ti_store_lock_open(&client, store, key, true, &lock, NULL), TACIT_OK);
    return lock;
}

static void a_lock_of_its_own_needs_no_directory(void **state) {
    tacit_store *store = own_store();
    ti_store_lock *lock = open_own_lock(store);
    (void)state;

    assert_int_equal(own.journal_size, 1024);
    assert_int_equal(ti_store_lock_take(lock, NULL), TACIT_OK);
    assert_false(ti_store_lock_is_held(lock));
    own.held = true;
    assert_true(ti_store_lock_is_held(lock));
    ti_store_lock_close(lock);
    assert_int_equal(own.closed, 1);
    tacit_store_unref(store);
}

static void each_answer_of_its_own_becomes_a_status_with_a_sentence(void **state) {
    static const struct {
        tacit_status answer, status;
        const char *why, *says;
    } cases[] = {
        {TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE, "the line is dead",
         "The lock between processes cannot be had in a shelf: the line is dead."},
        {TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE, NULL, "cannot be reached"},
        {TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT, NULL, "something else is there"},
        {TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, "", "cannot be used"},
        {TACIT_ERR_NO_MEMORY, TACIT_ERR_NO_MEMORY, NULL, "memory"},
        {TACIT_ERR_NETWORK, TACIT_ERR_STORE_FAILED, NULL, "cannot be used"},
        {TACIT_ERR_STORE_NOT_FOUND, TACIT_ERR_STORE_FAILED, NULL, "cannot be used"},
        {TACIT_ERR_BUSY, TACIT_ERR_STORE_FAILED, NULL, "cannot be used"},
    };
    tacit_store *store = own_store();
    ti_store_lock *lock = open_own_lock(store);
    tacit_error error;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        own.next = cases[i].answer;
        own.why = cases[i].why;

        assert_int_equal(ti_store_lock_write(lock, 0, "x", 1, true, &error), cases[i].status);

        assert_int_equal(error.status, cases[i].status);
        assert_non_null(strstr(error.message, cases[i].says));
        assert_false(error.sign_in_required);
        assert_int_equal(ti_store_lock_begin_life(lock, 1, NULL), cases[i].status);
    }
    own.next = TACIT_ERR_BUSY;
    assert_int_equal(ti_store_lock_take(lock, &error), TACIT_ERR_BUSY);
    ti_store_lock_close(lock);
    tacit_store_unref(store);
}

static void more_bytes_than_asked_for_are_a_failure(void **state) {
    tacit_store *store = own_store();
    ti_store_lock *lock = open_own_lock(store);
    char bytes[8];
    size_t got;
    (void)state;

    own.got = sizeof bytes;
    assert_int_equal(ti_store_lock_read(lock, bytes, sizeof bytes, &got, NULL), TACIT_OK);
    assert_int_equal(got, sizeof bytes);
    own.got = sizeof bytes + 1;
    assert_int_equal(ti_store_lock_read(lock, bytes, sizeof bytes, &got, NULL),
                     TACIT_ERR_STORE_FAILED);

    assert_int_equal(got, 0);
    ti_store_lock_close(lock);
    tacit_store_unref(store);
}

static void what_was_never_made_is_only_found_missing_without_create(void **state) {
    tacit_client client = {.state_dir = NULL};
    tacit_store *store = own_store();
    ti_store_lock *lock;
    (void)state;

    own.next = TACIT_ERR_STORE_NOT_FOUND;
    assert_int_equal(ti_store_lock_open(&client, store, key, false, &lock, NULL),
                     TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(ti_store_lock_open(&client, store, key, true, &lock, NULL),
                     TACIT_ERR_STORE_FAILED);

    assert_null(lock);
    assert_int_equal(own.closed, 0);
    tacit_store_unref(store);
}

/* Runs in the child: it may not touch what belongs to the parent's connection. */
static int asks_nothing(const tacit_client *client, tacit_store *store, ti_store_lock *lock) {
    unsigned before = own.asked;
    ti_store_lock *another;
    char byte = 0;
    size_t got;
    bool refused =
        ti_store_lock_take(lock, NULL) == TACIT_ERR_STORE_FAILED &&
        ti_store_lock_read(lock, &byte, 1, &got, NULL) == TACIT_ERR_STORE_FAILED &&
        ti_store_lock_write(lock, 0, &byte, 1, true, NULL) == TACIT_ERR_STORE_FAILED &&
        ti_store_lock_begin_life(lock, 1, NULL) == TACIT_ERR_STORE_FAILED &&
        !ti_store_lock_is_held(lock) && ti_store_lock_lives(lock, 1) &&
        ti_store_lock_open(client, store, key, true, &another, NULL) == TACIT_ERR_STORE_FAILED;

    ti_store_lock_end_life(lock);
    ti_store_lock_release(lock);
    ti_store_lock_close(lock);
    return refused && own.asked == before ? 0 : 1;
}

static void a_forked_child_asks_nothing_of_its_parents_lock(void **state) {
    tacit_client client = {.state_dir = NULL};
    tacit_store *store = own_store();
    ti_store_lock *lock = open_own_lock(store);
    int ended;
    pid_t child;
    (void)state;

    own.held = true;
    child = fork();
    if (child == 0) _exit(asks_nothing(&client, store, lock));
    assert_int_equal(waitpid(child, &ended, 0), child);

    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 0);
    ti_store_lock_close(lock);
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ what a store may bring */

static void refused(const tacit_store_ops *ops, const char *named) {
    tacit_error error;

    assert_null(tacit_store_custom(ops, NULL, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, named));
}

static void an_incomplete_lock_or_one_beside_another_is_refused(void **state) {
    tacit_store_lock_ops lock = own_ops;
    tacit_store_ops ops = forgetful_store_ops;
    (void)state;

    ops.struct_size = sizeof ops;
    ops.lock = &lock;
    ops.process_only = true;
    refused(&ops, "process_only");
    ops.process_only = false;
    ops.lock_directory = "/tmp";
    refused(&ops, "lock_directory");
    ops.lock_directory = NULL;
    lock.is_held = NULL;
    refused(&ops, "ops->lock");
    lock = own_ops, lock.struct_size = offsetof(tacit_store_lock_ops, explain);
    refused(&ops, "ops->lock");
    lock = own_ops, lock.struct_size = 0;
    refused(&ops, "TACIT_STORE_LOCK_OPS_INIT");
}

/* Its header knew of no lock: what lies behind its struct is not read. */
static void a_store_of_an_older_header_has_a_file(void **state) {
    tacit_store_ops ops = forgetful_store_ops;
    tacit_store *store;
    (void)state;

    ops.struct_size = offsetof(tacit_store_ops, lock);
    ops.lock = (const tacit_store_lock_ops *)(uintptr_t)1;
    store = tacit_store_custom(&ops, NULL, NULL);

    assert_non_null(store);
    assert_null(store->ops.lock);
    tacit_store_unref(store);
}

static void a_lock_is_copied(void **state) {
    tacit_store_lock_ops lock = own_ops;
    tacit_store_ops ops = forgetful_store_ops;
    tacit_store *store;
    (void)state;

    ops.struct_size = sizeof ops;
    ops.lock = &lock;
    store = tacit_store_custom(&ops, NULL, NULL);
    memset(&lock, 0, sizeof lock);

    assert_ptr_equal(store->ops.lock->take, own_take);
    tacit_store_unref(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stay_what_they_were),
        cmocka_unit_test(without_a_directory_nobody_made_it_and_nobody_can),
        cmocka_unit_test(a_file_that_cannot_be_had_is_explained),
        cmocka_unit_test(a_file_excludes_the_other_and_is_held),
        cmocka_unit_test(a_lock_of_its_own_needs_no_directory),
        cmocka_unit_test(each_answer_of_its_own_becomes_a_status_with_a_sentence),
        cmocka_unit_test(more_bytes_than_asked_for_are_a_failure),
        cmocka_unit_test(what_was_never_made_is_only_found_missing_without_create),
        cmocka_unit_test(a_forked_child_asks_nothing_of_its_parents_lock),
        cmocka_unit_test(an_incomplete_lock_or_one_beside_another_is_refused),
        cmocka_unit_test(a_store_of_an_older_header_has_a_file),
        cmocka_unit_test(a_lock_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
