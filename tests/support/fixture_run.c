/* Child programs, bounded in time. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t length_of(const char *const *list) {
    size_t length = 0;
    while (list && list[length]) length++;
    return length;
}

static bool is_replaced(const char *entry, const char *const *replacements) {
    size_t name_size = strcspn(entry, "=") + 1;

    for (; replacements && *replacements; replacements++) {
        if (strncmp(entry, *replacements, name_size) == 0) return true;
    }
    return false;
}

/* Strings are borrowed; only the array is yours. */
static char **merged_environment(const char *const *further) {
    size_t own = length_of((const char *const *)environ), more = length_of(further), used = 0;
    char **merged = calloc(own + more + 1, sizeof *merged);

    if (!merged) return NULL;
    for (size_t i = 0; i < own; i++) {
        if (!is_replaced(environ[i], further)) merged[used++] = environ[i];
    }
    for (size_t i = 0; i < more; i++) merged[used++] = (char *)further[i];
    return merged;
}

static bool spawn(const char *const *argv, const char *const *further, int output_fd, pid_t *pid) {
    char **environment = merged_environment(further);
    posix_spawn_file_actions_t files;

    if (!environment) return false;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output_fd, STDERR_FILENO);
    int error = posix_spawnp(pid, argv[0], &files, NULL, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    return error == 0;
}

/* true: there may be more. */
static bool read_some(fixture_run *run, int fd) {
    char *longer = realloc(run->output, run->output_size + 4096 + 1);

    if (!longer) return false;
    run->output = longer;
    ssize_t size = read(fd, run->output + run->output_size, 4096);
    if (size < 0 && errno == EINTR) return true;
    if (size > 0) run->output_size += (size_t)size;
    run->output[run->output_size] = '\0';
    return size > 0;
}

/* Reads until the child's side is closed, which is when it has ended. */
static void read_until(fixture_run *run, int fd, int64_t deadline_ms) {
    for (int64_t left_ms; (left_ms = deadline_ms - now_ms()) > 0;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        int ready = poll(&readable, 1, (int)left_ms);
        if (ready < 0 && errno != EINTR) return;
        if (ready > 0 && !read_some(run, fd)) return;
    }
}

/* A program may close its output and run on: it has until the deadline all the same. */
static void reap(fixture_run *run, pid_t pid, int64_t deadline_ms) {
    siginfo_t info = {0};
    int status = 0;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && !info.si_pid &&
           now_ms() < deadline_ms) {
        poll(NULL, 0, 5);
    }
    run->timed_out = info.si_pid == 0;
    if (run->timed_out) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool fixture_run_program(const char *const *argv, const char *const *environment, int timeout_ms,
                         fixture_run *run) {
    int64_t deadline_ms = now_ms() + timeout_ms;
    int output[2];
    pid_t pid;

    memset(run, 0, sizeof *run);
    if (pipe2(output, O_CLOEXEC) != 0) return false;
    bool started = spawn(argv, environment, output[1], &pid);
    close(output[1]);
    if (started) {
        read_until(run, output[0], deadline_ms);
        reap(run, pid, deadline_ms);
        if (!run->output) run->output = calloc(1, 1);
    }
    close(output[0]);
    return started && run->output;
}

void fixture_run_free(fixture_run *run) {
    free(run->output);
    memset(run, 0, sizeof *run);
}
