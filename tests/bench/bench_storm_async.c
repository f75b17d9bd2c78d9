/*
 * 10,000 asynchronous requests meet one 401 together, and the refresh takes its time: how many
 * refreshes and failures that makes, the threads, and what each waiting call takes of the heap.
 *
 *   bench_storm_async <server's URL>
 *
 * All wait for a token while the refresh is under way: those on the wire met their 401, those behind
 * them a token that is known to be refused. That is when the heap is measured, beyond what the same
 * client took before, and beyond the strings that each call had copied.
 */
#include "bench/setup.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 10000, DELAY_MS = 3000, BYTES_MAX = 1536, PATIENCE_MS = 60000 };

typedef struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done, failed; /* guarded by lock */
} crowd;

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *user_data) {
    (void)call;
    crowd *c = user_data;
    bool ok = !error && tacit_response_status(response) == 200;
    tacit_response_free(response);
    pthread_mutex_lock(&c->lock);
    c->done++;
    c->failed += !ok;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void start(const bench_app *app, crowd *c, const char *url, int count) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;
    request.url = url;
    for (int i = 0; i < count; i++) {
        tacit_call *call = tacit_send_async(app->session, &request, on_done, c, &error);
        if (!call) bench_fail(error.message);
        tacit_call_unref(call);
    }
}

static void await(crowd *c, int count) {
    pthread_mutex_lock(&c->lock);
    while (c->done < count) pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static size_t heap(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Until as many wait for the token. */
static bool all_wait(const bench_app *app, unsigned count) {
    for (int left_ms = PATIENCE_MS; left_ms > 0; left_ms--) {
        tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;
        tacit_client_get_stats(app->client, &stats);
        if (stats.calls_waiting >= count) return true;
        if (stats.refreshes > 0) return false; /* over before */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static long refreshes(const char *base, const char *commands) {
    char *answer = bench_control(base, commands);
    long count = bench_counter(answer, "refreshes_ok");
    free(answer);
    return count;
}

int main(int argc, char **argv) {
    if (argc != 2) bench_fail("usage: bench_storm_async <server's URL>");
    char url[256], commands[256];
    crowd c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    bench_allow_many_files();
    snprintf(url, sizeof url, "%s/api/notes", argv[1]);
    bench_app app = bench_app_open(argv[1]);
    bench_sign_in(&app);
    start(&app, &c, url, 1000); /* connections, handles, the threads there are */
    await(&c, 1000);
    int threads_before = bench_count_threads();

    snprintf(commands, sizeof commands,
             "{\"revoke_access_tokens\": true, \"fault\": {\"part\": \"token\", "
             "\"delay_after_ms\": %d, \"requests\": 1}}",
             DELAY_MS);
    long before = refreshes(argv[1], commands);
    c.done = c.failed = 0;
    size_t heap_before = heap();
    start(&app, &c, url, CALLS);
    bool waited = all_wait(&app, CALLS);
    size_t heap_then = heap();
    int threads = bench_count_threads();
    await(&c, CALLS);
    long refreshed = refreshes(argv[1], "{\"clear_faults\": \"token\"}") - before;

    double each = ((double)heap_then - (double)heap_before) / CALLS - (double)(strlen(url) + 1);
    bench_row("10,000 asynchronous calls meet a 401: refreshes, failed", "1, 0",
              refreshed == 1 && c.failed == 0, "%ld, %d", refreshed, c.failed);
    bench_row("threads while they wait", "<= 2 more than before", threads <= threads_before + 2,
              "%d (before: %d)", threads, threads_before);
    bench_row("heap of a waiting call", "<= 1536 bytes beyond its strings",
              waited && each <= BYTES_MAX, waited ? "%.0f bytes" : "%.0f bytes, but not all waited",
              each);
    bench_app_close(&app);
    return 0;
}
