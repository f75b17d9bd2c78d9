#include "e2e/daemon.h"

#include "support/plain_client.h"
#include "support/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64 };

/* setpriv has it killed when the test dies, however that comes. */
static void fill_arguments(const char **arguments, const char *const *argv,
                           const char *const *environment) {
    static const char *const launcher[] = {"setpriv", "--pdeathsig", "KILL", "env", NULL};
    const char *const *const parts[] = {launcher, environment, argv};
    size_t count = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (const char *const *part = parts[i]; part != NULL && *part != NULL; part++) {
            assert_true(count < ARGUMENTS_MAX);
            arguments[count++] = *part;
        }
    }
    arguments[count] = NULL;
}

void daemon_start(daemon_process *daemon, const char *const *argv, const char *const *environment,
                  const char *log) {
    extern char **environ;
    const char *arguments[ARGUMENTS_MAX + 1];
    posix_spawn_file_actions_t files;

    fill_arguments(arguments, argv, environment);
    daemon->log = strdup(log);
    assert_non_null(daemon->log);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    assert_int_equal(posix_spawnp(&daemon->pid, arguments[0], &files, NULL,
                                  (char *const *)(uintptr_t)arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&files);
}

bool daemon_runs(daemon_process *daemon) {
    if (daemon->pid != 0 && waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid) daemon->pid = 0;
    return daemon->pid != 0;
}

void daemon_stop(daemon_process *daemon) {
    if (daemon_runs(daemon)) {
        kill(daemon->pid, SIGKILL);
        waitpid(daemon->pid, NULL, 0);
    }
    free(daemon->log);
    *daemon = (daemon_process){0};
}

char *daemon_says(const daemon_process *daemon, long from) {
    int file = open(daemon->log, O_RDONLY | O_CLOEXEC);
    struct stat about = {0};
    char *text;
    ssize_t size = 0;

    if (file >= 0) assert_int_equal(fstat(file, &about), 0);
    assert_true(from <= about.st_size);
    text = calloc(1, (size_t)(about.st_size - from) + 1);
    assert_non_null(text);
    if (file >= 0) {
        size = pread(file, text, (size_t)(about.st_size - from), from);
        close(file);
    }
    assert_int_equal(size, about.st_size - from);
    return text;
}

/* The line's rest, where it has come to its end. */
static char *find_line(const char *text, const char *begin) {
    while (text != NULL) {
        size_t length = strcspn(text, "\n");

        if (text[length] == '\n' && strncmp(text, begin, strlen(begin)) == 0)
            return strndup(text + strlen(begin), length - strlen(begin));
        text = text[length] == '\n' ? text + length + 1 : NULL;
    }
    return NULL;
}

char *daemon_wait_line(daemon_process *daemon, const char *begin, long from) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    char *rest = NULL;

    for (;;) {
        bool is_last = !daemon_runs(daemon) || now_ms() >= deadline_ms;
        char *text = daemon_says(daemon, from);

        rest = find_line(text, begin);
        if (rest == NULL && is_last) fail_msg("no line \"%s...\", but:\n%s", begin, text);
        free(text);
        if (rest != NULL) return rest;
        poll(NULL, 0, 5);
    }
}

long lines_beginning(const char *text, const char *begin) {
    long count = 0;

    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        count += strncmp(line, begin, strlen(begin)) == 0;
        if (line[strcspn(line, "\n")] == '\0') break;
    }
    return count;
}
