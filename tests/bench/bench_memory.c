/*
 * The heap of a client with one signed-in session after a few requests, beside that of a libcurl
 * loop by hand. Each is a process of its own, so that neither finds what the other left.
 *
 *   bench_memory <URL of bench_request serve>
 */
#include "bench/setup.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 10, TOKEN_SIZE = 1024 };

static size_t ignore_body(char *data, size_t one, size_t size, void *user_data) {
    (void)data, (void)user_data;
    return one * size;
}

static void by_hand(const char *url) {
    char line[64 + TOKEN_SIZE];
    snprintf(line, sizeof line, "Authorization: Bearer %0*d", TOKEN_SIZE, 0);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, line);
    if (!easy || !headers) bench_fail("no memory");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    for (int i = 0; i < REQUESTS; i++) {
        if (curl_easy_perform(easy)) bench_fail("no answer");
    }
}

static void by_tacit(const char *url) {
    char base[64];
    snprintf(base, sizeof base, "%.*s", (int)(strstr(url, "/api") - url), url);
    bench_app app = bench_app_open(base);
    bench_sign_in_with_token(&app, TOKEN_SIZE);
    for (int i = 0; i < REQUESTS; i++) bench_get(app.session, url);
}

/* The bytes in use afterwards; nothing is freed, since the process ends. */
static double heap_of(void (*run)(const char *url), const char *url) {
    int ends[2];
    double bytes = 0;
    if (pipe(ends)) bench_fail("no pipe");
    pid_t child = fork();
    if (child == 0) {
        run(url);
        bytes = (double)mallinfo2().uordblks;
        bool told = write(ends[1], &bytes, sizeof bytes) == (ssize_t)sizeof bytes;
        _exit(told ? 0 : 1);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &bytes, sizeof bytes) != (ssize_t)sizeof bytes) {
        bench_fail("no result");
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc != 2 || !strstr(argv[1], "/api")) bench_fail("usage: bench_memory <URL>");
    double hand = heap_of(by_hand, argv[1]), tacit = heap_of(by_tacit, argv[1]);
    bench_row("heap of a client with one session", "<= 65536 bytes beyond libcurl's",
              tacit - hand <= 65536, "%.0f bytes (%.0f; by hand %.0f)", tacit - hand, tacit, hand);
    return 0;
}
