/*
 * Cold start: from exec to the first authorised answer, with an access token that the store holds.
 *
 *   bench_cold_start <server's URL>
 *
 * Beside it the bare request: the same program, which makes it with libcurl and a token given on the command line. The difference of
 * the medians is what the library and the store cost. The keyring is the real service, with a home of its own.
 */
#include "bench/setup.h"
#include "support/fixture.h"
#include "support/keyring.h"

#include <curl/curl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 41, KINDS = 3 };

static char program[512];

/* ------------------------------------------------------------------ the programs that start */

static size_t ignore_body(char *data, size_t one, size_t size, void *user_data) {
    (void)data, (void)user_data;
    return one * size;
}

static void get_by_hand(const char *url, const char *token) {
    long status = 0;
    char header[512];
    CURL *easy = curl_easy_init();
    snprintf(header, sizeof header, "Authorization: Bearer %s", token);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    if (curl_easy_perform(easy)) bench_fail("no answer");
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) bench_fail("no 200");
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

static tacit_store *open_store(const char *kind, const char *directory) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    tacit_error error;
    if (strcmp(kind, "keyring") == 0) {
        keyring_home_check();
        return tacit_store_keyring("com.example.cold-start", &error);
    }
    char *key_file = fixture_path(directory, "key");
    options.directory = directory;
    options.key_file = key_file;
    tacit_store *store = tacit_store_file(&options, &error);
    if (!store) bench_fail(error.message);
    free(key_file);
    return store;
}

static bench_app open_app(const char *base, const char *kind, const char *directory) {
    static char state_dir[512];
    bench_app app = {.store = open_store(kind, directory)};
    char json[512];
    tacit_error error;
    snprintf(state_dir, sizeof state_dir, "%s/state", directory);
    snprintf(json, sizeof json, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\"}", base, base);

    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    client.state_dir = state_dir;
    app.client = tacit_client_new(&client, &error);
    app.provider = app.client ? tacit_provider_from_json(json, &error) : NULL;
    if (!app.provider || !app.store) bench_fail("the app does not open");

    const char *origins[] = {base, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = "test-client";
    options.origins = origins;
    options.store = app.store;
    app.session = tacit_session_open(app.client, app.provider, &options, &error);
    if (!app.session) bench_fail(error.message);
    return app;
}

/* Each ends with the time of its answer on stdout, or the token that it signed in with. */
static int run_as_child(int argc, char **argv) {
    const char *what = argv[1];
    char url[256];
    if (argc == 4 && strcmp(what, "bare") == 0) {
        get_by_hand(argv[2], argv[3]);
        printf("%.0f\n", bench_now_ns());
        return 0;
    }
    if (argc != 5) bench_fail("usage: bench_cold_start <server's URL>");
    bench_app app = open_app(argv[2], argv[3], argv[4]);
    snprintf(url, sizeof url, "%s/api/x", argv[2]);
    if (strcmp(what, "sign-in") == 0) {
        tacit_token *token;
        bench_sign_in(&app);
        tacit_session_token(app.session, 0, TACIT_NO_WAIT, &token, NULL);
        printf("%s\n", tacit_token_value(token));
        tacit_token_unref(token);
    } else {
        bench_get(app.session, url);
        printf("%.0f\n", bench_now_ns());
    }
    bench_app_close(&app);
    return 0;
}

/* ------------------------------------------------------------------ the watch */

/* Runs the program with these arguments; what it printed, and when it was started. */
static double run(const char *const *arguments, char *line, size_t size) {
    const char *all[8] = {program};
    extern char **environ;
    posix_spawn_file_actions_t files;
    int output[2], status;
    pid_t pid;

    for (int i = 0; arguments[i] && i < 6; i++) all[i + 1] = arguments[i];
    if (pipe(output)) bench_fail("no pipe");
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, output[0]);
    double started_ns = bench_now_ns();
    if (posix_spawn(&pid, program, &files, NULL, (char *const *)all, environ))
        bench_fail("it does not start");
    posix_spawn_file_actions_destroy(&files);
    close(output[1]);
    FILE *file = fdopen(output[0], "r");
    bool told = file && fgets(line, (int)size, file);
    if (file) fclose(file);
    if (waitpid(pid, &status, 0) != pid || status != 0 || !told) bench_fail("it failed");
    line[strcspn(line, "\n")] = '\0';
    return started_ns;
}

static double start_ms(const char *const *arguments) {
    char line[256];
    double started_ns = run(arguments, line, sizeof line);
    return (atof(line) - started_ns) / 1e6;
}

static void row(const char *store, double limit_ms, double ms, double bare_ms) {
    char what[96], target[64];
    snprintf(what, sizeof what, "cold start to the first answer, %s", store);
    snprintf(target, sizeof target, "<= the bare request + %.0f ms", limit_ms);
    bench_row(what, target, ms - bare_ms <= limit_ms, "+ %.1f ms (%.1f; bare: %.1f)", ms - bare_ms,
              ms, bare_ms);
}

static void measure(const char *base, const char *directory) {
    double times[KINDS][RUNS], medians[KINDS];
    char url[256], token[512];
    snprintf(url, sizeof url, "%s/api/x", base);
    run((const char *[]){"sign-in", base, "keyring", directory, NULL}, token, sizeof token);
    run((const char *[]){"sign-in", base, "file", directory, NULL}, token, sizeof token);

    const char *const *kinds[KINDS] = {
        (const char *[]){"bare", url, token, NULL},
        (const char *[]){"tacit", base, "file", directory, NULL},
        (const char *[]){"tacit", base, "keyring", directory, NULL},
    };
    for (int i = 0; i < RUNS; i++) {
        for (int kind = 0; kind < KINDS; kind++) times[kind][i] = start_ms(kinds[kind]);
    }
    for (int kind = 0; kind < KINDS; kind++) medians[kind] = bench_median(times[kind], RUNS);
    row("encrypted file", 3, medians[1], medians[0]);
    row("keyring", 40, medians[2], medians[0]);
}

int main(int argc, char **argv) {
    if (argc > 2) return run_as_child(argc, argv);
    if (argc != 2) bench_fail("usage: bench_cold_start <server's URL>");
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size <= 0) bench_fail("no /proc");
    program[size] = '\0';

    keyring_home_make();
    keyring_bus_start();
    keyring_service_start("a password");
    char *directory = fixture_directory_new();
    if (!directory) bench_fail("no directory");
    measure(argv[1], directory);
    fixture_directory_free(directory);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return 0;
}
