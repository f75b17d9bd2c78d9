#include <tacit/client.h>

#include "base/error.h"
#include "platform/os.h"
#include "platform/thread.h"
#include "transport/internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;          /* guarded by lock */
static CURLcode start_result; /* guarded by lock */

/*
 * A fork waits until nobody starts libcurl: a child in which it is half started, by a thread that
 * the child lacks, could never use it. Nor could it where such a thread makes a handle, since
 * libcurl spins on a lock of its own there. Registered before there is anyone who could hold the
 * lock.
 */

static void before_fork(void) {
    pthread_mutex_lock(&lock);
}

static void after_fork(void) {
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_forks(void) {
    ti_thread_around_fork(before_fork, after_fork);
}

/*
 * Allocators that wipe. What was allocated before they were installed comes from malloc() too, so
 * they may free it.
 */

static void wiping_free(void *memory) {
    ti_os_wipe(memory, ti_os_usable_size(memory));
    free(memory);
}

/* realloc() would leave the old bytes behind where it moves them. */
static void *wiping_realloc(void *memory, size_t size) {
    void *moved = malloc(size);
    if (!moved) return NULL;
    if (memory) {
        size_t old_size = ti_os_usable_size(memory);
        memcpy(moved, memory, old_size < size ? old_size : size);
        wiping_free(memory);
    }
    return moved;
}

static tacit_status start_locked(unsigned flags, tacit_error *error) {
    if (!started) {
        started = true;
        bool wiping = flags & TACIT_GLOBAL_WIPE_LIBRARY_MEMORY;
        if (wiping) json_set_alloc_funcs(malloc, wiping_free);
        json_object_seed(0); /* jansson's own lazy seeding is a race */
        start_result = wiping ? curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free,
                                                     wiping_realloc, strdup, calloc)
                              : curl_global_init(CURL_GLOBAL_DEFAULT);
    }
    if (start_result == CURLE_OK) return ti_error_clear(error);
    return ti_error_set(error, TACIT_ERR_UNSUPPORTED, "libcurl does not start: %s",
                        curl_easy_strerror(start_result));
}

tacit_status tacit_global_init(unsigned flags, tacit_error *error) {
    if (flags & ~TACIT_GLOBAL_WIPE_LIBRARY_MEMORY) {
        return ti_error_argument(error, "flags", "holds an unknown flag");
    }
    pthread_mutex_lock(&lock);
    tacit_status status = started ? ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT,
                                                 "tacit_global_init() comes too late: the library "
                                                 "is in use already")
                                  : start_locked(flags, error);
    pthread_mutex_unlock(&lock);
    return status;
}

tacit_status ti_global_init(tacit_error *error) {
    pthread_mutex_lock(&lock);
    tacit_status status = start_locked(0, error);
    pthread_mutex_unlock(&lock);
    return status;
}

/* curl_multi_init() makes an easy handle, too. */
void ti_global_make_handles(CURL **easy, CURLM **multi) {
    pthread_mutex_lock(&lock);
    if (easy) *easy = curl_easy_init();
    if (multi) *multi = curl_multi_init();
    pthread_mutex_unlock(&lock);
}
