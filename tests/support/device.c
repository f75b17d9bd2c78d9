#include "support/device.h"

#include "support/server_telemetry.h"
#include "support/unit.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* The program, behind what runs programs of its processor here. */
static const char *const command[] = {
#ifdef TS_DEVICE_COMMAND
    TS_DEVICE_COMMAND,
#endif
    NULL};

enum { COMMAND_WORDS = sizeof command / sizeof *command - 1, VARIABLES_MAX = 12 };

bool device_is_there(void) {
    return *command != NULL;
}

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Below its directory; freed by the caller. */
static char *path_of(const device *d, const char *name) {
    char *path = fixture_path(d->directory, name);

    assert_non_null(path);
    return path;
}

static FILE *create(const device *d, const char *name) {
    char *path = path_of(d, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    free(path);
    return file;
}

/* ------------------------------------------------------------------ its world */

static void write_settings(const device *d, const char *further) {
    const char *url = server_url(d->server, "");
    FILE *file = create(d, "config.json");

    fprintf(
        file,
        "{\"device\":\"meter\",\"issuer\":\"%s\",\"client_id\":\"test-client\",\"origin\":\"%s\","
        "\"telemetry_url\":\"%s/api/telemetry\",\"directory\":\"%s/state\","
        "\"sensor\":\"%s/sensor\"",
        url, url, url, d->directory, d->directory);
    if (d->tls.ca_file != NULL) fprintf(file, ",\"ca_file\":\"%s\"", d->tls.ca_file);
    if (further != NULL) fprintf(file, ",%s", further);
    fprintf(file, "}\n");
    assert_int_equal(fclose(file), 0);
    file = create(d, "sensor");
    fprintf(file, "21500\n");
    assert_int_equal(fclose(file), 0);
}

device device_new(const device_options *options) {
    ts_options server = TS_OPTIONS_INIT;
    device d = {.directory = fixture_directory_new()};

    assert_non_null(d.directory);
    server.device_interval = "1";
    if (options->server != NULL) server = *options->server;
    if (options->tls) {
        assert_true(fixture_tls_new(&d.tls, d.directory, FIXTURE_CERTIFICATE_GOOD));
        server.tls_cert = d.tls.cert_file;
        server.tls_key = d.tls.key_file;
    }
    d.server = server_start(&server);
    assert_non_null(d.server);
    write_settings(&d, options->settings);
    return d;
}

void device_free(device *d) {
    if (d->pid != 0) device_kill(d);
    server_stop(d->server);
    fixture_tls_free(&d->tls);
    fixture_directory_free(d->directory);
}

/* ------------------------------------------------------------------ its process */

/* A test that fails leaves its daemons to the end of the program. */
static pid_t running[4];

static void kill_running(void) {
    for (size_t i = 0; i < sizeof running / sizeof *running; i++)
        if (running[i] != 0) kill(running[i], SIGKILL);
}

/* 0 for a place that is free. */
static void replace_running(pid_t found, pid_t by) {
    for (size_t i = 0; i < sizeof running / sizeof *running; i++) {
        if (running[i] != found) continue;
        running[i] = by;
        return;
    }
}

static char *output_of(const device *d) {
    char name[32];

    snprintf(name, sizeof name, "%d.out", d->runs);
    return path_of(d, name);
}

/* Nothing of whoever runs the test; but sanitizers keep their options. Who ends while the server hangs leaves threads behind, knowingly. */
static void make_environment(const char *const *further, char *variables[VARIABLES_MAX]) {
    static const struct {
        const char *name, *further;
    } kept[] = {
        {"ASAN_OPTIONS", ""}, {"TSAN_OPTIONS", " report_thread_leaks=0"}, {"UBSAN_OPTIONS", ""}};
    int count = 0;

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = getenv(kept[i].name);

        if (asprintf(&variables[count++], "%s=%s%s", kept[i].name, value == NULL ? "" : value,
                     kept[i].further) < 0)
            abort();
    }
    for (; further != NULL && *further != NULL; further++) variables[count++] = strdup(*further);
    variables[count] = NULL;
}

void device_start(device *d, const char *const *environment) {
    static bool watched;
    char *variables[VARIABLES_MAX], *config = path_of(d, "config.json"), *output;
    const char *argv[COMMAND_WORDS + 2] = {NULL};
    posix_spawn_file_actions_t files;

    memcpy(argv, command, sizeof command);
    argv[COMMAND_WORDS] = config;
    d->runs++;
    output = output_of(d);
    make_environment(environment, variables);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    assert_int_equal(posix_spawn(&d->pid, *argv, &files, NULL, (char *const *)argv, variables), 0);
    if (!watched) watched = atexit(kill_running) == 0;
    replace_running(0, d->pid);
    posix_spawn_file_actions_destroy(&files);
    for (int i = 0; variables[i] != NULL; i++) free(variables[i]);
    free(output);
    free(config);
}

int device_await(device *d) {
    struct pollfd end = {.fd = pidfd_open(d->pid, 0), .events = POLLIN};
    bool ended = poll(&end, 1, DEVICE_PATIENCE_MS) == 1;
    int status;

    close(end.fd);
    if (!ended) kill(d->pid, SIGKILL);
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    replace_running(d->pid, 0);
    d->pid = 0;
    if (!ended) fail_msg("it did not end");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *words_of(const device *d) {
    char *path = output_of(d), *text = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    assert_non_null(text);
    if (file != NULL) {
        if (fread(text, 1, 65535, file) == 0) *text = '\0';
        fclose(file);
    }
    free(path);
    return text;
}

int64_t device_terminate(device *d, int signals) {
    int64_t began = now_ms();
    int code;

    while (signals-- > 0) kill(d->pid, SIGTERM);
    code = device_await(d);
    if (code != 0) fail_msg("exit code %d after SIGTERM: %s", code, words_of(d));
    return now_ms() - began;
}

void device_kill(device *d) {
    kill(d->pid, SIGKILL);
    device_await(d);
}

/* ------------------------------------------------------------------ what it does */

/* Another process writes: there is nothing to wait for but its next word, or its next file. */
static void pause_briefly(void) {
    nanosleep(&(struct timespec){.tv_nsec = 5 * 1000000L}, NULL);
}

static int codes_shown(const device *d) {
    char *words = words_of(d);
    int count = 0;

    for (const char *at = words; (at = strstr(at, " and enter ")) != NULL; at++) count++;
    free(words);
    return count;
}

void device_approve(device *d, int codes) {
    int64_t end = now_ms() + DEVICE_PATIENCE_MS;
    char *code;

    while (codes_shown(d) < codes && now_ms() < end) pause_briefly();
    code = server_newest_user_code(d->server);
    if (code == NULL) fail_msg("it asked for no code: %s", words_of(d));
    device_await_words(d, code);
    assert_true(server_device_approve(d->server, code));
    free(code);
}

void device_sign_in(device *d) {
    device_start(d, NULL);
    device_approve(d, 1);
    device_await_words(d, "online: ");
}

void device_await_readings(const device *d, long more) {
    long wanted = server_telemetry(d->server).readings + more;

    if (!server_telemetry_wait(d->server, wanted, DEVICE_PATIENCE_MS))
        fail_msg("%ld readings instead of %ld; it said: %s", server_telemetry(d->server).readings,
                 wanted, words_of(d));
}

bool device_said(const device *d, const char *text) {
    char *words = words_of(d);
    bool said = strstr(words, text) != NULL;

    free(words);
    return said;
}

void device_await_words(const device *d, const char *text) {
    for (int64_t end = now_ms() + DEVICE_PATIENCE_MS; now_ms() < end; pause_briefly())
        if (device_said(d, text)) return;
    fail_msg("it never said \"%s\" but: %s", text, words_of(d));
}

int device_spool_files(const device *d) {
    char *path = path_of(d, "state");
    DIR *entries = opendir(path);
    int count = 0;

    if (entries != NULL) {
        for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
            count += strstr(entry->d_name, ".spool") != NULL;
        closedir(entries);
    }
    free(path);
    return count;
}

void device_await_spool_files(const device *d, int count) {
    for (int64_t end = now_ms() + DEVICE_PATIENCE_MS; now_ms() < end; pause_briefly())
        if (device_spool_files(d) >= count) return;
    fail_msg("the spool never had %d files; it said: %s", count, words_of(d));
}

void device_await_empty_spool(const device *d) {
    for (int64_t end = now_ms() + DEVICE_PATIENCE_MS; now_ms() < end; pause_briefly())
        if (device_spool_files(d) == 0) return;
    fail_msg("the spool is never empty; it said: %s", words_of(d));
}
