/*
 * The heap and the stacks of a client with one session: signed in, refreshed, a few requests. Beside it a libcurl loop by hand that sends
 * as many requests to the same servers. Each is a process of its own, so that neither finds what the other left.
 *
 *   footprint <base URL of tacit-test-server>
 *
 * Prints "heap <bytes in use> <at the most>" beyond the loop's, and "stack <bytes>", the deepest of the threads.
 */
#include "bench/setup.h"

#include <curl/curl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 10, THREADS_MAX = 32, PAINT = 0xa5 };

/* ------------------------------------------------------------------ heap */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static atomic_long in_use, at_most;

static void count(long bytes) {
    long now = atomic_fetch_add(&in_use, bytes) + bytes, most = atomic_load(&at_most);

    while (now > most && !atomic_compare_exchange_weak(&at_most, &most, now)) continue;
}

static long size_of(void *memory) {
    return (long)malloc_usable_size(memory);
}

void *malloc(size_t size) {
    void *memory = __libc_malloc(size);

    count(size_of(memory));
    return memory;
}

void *calloc(size_t number, size_t size) {
    void *memory = __libc_calloc(number, size);

    count(size_of(memory));
    return memory;
}

void *realloc(void *memory, size_t size) {
    long before = size_of(memory);
    void *moved = __libc_realloc(memory, size);

    if (moved != NULL || size == 0) count(size_of(moved) - before);
    return moved;
}

void free(void *memory) {
    count(-size_of(memory));
    __libc_free(memory);
}

/* ------------------------------------------------------------------ stacks */

typedef struct stack {
    unsigned char *bytes;
    size_t size;
} stack;

static stack stacks[THREADS_MAX];
static atomic_int threads;

/* On a stack of its asked size that is painted, so that it shows how deep the thread went. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data) {
    int index = atomic_fetch_add(&threads, 1), code;
    pthread_attr_t own;
    stack *s;

    if (index >= THREADS_MAX) bench_fail("more threads than expected");
    s = &stacks[index];
    pthread_attr_init(&own);
    pthread_attr_getstacksize(attributes ? attributes : &own, &s->size);
    s->bytes =
        mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s->bytes == MAP_FAILED) bench_fail("no stack");
    memset(s->bytes, PAINT, s->size);
    pthread_attr_setstack(&own, s->bytes, s->size);
    code = __real_pthread_create(thread, &own, start, data);
    pthread_attr_destroy(&own);
    return code;
}

static size_t depth_of(const stack *s) {
    size_t untouched = 0;

    while (untouched < s->size && s->bytes[untouched] == PAINT) untouched++;
    return s->size - untouched;
}

/* ------------------------------------------------------------------ what is compared */

static size_t ignore(char *data, size_t one, size_t size, void *user_data) {
    (void)data, (void)user_data;
    return one * size;
}

static void perform(CURL *easy) {
    if (curl_easy_perform(easy) != CURLE_OK) bench_fail("no answer");
}

/* On one handle, and so on one connection: the least that libcurl takes. */
static void by_hand(const char *base) {
    char url[256];
    CURL *easy = curl_easy_init();

    if (!easy) bench_fail("no memory");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    snprintf(url, sizeof url, "%s/token", base);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "grant_type=none");
    perform(easy), perform(easy);
    snprintf(url, sizeof url, "%s/api/x", base);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    for (int i = 0; i < REQUESTS; i++) perform(easy);
}

static void by_tacit(const char *base) {
    char url[256];
    tacit_error error;
    bench_app app = bench_app_open(base);

    snprintf(url, sizeof url, "%s/api/x", base);
    bench_sign_in(&app);
    if (tacit_session_refresh(app.session, 30000, &error) != TACIT_OK) bench_fail(error.message);
    for (int i = 0; i < REQUESTS; i++) bench_get(app.session, url);
}

typedef struct cost {
    long in_use, at_most, stack;
} cost;

static void measure(void (*run)(const char *base), const char *base, int to) {
    cost c = {0};

    curl_global_init(CURL_GLOBAL_DEFAULT);
    run(base);
    c.in_use = atomic_load(&in_use);
    c.at_most = atomic_load(&at_most);
    for (int i = 0; i < atomic_load(&threads); i++) {
        long depth = (long)depth_of(&stacks[i]);

        fprintf(stderr, "thread %d: %ld of %zu bytes of its stack\n", i + 1, depth, stacks[i].size);
        if (depth > c.stack) c.stack = depth;
    }
    _exit(write(to, &c, sizeof c) == (ssize_t)sizeof c ? 0 : 1);
}

static cost cost_of(void (*run)(const char *base), const char *base) {
    int ends[2];
    cost c = {0};
    pid_t child;

    if (pipe(ends)) bench_fail("no pipe");
    child = fork();
    if (child == 0) measure(run, base, ends[1]);
    close(ends[1]);
    if (child < 0 || read(ends[0], &c, sizeof c) != (ssize_t)sizeof c) bench_fail("no result");
    close(ends[0]);
    waitpid(child, NULL, 0);
    return c;
}

int main(int argc, char **argv) {
    cost hand, tacit;

    if (argc != 2) bench_fail("usage: footprint <base URL>");
    hand = cost_of(by_hand, argv[1]);
    tacit = cost_of(by_tacit, argv[1]);
    printf("heap %ld %ld\n", tacit.in_use - hand.in_use, tacit.at_most - hand.at_most);
    printf("stack %ld\n", tacit.stack);
    return 0;
}
