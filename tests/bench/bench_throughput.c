/*
 * Requests per second on one session with 1, 8 and 64 threads, against libcurl loops with a handle
 * for each thread.
 *
 *   bench_throughput <server's URL>
 *
 * Both run in turn, many times, and the median of the ratios counts: neighbours on the machine
 * disturb a pair less than they disturb its halves.
 */
#include "bench/setup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS = 61, RUN_MS = 100 };

typedef struct run {
    const char *url;
    tacit_session *session;      /* NULL: by hand */
    struct curl_slist *headers;  /* by hand */
    pthread_barrier_t connected; /* everyone, and whoever measures */
    atomic_bool stop;
    atomic_long requests;
} run;

static size_t ignore_body(char *data, size_t one, size_t size, void *user_data) {
    (void)data, (void)user_data;
    return one * size;
}

static CURL *new_handle(const run *r) {
    CURL *easy = curl_easy_init();
    if (!easy) bench_fail("no memory");
    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    return easy;
}

static void request(const run *r, CURL *easy) {
    long status = 0;
    if (r->session) {
        bench_get(r->session, r->url);
        return;
    }
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code || status != 200) bench_fail("an answer is not 200");
}

static void *request_until_stop(void *data) {
    run *r = data;
    CURL *easy = r->session ? NULL : new_handle(r);
    long requests = 0;
    request(r, easy); /* connects */
    pthread_barrier_wait(&r->connected);
    for (; !atomic_load(&r->stop); requests++) request(r, easy);
    atomic_fetch_add(&r->requests, requests);
    curl_easy_cleanup(easy);
    return NULL;
}

static void *stop_in_a_while(void *data) {
    run *r = data;
    struct timespec while_ = {.tv_nsec = RUN_MS * 1000000L};
    pthread_barrier_wait(&r->connected);
    nanosleep(&while_, NULL);
    atomic_store(&r->stop, true);
    return NULL;
}

static double requests_per_s(run *r, int threads) {
    pthread_t timer;
    pthread_barrier_init(&r->connected, NULL, (unsigned)threads + 1);
    atomic_store(&r->stop, false);
    atomic_store(&r->requests, 0);
    if (pthread_create(&timer, NULL, stop_in_a_while, r)) bench_fail("no thread");
    bench_threads(threads, request_until_stop, r);
    pthread_join(timer, NULL);
    pthread_barrier_destroy(&r->connected);
    return (double)atomic_load(&r->requests) * 1000 / RUN_MS;
}

static void compare(run *tacit, run *hand, int threads) {
    double by_tacit[PAIRS], by_hand[PAIRS], ratios[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        bool first = i % 2 == 0;
        if (first) by_tacit[i] = requests_per_s(tacit, threads);
        by_hand[i] = requests_per_s(hand, threads);
        if (!first) by_tacit[i] = requests_per_s(tacit, threads);
        ratios[i] = by_tacit[i] / by_hand[i];
    }
    char what[64];
    double ratio = bench_median(ratios, PAIRS);
    snprintf(what, sizeof what, "requests/s with %d thread%s", threads, threads > 1 ? "s" : "");
    bench_row(what, ">= 1.00 of libcurl by hand", ratio >= 1,
              "%.2f (%.0f; by hand %.0f; ratios %.2f to %.2f)", ratio,
              bench_median(by_tacit, PAIRS), bench_median(by_hand, PAIRS), ratios[0],
              ratios[PAIRS - 1]);
}

int main(int argc, char **argv) {
    if (argc != 2) bench_fail("usage: bench_throughput <server's URL>");
    char url[256], line[8192];
    tacit_error error;
    tacit_token *token;
    bench_app app = bench_app_open(argv[1]);
    bench_sign_in(&app);
    if (tacit_session_token(app.session, 0, TACIT_NO_WAIT, &token, &error)) {
        bench_fail(error.message);
    }
    snprintf(url, sizeof url, "%s/api/notes", argv[1]);
    snprintf(line, sizeof line, "Authorization: %s", tacit_token_authorization(token));
    tacit_token_unref(token);

    run tacit = {.url = url, .session = app.session};
    run hand = {.url = url, .headers = curl_slist_append(NULL, line)};
    compare(&tacit, &hand, 1);
    compare(&tacit, &hand, 8);
    compare(&tacit, &hand, 64);
    curl_slist_free_all(hand.headers);
    bench_app_close(&app);
    return 0;
}
