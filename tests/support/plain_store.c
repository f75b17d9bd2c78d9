#include "support/plain_store.h"

#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct plain_store {
    char *directory;
    tacit_store *inner; /* NULL: files */
    tacit_store *handle;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    tacit_status failure[PLAIN_CALLS]; /* guarded by lock */
    bool held[PLAIN_CALLS];            /* guarded by lock */
};

static char *path_of(const char *directory, const char *key) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a: a key may hold anything */
    char *path = NULL;

    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
    if (asprintf(&path, "%s/%016llx.record", directory, (unsigned long long)hash) < 0) return NULL;
    return path;
}

/* What the test wants of this call, once it lets it through. */
static tacit_status pass(plain_store *store, plain_call call) {
    tacit_status status;

    pthread_mutex_lock(&store->lock);
    while (store->held[call]) pthread_cond_wait(&store->changed, &store->lock);
    status = store->failure[call];
    pthread_mutex_unlock(&store->lock);
    return status;
}

static tacit_status read_file(int file, char **record, size_t *size) {
    struct stat facts;

    if (fstat(file, &facts) != 0) return TACIT_ERR_STORE_FAILED;
    *size = (size_t)facts.st_size;
    *record = malloc(*size + 1);
    if (*record == NULL) return TACIT_ERR_STORE_FAILED;
    if (read(file, *record, *size) == (ssize_t)*size) return TACIT_OK;
    free(*record);
    *record = NULL;
    return TACIT_ERR_STORE_FAILED;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    plain_store *store = data;
    tacit_status status = pass(store, PLAIN_LOAD);
    char *path;
    int file;

    if (status != TACIT_OK) return status;
    if (store->inner != NULL) return store->inner->ops.load(store->inner->data, key, record, size);
    path = path_of(store->directory, key);
    file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) status = errno == ENOENT ? TACIT_ERR_STORE_NOT_FOUND : TACIT_ERR_STORE_FAILED;
    free(path);
    if (file < 0) return status;
    status = read_file(file, record, size);
    close(file);
    return status;
}

static bool write_file(const char *path, const char *record, size_t size) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok;

    if (file < 0) return false;
    ok = write(file, record, size) == (ssize_t)size && fsync(file) == 0;
    return close(file) == 0 && ok;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    plain_store *store = data;
    tacit_status status = pass(store, PLAIN_SAVE);
    char *path, *next = NULL;

    if (status != TACIT_OK) return status;
    if (store->inner != NULL) return store->inner->ops.save(store->inner->data, key, record, size);
    path = path_of(store->directory, key);
    if (path == NULL || asprintf(&next, "%s.next", path) < 0) next = NULL;
    if (next == NULL || !write_file(next, record, size) || rename(next, path) != 0)
        status = TACIT_ERR_STORE_FAILED;
    free(next);
    free(path);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    plain_store *store = data;
    tacit_status status = pass(store, PLAIN_ERASE);
    char *path;

    if (status != TACIT_OK) return status;
    if (store->inner != NULL) return store->inner->ops.erase(store->inner->data, key);
    path = path_of(store->directory, key);
    if (path == NULL || (unlink(path) != 0 && errno != ENOENT)) status = TACIT_ERR_STORE_FAILED;
    free(path);
    return status;
}

static tacit_status open_lock(void *data, const char *key, bool create, size_t journal_size,
                              void **lock) {
    tacit_store *inner = ((plain_store *)data)->inner;

    return inner->ops.lock->open(inner->data, key, create, journal_size, lock);
}

static const char *explain_lock(void *data, void *lock) {
    tacit_store *inner = ((plain_store *)data)->inner;

    return inner->ops.lock->explain(inner->data, lock);
}

static plain_store *make(const char *directory, const char *lock_directory, tacit_store *inner) {
    plain_store *store = calloc(1, sizeof *store);
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    tacit_store_lock_ops lock = TACIT_STORE_LOCK_OPS_INIT;

    if (store == NULL) return NULL;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.lock_directory = lock_directory;
    if (inner != NULL && inner->ops.lock != NULL) {
        lock = *inner->ops.lock;
        lock.open = open_lock;
        lock.explain = explain_lock;
        ops.lock = &lock;
    }
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->changed, NULL);
    store->inner = inner;
    store->directory = strdup(directory);
    store->handle = tacit_store_custom(&ops, store, NULL);
    if (store->directory != NULL && store->handle != NULL) return store;
    plain_store_free(store);
    return NULL;
}

plain_store *plain_store_new(const char *directory) {
    return make(directory, NULL, NULL);
}

plain_store *plain_store_new_with_lock(const char *directory) {
    return make(directory, directory, NULL);
}

plain_store *plain_store_over(tacit_store *store) {
    return make("", NULL, store);
}

void plain_store_free(plain_store *store) {
    if (store == NULL) return;
    tacit_store_unref(store->handle);
    tacit_store_unref(store->inner);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->lock);
    free(store->directory);
    free(store);
}

tacit_store *plain_store_handle(plain_store *store) {
    return store->handle;
}

void plain_store_fail(plain_store *store, plain_call call, tacit_status status) {
    pthread_mutex_lock(&store->lock);
    store->failure[call] = status;
    pthread_mutex_unlock(&store->lock);
}

void plain_store_hold(plain_store *store, plain_call call, bool held) {
    pthread_mutex_lock(&store->lock);
    store->held[call] = held;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

static size_t find_records(const char *directory, glob_t *found) {
    char pattern[512];

    snprintf(pattern, sizeof pattern, "%s/*.record", directory);
    return glob(pattern, 0, NULL, found) == 0 ? found->gl_pathc : 0;
}

char *plain_store_record(const char *directory) {
    char *record = NULL;
    size_t size;
    glob_t found = {0};

    if (find_records(directory, &found) == 1) {
        int file = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);

        if (file >= 0 && read_file(file, &record, &size) == TACIT_OK) record[size] = '\0';
        if (file >= 0) close(file);
    }
    globfree(&found);
    return record;
}

void plain_store_put(const char *directory, const char *record) {
    glob_t found = {0};

    if (find_records(directory, &found) != 1 ||
        !write_file(found.gl_pathv[0], record, strlen(record)))
        abort();
    globfree(&found);
}

void plain_store_clear(const char *directory) {
    glob_t found = {0};

    for (size_t i = find_records(directory, &found); i > 0; i--) unlink(found.gl_pathv[i - 1]);
    globfree(&found);
}
