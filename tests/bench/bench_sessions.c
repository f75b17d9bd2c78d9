/*
 * 10,000 idle sessions in one client: what each takes of the heap beyond its tokens, and whether
 * any has a thread.
 *
 * The store forgets everything, since what a keyring holds lies in another process; and no journals
 * are written, since 10,000 of them would measure the disk.
 */
#include "bench/setup.h"
#include "support/forgetful_store.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the program's own; 4 that refresh, 2 for the store, 1 for events */
enum { THREADS_MAX = 8 };
enum { FEW = 10, MANY = 10000, TOKEN_SIZE = 1024, REFRESH_TOKEN_SIZE = 64 };

/* Every token differs, as in life. */
static void sign_in(tacit_session *session, int number) {
    char access[TOKEN_SIZE + 1], refresh[REFRESH_TOKEN_SIZE + 1];
    tacit_error error;
    snprintf(access, sizeof access, "%0*d", TOKEN_SIZE, number);
    snprintf(refresh, sizeof refresh, "%0*d", REFRESH_TOKEN_SIZE, number);
    if (tacit_sign_in_with_tokens(session, access, 3600, refresh, &error)) {
        bench_fail(error.message);
    }
}

int main(void) {
    tacit_store_ops ops = forgetful_store_ops;
    ops.process_only = true;
    bench_app app = bench_app_open("http://127.0.0.1:9"); /* never asked */
    tacit_store *store = tacit_store_custom(&ops, NULL, NULL);
    tacit_session **sessions = calloc(MANY, sizeof *sessions);
    if (!store || !sessions) bench_fail("no memory");

    int threads_with_few = 0;
    size_t heap_with_few = 0;
    for (int i = 0; i < MANY; i++) {
        char account[16];
        snprintf(account, sizeof account, "user-%d", i);
        sessions[i] = bench_open_session(&app, account, store);
        sign_in(sessions[i], i);
        if (i + 1 != FEW) continue;
        threads_with_few = bench_count_threads();
        heap_with_few = mallinfo2().uordblks;
    }
    int threads = bench_count_threads();
    double each = (double)(mallinfo2().uordblks - heap_with_few) / (MANY - FEW);
    double beyond = each - TOKEN_SIZE - REFRESH_TOKEN_SIZE;

    bench_row("heap of an idle session", "<= 1536 bytes beyond its tokens", beyond <= 1536,
              "%.0f bytes (with tokens of %d and %d: %.0f)", beyond, TOKEN_SIZE, REFRESH_TOKEN_SIZE,
              each);
    bench_row("threads with 10,000 sessions", "<= 8", threads <= THREADS_MAX, "%d (with 10: %d)",
              threads, threads_with_few);

    for (int i = 0; i < MANY; i++) tacit_session_close(sessions[i], TACIT_TIMEOUT_DEFAULT);
    free(sessions);
    tacit_store_unref(store);
    bench_app_close(&app);
    return 0;
}
