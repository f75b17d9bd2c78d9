/* The keyring store against the real service, on a bus and with a home of the test's own. */
#include "support/keyring.h"
#include "support/store_contract.h"

#include "support/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION "com.example.keyring"
#define PASSWORD KEYRING_PASSWORD

static tacit_store *make(void *data) {
    (void)data;
    keyring_home_check();
    return tacit_store_keyring(APPLICATION, NULL);
}

/* A test that has a home and a bus; what service there is, it says itself. */
static int set_up(void **state) {
    store_user *user = calloc(1, sizeof *user);

    keyring_home_make();
    keyring_bus_start();
    store_user_open(user, make(NULL));
    *state = user;
    return 0;
}

static int tear_down(void **state) {
    store_user_close(*state);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    free(*state);
    return 0;
}

static tacit_status load(store_user *user, const char *key) {
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_status status = store_user_load(user, key, &record);

    ti_buffer_free(&record);
    return status;
}

static tacit_status save(store_user *user, const char *key, const char *text) {
    return store_user_save(user, key, text, strlen(text));
}

static void all_answer(store_user *user, const char *key, tacit_status expected) {
    assert_int_equal(load(user, key), expected);
    assert_int_equal(save(user, key, "must not get there"), expected);
    assert_int_equal(store_user_erase(user, key), expected);
}

/* It cannot be seen whether there is a record. */
static void a_locked_keyring_does_not_say_that_nothing_is_there(void **state) {
    store_user *user = *state;

    keyring_service_start(PASSWORD);
    assert_int_equal(save(user, "there", "the record"), TACIT_OK);
    keyring_service_stop();
    keyring_service_start("the wrong password");

    all_answer(user, "not there", TACIT_ERR_STORE_LOCKED);
}

static void before_the_first_keyring_nothing_was_stored(void **state) {
    store_user *user = *state;

    keyring_service_start(NULL);

    assert_not_stored(user, "key");
    assert_int_equal(store_user_erase(user, "key"), TACIT_OK);
    assert_int_equal(save(user, "key", "x"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_not_stored(user, "key");
}

/* The sentence of a load that fails says what is missing. */
static void load_mentions(store_user *user, const char *word) {
    const ti_store_late late = {.fn = NULL};
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_error error;
    bool overdue;

    ti_store_load(user->calls, user->store, "key", 20000, late, &record, &overdue, &error);
    ti_buffer_free(&record);
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not mention %s", error.message, word);
}

static void without_a_service_it_is_unavailable(void **state) {
    all_answer(*state, "key", TACIT_ERR_STORE_UNAVAILABLE);
    load_mentions(*state, "no keyring service");
}

static void without_a_bus_it_is_unavailable(void **state) {
    keyring_bus_stop();
    all_answer(*state, "key", TACIT_ERR_STORE_UNAVAILABLE);

    setenv("DBUS_SESSION_BUS_ADDRESS",
           "unix:path="
           "/nowhere/bus",
           1);
    all_answer(*state, "key", TACIT_ERR_STORE_UNAVAILABLE);

    setenv("DBUS_SESSION_BUS_ADDRESS", "not an address", 1);
    all_answer(*state, "key", TACIT_ERR_STORE_UNAVAILABLE);

    load_mentions(*state, "not available");

    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    all_answer(*state, "key", TACIT_ERR_STORE_UNAVAILABLE);
}

static void a_service_that_comes_later_is_found(void **state) {
    store_user *user = *state;

    assert_int_equal(load(user, "key"), TACIT_ERR_STORE_UNAVAILABLE);
    keyring_service_start(PASSWORD);

    assert_int_equal(save(user, "key", "x"), TACIT_OK);
    assert_stored_text(user, "key", "x");
}

static void a_restarted_bus_is_no_matter(void **state) {
    store_user *user = *state;

    keyring_service_start(PASSWORD);
    assert_int_equal(save(user, "key", "before"), TACIT_OK);
    keyring_bus_stop();
    keyring_service_stop();
    assert_int_equal(load(user, "key"), TACIT_ERR_STORE_UNAVAILABLE);
    keyring_bus_start();
    keyring_service_start(PASSWORD);

    assert_stored_text(user, "key", "before");
}

static void applications_do_not_see_each_other(void **state) {
    store_user *user = *state, other;

    keyring_service_start(PASSWORD);
    store_user_open(&other, tacit_store_keyring("com.example.Keyring", NULL));
    assert_int_equal(save(user, "key", "ours"), TACIT_OK);
    assert_not_stored(&other, "key");
    assert_int_equal(save(&other, "key", "theirs"), TACIT_OK);
    assert_int_equal(store_user_erase(&other, "key"), TACIT_OK);

    assert_stored_text(user, "key", "ours");
    store_user_close(&other);
}

static void a_key_that_is_no_text_fails(void **state) {
    keyring_service_start(PASSWORD);

    all_answer(*state, "\xff\xfe", TACIT_ERR_STORE_FAILED);
}

/* An item that the search for a key finds too: another program's, with an attribute more. */
static void add_second_item(const char *key, const char *secret) {
    char command[512];
    const char *const arguments[] = {"sh", "-c", command, NULL};

    snprintf(command, sizeof command,
             "printf '%%s' '%s' | secret-tool store --label=second xdg:schema org.tacit.Record "
             "application " APPLICATION " key '%s' more of-it",
             secret, key);
    assert_int_equal(keyring_wait(keyring_spawn(arguments)), 0);
}

static bool has_secret_tool(void) {
    const char *const arguments[] = {"sh", "-c", "command -v secret-tool", NULL};

    return keyring_wait(keyring_spawn(arguments)) == 0;
}

static void a_second_until_the_next(void) {
    time_t now = time(NULL);

    while (time(NULL) == now) nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void of_two_items_the_newest_counts(void **state) {
    store_user *user = *state;

    if (!has_secret_tool()) skip();
    keyring_service_start(PASSWORD);
    assert_int_equal(save(user, "key", "first"), TACIT_OK);
    a_second_until_the_next(); /* the service counts in seconds */
    add_second_item("key", "second");
    assert_stored_text(user, "key", "second");

    assert_int_equal(save(user, "key", "third"), TACIT_OK);
    assert_stored_text(user, "key", "third");

    a_second_until_the_next();
    add_second_item("key", "fourth");
    assert_int_equal(store_user_erase(user, "key"), TACIT_OK);
    assert_not_stored(user, "key");
}

static int count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static void calls_leave_no_connection_open(void **state) {
    store_user *user = *state;
    int before;

    keyring_service_start(PASSWORD);
    assert_int_equal(save(user, "key", "x"), TACIT_OK); /* GLib's own stay from here on */
    before = count_descriptors();
    for (int i = 0; i < 5; i++) assert_stored_text(user, "key", "x");

    /* GLib's own thread closes the last one, soon; what stays open makes this run into the test's
     * time limit. */
    while (count_descriptors() > before) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* The program that a_hanging_call_does_not_keep_the_process starts. */
static int hang_and_return(void) {
    store_user user;
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    store_user_open(&user, make(NULL));
    ti_store_load(user.calls, user.store, "key", 100, (ti_store_late){.fn = NULL}, &record,
                  &overdue, NULL);
    if (ti_store_calls_stop(user.calls, ti_clock_deadline(&user.clock, 100))) return 1;
    ti_store_calls_free(user.calls);
    tacit_store_unref(user.store);
    return overdue ? 42 : 2;
}

static void a_hanging_call_does_not_keep_the_process(void **state) {
    const char *const arguments[] = {"self", "--hang-and-return", NULL};

    (void)state;
    keyring_hanging_service_start();

    assert_int_equal(keyring_wait(keyring_spawn(arguments)), 42);
}

/* The program that a_missing_libsecret_is_named starts. */
static int open_without_libsecret(void) {
    tacit_error error;
    tacit_store *store = tacit_store_keyring(APPLICATION, &error);

    return store == NULL && error.status == TACIT_ERR_STORE_UNAVAILABLE &&
                   strstr(error.message, "libsecret") != NULL
               ? 42
               : 1;
}

static void a_missing_libsecret_is_named(void **state) {
    const char *const arguments[] = {"self", "--without-libsecret", NULL};
    char path[128];
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/libsecret-1.so.0", getenv("HOME"));
    file = fopen(path, "w"); /* found before the real one, and no library */
    assert_non_null(file);
    fclose(file);
    setenv("LD_LIBRARY_PATH", getenv("HOME"), 1);

    assert_int_equal(keyring_wait(keyring_spawn(arguments)), 42);
    unsetenv("LD_LIBRARY_PATH");
}

static void an_application_id_that_is_no_text_is_refused(void **state) {
    tacit_error error;

    (void)state;
    assert_null(tacit_store_keyring("\xff", &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
}

static tacit_store *make_at(const char *place) {
    (void)place; /* the environment leads there */
    return make(NULL);
}

static int run_contract(void) {
    const store_contract contract = {
        .name = "keyring",
        .make = make,
        .persistent = true,
        .place = "the bus",
        .lock = keyring_lock,
        .away = keyring_take_away,
        .hang = keyring_hang,
    };
    int failed;

    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(PASSWORD);
    failed = store_contract_run(&contract);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return failed;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run_cases(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_locked_keyring_does_not_say_that_nothing_is_there),
        CASE(before_the_first_keyring_nothing_was_stored),
        CASE(without_a_service_it_is_unavailable),
        CASE(without_a_bus_it_is_unavailable),
        CASE(a_service_that_comes_later_is_found),
        CASE(a_restarted_bus_is_no_matter),
        CASE(applications_do_not_see_each_other),
        CASE(a_key_that_is_no_text_fails),
        CASE(of_two_items_the_newest_counts),
        CASE(calls_leave_no_connection_open),
        CASE(a_hanging_call_does_not_keep_the_process),
        CASE(a_missing_libsecret_is_named),
        CASE(an_application_id_that_is_no_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Built without libsecret there is nothing more to test. */
static bool is_unsupported(void) {
    tacit_error error;
    tacit_store *store = tacit_store_keyring(APPLICATION, &error);

    tacit_store_unref(store);
    return error.status == TACIT_ERR_UNSUPPORTED;
}

int main(int argc, char **argv) {
    keyring_hanging_service_main(argc, argv);
    store_contract_worker(argc, argv, make_at);
    if (argc == 2 && strcmp(argv[1], "--hang-and-return") == 0) return hang_and_return();
    if (argc == 2 && strcmp(argv[1], "--without-libsecret") == 0) return open_without_libsecret();
    if (is_unsupported()) return 0;
    return run_contract() + run_cases();
}
