/*
 * A storm: many threads meet a 401 together, and the refresh takes 50 ms.
 *
 *   bench_storm <server's URL>
 *
 * Each thread makes one request with the revoked token, which costs it two and the refresh. The
 * measure is the same crowd making two requests each with a token that is valid. Every round has a
 * client of its own, since the library lets only a few storms pass in short time.
 */
#include "bench/setup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, DELAY_MS = 50 };

typedef struct crowd {
    tacit_session *session;
    const char *url;
    int requests; /* of each thread */
    pthread_barrier_t ready;
    atomic_llong begun_ns; /* when the last thread came */
    atomic_int failed;
} crowd;

static void *make_requests(void *data) {
    crowd *c = data;
    atomic_store(&c->begun_ns, (long long)bench_now_ns());
    pthread_barrier_wait(&c->ready);
    for (int i = 0; i < c->requests; i++) {
        tacit_response *response = NULL;
        tacit_get(c->session, c->url, &response, NULL);
        if (tacit_response_status(response) != 200) atomic_fetch_add(&c->failed, 1);
        tacit_response_free(response);
    }
    return NULL;
}

static double wall_ms(crowd *c, int threads, int requests) {
    c->requests = requests;
    pthread_barrier_init(&c->ready, NULL, (unsigned)threads);
    bench_threads(threads, make_requests, c);
    pthread_barrier_destroy(&c->ready);
    return (bench_now_ns() - (double)atomic_load(&c->begun_ns)) / 1e6;
}

static long refreshes(const char *base, const char *commands) {
    char *answer = bench_control(base, commands);
    long count = bench_counter(answer, "refreshes_ok");
    free(answer);
    return count;
}

static void storm(const char *base, int threads) {
    double valid_ms[ROUNDS], storm_ms[ROUNDS], ratios[ROUNDS];
    long refreshed_max = 0;
    int failed = 0;
    char url[256];
    snprintf(url, sizeof url, "%s/api/notes", base);

    for (int i = 0; i < ROUNDS; i++) {
        bench_app app = bench_app_open(base);
        crowd c = {.session = app.session, .url = url};
        bench_sign_in(&app);
        wall_ms(&c, threads, 1); /* warms up: handles, connections, the server */
        valid_ms[i] = wall_ms(&c, threads, 2);

        long before = refreshes(base, "{\"revoke_access_tokens\": true, \"fault\": {\"part\": "
                                      "\"token\", \"delay_after_ms\": 50, \"requests\": 1}}");
        storm_ms[i] = wall_ms(&c, threads, 1);
        long refreshed = refreshes(base, "{\"clear_faults\": \"token\"}") - before;
        if (refreshed > refreshed_max) refreshed_max = refreshed;
        failed += atomic_load(&c.failed);
        ratios[i] = (storm_ms[i] - DELAY_MS) / valid_ms[i];
        bench_app_close(&app);
    }

    char what[64];
    double ratio = bench_median(ratios, ROUNDS);
    snprintf(what, sizeof what, "storm of %d: refreshes, failed requests", threads);
    bench_row(what, "1, 0", refreshed_max == 1 && failed == 0, "%ld, %d", refreshed_max, failed);
    snprintf(what, sizeof what, "storm of %d: wall time", threads);
    bench_row(what, "<= 50 ms + 1.30 of twice the requests", ratio <= 1.3,
              "50 ms + %.2f (%.0f ms; twice the requests: %.0f ms)", ratio,
              bench_median(storm_ms, ROUNDS), bench_median(valid_ms, ROUNDS));
}

int main(int argc, char **argv) {
    if (argc != 2) bench_fail("usage: bench_storm <server's URL>");
    bench_allow_many_files();
    storm(argv[1], 64);
    storm(argv[1], 1000);
    return 0;
}
