/*
 * What a request costs, in instructions: keep-alive GETs in a loop, to be counted by callgrind with
 * the server in another process.
 *
 *   bench_request serve                                  prints its URL, serves until stdin ends
 *   bench_request <mode> <url> <requests> <token bytes>
 *
 * bench_request.sh runs two counts of requests for each mode and divides the difference.
 */
#include "base/error.h"
#include "bench/setup.h"
#include "transport/transport.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENEWING "/renewing" /* at the end of a path */

/* A loop under measurement. */
typedef struct loop {
    const char *url;
    char *paths[16]; /* the URL with different paths, for the loops that change it each time */
    char *authorization;
    size_t token_size;
    long requests;
} loop;

#define PATHS (sizeof((loop *)0)->paths / sizeof(char *))

static bool fail(const char *what) {
    fprintf(stderr, "bench_request: %s\n", what);
    return false;
}

/*
 * The loop that a user writes by hand
 */

static size_t ignore_body(char *data, size_t one, size_t size, void *user_data) {
    (void)data;
    *(size_t *)user_data += one * size;
    return one * size;
}

static bool by_hand(const loop *l, bool changes_path) {
    size_t received = 0;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, l->authorization);
    curl_easy_setopt(easy, CURLOPT_URL, l->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);

    bool ok = true;
    for (long i = 0; ok && i < l->requests; i++) {
        long status = 0;
        if (changes_path) curl_easy_setopt(easy, CURLOPT_URL, l->paths[i % PATHS]);
        ok = curl_easy_perform(easy) == CURLE_OK;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) ok = fail("no 200");
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return ok && received > 0;
}

static bool hand(const loop *l) {
    return by_hand(l, false);
}

static bool hand_paths(const loop *l) {
    return by_hand(l, true);
}

/*
 * The transport floor alone, as the floors above it use it
 */

static bool send_one(ti_transport *transport, const char *text, const loop *l,
                     const ti_clock *clock) {
    tacit_error error;
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    ti_handle *handle = ti_handle_acquire(transport, TI_HANDLE_POOLED);
    if (!handle) return fail("no handle");
    const ti_url *url = ti_handle_url(handle, text, "url", &error);
    const ti_http_request request = {.authorization = l->authorization,
                                     .deadline_boot_ms = ti_clock_deadline(clock, 60000)};
    tacit_status status =
        url ? ti_handle_send(handle, url, &request, &answer, &error) : error.status;
    ti_handle_release(transport, handle);
    bool ok = !status && answer.status == 200 && answer.body.size > 0;
    ti_http_answer_free(&answer);
    return ok || fail(status ? error.message : "no 200");
}

static bool by_transport(const loop *l, bool changes_path) {
    tacit_error error;
    ti_log log;
    const ti_clock clock = {.injected.boot_ms = NULL};
    if (!ti_log_init(&log, NULL, NULL, TACIT_LOG_ERROR)) return fail("no log");
    const ti_transport_options options = {.connect_timeout_ms = 10000,
                                          .idle_connections_max = 16,
                                          .response_bytes_max = 1024 * 1024,
                                          .clock = &clock,
                                          .log = &log};
    ti_transport *transport = ti_transport_new(&options, &error);
    if (!transport) return fail(error.message);

    bool ok = true;
    for (long i = 0; ok && i < l->requests; i++) {
        ok = send_one(transport, changes_path ? l->paths[i % PATHS] : l->url, l, &clock);
    }
    ti_transport_free(transport);
    ti_log_destroy(&log);
    return ok;
}

static bool transport_mode(const loop *l) {
    return by_transport(l, false);
}

static bool transport_paths(const loop *l) {
    return by_transport(l, true);
}

/*
 * The library, as an app uses it
 */

static bool by_tacit(const loop *l, bool changes_path, bench_app (*open_app)(const char *base)) {
    char base[64];
    snprintf(base, sizeof base, "%.*s", (int)(strstr(l->url, "/api") - l->url), l->url);
    bench_app app = open_app(base);
    bench_sign_in_with_token(&app, l->token_size);
    for (long i = 0; i < l->requests; i++) {
        bench_get(app.session, changes_path ? l->paths[i % PATHS] : l->url);
    }
    bench_app_close(&app);
    return true;
}

static bool tacit_mode(const loop *l) {
    return by_tacit(l, false, bench_app_open);
}

static bool tacit_paths(const loop *l) {
    return by_tacit(l, true, bench_app_open);
}

/* Every answer has a further token: for one who takes it when it is time, and one who does not care. */
static bool with_renewals(const loop *l, bench_app (*open_app)(const char *base)) {
    char url[128];
    loop renewed = *l;
    snprintf(url, sizeof url, "%s" RENEWING, l->url);
    renewed.url = url;
    return by_tacit(&renewed, false, open_app);
}

static bool tacit_sliding(const loop *l) {
    return with_renewals(l, bench_app_open_sliding);
}

static bool tacit_renewed(const loop *l) {
    return with_renewals(l, bench_app_open);
}

/*
 * The server
 */

/* A JWT of a week, by its claims: {"iat":2000000000,"exp":2000604800}. */
static const char further_token[] =
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjIwMDAwMDAwMDAsImV4cCI6MjAwMDYwNDgwMH0."
    "c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtc2ln";

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request_data) {
    (void)data, (void)method, (void)version, (void)upload;
    static char body[] = "{\"id\":17,\"name\":\"a note\"}\n", begun;
    if (!*request_data) {
        *request_data = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* taken */
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (strstr(url, RENEWING)) MHD_add_response_header(response, "Authorization", further_token);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static bool serve(void) {
    const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, answer,
                         NULL, MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_END);
    if (!daemon) return fail("no server");
    printf("http://127.0.0.1:%u/api/notes\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    MHD_stop_daemon(daemon);
    return true;
}

/*
 * Set-up
 */

static const struct {
    const char *name;
    bool (*run)(const loop *l);
} modes[] = {{"hand", hand},
             {"hand-paths", hand_paths},
             {"transport", transport_mode},
             {"transport-paths", transport_paths},
             {"tacit", tacit_mode},
             {"tacit-paths", tacit_paths},
             {"tacit-renewed", tacit_renewed},
             {"tacit-sliding", tacit_sliding}};

static bool run(const char *mode, loop *l, size_t token_size) {
    static const char prefix[] = "Authorization: Bearer ";
    l->authorization = malloc(sizeof prefix + token_size);
    if (!l->authorization) return fail("no memory");
    l->token_size = token_size;
    memcpy(l->authorization, prefix, sizeof prefix - 1);
    memset(l->authorization + sizeof prefix - 1, 'x', token_size);
    l->authorization[sizeof prefix - 1 + token_size] = '\0';
    for (size_t i = 0; i < PATHS; i++) {
        size_t size = strlen(l->url) + 32;
        l->paths[i] = malloc(size);
        if (!l->paths[i]) return fail("no memory");
        snprintf(l->paths[i], size, "%s/%zu?page=%zu", l->url, 1000 + i, i);
    }

    bool ok = false, known = false;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(mode, modes[i].name) != 0) continue;
        known = true;
        ok = modes[i].run(l);
    }
    for (size_t i = 0; i < PATHS; i++) free(l->paths[i]);
    free(l->authorization);
    return known ? ok : fail("unknown mode");
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve() ? 0 : 1;
    if (argc != 5) {
        fail("usage: bench_request serve | <mode> <url> <requests> <token bytes>");
        return 2;
    }
    loop l = {.url = argv[2], .requests = atol(argv[3])};
    return run(argv[1], &l, (size_t)atol(argv[4])) ? 0 : 1;
}
