#include "session/store.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static bool ops_read(tacit_store_ops *ops, const tacit_store_ops *given, tacit_error *error) {
    if (!ti_struct_read(ops, sizeof *ops, given, "ops", "TACIT_STORE_OPS_INIT", error))
        return false;
    if (ops->load == NULL) {
        ti_error_argument(error, "ops->load", "is NULL");
        return false;
    }
    if (ops->save == NULL) {
        ti_error_argument(error, "ops->save", "is NULL");
        return false;
    }
    if (ops->erase == NULL) {
        ti_error_argument(error, "ops->erase", "is NULL");
        return false;
    }
    return true;
}

/* Behind its size there is nothing but functions. */
static bool is_complete(const tacit_store_lock_ops *lock) {
    const char *bytes = (const char *)lock;
    void *function;

    for (size_t at = offsetof(tacit_store_lock_ops, open); at < sizeof *lock;
         at += sizeof function) {
        memcpy(&function, bytes + at, sizeof function);
        if (function == NULL) return false;
    }
    return true;
}

/* Before the store's copy of ops points to it. */
static bool lock_ops_read(tacit_store_lock_ops *lock, const tacit_store_ops *ops,
                          tacit_error *error) {
    if (ops->lock == NULL) return true;
    if (ops->process_only || ops->lock_directory != NULL) {
        ti_error_argument(error, "ops->lock", "goes with neither process_only nor lock_directory");
        return false;
    }
    if (!ti_struct_read(lock, sizeof *lock, ops->lock, "ops->lock", "TACIT_STORE_LOCK_OPS_INIT",
                        error))
        return false;
    if (!is_complete(lock)) ti_error_argument(error, "ops->lock", "lacks a function");
    return is_complete(lock);
}

static bool sync_init(tacit_store *store) {
    if (pthread_mutex_init(&store->lock, NULL) != 0) return false;
    if (ti_cond_init(&store->freed)) return true;
    pthread_mutex_destroy(&store->lock);
    return false;
}

/* false: no memory. */
static bool copy(char **own, const char **text) {
    if (*text == NULL) return true;
    *own = strdup(*text);
    *text = *own;
    return *own != NULL;
}

static bool copy_texts(tacit_store *store) {
    tacit_store_ops *ops = &store->ops;

    if (ops->description == NULL) ops->description = "the app's own store";
    return copy(&store->description, &ops->description) &&
           copy(&store->lock_directory, &ops->lock_directory) &&
           copy(&store->application_id, &ops->application_id);
}

static void free_texts(tacit_store *store) {
    free(store->description);
    free(store->lock_directory);
    free(store->application_id);
}

static tacit_store *store_new(const tacit_store_ops *ops, const tacit_store_lock_ops *lock,
                              void *data) {
    tacit_store *store = calloc(1, sizeof *store);

    if (store == NULL) return NULL;
    store->process = ti_os_process();
    store->ops = *ops;
    store->lock_ops = *lock;
    if (ops->lock != NULL) store->ops.lock = &store->lock_ops;
    store->data = data;
    atomic_init(&store->refs, 1);
    if (store->process == 0 || !copy_texts(store) || !sync_init(store)) {
        free_texts(store);
        free(store);
        return NULL;
    }
    atomic_init(&store->shown, store->description);
    return store;
}

static void store_free(tacit_store *store) {
    if (store->ops.release != NULL) store->ops.release(store->data);
    pthread_cond_destroy(&store->freed);
    pthread_mutex_destroy(&store->lock);
    free_texts(store);
    free(store);
}

tacit_store *tacit_store_custom(const tacit_store_ops *ops, void *store_data, tacit_error *error) {
    tacit_store_lock_ops lock = {.struct_size = 0};
    tacit_store_ops own;
    tacit_store *store;

    ti_error_clear(error);
    if (!ops_read(&own, ops, error) || !lock_ops_read(&lock, &own, error)) return NULL;
    store = store_new(&own, &lock, store_data);
    if (store == NULL) ti_error_no_memory(error);
    return store;
}

const char *tacit_store_describe(const tacit_store *store) {
    return store == NULL ? "" : atomic_load_explicit(&store->shown, memory_order_acquire);
}

void ti_store_describe_as(tacit_store *store, const char *description) {
    atomic_store_explicit(&store->shown, description, memory_order_release);
}

tacit_store *tacit_store_ref(tacit_store *store) {
    if (store != NULL && !ti_store_forked(store))
        atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
    return store;
}

void tacit_store_unref(tacit_store *store) {
    if (store == NULL || ti_store_forked(store)) return;
    if (atomic_fetch_sub_explicit(&store->refs, 1, memory_order_acq_rel) == 1) store_free(store);
}
