/*
 * Properties. Every job that was taken runs, also after a stop. A thread is joined, by the one that
 * ends after it or by whoever stops, unless it was left behind by the free: then it is detached.
 *
 * Operation. `spare` is the number of threads that are free, less the jobs in the queue: above zero
 * a job finds a thread, at zero one is started for it. A thread that becomes one spare too many
 * ends. Each ending thread first joins the one that ended before it, so that to join the last is to
 * join them all.
 *
 * Safety. Everything that changes is guarded by `lock`; a job runs without it. Once `abandoned` is
 * set, helpers belongs to the threads, and the last one frees it.
 */
#include "session/helpers.h"

#include "session/library_thread.h"

#include <stdlib.h>

#define SPARE_MAX 2

struct ti_helpers {
    /* set at creation, then read-only; not for the threads, which may outlive the clock */
    const ti_clock *clock;
    size_t stack_bytes;
    const char *name;

    pthread_mutex_t lock;
    pthread_cond_t work; /* a job came, or closed */
    pthread_cond_t left; /* a thread ended; on the clock of ti_clock_wait() */

    /* guarded by lock */
    ti_helper_job *first, **last;
    unsigned threads; /* that have not ended */
    unsigned spare;
    bool closed, abandoned;
    bool has_ended; /* ended is a thread to be joined */
    pthread_t ended;
};

static bool sync_init(ti_helpers *helpers) {
    if (pthread_mutex_init(&helpers->lock, NULL) != 0) return false;
    if (pthread_cond_init(&helpers->work, NULL) != 0) {
        pthread_mutex_destroy(&helpers->lock);
        return false;
    }
    if (ti_cond_init(&helpers->left)) return true;
    pthread_cond_destroy(&helpers->work);
    pthread_mutex_destroy(&helpers->lock);
    return false;
}

ti_helpers *ti_helpers_new(const ti_clock *clock, size_t stack_bytes, const char *name) {
    ti_helpers *helpers = calloc(1, sizeof *helpers);

    if (helpers == NULL) return NULL;
    if (!sync_init(helpers)) {
        free(helpers);
        return NULL;
    }
    helpers->clock = clock;
    helpers->stack_bytes = stack_bytes;
    helpers->name = name;
    helpers->last = &helpers->first;
    return helpers;
}

static void destroy(ti_helpers *helpers) {
    pthread_cond_destroy(&helpers->left);
    pthread_cond_destroy(&helpers->work);
    pthread_mutex_destroy(&helpers->lock);
    free(helpers);
}

static ti_helper_job *take_job_locked(ti_helpers *helpers) {
    ti_helper_job *job = helpers->first;

    helpers->first = job->next;
    if (helpers->first == NULL) helpers->last = &helpers->first;
    return job;
}

/* NULL: the thread is to end. */
static ti_helper_job *next_job_locked(ti_helpers *helpers) {
    if (helpers->spare > SPARE_MAX) return NULL;
    while (helpers->first == NULL && !helpers->closed)
        pthread_cond_wait(&helpers->work, &helpers->lock);
    return helpers->first == NULL ? NULL : take_job_locked(helpers);
}

/* The last thing a thread does. Unlocks. */
static void end_thread_locked(ti_helpers *helpers) {
    bool abandoned = helpers->abandoned;
    bool join = helpers->has_ended;
    pthread_t before = helpers->ended;
    bool last;

    helpers->spare--;
    last = --helpers->threads == 0;
    if (!abandoned) {
        helpers->ended = pthread_self();
        helpers->has_ended = true;
        pthread_cond_broadcast(&helpers->left);
    }
    pthread_mutex_unlock(&helpers->lock);
    if (!abandoned && join) pthread_join(before, NULL);
    if (abandoned) pthread_detach(pthread_self());
    if (abandoned && last) destroy(helpers);
}

static void *helper_main(void *data) {
    ti_helpers *helpers = data;
    ti_helper_job *job;

    pthread_mutex_lock(&helpers->lock);
    while ((job = next_job_locked(helpers)) != NULL) {
        pthread_mutex_unlock(&helpers->lock);
        job->run(job);
        pthread_mutex_lock(&helpers->lock);
        helpers->spare++;
    }
    end_thread_locked(helpers);
    return NULL;
}

/* A thread that is free for one more job. It cannot look for the job before the lock is given up. */
static bool find_thread_locked(ti_helpers *helpers) {
    pthread_t thread;

    if (helpers->spare > 0) {
        helpers->spare--;
        return true;
    }
    if (!ti_library_thread_start(&thread, helpers->stack_bytes, helpers->name, helper_main,
                                 helpers))
        return false;
    helpers->threads++;
    return true;
}

static tacit_status run_locked(ti_helpers *helpers, ti_helper_job *job) {
    if (helpers->closed) return TACIT_ERR_CLOSED;
    if (!find_thread_locked(helpers)) return TACIT_ERR_NO_MEMORY;
    job->next = NULL;
    *helpers->last = job;
    helpers->last = &job->next;
    pthread_cond_signal(&helpers->work);
    return TACIT_OK;
}

tacit_status ti_helpers_run(ti_helpers *helpers, ti_helper_job *job) {
    tacit_status status;

    pthread_mutex_lock(&helpers->lock);
    status = run_locked(helpers, job);
    pthread_mutex_unlock(&helpers->lock);
    return status;
}

bool ti_helpers_stopped(ti_helpers *helpers) {
    bool stopped;

    pthread_mutex_lock(&helpers->lock);
    stopped = helpers->closed;
    pthread_mutex_unlock(&helpers->lock);
    return stopped;
}

static void close_locked(ti_helpers *helpers) {
    helpers->closed = true;
    pthread_cond_broadcast(&helpers->work);
}

/* Unlocks, and joins what has ended. */
static void unlock_and_join(ti_helpers *helpers) {
    bool join = helpers->has_ended;
    pthread_t ended = helpers->ended;

    helpers->has_ended = false;
    pthread_mutex_unlock(&helpers->lock);
    if (join) pthread_join(ended, NULL);
}

bool ti_helpers_stop(ti_helpers *helpers, int64_t deadline_boot_ms) {
    bool none_left;

    pthread_mutex_lock(&helpers->lock);
    close_locked(helpers);
    while (helpers->threads > 0 && ti_clock_boot_ms(helpers->clock) < deadline_boot_ms)
        ti_clock_wait(helpers->clock, &helpers->left, &helpers->lock, deadline_boot_ms);
    none_left = helpers->threads == 0;
    unlock_and_join(helpers);
    return none_left;
}

void ti_helpers_clock_moved(ti_helpers *helpers) {
    pthread_mutex_lock(&helpers->lock);
    pthread_cond_broadcast(&helpers->left);
    pthread_mutex_unlock(&helpers->lock);
}

void ti_helpers_free(ti_helpers *helpers) {
    bool abandoned;

    if (helpers == NULL) return;
    pthread_mutex_lock(&helpers->lock);
    close_locked(helpers);
    /* What is spare hangs in nothing and ends at once. */
    while (helpers->spare > 0) pthread_cond_wait(&helpers->left, &helpers->lock);
    abandoned = helpers->abandoned = helpers->threads > 0;
    unlock_and_join(helpers);
    if (!abandoned) destroy(helpers);
}
