/*
 * 1,000 calls in the air are cancelled: every done comes once, the last within 50 ms, and all
 * descriptors come back.
 *
 *   bench_cancel <server's URL>
 */
#include "bench/setup.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CALLS = 1000, ROUNDS = 5, TARGET_MS = 50, PATIENCE_MS = 60000 };

typedef struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int awaited, done, cancelled; /* guarded by lock */
    int times[CALLS];             /* likewise: how often done came for each */
    double last_ns;               /* likewise */
    tacit_call *calls[CALLS];
    bench_app app;
} crowd;

typedef struct member {
    crowd *crowd;
    int number;
} member;

static member members[CALLS];

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *user_data) {
    (void)call;
    const member *m = user_data;
    crowd *c = m->crowd;
    tacit_response_free(response);
    pthread_mutex_lock(&c->lock);
    c->done++;
    c->times[m->number]++;
    c->cancelled += error && error->status == TACIT_ERR_CANCELLED;
    c->last_ns = bench_now_ns();
    if (c->done == c->awaited) pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void start_calls(crowd *c, const char *url, int count) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;
    request.url = url;
    c->awaited = count;
    c->done = c->cancelled = 0;
    memset(c->times, 0, sizeof c->times);
    for (int i = 0; i < count; i++) {
        members[i] = (member){c, i};
        c->calls[i] = tacit_send_async(c->app.session, &request, on_done, &members[i], &error);
        if (!c->calls[i]) bench_fail(error.message);
    }
}

static void await_done(crowd *c) {
    pthread_mutex_lock(&c->lock);
    while (c->done < c->awaited) pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

/* Each has a connection, one of them that of the first call, and an answer that does not come yet. */
static void await_in_the_air(const crowd *c, int files_before) {
    for (int left_ms = PATIENCE_MS; left_ms > 0; left_ms--) {
        if (bench_count_files() >= files_before + CALLS - 1) return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    bench_fail(c->done ? "calls ended before their time" : "not all calls got into the air");
}

static double processor_ms(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static double cancel_all(crowd *c) {
    double began_ns = bench_now_ns();
    for (int i = 0; i < CALLS; i++) tacit_call_cancel(c->calls[i]);
    await_done(c);
    double last_ns = c->last_ns;
    for (int i = 0; i < CALLS; i++) tacit_call_unref(c->calls[i]);
    return (last_ns - began_ns) / 1e6;
}

static int count_once(const crowd *c) {
    int once = 0;
    for (int i = 0; i < CALLS; i++) once += c->times[i] == 1;
    return once;
}

int main(int argc, char **argv) {
    if (argc != 2) bench_fail("usage: bench_cancel <server's URL>");
    static crowd c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    char quick[256], slow[256];
    double ms[ROUNDS], processors_ms[ROUNDS];
    int once = CALLS, cancelled = CALLS;
    bench_allow_many_files();
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    options.calls_max = CALLS;
    c.app = bench_app_open_with(argv[1], &options);
    bench_sign_in(&c.app);
    snprintf(quick, sizeof quick, "%s/api/notes", argv[1]);
    snprintf(slow, sizeof slow, "%s/api/slow?ms=30000", argv[1]);
    start_calls(&c, quick, 1); /* what there is for good, is there now */
    await_done(&c);
    tacit_call_unref(c.calls[0]);
    int files_before = bench_count_files();
    for (int i = 0; i < ROUNDS; i++) {
        start_calls(&c, slow, CALLS);
        await_in_the_air(&c, files_before);
        processors_ms[i] = processor_ms();
        ms[i] = cancel_all(&c);
        processors_ms[i] = processor_ms() - processors_ms[i];
        if (count_once(&c) < once) once = count_once(&c);
        if (c.cancelled < cancelled) cancelled = c.cancelled;
    }
    int files = bench_count_files();

    bench_row("1,000 calls in the air are cancelled: done once, cancelled", "1000, 1000",
              once == CALLS && cancelled == CALLS, "%d, %d", once, cancelled);
    double median_ms = bench_median(ms, ROUNDS);
    bench_row("time until the last is done", "<= 50 ms", median_ms <= TARGET_MS,
              "%.1f ms (%.1f to %.1f; of the processors %.1f)", median_ms, ms[0], ms[ROUNDS - 1],
              bench_median(processors_ms, ROUNDS));
    bench_row("descriptors afterwards", "<= those before", files <= files_before, "%d (before: %d)",
              files, files_before);
    bench_app_close(&c.app);
    return 0;
}
