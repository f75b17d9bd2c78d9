/* The kernel's keyring: the contract of all stores, and what the kernel may do to a key. */
#include "support/kernel_keys.h"
#include "support/store_contract.h"

#include "session/store.h"
#include "support/again.h"
#include "support/system_refusal.h"
#include "support/unit.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEY "https://issuer.example app someone@example.org"
#define LARGE 30000
#define QUOTA_MAX 32768 /* of those that one key can fill */

/* Of this run; in a program that the test starts, of its parent. */
static char application[64];

/* At the end, whatever it is: an assertion that fails on another thread ends the program. */
static void forget_all(void) {
    kernel_keys_forget_everywhere(application);
}

static tacit_store *make(void *data) {
    (void)data;
    return tacit_store_kernel_keyring(application, NULL);
}

/* Each process in a session of its own. */
static tacit_store *make_at(const char *place) {
    kernel_keys_enter_session();
    return tacit_store_kernel_keyring(place, NULL);
}

static void damage(void *data, const char *key) {
    long id = kernel_key_of(application, key);

    (void)data;
    assert_true(id >= 0);
    kernel_key_write(id, "no record", 9);
}

typedef struct quota_of_user {
    size_t used, max; /* 0: nobody says */
} quota_of_user;

/* Of all keys of this user, who may be root only in a container. */
static quota_of_user own_quota(void) {
    FILE *users = fopen("/proc/key-users", "r");
    quota_of_user found = {0}, none = {0};
    char line[128];
    unsigned user = 0;
    bool is_own = false;

    while (users != NULL && !is_own && fgets(line, sizeof line, users) != NULL)
        is_own =
            sscanf(line, "%u: %*d %*d/%*d %*d/%*d %zu/%zu", &user, &found.used, &found.max) == 3 &&
            user == geteuid();
    if (users != NULL) fclose(users);
    return is_own ? found : none;
}

static int run_contract(const char *name) {
    const store_contract contract = {
        .name = name,
        .make = make,
        .persistent = true,
        .place = application,
        .room = own_quota().max,
        .damage = damage,
    };
    int failed = store_contract_run(&contract);

    kernel_keys_forget(application);
    return failed;
}

static int set_up(void **state) {
    store_user *user = calloc(1, sizeof *user);

    store_user_open(user, make(NULL));
    *state = user;
    return 0;
}

static int tear_down(void **state) {
    store_user_close(*state);
    kernel_keys_forget(application);
    free(*state);
    return 0;
}

static tacit_status save(store_user *user, const char *text) {
    return store_user_save(user, KEY, text, strlen(text));
}

static long saved_key(store_user *user, const char *text) {
    long id;

    assert_int_equal(save(user, text), TACIT_OK);
    id = kernel_key_of(application, KEY);
    assert_true(id >= 0);
    return id;
}

/* ------------------------------------------------------------------ a key that ends */

static void is_gone_and_can_be_saved_again(store_user *user) {
    assert_not_stored(user, KEY);
    assert_int_equal(store_user_erase(user, KEY), TACIT_OK);
    assert_int_equal(save(user, "again"), TACIT_OK);
    assert_stored_text(user, KEY, "again");
}

static void what_expired_is_not_found(void **state) {
    kernel_key_expire(saved_key(*state, "before"));

    is_gone_and_can_be_saved_again(*state);
}

static void what_was_revoked_is_not_found(void **state) {
    kernel_key_revoke(saved_key(*state, "before"));

    is_gone_and_can_be_saved_again(*state);
}

static void what_was_cleared_is_not_found(void **state) {
    saved_key(*state, "before");
    kernel_keys_forget(application);

    is_gone_and_can_be_saved_again(*state);
}

/* A save in between stays, whatever time the key had been given. */
static void a_save_ends_the_time_of_a_key(void **state) {
    long id = saved_key(*state, "before");
    char line[16], found[256] = "";
    FILE *keys;

    assert_true(syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, id, 1000UL) >= 0);
    assert_int_equal(saved_key(*state, "after"), id);

    keys = fopen("/proc/keys", "r");
    assert_non_null(keys);
    snprintf(line, sizeof line, "%08lx", (unsigned long)id);
    while (strncmp(found, line, 8) != 0 && fgets(found, sizeof found, keys) != NULL) continue;
    fclose(keys);
    if (*found == '\0') skip(); /* a container has another file there */
    assert_memory_equal(found, line, 8);
    assert_non_null(strstr(found, " perm "));
}

/* ------------------------------------------------------------------ what a key holds */

/* Who lists the keys sees the application, and not whose account it is. */
static void a_key_is_named_by_its_application(void **state) {
    char text[256];

    assert_true(syscall(SYS_keyctl, KEYCTL_DESCRIBE, saved_key(*state, "x"), text, sizeof text) >
                0);
    assert_non_null(strstr(text, application));
    assert_null(strstr(text, "someone"));
    assert_null(strstr(text, "issuer"));
}

/* Cut anywhere, changed anywhere, longer: never a record. */
static void every_damage_is_seen(void **state) {
    store_user *user = *state;
    long id = saved_key(user, "a record");
    char bytes[256];
    size_t size = kernel_key_read(id, bytes, sizeof bytes - 1);
    ti_buffer record = TI_BUFFER_SECRET;

    for (size_t cut = 1; cut < size; cut++) {
        kernel_key_write(id, bytes, cut);
        assert_int_equal(store_user_load(user, KEY, &record), TACIT_ERR_STORE_CORRUPT);
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 1;
        kernel_key_write(id, bytes, size);
        assert_int_equal(store_user_load(user, KEY, &record), TACIT_ERR_STORE_CORRUPT);
        bytes[at] ^= 1;
    }
    bytes[size] = 'x';
    kernel_key_write(id, bytes, size + 1);
    assert_int_equal(store_user_load(user, KEY, &record), TACIT_ERR_STORE_CORRUPT);

    kernel_key_write(id, bytes, size);
    assert_stored_text(user, KEY, "a record");
}

static void a_record_under_another_name_is_corrupt(void **state) {
    store_user *user = *state;
    ti_buffer record = TI_BUFFER_SECRET;
    char bytes[256];
    size_t size = kernel_key_read(saved_key(user, "someone's"), bytes, sizeof bytes);

    assert_int_equal(store_user_save(user, "other", "another's", 9), TACIT_OK);
    kernel_key_write(kernel_key_of(application, "other"), bytes, size);

    assert_int_equal(store_user_load(user, "other", &record), TACIT_ERR_STORE_CORRUPT);
    assert_stored_text(user, KEY, "someone's");
}

static void applications_do_not_see_each_other(void **state) {
    store_user *user = *state, other;
    char id[sizeof application + 1];

    snprintf(id, sizeof id, "%s2", application);
    store_user_open(&other, tacit_store_kernel_keyring(id, NULL));
    assert_int_equal(save(user, "ours"), TACIT_OK);
    assert_not_stored(&other, KEY);
    assert_int_equal(save(&other, "theirs"), TACIT_OK);
    assert_stored_text(user, KEY, "ours");
    assert_int_equal(store_user_erase(&other, KEY), TACIT_OK);

    assert_stored_text(user, KEY, "ours");
    store_user_close(&other);
}

/* ------------------------------------------------------------------ who may */

/* The sentence of a save that fails. */
static tacit_status save_with_error(store_user *user, const char *bytes, size_t size,
                                    tacit_error *error) {
    const ti_store_late late = {.fn = NULL};
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_status status;
    bool overdue;

    assert_true(ti_buffer_append(&record, bytes, size));
    status = ti_store_save(user->calls, user->store, KEY, &record, 20000, late, &overdue, error);
    ti_buffer_free(&record);
    return status;
}

static void a_key_without_permissions_fails_and_stays(void **state) {
    store_user *user = *state;
    long id = saved_key(user, "before");
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_error error;

    kernel_key_permit(id, 0x00210000);
    assert_int_equal(store_user_load(user, KEY, &record), TACIT_ERR_STORE_FAILED);
    assert_int_equal(save_with_error(user, "x", 1, &error), TACIT_ERR_STORE_FAILED);
    assert_int_equal(error.os_error, EACCES);
    assert_non_null(strstr(error.message, "permissions"));
    assert_int_equal(store_user_erase(user, KEY), TACIT_ERR_STORE_FAILED);
    kernel_key_permit(id, 0x3f010000);

    assert_stored_text(user, KEY, "before");
}

static void the_keyring_of_the_session_stays_as_it_is(void **state) {
    kernel_keys_enter_session();
    assert_int_equal(kernel_keys_in_session(), 0);

    assert_int_equal(save(*state, "x"), TACIT_OK);
    assert_stored_text(*state, KEY, "x");
    assert_int_equal(store_user_erase(*state, KEY), TACIT_OK);

    assert_int_equal(kernel_keys_in_session(), 0);
}

static int start_and_wait(const char *role, const char *argument) {
    const char *const arguments[] = {role, application, argument, NULL};
    again process;

    again_start(&process, arguments);
    return again_wait(&process);
}

/* The program that another_session_finds_the_record starts. */
static int be_another_session(void) {
    store_user user;

    kernel_keys_enter_session();
    setsid();
    store_user_open(&user, make(NULL));
    assert_stored_text(&user, KEY, "from the first");
    assert_int_equal(save(&user, "from the second"), TACIT_OK);
    store_user_close(&user);
    return 0;
}

static void another_session_finds_the_record(void **state) {
    assert_int_equal(save(*state, "from the first"), TACIT_OK);

    assert_int_equal(start_and_wait("--session", ""), 0);

    assert_stored_text(*state, KEY, "from the second");
}

#define NO_OTHER_USER 77

/* A user whom nobody else has, and what is left of whom is nobody's. A container may have no more
 * than a few. */
static void become_another_user(void) {
    uid_t user = (1u << 30) + (uid_t)getpid();

    if (setresuid(user, user, user) == 0) return;
    assert_int_equal(errno, EINVAL);
    exit(NO_OTHER_USER);
}

static void start_as_another_user(const char *role, const char *argument) {
    int status = start_and_wait(role, argument);

    if (status == NO_OTHER_USER) skip();
    assert_int_equal(status, 0);
}

static void leave_nothing_of_this_user(void) {
    kernel_keys_forget(application);
    syscall(SYS_keyctl, KEYCTL_INVALIDATE, kernel_keys_keyring());
}

/* The program that another_user_does_not_find_it starts: id, a key of the first user's. */
static int be_another_user(const char *id) {
    store_user user;
    char bytes[256];

    become_another_user();
    store_user_open(&user, make(NULL));
    assert_not_stored(&user, KEY);
    assert_int_equal(syscall(SYS_keyctl, KEYCTL_READ, strtol(id, NULL, 10), bytes, sizeof bytes),
                     -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(save(&user, "the other user's"), TACIT_OK);
    assert_stored_text(&user, KEY, "the other user's");
    store_user_close(&user);
    leave_nothing_of_this_user();
    return 0;
}

static void another_user_does_not_find_it(void **state) {
    char id[32];

    if (geteuid() != 0) skip();
    snprintf(id, sizeof id, "%ld", saved_key(*state, "the first user's"));

    start_as_another_user("--user", id);

    assert_stored_text(*state, KEY, "the first user's");
}

/* ------------------------------------------------------------------ quota */

/* Of all keys of a user who is not root. */
static long quota(void) {
    FILE *file = fopen("/proc/sys/kernel/keys/maxbytes", "r");
    char text[32] = "";

    if (file == NULL) return 0;
    if (fgets(text, sizeof text, file) == NULL) *text = '\0';
    fclose(file);
    return strtol(text, NULL, 10);
}

/* The program that a_full_quota_loses_nothing starts, since root has more. */
static int be_out_of_quota(void) {
    static const char large[LARGE];
    bool is_root = geteuid() == 0;
    store_user user;
    tacit_error error;

    if (is_root) become_another_user();
    store_user_open(&user, make(NULL));
    assert_int_equal(save(&user, "before"), TACIT_OK);
    assert_int_equal(save_with_error(&user, large, sizeof large, &error),
                     TACIT_ERR_STORE_TOO_LARGE);
    assert_int_equal(error.os_error, EDQUOT);
    assert_non_null(strstr(error.message, "quota"));
    assert_stored_text(&user, KEY, "before");
    assert_int_equal(save(&user, "after"), TACIT_OK);
    assert_stored_text(&user, KEY, "after");
    store_user_close(&user);
    kernel_keys_forget(application);
    if (is_root) leave_nothing_of_this_user();
    return 0;
}

static void a_full_quota_loses_nothing(void **state) {
    (void)state;
    if (quota() == 0 || quota() >= LARGE) skip();

    start_as_another_user("--quota", "");
}

/* A key beside the records that leaves no byte of the quota. Its number. */
static long fill_quota(void) {
    static const char bytes[QUOTA_MAX];
    size_t size = 0;
    long id = -1;

    for (size_t step = QUOTA_MAX / 2; step > 0; step /= 2) {
        long key = syscall(SYS_add_key, "user", "of-others", bytes, size + step,
                           (long)KEY_SPEC_PROCESS_KEYRING);

        if (key < 0) continue;
        id = key;
        size += step;
    }
    assert_true(id >= 0);
    return id;
}

static void is_away(const tacit_store *store, tacit_status status) {
    int os_error = 0;
    const char *clause = store->ops.last_error(store->data, &os_error);

    assert_int_equal(status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(os_error, EDQUOT);
    assert_non_null(strstr(clause, "quota"));
}

/* On a thread of its own, which needs a few bytes itself to come at the keyring. */
static void *find_no_way(void *data) {
    const tacit_store *store = data;
    char *record = NULL;
    size_t size;

    is_away(store, store->ops.load(store->data, KEY, &record, &size));
    is_away(store, store->ops.erase(store->data, KEY));
    return NULL;
}

/* The program that a_quota_that_others_fill_hides_nothing starts. */
static int be_where_others_fill_the_quota(void) {
    tacit_store *store;
    store_user user;
    pthread_t thread;
    long others;

    become_another_user();
    store = make(NULL);
    assert_int_equal(store->ops.save(store->data, KEY, "before", 6), TACIT_OK);
    others = fill_quota();
    assert_int_equal(pthread_create(&thread, NULL, find_no_way, store), 0);
    pthread_join(thread, NULL);
    assert_int_equal(
        store->ops.save(store->data, KEY, "a longer one, by more than a thread frees", 41),
        TACIT_ERR_STORE_TOO_LARGE);

    kernel_key_write(others, "x", 1);
    store_user_open(&user, store);
    assert_stored_text(&user, KEY, "before");
    store_user_close(&user);
    leave_nothing_of_this_user();
    return 0;
}

/* As root only: the quota of who runs the tests is not ours to fill. */
static void a_quota_that_others_fill_hides_nothing(void **state) {
    (void)state;
    if (geteuid() != 0 || quota() == 0 || quota() >= QUOTA_MAX) skip();

    start_as_another_user("--full", "");
}

#define ERASED 50

/* The program that what_was_erased_takes_no_quota starts. */
static int be_who_erases_often(void) {
    store_user user;
    char keys[ERASED][16];
    size_t before;
    int64_t deadline;

    become_another_user();
    system_refuse(SYS_keyctl, KEYCTL_GET_PERSISTENT, EOPNOTSUPP); /* those have no quota */
    store_user_open(&user, make(NULL));
    assert_int_equal(save(&user, "stays"), TACIT_OK);
    before = own_quota().used;
    assert_true(before > 0);
    before += 2 * ERASED; /* threads have keyrings, too; a link that stays is 4 bytes */
    for (int i = 0; i < ERASED; i++) {
        snprintf(keys[i], sizeof keys[i], "user %d", i);
        assert_int_equal(store_user_save(&user, keys[i], "record", 6), TACIT_OK);
    }
    for (int i = 0; i < ERASED; i++) assert_int_equal(store_user_erase(&user, keys[i]), TACIT_OK);

    deadline = ti_clock_deadline(&user.clock, 20000);
    /* The kernel takes back a key's name a little later. */
    while (own_quota().used > before && ti_clock_boot_ms(&user.clock) < deadline)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_true(own_quota().used <= before);
    store_user_close(&user);
    return 0;
}

static void what_was_erased_takes_no_quota(void **state) {
    (void)state;
    if (geteuid() != 0 || own_quota().max == 0) skip();

    start_as_another_user("--erase", "");
}

/* ------------------------------------------------------------------ other kernels, and containers */

/* The program that without_persistent_keyrings_the_contract_holds starts. */
static int be_without_persistent_keyrings(void) {
    system_refuse(SYS_keyctl, KEYCTL_GET_PERSISTENT, EOPNOTSUPP);
    return run_contract("kernel keyring, without persistent ones");
}

static void without_persistent_keyrings_the_contract_holds(void **state) {
    (void)state;
    assert_int_equal(start_and_wait("--no-persistent", ""), 0);
}

/* The program that a_setuid_program_keeps_nothing_with_who_started_it starts. */
static int be_setuid(void) {
    store_user user;
    tacit_error error;

    system_refuse(SYS_keyctl, KEYCTL_GET_PERSISTENT, EOPNOTSUPP);
    assert_int_equal(setresuid(65534, 0, 0), 0);
    store_user_open(&user, make(NULL));
    assert_int_equal(save_with_error(&user, "x", 1, &error), TACIT_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(error.message, "another user's rights"));
    store_user_close(&user);
    return 0;
}

/* Where the kernel has no persistent keyrings, the user keyring is the one of who started it. */
static void a_setuid_program_keeps_nothing_with_who_started_it(void **state) {
    (void)state;
    if (geteuid() != 0) skip();

    assert_int_equal(start_and_wait("--setuid", ""), 0);
}

/* The program that where_it_is_forbidden_it_says_so starts. */
static int be_forbidden(const char *number) {
    int os_error = (int)strtol(number, NULL, 10);
    tacit_error error;

    system_refuse(SYS_keyctl, SYSTEM_ANY_ARGUMENT, os_error);
    assert_null(tacit_store_kernel_keyring(application, &error));
    assert_int_equal(error.status, TACIT_ERR_UNSUPPORTED);
    assert_int_equal(error.os_error, os_error);
    assert_non_null(strstr(error.message, "seccomp"));
    return 0;
}

/* The program that where_only_saving_is_forbidden_it_says_so starts. */
static int be_unable_to_save(void) {
    store_user user;
    tacit_error error;

    system_refuse(SYS_add_key, SYSTEM_ANY_ARGUMENT, EPERM);
    store_user_open(&user, make(NULL));
    assert_not_stored(&user, KEY);
    assert_int_equal(save_with_error(&user, "x", 1, &error), TACIT_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(error.message, "add_key"));
    store_user_close(&user);
    return 0;
}

static void where_it_is_forbidden_it_says_so(void **state) {
    char number[16];

    (void)state;
    snprintf(number, sizeof number, "%d", EPERM);
    assert_int_equal(start_and_wait("--forbidden", number), 0);
    snprintf(number, sizeof number, "%d", ENOSYS);
    assert_int_equal(start_and_wait("--forbidden", number), 0);
}

static void where_only_saving_is_forbidden_it_says_so(void **state) {
    (void)state;
    assert_int_equal(start_and_wait("--no-saving", ""), 0);
}

/* ------------------------------------------------------------------ */

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run_cases(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_expired_is_not_found),
        CASE(what_was_revoked_is_not_found),
        CASE(what_was_cleared_is_not_found),
        CASE(a_save_ends_the_time_of_a_key),
        CASE(a_key_is_named_by_its_application),
        CASE(every_damage_is_seen),
        CASE(a_record_under_another_name_is_corrupt),
        CASE(applications_do_not_see_each_other),
        CASE(a_key_without_permissions_fails_and_stays),
        CASE(the_keyring_of_the_session_stays_as_it_is),
        CASE(another_session_finds_the_record),
        CASE(another_user_does_not_find_it),
        CASE(a_full_quota_loses_nothing),
        CASE(a_quota_that_others_fill_hides_nothing),
        CASE(what_was_erased_takes_no_quota),
        CASE(without_persistent_keyrings_the_contract_holds),
        CASE(a_setuid_program_keeps_nothing_with_who_started_it),
        CASE(where_it_is_forbidden_it_says_so),
        CASE(where_only_saving_is_forbidden_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the test starts again: an assertion that fails there ends that program. */
static int play(const char *role, const char *argument) {
    if (strcmp(role, "--session") == 0) return be_another_session();
    if (strcmp(role, "--user") == 0) return be_another_user(argument);
    if (strcmp(role, "--quota") == 0) return be_out_of_quota();
    if (strcmp(role, "--erase") == 0) return be_who_erases_often();
    if (strcmp(role, "--full") == 0) return be_where_others_fill_the_quota();
    if (strcmp(role, "--no-persistent") == 0) return be_without_persistent_keyrings();
    if (strcmp(role, "--setuid") == 0) return be_setuid();
    if (strcmp(role, "--forbidden") == 0) return be_forbidden(argument);
    if (strcmp(role, "--no-saving") == 0) return be_unable_to_save();
    return 2;
}

static bool is_unsupported(void) {
    tacit_error error;

    tacit_store_unref(tacit_store_kernel_keyring(application, &error));
    if (error.status == TACIT_ERR_UNSUPPORTED) printf("skip: %s\n", error.message);
    return error.status == TACIT_ERR_UNSUPPORTED;
}

int main(int argc, char **argv) {
    store_contract_worker(argc, argv, make_at);
    if (argc == 4) {
        snprintf(application, sizeof application, "%s", argv[2]); /* whose parent forgets all */
        return play(argv[1], argv[3]);
    }
    snprintf(application, sizeof application, "org.example.Tacit-%d", (int)getpid());
    if (is_unsupported()) return 0;
    kernel_keys_enter_session();
    atexit(forget_all);
    return run_contract("kernel keyring") + run_cases();
}
