/* A store as an app may write it, with nothing but the public header: a file per key. */
#include "support/store_contract.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/client.h>
#include <tacit/store.h>

#define PATH_SIZE 256

/* The directory is the test's; every store object has its own copy of the name. */
static char directory[] = "/tmp/tacit-test-XXXXXX";

/* What may come between: where the app's files lie behind a password, or on a network. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    tacit_status failure; /* guarded by lock; TACIT_OK: none */
    bool hangs;           /* guarded by lock */
} trouble = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static tacit_status pass(void) {
    tacit_status status;

    pthread_mutex_lock(&trouble.lock);
    while (trouble.hangs) pthread_cond_wait(&trouble.changed, &trouble.lock);
    status = trouble.failure;
    pthread_mutex_unlock(&trouble.lock);
    return status;
}

static void fail_with(tacit_status failure) {
    pthread_mutex_lock(&trouble.lock);
    trouble.failure = failure;
    pthread_mutex_unlock(&trouble.lock);
}

static void lock(void *data, bool locked) {
    (void)data;
    fail_with(locked ? TACIT_ERR_STORE_LOCKED : TACIT_OK);
}

static void away(void *data, bool away) {
    (void)data;
    fail_with(away ? TACIT_ERR_STORE_UNAVAILABLE : TACIT_OK);
}

static void hang(void *data, bool hangs) {
    (void)data;
    pthread_mutex_lock(&trouble.lock);
    trouble.hangs = hangs;
    pthread_cond_broadcast(&trouble.changed);
    pthread_mutex_unlock(&trouble.lock);
}

static void path_of(const char *folder, const char *key, const char *suffix, char *path) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (const char *at = key; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    snprintf(path, PATH_SIZE, "%s/%016" PRIx64 "%s", folder, hash, suffix);
}

/* The file: the key, NUL, the record. */
static tacit_status read_file(FILE *file, const char *key, char **record, size_t *size) {
    size_t skip = strlen(key) + 1;
    long end;
    char *bytes;

    if (fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0) return TACIT_ERR_STORE_FAILED;
    rewind(file);
    bytes = tacit_alloc((size_t)end + 1);
    if (bytes == NULL) return TACIT_ERR_STORE_FAILED;
    if (fread(bytes, 1, (size_t)end, file) != (size_t)end || (size_t)end < skip ||
        memcmp(bytes, key, skip) != 0) {
        tacit_free(bytes);
        return TACIT_ERR_STORE_CORRUPT;
    }
    *size = (size_t)end - skip;
    memmove(bytes, bytes + skip, *size);
    *record = bytes;
    return TACIT_OK;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    char path[PATH_SIZE];
    FILE *file;
    tacit_status status = pass();

    if (status != TACIT_OK) return status;
    path_of(data, key, "", path);
    file = fopen(path, "rb");
    if (file == NULL) return errno == ENOENT ? TACIT_ERR_STORE_NOT_FOUND : TACIT_ERR_STORE_FAILED;
    status = read_file(file, key, record, size);
    fclose(file);
    return status;
}

static bool write_file(int file, const char *key, const char *record, size_t size) {
    size_t key_size = strlen(key) + 1;

    return write(file, key, key_size) == (ssize_t)key_size &&
           write(file, record, size) == (ssize_t)size && fsync(file) == 0;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    char path[PATH_SIZE], fresh[PATH_SIZE];
    int file;
    bool written;
    tacit_status status = pass();

    if (status != TACIT_OK) return status;
    path_of(data, key, "", path);
    path_of(data, key, ".new", fresh);
    file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return TACIT_ERR_STORE_UNAVAILABLE;
    written = write_file(file, key, record, size);
    close(file);
    if (written && rename(fresh, path) == 0) return TACIT_OK;
    unlink(fresh);
    return TACIT_ERR_STORE_FAILED;
}

static tacit_status erase(void *data, const char *key) {
    char path[PATH_SIZE];
    tacit_status status = pass();

    if (status != TACIT_OK) return status;
    path_of(data, key, "", path);
    return unlink(path) == 0 || errno == ENOENT ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

static tacit_store *make(void *data) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = free;
    ops.description = "files of a test";
    return tacit_store_custom(&ops, strdup(data), NULL);
}

static tacit_store *make_at(const char *place) {
    return make((void *)place);
}

static void damage(void *data, const char *key) {
    char path[PATH_SIZE];
    FILE *file;

    path_of(data, key, "", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("dam", file);
    assert_int_equal(fclose(file), 0);
}

static void a_directory_that_is_gone_is_unavailable(void **state) {
    store_user user;

    (void)state;
    store_user_open(&user, make("/tmp/tacit-test-gone/never/made"));

    assert_int_equal(store_user_save(&user, "key", "x", 1), TACIT_ERR_STORE_UNAVAILABLE);
    store_user_close(&user);
}

static void remove_directory(void) {
    char command[sizeof directory + 16];

    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv) {
    const store_contract contract = {
        .name = "custom",
        .make = make,
        .data = directory,
        .persistent = true,
        .place = directory,
        .lock = lock,
        .away = away,
        .hang = hang,
        .damage = damage,
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_that_is_gone_is_unavailable),
    };
    int failed;

    store_contract_worker(argc, argv, make_at);
    if (mkdtemp(directory) == NULL) return 1;
    failed = store_contract_run(&contract) + cmocka_run_group_tests(tests, NULL, NULL);
    remove_directory();
    return failed;
}
