#include "support/fake_store.h"

#include "support/unit.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 20 };

struct fake_store {
    tacit_store *handle;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    char *record;
    char **saved;
    size_t saved_count;
    size_t calls[FAKE_CALLS];
    unsigned held[FAKE_CALLS];
    bool closed[FAKE_CALLS];
    tacit_status failure[FAKE_CALLS];
    bool released;
};

static char *copy(const char *text, size_t size) {
    char *made = malloc(size + 1);

    if (made == NULL) abort();
    memcpy(made, text, size);
    made[size] = '\0';
    return made;
}

static char *copy_or_null(const char *text) {
    return text == NULL ? NULL : copy(text, strlen(text));
}

/* ------------------------------------------------------------------ what the library calls */

/* Through the gate; the lock is held afterwards. */
static tacit_status enter(fake_store *store, fake_call call) {
    pthread_mutex_lock(&store->lock);
    store->calls[call]++;
    store->held[call]++;
    pthread_cond_broadcast(&store->changed);
    while (store->closed[call]) pthread_cond_wait(&store->changed, &store->lock);
    store->held[call]--;
    return store->failure[call];
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    fake_store *store = data;
    tacit_status status = enter(store, FAKE_LOAD);

    (void)key;
    if (status == TACIT_OK && store->record == NULL) status = TACIT_ERR_STORE_NOT_FOUND;
    if (status == TACIT_OK) {
        *size = strlen(store->record);
        *record = copy(store->record, *size);
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

static void remember_locked(fake_store *store, char *record) {
    store->saved = realloc(store->saved, (store->saved_count + 1) * sizeof *store->saved);
    if (store->saved == NULL) abort();
    store->saved[store->saved_count++] = record;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    fake_store *store = data;
    tacit_status status = enter(store, FAKE_SAVE);

    (void)key;
    if (status == TACIT_OK) {
        free(store->record);
        store->record = copy(record, size);
        remember_locked(store, copy(record, size));
    }
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    fake_store *store = data;
    tacit_status status = enter(store, FAKE_ERASE);

    (void)key;
    if (status == TACIT_OK) {
        free(store->record);
        store->record = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

static void release(void *data) {
    fake_store *store = data;

    pthread_mutex_lock(&store->lock);
    store->released = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

static fake_store *make(tacit_store_ops ops) {
    fake_store *store = calloc(1, sizeof *store);

    if (store == NULL) abort();
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->changed, NULL);
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    if (ops.description == NULL) ops.description = "the test's store";
    store->handle = tacit_store_custom(&ops, store, NULL);
    if (store->handle == NULL) abort();
    return store;
}

fake_store *fake_store_new(void) {
    return make((tacit_store_ops)TACIT_STORE_OPS_INIT);
}

fake_store *fake_store_new_process_only(void) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.process_only = true;
    return make(ops);
}

fake_store *fake_store_new_as(const tacit_store_ops *ops) {
    return make(*ops);
}

static struct timespec deadline(void) {
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += PATIENCE_S;
    return at;
}

static void wait_for_release(fake_store *store) {
    struct timespec at = deadline();

    pthread_mutex_lock(&store->lock);
    while (!store->released && pthread_cond_timedwait(&store->changed, &store->lock, &at) == 0) {
    }
    if (!store->released) fail_msg("The store is still used.");
    pthread_mutex_unlock(&store->lock);
}

void fake_store_free(fake_store *store) {
    tacit_store_unref(store->handle);
    wait_for_release(store);
    for (size_t i = 0; i < store->saved_count; i++) free(store->saved[i]);
    free(store->saved);
    free(store->record);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

tacit_store *fake_store_handle(fake_store *store) {
    return store->handle;
}

/* ------------------------------------------------------------------ what the test says */

void fake_store_fail(fake_store *store, fake_call call, tacit_status status) {
    pthread_mutex_lock(&store->lock);
    store->failure[call] = status;
    pthread_mutex_unlock(&store->lock);
}

static void set_closed(fake_store *store, fake_call call, bool closed) {
    pthread_mutex_lock(&store->lock);
    store->closed[call] = closed;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

void fake_store_gate_close(fake_store *store, fake_call call) {
    set_closed(store, call, true);
}

void fake_store_gate_open(fake_store *store, fake_call call) {
    set_closed(store, call, false);
}

bool fake_store_gate_waiter(fake_store *store, fake_call call) {
    struct timespec at = deadline();
    bool held;

    pthread_mutex_lock(&store->lock);
    while (store->held[call] == 0 &&
           pthread_cond_timedwait(&store->changed, &store->lock, &at) == 0) {
    }
    held = store->held[call] > 0;
    pthread_mutex_unlock(&store->lock);
    return held;
}

size_t fake_store_calls(fake_store *store, fake_call call) {
    size_t count;

    pthread_mutex_lock(&store->lock);
    count = store->calls[call];
    pthread_mutex_unlock(&store->lock);
    return count;
}

bool fake_store_wait_calls(fake_store *store, fake_call call, size_t count) {
    struct timespec at = deadline();
    bool came;

    pthread_mutex_lock(&store->lock);
    while (store->calls[call] < count &&
           pthread_cond_timedwait(&store->changed, &store->lock, &at) == 0) {
    }
    came = store->calls[call] >= count;
    pthread_mutex_unlock(&store->lock);
    return came;
}

char *fake_store_record(fake_store *store) {
    char *record;

    pthread_mutex_lock(&store->lock);
    record = copy_or_null(store->record);
    pthread_mutex_unlock(&store->lock);
    return record;
}

void fake_store_put(fake_store *store, const char *record) {
    pthread_mutex_lock(&store->lock);
    free(store->record);
    store->record = copy_or_null(record);
    pthread_mutex_unlock(&store->lock);
}

char *fake_store_saved(fake_store *store, size_t index) {
    char *record = NULL;

    pthread_mutex_lock(&store->lock);
    if (index < store->saved_count) record = copy_or_null(store->saved[index]);
    pthread_mutex_unlock(&store->lock);
    return record;
}

size_t fake_store_saved_count(fake_store *store) {
    size_t count;

    pthread_mutex_lock(&store->lock);
    count = store->saved_count;
    pthread_mutex_unlock(&store->lock);
    return count;
}

/* ------------------------------------------------------------------ records */

static json_t *parse(const char *record) {
    json_t *root;

    assert_non_null(record);
    root = json_loads(record, 0, NULL);
    assert_true(json_is_integer(json_object_get(root, "tacit_record")));
    return root;
}

char *fake_record_refresh_token(const char *record) {
    json_t *root = parse(record);
    char *token = copy_or_null(json_string_value(json_object_get(root, "refresh_token")));

    json_decref(root);
    return token;
}

long fake_record_generation(const char *record) {
    json_t *root = parse(record);
    long generation = (long)json_integer_value(json_object_get(root, "generation"));

    json_decref(root);
    return generation;
}

bool fake_record_is_refused(const char *record) {
    json_t *root = parse(record);
    bool refused = json_is_true(json_object_get(root, "refused"));

    json_decref(root);
    return refused;
}

char *fake_record_with(const char *record, const char *member, const char *json) {
    json_t *root = parse(record);
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    char *changed;

    assert_int_equal(json_object_set_new(root, member, value), 0);
    changed = json_dumps(root, JSON_COMPACT);
    assert_non_null(changed);
    json_decref(root);
    return changed;
}

char *fake_record_at(const char *record, long generation) {
    json_t *root = parse(record), *token;
    char *changed;
    size_t i;

    json_object_set_new(root, "generation", json_integer(generation));
    json_array_foreach(json_object_get(root, "access_tokens"), i, token) {
        json_object_set_new(token, "generation", json_integer(generation));
    }
    changed = json_dumps(root, JSON_COMPACT);
    assert_non_null(changed);
    json_decref(root);
    return changed;
}
