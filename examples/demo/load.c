#include "load.h"

#include "pause.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    STACK_BYTES = 256 * 1024,
    PAUSE_MS = 8,               /* between requests of a thread ... */
    PAUSE_AFTER_ERROR_MS = 100, /* ... as a polite app does */
    FILES_PER_REQUEST = 4,      /* a socket, and what libcurl wakes itself with */
    FILES_OF_THE_REST = 64,
    REQUEST_TIMEOUT_MS = 20 * 1000
};

/* Of the token that a request would get now; 0: there is none that lives. */
static uint64_t live_generation(tacit_session *session) {
    tacit_token *token;

    if (tacit_session_token(session, 0, TACIT_NO_WAIT, &token, NULL) != TACIT_OK) return 0;
    uint64_t generation = tacit_token_generation(token);
    tacit_token_unref(token);
    return generation;
}

static void count_failure(load *load, const tacit_error *error, uint64_t generation_before) {
    bool had_token = generation_before && live_generation(load->session) == generation_before;

    atomic_fetch_add(&load->failed, 1);
    if (!error->retryable) atomic_fetch_add(&load->failed_for_good, 1);
    if (had_token) atomic_fetch_add(&load->failed_with_a_token, 1);
}

static bool send_one(load *load) {
    uint64_t generation = live_generation(load->session);
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response;
    tacit_error error;

    request.url = load->url;
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    if (tacit_send(load->session, &request, &response, &error) != TACIT_OK) {
        count_failure(load, &error, generation);
        return false;
    }
    bool ok = tacit_response_status(response) == 200;
    atomic_fetch_add(ok ? &load->answered : &load->refused, 1);
    tacit_response_free(response);
    return ok;
}

static bool is_stopping(load *load) {
    pthread_mutex_lock(&load->lock);
    bool stopping = load->stopping;
    pthread_mutex_unlock(&load->lock);
    return stopping;
}

static void *send_until_stopped(void *data) {
    load *load = data;

    while (!is_stopping(load)) pause_ms(send_one(load) ? PAUSE_MS : PAUSE_AFTER_ERROR_MS);
    return NULL;
}

static void *send_with_the_crowd(void *data) {
    load *load = data;

    pthread_mutex_lock(&load->lock);
    while (!load->started) pthread_cond_wait(&load->changed, &load->lock);
    pthread_mutex_unlock(&load->lock);
    send_one(load);
    return NULL;
}

static int begin(load *load, tacit_session *session, const char *url, int threads,
                 void *(*run)(void *load)) {
    pthread_attr_t attributes;

    memset(load, 0, sizeof *load);
    load->session = session;
    load->url = url;
    pthread_mutex_init(&load->lock, NULL);
    pthread_cond_init(&load->changed, NULL);
    load->threads = calloc((size_t)threads, sizeof *load->threads);
    if (!load->threads) return 0;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (load->thread_count < threads &&
           pthread_create(&load->threads[load->thread_count], &attributes, run, load) == 0) {
        load->thread_count++;
    }
    pthread_attr_destroy(&attributes);
    return load->thread_count;
}

int load_start(load *load, tacit_session *session, const char *url, int threads) {
    return begin(load, session, url, threads, send_until_stopped);
}

int load_gather(load *load, tacit_session *session, const char *url, int threads) {
    return begin(load, session, url, threads, send_with_the_crowd);
}

void load_go(load *load) {
    pthread_mutex_lock(&load->lock);
    load->started = true;
    pthread_cond_broadcast(&load->changed);
    pthread_mutex_unlock(&load->lock);
}

void load_stop(load *load) {
    pthread_mutex_lock(&load->lock);
    load->stopping = true;
    pthread_mutex_unlock(&load->lock);
    while (load->thread_count) pthread_join(load->threads[--load->thread_count], NULL);
    free(load->threads);
    load->threads = NULL;
    pthread_cond_destroy(&load->changed);
    pthread_mutex_destroy(&load->lock);
}

int load_files_allow(void) {
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < FILES_OF_THE_REST) return 0;
    rlim_t requests = (files.rlim_max - FILES_OF_THE_REST) / FILES_PER_REQUEST;
    return requests < 1000000 ? (int)requests : 1000000;
}
