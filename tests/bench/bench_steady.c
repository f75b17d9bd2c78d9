/*
 * A steady load over tokens that live for 3 seconds, while each refresh takes 200 ms: whoever waits
 * for a refresh shows as a request over 100 ms.
 *
 *   bench_steady <server's URL> [seconds]
 *
 * The time of a request counts from when it was due, so that a stall is not hidden by the requests
 * that it keeps from starting.
 */
#include "bench/setup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 10, REQUESTS_PER_S = 200, SLOW_MS = 100 };

typedef struct load {
    tacit_session *session;
    const char *url;
    double begun_ns;
    long requests;    /* in all */
    double *times_ms; /* of each request */
    atomic_long next;
} load;

static void wait_until(double ns) {
    struct timespec at = {.tv_sec = (time_t)(ns / 1e9)};
    at.tv_nsec = (long)(ns - (double)at.tv_sec * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void *make_requests(void *data) {
    load *l = data;
    for (long i; (i = atomic_fetch_add(&l->next, 1)) < l->requests;) {
        double due_ns = l->begun_ns + (double)i * (1e9 / REQUESTS_PER_S);
        wait_until(due_ns);
        bench_get(l->session, l->url);
        l->times_ms[i] = (bench_now_ns() - due_ns) / 1e6;
    }
    return NULL;
}

static long counter(const char *base, const char *name) {
    char *answer = bench_control(base, "{}");
    long count = bench_counter(answer, name);
    free(answer);
    return count;
}

static void report(load *l, long unauthorized, long refreshes) {
    long slow = 0;
    for (long i = 0; i < l->requests; i++) slow += l->times_ms[i] > SLOW_MS;
    double median = bench_median(l->times_ms, (size_t)l->requests); /* sorts */
    bench_row("steady load, 3 s tokens: API 401s", "0", unauthorized == 0,
              "%ld of %ld requests, %ld refreshes", unauthorized, l->requests, refreshes);
    bench_row("steady load: requests over 100 ms", "0", slow == 0,
              "%ld (median %.1f ms, 99.9 %% %.1f ms, longest %.1f ms)", slow, median,
              l->times_ms[l->requests - 1 - l->requests / 1000], l->times_ms[l->requests - 1]);
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) bench_fail("usage: bench_steady <server's URL> [seconds]");
    const char *base = argv[1];
    char url[256];
    free(bench_control(base, "{\"options\": {\"access_lifetime_ms\": 3000}, \"fault\": {\"part\": "
                             "\"token\", \"delay_after_ms\": 200}}"));
    bench_app app = bench_app_open(base);
    bench_sign_in(&app);
    snprintf(url, sizeof url, "%s/api/notes", base);
    load l = {.session = app.session,
              .url = url,
              .requests = REQUESTS_PER_S * (argc == 3 ? atol(argv[2]) : 30)};
    l.times_ms = calloc((size_t)l.requests, sizeof *l.times_ms);
    if (!l.times_ms) bench_fail("no memory");

    long unauthorized = counter(base, "api_401"), refreshes = counter(base, "refreshes_ok");
    l.begun_ns = bench_now_ns();
    bench_threads(THREADS, make_requests, &l);
    report(&l, counter(base, "api_401") - unauthorized, counter(base, "refreshes_ok") - refreshes);

    free(bench_control(base, "{\"options\": {\"access_lifetime_ms\": 3600000}, "
                             "\"clear_faults\": \"token\"}"));
    free(l.times_ms);
    bench_app_close(&app);
    return 0;
}
