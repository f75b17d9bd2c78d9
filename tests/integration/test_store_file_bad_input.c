/* What may lie on a disk by accident or malice: each is refused with a sentence, and stays. */
#include "support/store_contract.h"

#include "support/unit.h"

#include "platform/crypto.h"
#include "platform/store_file_format.h"
#include "session/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tacit/store.h>

#define KEY "https://issuer.example app default"
#define OTHER_USER 65534

enum { PATH_SIZE = 160, HANG_MS = 50000 };

/* A place of its own for each test: records in a/, the key file k. */
typedef struct place {
    char root[PATH_SIZE], records[PATH_SIZE], key[PATH_SIZE], record[PATH_SIZE];
    store_user user;
    tacit_error error; /* of the last call */
} place;

static tacit_store *make_store(const place *here, const char *key_file, const char *passphrase) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;

    options.directory = here->records;
    options.key_file = key_file;
    options.passphrase = passphrase;
    return tacit_store_file(&options, NULL);
}

static void reopen(place *here, const char *key_file, const char *passphrase) {
    store_user_close(&here->user);
    store_user_open(&here->user, make_store(here, key_file, passphrase));
}

static int set_up(void **state) {
    place *here = calloc(1, sizeof *here);

    snprintf(here->root, sizeof here->root, "/tmp/tacit-test-XXXXXX");
    assert_non_null(mkdtemp(here->root));
    snprintf(here->records, PATH_SIZE, "%.100s/a", here->root);
    snprintf(here->key, PATH_SIZE, "%.100s/k", here->root);
    store_user_open(&here->user, make_store(here, here->key, NULL));
    *state = here;
    return 0;
}

static int tear_down(void **state) {
    place *here = *state;
    char command[PATH_SIZE + 16];

    store_user_close(&here->user);
    snprintf(command, sizeof command, "rm -rf %s", here->root);
    assert_int_equal(system(command), 0);
    free(here);
    return 0;
}

static tacit_status load(place *here) {
    static const ti_store_late never_late = {.fn = NULL};
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status = ti_store_load(here->user.calls, here->user.store, KEY, HANG_MS,
                                        never_late, &record, &overdue, &here->error);

    ti_buffer_free(&record);
    return status;
}

static tacit_status save(place *here, const char *key, const char *text) {
    static const ti_store_late never_late = {.fn = NULL};
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status;

    ti_buffer_append_string(&record, text);
    status = ti_store_save(here->user.calls, here->user.store, key, &record, HANG_MS, never_late,
                           &overdue, &here->error);
    ti_buffer_free(&record);
    return status;
}

static void expect(const place *here, tacit_status status, tacit_status expected,
                   const char *sentence) {
    assert_int_equal(status, expected);
    if (strstr(here->error.message, sentence) == NULL)
        fail_msg("\"%s\" instead of \"... %s ...\"", here->error.message, sentence);
}

/* The only name in the directory that ends so. */
static void find_name(const char *directory, const char *ending, char path[PATH_SIZE]) {
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    int found = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        size_t size = strlen(entry->d_name), ending_size = strlen(ending);

        if (size < ending_size || strcmp(entry->d_name + size - ending_size, ending) != 0) continue;
        snprintf(path, PATH_SIZE, "%.60s/%.80s", directory, entry->d_name);
        found++;
    }
    closedir(listing);
    assert_int_equal(found, 1);
}

static void save_one(place *here) {
    assert_int_equal(save(here, KEY, "the record"), TACIT_OK);
    find_name(here->records, ".record", here->record);
}

static size_t read_bytes(const char *path, char *bytes, size_t capacity) {
    FILE *file = fopen(path, "rb");
    size_t size;

    assert_non_null(file);
    size = fread(bytes, 1, capacity, file);
    fclose(file);
    return size;
}

static void write_bytes(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* ------------------------------------------------------------------ the record's bytes */

/* Loads what a damaged file brings, and sees that it lies there as before. */
static void expect_corrupt(place *here, const char *bytes, size_t size, const char *sentence) {
    char after[512];

    write_bytes(here->record, bytes, size);
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, sentence);
    assert_non_null(strstr(here->error.message, ".record")); /* which file */
    assert_int_equal(read_bytes(here->record, after, sizeof after), size);
    assert_memory_equal(after, bytes, size);
}

static void damaged_files_are_corrupt_each_with_its_sentence(void **state) {
    place *here = *state;
    char file[512];
    size_t size;

    save_one(here);
    size = read_bytes(here->record, file, sizeof file);
    expect_corrupt(here, file, 0, "is empty");
    expect_corrupt(here, file, 30, "is cut short");
    expect_corrupt(here, file, size - 1, "is cut short");
    expect_corrupt(here, "{\"refresh_token\":\"r\"}", 21, "is not a record of tacit");
    file[size - 1] ^= 1;
    expect_corrupt(here, file, size, "is damaged");
    file[8] = 9;
    expect_corrupt(here, file, size, "a later version of tacit");
}

static void a_record_of_another_sign_in_is_noticed(void **state) {
    place *here = *state;
    char file[512], name[PATH_SIZE];
    size_t size;

    assert_int_equal(save(here, "another key", "not yours"), TACIT_OK);
    find_name(here->records, ".record", name);
    size = read_bytes(name, file, sizeof file);
    assert_int_equal(unlink(name), 0);
    save_one(here);

    expect_corrupt(here, file, size, "belongs to another sign-in");
}

static void a_file_too_large_for_a_record_is_not_read(void **state) {
    place *here = *state;

    save_one(here);
    assert_int_equal(truncate(here->record, (off_t)1 << 40), 0);

    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "are the most");
}

static void a_record_too_large_is_not_saved(void **state) {
    place *here = *state;
    char *large = malloc(TI_SEALED_RECORD_MAX + 2);

    save_one(here);
    memset(large, 'x', TI_SEALED_RECORD_MAX + 1);
    large[TI_SEALED_RECORD_MAX + 1] = '\0';

    assert_int_equal(save(here, KEY, large), TACIT_ERR_STORE_TOO_LARGE);

    assert_stored_text(&here->user, KEY, "the record");
    large[TI_SEALED_RECORD_MAX] = '\0';
    assert_int_equal(save(here, KEY, large), TACIT_OK);
    assert_stored_text(&here->user, KEY, large);
    free(large);
}

/* ------------------------------------------------------------------ what kind of file it is */

static void a_record_open_to_others_is_refused(void **state) {
    static const mode_t modes[] = {0640, 0604, 0622, 0610, 0601};
    place *here = *state;

    save_one(here);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(here->record, modes[i]), 0);
        expect(here, load(here), TACIT_ERR_STORE_FAILED, "is open to other users");
    }
    assert_int_equal(chmod(here->record, 0600), 0);
    assert_stored_text(&here->user, KEY, "the record");
}

static void what_is_no_file_is_refused(void **state) {
    place *here = *state;
    char aside[PATH_SIZE + 8];

    save_one(here);
    snprintf(aside, sizeof aside, "%s/aside", here->root);
    assert_int_equal(rename(here->record, aside), 0);

    assert_int_equal(symlink(aside, here->record), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is a symbolic link");
    assert_int_equal(unlink(here->record), 0);
    assert_int_equal(mkfifo(here->record, 0600), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is not a regular file");
    assert_int_equal(unlink(here->record), 0);
    assert_int_equal(mkdir(here->record, 0700), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is not a regular file");
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_FAILED, "Is a directory");
    assert_int_equal(here->error.os_error, EISDIR);
}

static void a_record_of_another_user_is_refused(void **state) {
    place *here = *state;

    if (geteuid() != 0) skip();
    save_one(here);
    assert_int_equal(chown(here->record, OTHER_USER, OTHER_USER), 0);

    expect(here, load(here), TACIT_ERR_STORE_FAILED, "belongs to another user");
}

static void keys_stay_in_the_directory(void **state) {
    static const char *const keys[] = {"../../x", "/etc/passwd", "..", ".", "\x01\n\x7f",
                                       "",        "a/b"};
    place *here = *state;
    struct stat facts;
    char path[PATH_SIZE], *long_key = malloc(10241);

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(save(here, keys[i], keys[i]), TACIT_OK);
        find_name(here->records, ".record", path); /* and no other */
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 07777, 0600);
        assert_stored_text(&here->user, keys[i], keys[i]);
        assert_int_equal(store_user_erase(&here->user, keys[i]), TACIT_OK);
    }
    memset(long_key, 'k', 10240);
    long_key[10240] = '\0';
    assert_int_equal(save(here, long_key, "long"), TACIT_OK);
    assert_stored_text(&here->user, long_key, "long");
    free(long_key);
}

/* ------------------------------------------------------------------ the directory */

static void without_a_directory_nothing_is_found_and_nothing_made(void **state) {
    place *here = *state;

    assert_int_equal(load(here), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(store_user_erase(&here->user, KEY), TACIT_OK);

    assert_int_equal(access(here->records, F_OK), -1);
    assert_int_equal(access(here->key, F_OK), -1);
}

static void directories_are_made_for_this_user_alone(void **state) {
    place *here = *state;
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char deep[PATH_SIZE], key[PATH_SIZE], path[PATH_SIZE];
    static const char *const made[] = {"x", "x/y", "x/y/z", "v", "v/w"};
    mode_t mask = umask(0);
    struct stat facts;

    snprintf(deep, sizeof deep, "%.100s/x/y//z/", here->root);
    snprintf(key, sizeof key, "%.100s/v/w/k", here->root);
    options.directory = deep;
    options.key_file = key;
    store_user_close(&here->user);
    store_user_open(&here->user, tacit_store_file(&options, NULL));
    assert_int_equal(save(here, KEY, "x"), TACIT_OK);
    umask(mask);

    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%.100s/%s", here->root, made[i]);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 07777, 0700);
    }
    assert_int_equal(stat(key, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(facts.st_size, 32);
    assert_int_equal(facts.st_nlink, 1);
}

static void a_directory_that_others_may_write_to_is_refused(void **state) {
    place *here = *state;

    save_one(here);
    assert_int_equal(chmod(here->records, 0770), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "other users may write to the directory");
    assert_int_equal(chmod(here->records, 01707), 0);
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_FAILED, "other users may write");
    assert_int_equal(store_user_erase(&here->user, KEY), TACIT_ERR_STORE_FAILED);

    assert_int_equal(chmod(here->records, 0755), 0);
    assert_stored_text(&here->user, KEY, "the record");
}

static void a_directory_of_another_user_is_refused(void **state) {
    place *here = *state;

    if (geteuid() != 0) skip();
    save_one(here);
    assert_int_equal(chown(here->records, OTHER_USER, OTHER_USER), 0);

    expect(here, load(here), TACIT_ERR_STORE_FAILED, "belongs to another user");
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_FAILED, "belongs to another user");
}

/* Which step the other user came to without the error that is due; 0: all is well. */
static int try_as_another_user(const place *here) {
    tacit_store *store = make_store(here, here->key, NULL);
    const tacit_store_ops *ops = &store->ops;
    char *record = NULL;
    size_t size;
    int cause = 0;

    if (setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0) return 1;
    if (ops->load(store->data, KEY, &record, &size) != TACIT_ERR_STORE_FAILED) return 2;
    if (strstr(ops->last_error(store->data, &cause), here->records) == NULL) return 3;
    if (cause != EACCES) return 4;
    if (ops->save(store->data, KEY, "new", 3) != TACIT_ERR_STORE_FAILED) return 5;
    if (ops->erase(store->data, KEY) != TACIT_ERR_STORE_FAILED) return 6;
    tacit_store_unref(store);
    return 0;
}

/* Around the fork the store is called on this thread: sanitizers and valgrind want no other. */
static void another_user_gets_nothing_but_an_error(void **state) {
    place *here = *state;
    tacit_store *store = here->user.store;
    int status;
    pid_t child;

    if (geteuid() != 0) skip();
    assert_int_equal(store->ops.save(store->data, KEY, "the record", 10), TACIT_OK);
    assert_int_equal(chmod(here->root, 0755), 0);

    child = fork();
    if (child == 0) _exit(try_as_another_user(here));

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_stored_text(&here->user, KEY, "the record");
}

static void what_is_no_directory_is_refused(void **state) {
    place *here = *state;

    write_bytes(here->records, "x", 1);

    expect(here, load(here), TACIT_ERR_STORE_FAILED, "Not a directory");
    assert_int_equal(here->error.os_error, ENOTDIR);
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_FAILED, "Not a directory");
}

static void a_link_to_the_directory_counts_where_its_maker_is_trusted(void **state) {
    place *here = *state;
    char aside[PATH_SIZE + 8];

    save_one(here);
    snprintf(aside, sizeof aside, "%s/aside", here->root);
    assert_int_equal(rename(here->records, aside), 0);
    assert_int_equal(symlink(aside, here->records), 0);
    assert_stored_text(&here->user, KEY, "the record");
    if (geteuid() != 0) skip();

    assert_int_equal(lchown(here->records, OTHER_USER, OTHER_USER), 0);

    expect(here, load(here), TACIT_ERR_STORE_FAILED, "Not a directory");
}

/* ------------------------------------------------------------------ the key file */

static void without_its_key_file_nothing_is_read_or_overwritten(void **state) {
    place *here = *state;
    char aside[PATH_SIZE + 8], before[512], after[512];
    size_t size;

    save_one(here);
    size = read_bytes(here->record, before, sizeof before);
    snprintf(aside, sizeof aside, "%s/aside", here->root);
    assert_int_equal(rename(here->key, aside), 0);

    expect(here, load(here), TACIT_ERR_STORE_UNAVAILABLE, "is not there");
    assert_true(here->error.retryable);
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_UNAVAILABLE, "is not there");
    expect(here, save(here, "another", "new"), TACIT_ERR_STORE_UNAVAILABLE, "is not there");

    assert_int_equal(access(here->key, F_OK), -1);
    assert_int_equal(read_bytes(here->record, after, sizeof after), size);
    assert_memory_equal(before, after, size);
    assert_int_equal(rename(aside, here->key), 0);
    assert_stored_text(&here->user, KEY, "the record");
}

static void without_records_a_lost_key_file_is_made_again(void **state) {
    place *here = *state;

    save_one(here);
    assert_int_equal(store_user_erase(&here->user, KEY), TACIT_OK);
    assert_int_equal(unlink(here->key), 0);

    assert_int_equal(save(here, KEY, "anew"), TACIT_OK);

    assert_stored_text(&here->user, KEY, "anew");
}

static void another_key_file_is_told_from_damage(void **state) {
    place *here = *state;
    char other[PATH_SIZE + 8], bytes[32] = "not the key of these records....";

    save_one(here);
    snprintf(other, sizeof other, "%s/other", here->root);
    write_bytes(other, bytes, 32);
    assert_int_equal(chmod(other, 0600), 0);
    reopen(here, other, NULL);

    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "was sealed with another key");
}

static void a_key_file_that_is_no_key_is_refused(void **state) {
    place *here = *state;
    char bytes[40] = "much longer than any key may ever be...";

    save_one(here);
    write_bytes(here->key, bytes, 0);
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "has 0 bytes, a key has 32");
    write_bytes(here->key, bytes, 31);
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "has 31 bytes, a key has 32");
    write_bytes(here->key, bytes, 33);
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_CORRUPT, "has 33 bytes");
    assert_int_equal(unlink(here->key), 0);
    assert_int_equal(mkdir(here->key, 0700), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is not a regular file");
}

static void a_key_file_known_to_others_is_refused(void **state) {
    place *here = *state;
    char aside[PATH_SIZE + 8];

    save_one(here);
    assert_int_equal(chmod(here->key, 0640), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is open to other users");
    expect(here, save(here, KEY, "new"), TACIT_ERR_STORE_FAILED, "is open to other users");
    assert_int_equal(chmod(here->key, 0400), 0);
    assert_stored_text(&here->user, KEY, "the record");
    snprintf(aside, sizeof aside, "%s/aside", here->root);
    assert_int_equal(rename(here->key, aside), 0);
    assert_int_equal(symlink(aside, here->key), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "is a symbolic link");
    if (geteuid() != 0) skip();

    assert_int_equal(unlink(here->key), 0);
    assert_int_equal(rename(aside, here->key), 0);
    assert_int_equal(chown(here->key, OTHER_USER, OTHER_USER), 0);

    expect(here, load(here), TACIT_ERR_STORE_FAILED, "belongs to another user");
}

/* As another user, with a key file of root's: its mode, and what a save answers. */
static int save_with_key_of_root(const place *here, mode_t mode, tacit_status expected) {
    tacit_store *store;
    tacit_status status;

    if (chmod(here->key, mode) != 0) return 1;
    if (setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0) return 2;
    store = make_store(here, here->key, NULL);
    status = store->ops.save(store->data, KEY, "given", 5);
    tacit_store_unref(store);
    return status == expected ? 0 : 3;
}

static void root_may_give_a_key_file_to_a_group(void **state) {
    static const struct {
        mode_t mode;
        tacit_status expected;
    } cases[] = {
        {0440, TACIT_OK},
        {0640, TACIT_OK},
        {0400, TACIT_ERR_STORE_FAILED}, /* it cannot be read */
        {0444, TACIT_ERR_STORE_FAILED},
        {0460, TACIT_ERR_STORE_FAILED},
    };
    place *here = *state;

    if (geteuid() != 0) skip();
    write_bytes(here->key, "0123456789abcdef0123456789abcdef", 32);
    assert_int_equal(chown(here->key, 0, OTHER_USER), 0);
    assert_int_equal(chmod(here->root, 0755), 0);
    assert_int_equal(mkdir(here->records, 0700), 0);
    assert_int_equal(chown(here->records, OTHER_USER, OTHER_USER), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        pid_t child = fork();

        if (child == 0) _exit(save_with_key_of_root(here, cases[i].mode, cases[i].expected));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static void a_key_file_that_others_may_replace_is_refused(void **state) {
    place *here = *state;

    save_one(here);
    assert_int_equal(chmod(here->root, 0777), 0);
    expect(here, load(here), TACIT_ERR_STORE_FAILED, "other users may write to the directory");

    assert_int_equal(chmod(here->root, 01777), 0); /* as /tmp: nobody can take another's away */
    assert_stored_text(&here->user, KEY, "the record");
}

/* ------------------------------------------------------------------ the passphrase */

static void another_passphrase_is_told_from_damage(void **state) {
    place *here = *state;

    reopen(here, NULL, "correct horse");
    save_one(here);
    reopen(here, NULL, "battery staple");
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "was sealed with another passphrase");

    reopen(here, NULL, "correct horse");
    assert_stored_text(&here->user, KEY, "the record");
}

static void a_passphrase_does_not_open_what_a_key_sealed(void **state) {
    place *here = *state;

    save_one(here);
    reopen(here, NULL, "correct horse");
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "the store was given a passphrase");

    assert_int_equal(save(here, KEY, "anew"), TACIT_OK);
    reopen(here, here->key, NULL);
    expect(here, load(here), TACIT_ERR_STORE_CORRUPT, "the store was given a key");
}

/* An old record, or one that an attacker put there, says how its key is made. The next must not be
 * made as cheaply. */
static void what_is_saved_costs_what_it_costs_today(void **state) {
    place *here = *state;
    ti_key_recipe cheap = {.kind = TI_KEY_SCRYPT, .log2_n = 10, .r = 8, .p = 1, .salt = "salt"},
                  now;
    unsigned char key[TI_CRYPTO_KEY_SIZE];
    ti_buffer file = TI_BUFFER_INIT;
    char bytes[512];
    size_t size;

    reopen(here, NULL, "p");
    save_one(here);
    assert_int_equal(ti_crypto_scrypt("p", 1, cheap.salt, sizeof cheap.salt, cheap.log2_n, cheap.r,
                                      cheap.p, key),
                     TI_CRYPTO_OK);
    assert_int_equal(ti_sealed_make(&cheap, KEY, key, "cheap", 5, &file, NULL), TACIT_OK);
    write_bytes(here->record, file.data, file.size);
    ti_buffer_free(&file);
    reopen(here, NULL, "p");
    assert_stored_text(&here->user, KEY, "cheap");

    assert_int_equal(save(here, KEY, "dear"), TACIT_OK);

    size = read_bytes(here->record, bytes, sizeof bytes);
    assert_int_equal(ti_sealed_inspect(bytes, size, KEY, &now, NULL), TACIT_OK);
    assert_int_equal(now.log2_n, 15);
    assert_int_equal(now.r, 8);
    assert_memory_not_equal(now.salt, cheap.salt, sizeof now.salt);
}

/* ------------------------------------------------------------------ the app's key */

typedef struct app_key {
    tacit_status answer;
    int asked;
} app_key;

static tacit_status give_key(void *data, unsigned char key[32]) {
    app_key *self = data;

    self->asked++;
    memset(key, 'k', 32);
    return self->answer;
}

static void the_app_may_have_no_key_for_now(void **state) {
    static const struct {
        tacit_status answer, expected;
    } cases[] = {
        {TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE},
        {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED},
        {TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT},
        {TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED},
        /* which would say that there is no record, or that it is too large */
        {TACIT_ERR_STORE_NOT_FOUND, TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_STORE_TOO_LARGE, TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_CANCELLED, TACIT_ERR_STORE_FAILED},
    };
    place *here = *state;
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    app_key app = {.answer = TACIT_OK};

    options.directory = here->records;
    options.get_key = give_key;
    options.key_data = &app;
    store_user_close(&here->user);
    store_user_open(&here->user, tacit_store_file(&options, NULL));
    assert_int_equal(load(here), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(app.asked, 0); /* where nothing is, nothing is to be opened */
    save_one(here);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        app.answer = cases[i].answer;
        app.asked = 0;
        expect(here, load(here), cases[i].expected, tacit_status_name(cases[i].answer));
        expect(here, save(here, KEY, "new"), cases[i].expected, "get_key");
        assert_int_equal(app.asked, 2);
    }
    app.answer = TACIT_OK;
    assert_stored_text(&here->user, KEY, "the record");
    app.answer = TACIT_ERR_STORE_UNAVAILABLE;
    assert_int_equal(store_user_erase(&here->user, KEY), TACIT_OK); /* takes no key */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(damaged_files_are_corrupt_each_with_its_sentence),
        CASE(a_record_of_another_sign_in_is_noticed),
        CASE(a_file_too_large_for_a_record_is_not_read),
        CASE(a_record_too_large_is_not_saved),
        CASE(a_record_open_to_others_is_refused),
        CASE(what_is_no_file_is_refused),
        CASE(a_record_of_another_user_is_refused),
        CASE(keys_stay_in_the_directory),
        CASE(without_a_directory_nothing_is_found_and_nothing_made),
        CASE(directories_are_made_for_this_user_alone),
        CASE(a_directory_that_others_may_write_to_is_refused),
        CASE(a_directory_of_another_user_is_refused),
        CASE(another_user_gets_nothing_but_an_error),
        CASE(what_is_no_directory_is_refused),
        CASE(a_link_to_the_directory_counts_where_its_maker_is_trusted),
        CASE(without_its_key_file_nothing_is_read_or_overwritten),
        CASE(without_records_a_lost_key_file_is_made_again),
        CASE(another_key_file_is_told_from_damage),
        CASE(a_key_file_that_is_no_key_is_refused),
        CASE(a_key_file_known_to_others_is_refused),
        CASE(root_may_give_a_key_file_to_a_group),
        CASE(a_key_file_that_others_may_replace_is_refused),
        CASE(another_passphrase_is_told_from_damage),
        CASE(a_passphrase_does_not_open_what_a_key_sealed),
        CASE(what_is_saved_costs_what_it_costs_today),
        CASE(the_app_may_have_no_key_for_now),
    };

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
