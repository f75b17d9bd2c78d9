#include "support/app.h"

#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef TS_DIE_SHIM
#define TS_DIE_SHIM ""
#endif

enum { ARGUMENTS_MAX = 32, PATIENCE_MS = 60000, END_MS = 30000 };

struct app {
    pid_t pid;
    bool reaped, killed; /* killed: by us */
    int end;             /* what waitpid() said */
    int in, out;         /* its stdin and stdout, our ends */
    long sent;           /* commands */
    char *text;          /* what it wrote and no line has ended yet */
    size_t text_size;
    json_t *answers; /* those that nobody has asked for, by number */
    json_t *death;   /* the shim's last words; NULL: none */
};

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ starting */

static char **environment_with(const char *entry) {
    extern char **environ;
    size_t count = 0;
    char **copy;

    while (environ[count] != NULL) count++;
    copy = calloc(count + 2, sizeof *copy);
    if (copy == NULL) return NULL;
    memcpy(copy, environ, count * sizeof *copy);
    copy[count] = (char *)entry;
    return copy;
}

static bool spawn(app *app, char *const *arguments, bool with_die_shim) {
    posix_spawn_file_actions_t files;
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    char **environment = environment_with(with_die_shim ? "LD_PRELOAD=" TS_DIE_SHIM : NULL);
    bool ok = environment != NULL && pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    ok = ok && posix_spawn(&app->pid, arguments[0], &files, NULL, arguments, environment) == 0;
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    close(in[0]);
    close(out[1]);
    app->in = in[1];
    app->out = out[0];
    return ok;
}

bool app_has_die_shim(void) {
    return TS_DIE_SHIM[0] != '\0';
}

app *app_start(const app_options *options) {
    app *app = calloc(1, sizeof *app);
    char *state = fixture_path(options->directory, "state");
    const char *arguments[ARGUMENTS_MAX] = {TS_APP_PROGRAM,
                                            "--provider",
                                            server_provider_json(options->server),
                                            "--api-url",
                                            server_url(options->server, "/api/load"),
                                            "--directory",
                                            options->directory,
                                            "--state-dir",
                                            state,
                                            "--store",
                                            options->store != NULL ? options->store : "plain"};
    int count = 11;

    for (const char *const *more = options->arguments;
         more != NULL && *more != NULL && count < ARGUMENTS_MAX - 1; more++)
        arguments[count++] = *more;
    signal(SIGPIPE, SIG_IGN); /* an app that died is an answer that does not come */
    app->answers = json_object();
    if (!spawn(app, (char *const *)arguments, options->with_die_shim)) {
        perror(TS_APP_PROGRAM);
        app->reaped = true;
        app_free(app);
        app = NULL;
    }
    free(state);
    return app;
}

/* ------------------------------------------------------------------ talking */

static void keep_line(app *app, const char *line, size_t size) {
    json_t *json = json_loadb(line, size, 0, NULL);
    char number[32];

    if (json == NULL) {
        fprintf(stderr, "tacit-test-app wrote: %.*s\n", (int)size, line);
    } else if (json_object_get(json, "died_at") != NULL) {
        json_decref(app->death);
        app->death = json;
    } else {
        snprintf(number, sizeof number, "%ld", answer_number(json, "number"));
        json_object_set_new(app->answers, number, json);
    }
}

static void keep_lines(app *app) {
    char *line = app->text, *end;

    while ((end = memchr(line, '\n', app->text_size - (size_t)(line - app->text))) != NULL) {
        keep_line(app, line, (size_t)(end - line));
        line = end + 1;
    }
    app->text_size -= (size_t)(line - app->text);
    memmove(app->text, line, app->text_size);
}

/* false: nothing more comes. */
static bool read_some(app *app) {
    char *longer = realloc(app->text, app->text_size + 4096);
    ssize_t size;

    if (longer == NULL) return false;
    app->text = longer;
    size = read(app->out, app->text + app->text_size, 4096);
    if (size < 0 && errno == EINTR) return true;
    if (size <= 0) return false;
    app->text_size += (size_t)size;
    keep_lines(app);
    return true;
}

/* false: nothing came within the time, or nothing more will. */
static bool wait_some(app *app, int64_t deadline_ms) {
    struct pollfd readable = {.fd = app->out, .events = POLLIN};
    int64_t left_ms = deadline_ms - now_ms();
    int ready = left_ms > 0 ? poll(&readable, 1, (int)left_ms) : 0;

    if (ready < 0 && errno == EINTR) return true;
    return ready > 0 && read_some(app);
}

static long send_line(app *app, const char *format, va_list arguments, const char *end) {
    char line[512];
    int size = vsnprintf(line, sizeof line - 4, format, arguments);

    if (size < 0 || (size_t)size > sizeof line - 4) return 0;
    size += snprintf(line + size, 4, "%s\n", end);
    app->sent++;
    return write(app->in, line, (size_t)size) == size ? app->sent : 0;
}

long app_send(app *app, const char *format, ...) {
    va_list arguments;
    long number;

    va_start(arguments, format);
    number = send_line(app, format, arguments, " &");
    va_end(arguments);
    return number;
}

json_t *app_answer_to(app *app, long number, int timeout_ms) {
    int64_t deadline_ms = now_ms() + timeout_ms;
    char name[32];
    json_t *answer;

    snprintf(name, sizeof name, "%ld", number);
    while ((answer = json_object_get(app->answers, name)) == NULL)
        if (number == 0 || !wait_some(app, deadline_ms)) return NULL;
    json_incref(answer);
    json_object_del(app->answers, name);
    return answer;
}

json_t *app_ask(app *app, const char *format, ...) {
    va_list arguments;
    long number;

    va_start(arguments, format);
    number = send_line(app, format, arguments, "");
    va_end(arguments);
    return app_answer_to(app, number, PATIENCE_MS);
}

/* ------------------------------------------------------------------ ending */

bool app_wait_death(app *app, int timeout_ms) {
    int64_t deadline_ms = now_ms() + timeout_ms;

    while (wait_some(app, deadline_ms)) { /* until it has closed its stdout */
    }
    while (!app->reaped && !(app->reaped = waitpid(app->pid, &app->end, WNOHANG) != 0) &&
           now_ms() < deadline_ms)
        poll(NULL, 0, 1);
    return app->reaped;
}

void app_kill(app *app) {
    app->killed = true;
    if (!app->reaped) kill(app->pid, SIGKILL);
    app_wait_death(app, END_MS);
}

bool app_free(app *app) {
    bool ended_well;

    if (app == NULL) return true;
    close(app->in);
    ended_well = (app->reaped || app_wait_death(app, END_MS)) &&
                 (app->killed || app->death != NULL || app->end == 0);
    if (!app->reaped) app_kill(app);
    close(app->out);
    free(app->text);
    json_decref(app->answers);
    json_decref(app->death);
    free(app);
    return ended_well;
}

long app_died_at(const app *app, const char **call) {
    if (call != NULL) *call = answer_text(app->death, "call");
    return answer_number(app->death, "died_at");
}

void app_freeze(app *app) {
    kill(app->pid, SIGSTOP);
    waitpid(app->pid, NULL, WUNTRACED);
}

void app_thaw(app *app) {
    kill(app->pid, SIGCONT);
}

pid_t app_pid(const app *app) {
    return app->pid;
}

/* ------------------------------------------------------------------ answers */

static const json_t *member(const json_t *answer, const char *path) {
    const char *dot = strchr(path, '.');
    char name[64];

    if (dot == NULL) return json_object_get(answer, path);
    snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
    return member(json_object_get(answer, name), dot + 1);
}

const char *answer_text(const json_t *answer, const char *path) {
    return json_string_value(member(answer, path));
}

long answer_number(const json_t *answer, const char *path) {
    return (long)json_integer_value(member(answer, path));
}

bool answer_flag(const json_t *answer, const char *path) {
    return json_is_true(member(answer, path));
}

bool answer_is(const json_t *answer, const char *status) {
    const char *said = answer_text(answer, "status");

    return said != NULL && strcmp(said, status) == 0;
}

bool app_wait_number(app *app, const char *account, const char *path, long n, int timeout_ms) {
    int64_t deadline_ms = now_ms() + timeout_ms;

    do {
        json_t *answer = app_ask(app, "@%s status", account);
        long number = answer_number(answer, path);
        bool gone = answer == NULL;

        json_decref(answer);
        if (gone) return false;
        if (number >= n) return true;
        poll(NULL, 0, 5);
    } while (now_ms() < deadline_ms);
    return false;
}
