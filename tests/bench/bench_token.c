/*
 * What the current token costs an app with its own HTTP stack: tacit_session_token() and
 * tacit_token_unref(), beside one mutex around the same work.
 *
 * Both run in turn, many times; medians count.
 */
#include "bench/setup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* Short, so that most runs are over before somebody else gets the processor. */
enum { PAIRS = 201, CALLS = 40000 };

/* What a program without the library would have. */
typedef struct plain_token {
    atomic_uint refs;
} plain_token;

typedef struct plain {
    pthread_mutex_t lock;
    plain_token *token;
    int64_t expires_boot_ms;
} plain;

typedef struct run {
    tacit_session *session; /* NULL: plain */
    plain *plain;
    long calls; /* of each thread */
} run;

static plain_token *take(plain *p) {
    struct timespec now;
    plain_token *token = NULL;
    pthread_mutex_lock(&p->lock);
    clock_gettime(CLOCK_BOOTTIME, &now);
    if ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 < p->expires_boot_ms) {
        token = p->token;
        atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&p->lock);
    return token;
}

static void *take_plain(void *data) {
    const run *r = data;
    for (long i = 0; i < r->calls; i++) {
        plain_token *token = take(r->plain);
        if (!token) bench_fail("no token");
        if (atomic_fetch_sub_explicit(&token->refs, 1, memory_order_acq_rel) == 1) abort();
    }
    return NULL;
}

static void *take_tacit(void *data) {
    const run *r = data;
    tacit_token *token;
    for (long i = 0; i < r->calls; i++) {
        if (tacit_session_token(r->session, 0, TACIT_NO_WAIT, &token, NULL)) bench_fail("no token");
        tacit_token_unref(token);
    }
    return NULL;
}

static double ns_per_call(run *r, int threads) {
    r->calls = CALLS / threads;
    double begun = bench_now_ns();
    bench_threads(threads, r->session ? take_tacit : take_plain, r);
    return (bench_now_ns() - begun) / (double)(r->calls * threads);
}

static void compare(run *tacit, run *plain, int threads, double *by_tacit, double *by_plain,
                    double *ratio) {
    double tacits[PAIRS], plains[PAIRS], ratios[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        tacits[i] = ns_per_call(tacit, threads);
        plains[i] = ns_per_call(plain, threads);
        ratios[i] = tacits[i] / plains[i];
    }
    *by_tacit = bench_median(tacits, PAIRS);
    *by_plain = bench_median(plains, PAIRS);
    *ratio = bench_median(ratios, PAIRS);
}

int main(void) {
    bench_app app = bench_app_open("http://127.0.0.1:9"); /* never asked */
    bench_sign_in_with_token(&app, 1024);
    plain_token token = {.refs = 1};
    plain plain_holder = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .token = &token, .expires_boot_ms = INT64_MAX};
    run tacit = {.session = app.session}, plain = {.plain = &plain_holder};
    double by_tacit, by_plain, ratio;

    compare(&tacit, &plain, 1, &by_tacit, &by_plain, &ratio);
    bench_row("ns per token, 1 thread", "<= 60", by_tacit <= 60, "%.0f (a mutex: %.0f)", by_tacit,
              by_plain);
    compare(&tacit, &plain, 8, &by_tacit, &by_plain, &ratio);
    bench_row("ns per token, 8 threads", "<= 1.00 of a mutex", ratio <= 1,
              "%.2f (%.0f; a mutex: %.0f)", ratio, by_tacit, by_plain);
    bench_app_close(&app);
    return 0;
}
