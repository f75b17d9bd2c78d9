#include "bench/setup.h"

#include <curl/curl.h>
#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void bench_fail(const char *what) {
    fprintf(stderr, "benchmark: %s\n", what);
    exit(1);
}

static void check(tacit_status status, const tacit_error *error) {
    if (status) bench_fail(error->message);
}

/*
 * A client and a session
 */

/* further: members of the provider's JSON, each behind a comma. */
static bench_app open_app(const char *base, const char *further,
                          const tacit_client_options *client_options) {
    bench_app app;
    char json[512];
    tacit_error error;
    snprintf(json, sizeof json, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\"%s}", base, base,
             further);
    app.client = tacit_client_new(client_options, &error);
    app.provider = app.client ? tacit_provider_from_json(json, &error) : NULL;
    if (!app.provider) bench_fail(error.message);
    app.store = tacit_store_memory();
    if (!app.store) bench_fail("no memory");

    const char *origins[] = {base, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = "test-client";
    options.origins = origins;
    options.store = app.store;
    app.session = tacit_session_open(app.client, app.provider, &options, &error);
    if (!app.session) bench_fail(error.message);
    return app;
}

bench_app bench_app_open(const char *base) {
    return open_app(base, "", NULL);
}

bench_app bench_app_open_with(const char *base, const tacit_client_options *client_options) {
    return open_app(base, "", client_options);
}

bench_app bench_app_open_sliding(const char *base) {
    return open_app(base, ",\"dialect\":{\"sliding_header\":\"Authorization\"}", NULL);
}

void bench_app_close(bench_app *app) {
    tacit_error error;
    tacit_session_close(app->session, TACIT_TIMEOUT_DEFAULT);
    check(tacit_client_shutdown(app->client, TACIT_TIMEOUT_DEFAULT, &error), &error);
    tacit_client_unref(app->client);
    tacit_provider_unref(app->provider);
    tacit_store_unref(app->store);
}

void bench_sign_in(const bench_app *app) {
    tacit_error error;
    check(tacit_sign_in_with_password(app->session, "alice", "wonderland", NULL, &error), &error);
}

void bench_sign_in_with_token(const bench_app *app, size_t token_size) {
    tacit_error error;
    char *token = calloc(1, token_size + 1);
    if (!token) bench_fail("no memory");
    memset(token, 'x', token_size);
    check(tacit_sign_in_with_tokens(app->session, token, 3600, "a-refresh-token", &error), &error);
    free(token);
}

tacit_session *bench_open_session(const bench_app *app, const char *account, tacit_store *store) {
    tacit_error error;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = "test-client";
    options.account = account;
    options.store = store;
    tacit_session *session = tacit_session_open(app->client, app->provider, &options, &error);
    if (!session) bench_fail(error.message);
    return session;
}

void bench_get(tacit_session *session, const char *url) {
    tacit_error error;
    tacit_response *response;
    check(tacit_get(session, url, &response, &error), &error);
    if (tacit_response_status(response) != 200) bench_fail("an answer is not 200");
    tacit_response_free(response);
}

void bench_threads(int count, void *(*body)(void *data), void *data) {
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    pthread_attr_t attributes;
    if (!threads) bench_fail("no memory");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], &attributes, body, data)) bench_fail("no thread");
    }
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    free(threads);
}

/*
 * The server's knobs
 */

static size_t collect(char *data, size_t one, size_t size, void *user_data) {
    fwrite(data, one, size, user_data);
    return size;
}

char *bench_control(const char *base, const char *json) {
    char url[256], *answer = NULL;
    size_t size = 0;
    long status = 0;
    CURL *easy = curl_easy_init();
    FILE *memory = open_memstream(&answer, &size);
    if (!easy || !memory) bench_fail("no memory");
    snprintf(url, sizeof url, "%s/__control", base);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, memory);
    bool ok = curl_easy_perform(easy) == CURLE_OK;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    fclose(memory);
    if (!ok || status != 200) bench_fail("the server does not obey");
    return answer;
}

long bench_counter(const char *answer, const char *name) {
    json_t *json = json_loads(answer, 0, NULL);
    json_t *value = json_object_get(json, name);
    if (!json_is_integer(value)) bench_fail("the server does not count that");
    long count = (long)json_integer_value(value);
    json_decref(json);
    return count;
}

/*
 * The process
 */

void bench_allow_many_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int count_entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    if (!directory) bench_fail("no /proc");
    for (const struct dirent *entry; (entry = readdir(directory));) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

int bench_count_threads(void) {
    return count_entries("/proc/self/task");
}

int bench_count_files(void) {
    return count_entries("/proc/self/fd") - 1; /* the directory itself */
}

/*
 * Numbers
 */

double bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_row(const char *what, const char *target, bool met, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s\t%s\t", what, target);
    vprintf(format, arguments);
    printf("\t%s\n", met ? "yes" : "NO");
    fflush(stdout);
    va_end(arguments);
}
