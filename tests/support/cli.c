#include "support/cli.h"

#include "support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef TS_TACIT_PROGRAM
static const char program[] = TS_TACIT_PROGRAM;
#else
static const char program[] = "";
#endif

bool cli_is_there(void) {
    return *program != '\0';
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...) {
    va_list arguments;
    char *result;

    va_start(arguments, text);
    assert_true(vasprintf(&result, text, arguments) >= 0);
    va_end(arguments);
    return result;
}

/* ------------------------------------------------------------------ its world */

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void make_opener(const cli *self) {
    char *path = format("%s/bin", self->directory);

    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
    path = format("%s/bin/xdg-open", self->directory);
    write_file(path, "#!/bin/sh\n"
                     "cd \"${0%/*}\" && echo \"$1\" >new && mv new opened\n");
    assert_int_equal(chmod(path, 0700), 0);
    free(path);
}

cli cli_new(const ts_options *options) {
    cli self = {.server = server_start(options),
                .program = program,
                .directory = strdup("/tmp/tacit-test.cli.XXXXXX")};

    assert_non_null(self.server);
    assert_non_null(mkdtemp(self.directory));
    make_opener(&self);
    return self;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void cli_free(cli *self) {
    server_stop(self->server);
    assert_int_equal(nftw(self->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(self->directory);
}

int cli_begin(void **state) {
    static cli self;

    self = cli_new(NULL);
    *state = &self;
    return 0;
}

int cli_end(void **state) {
    cli_free(*state);
    return 0;
}

/* ------------------------------------------------------------------ processes */

enum { VARIABLES_MAX = 14 };

/* Nothing of whoever runs the test, a keyring above all; but sanitizers keep their options. */
static void make_environment(const cli *self, char *variables[VARIABLES_MAX]) {
    static const char *const kept[] = {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};
    int count = 0;

    variables[count++] = format("HOME=%s/home", self->directory);
    variables[count++] = format("XDG_STATE_HOME=%s/state", self->directory);
    variables[count++] = format("XDG_RUNTIME_DIR=%s", self->directory);
    variables[count++] = format("TACIT_STORE_KEY_FILE=%s/key", self->directory);
    variables[count++] = format("PATH=%s/bin:%s", self->directory, getenv("PATH"));
    if (self->display) variables[count++] = strdup("DISPLAY=:99");
    if (self->keyring)
        variables[count++] =
            format("DBUS_SESSION_BUS_ADDRESS=%s", getenv("DBUS_SESSION_BUS_ADDRESS"));
    variables[count++] = strdup("LC_ALL=C.UTF-8");
    variables[count++] = strdup("TERM=xterm-256color");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (getenv(kept[i]) != NULL) variables[count++] = format("%s=%s", kept[i], getenv(kept[i]));
    variables[count] = NULL;
}

static cli_run spawn(cli *self, const char *in_path, bool on_terminal,
                     const char *const *arguments) {
    cli_run run = {.code = -1};
    const char *argv[32] = {self->program};
    char *variables[VARIABLES_MAX];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int n = self->runs++;

    run.out_path = format("%s/%d.out", self->directory, n);
    run.err_path = on_terminal ? strdup(in_path) : format("%s/%d.err", self->directory, n);
    for (int i = 0; arguments[i] != NULL; i++) argv[i + 1] = arguments[i];
    make_environment(self, variables);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, in_path, on_terminal ? O_RDWR : O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, run.out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, run.err_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID); /* its terminal is its own */
    assert_int_equal(
        posix_spawn(&run.pid, self->program, &files, &attributes, (char *const *)argv, variables),
        0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    for (int i = 0; variables[i] != NULL; i++) free(variables[i]);
    return run;
}

cli_run cli_start(cli *self, const char *input, const char *const *arguments) {
    char *path = format("%s/%d.in", self->directory, self->runs);
    cli_run run;

    write_file(path, input == NULL ? "" : input);
    run = spawn(self, path, false, arguments);
    free(path);
    return run;
}

cli_run cli_start_on_terminal(cli *self, int *terminal, const char *const *arguments) {
    *terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*terminal >= 0);
    assert_int_equal(grantpt(*terminal), 0);
    assert_int_equal(unlockpt(*terminal), 0);
    return spawn(self, ptsname(*terminal), true, arguments);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;

    *size = 0;
    if (file == NULL) return strdup("");
    do {
        capacity = 2 * capacity + 4096;
        text = realloc(text, capacity);
        assert_non_null(text);
        *size += fread(text + *size, 1, capacity - *size - 1, file);
    } while (*size == capacity - 1);
    text[*size] = '\0';
    fclose(file);
    return text;
}

void cli_await(cli_run *run) {
    struct pollfd end = {.fd = pidfd_open(run->pid, 0), .events = POLLIN};
    bool ended = poll(&end, 1, CLI_PATIENCE_MS) == 1;
    size_t size;
    int status;

    close(end.fd);
    if (!ended) kill(run->pid, SIGKILL);
    assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
    run->pid = 0;
    if (ended && WIFEXITED(status)) run->code = WEXITSTATUS(status);
    run->out = read_file(run->out_path, &run->out_size);
    run->err =
        strncmp(run->err_path, "/dev/", 5) == 0 ? strdup("") : read_file(run->err_path, &size);
}

/* Another process writes: there is nothing to wait for but its next word. */
char *cli_await_words(const cli_run *run, const char *text) {
    for (int tries = 0; tries < CLI_PATIENCE_MS / 10; tries++) {
        size_t size;
        char *words = read_file(run->err_path, &size);

        if (strstr(words, text) != NULL) return words;
        free(words);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000L}, NULL);
    }
    fail_msg("it never said \"%s\"", text);
    return NULL;
}

void cli_run_free(cli_run *run) {
    free(run->out_path);
    free(run->err_path);
    free(run->out);
    free(run->err);
}

cli_run cli_do(cli *self, const char *input, const char *const *arguments) {
    cli_run run = cli_start(self, input, arguments);

    cli_await(&run);
    return run;
}

void assert_run(cli_run run, int code, const char *out_has, const char *err_has) {
    if (run.code != code) fail_msg("exit code %d, not %d: %s%s", run.code, code, run.out, run.err);
    if (out_has != NULL && strstr(run.out, out_has) == NULL)
        fail_msg("no \"%s\" in the output: %s", out_has, run.out);
    if (err_has != NULL && strstr(run.err, err_has) == NULL)
        fail_msg("no \"%s\" among the words: %s", err_has, run.err);
    cli_run_free(&run);
}

/* ------------------------------------------------------------------ the sign-in */

void cli_login(cli *self, const char *name) {
    char *path = format("%s/provider.json", self->directory);

    write_file(path, server_provider_json(self->server));
    assert_run(CLI(self, "alice\nwonderland\n", "login", "--provider", path, "--client-id",
                   "test-client", "--password", "--origin", server_url(self->server, ""), "--name",
                   name),
               0, NULL, name);
    free(path);
}

const char *cli_profile_path(const cli *self, const char *name) {
    static char path[512];

    snprintf(path, sizeof path, "%s/home/.config/tacit/%s.json", self->directory, name);
    return path;
}

bool cli_has_profile(const cli *self, const char *name) {
    return access(cli_profile_path(self, name), F_OK) == 0;
}

static const char *wanted; /* nftw() has no user data */

static int look_into(const char *path, const struct stat *about, int kind, struct FTW *where) {
    size_t length = strlen(path), size;
    char *text;
    int found;

    (void)about;
    (void)where;
    if (kind != FTW_F || (length > 3 && strcmp(path + length - 3, ".in") == 0)) return 0;
    text = read_file(path, &size);
    found = memmem(text, size, wanted, strlen(wanted)) != NULL;
    free(text);
    return found;
}

bool cli_finds(const cli *self, const char *text) {
    wanted = text;
    return nftw(self->directory, look_into, 16, FTW_PHYS) != 0;
}
