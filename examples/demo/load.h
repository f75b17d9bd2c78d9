/* Threads that send requests: a few for a while, or a crowd at once. */
#ifndef DEMO_LOAD_H
#define DEMO_LOAD_H

#include <tacit/tacit.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct load {
    tacit_session *session;
    const char *url;
    /* counted by the threads */
    atomic_long answered;            /* with 200 */
    atomic_long refused;             /* with anything else */
    atomic_long failed;              /* no answer */
    atomic_long failed_for_good;     /* of these: not to be tried again later */
    atomic_long failed_with_a_token; /* of these: though there was a live token all the while */

    pthread_t *threads;
    int thread_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    bool started, stopping;
} load;

/* Each thread sends request after request until load_stop(). How many threads there are. */
int load_start(load *load, tacit_session *session, const char *url, int threads);
/* Each thread waits for load_go(), and sends one request. How many threads there are. */
int load_gather(load *load, tacit_session *session, const char *url, int threads);
void load_go(load *load);
/* Waits until all threads are done. */
void load_stop(load *load);

/* How many requests may be under way at once, as far as open files go. Raises the limit as far as
 * it may. */
int load_files_allow(void);

#endif
