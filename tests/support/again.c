#include "support/again.h"

#include "support/unit.h"

#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS 8

/* What has to run a program that is for another processor; empty otherwise. */
#ifndef TS_LAUNCHER
#define TS_LAUNCHER
#endif

/* Asked for in the parent: the child of a test under valgrind would find valgrind. */
static void path_of_self(char *path, size_t size) {
    ssize_t length = readlink("/proc/self/exe", path, size - 1);

    assert_true(length > 0);
    path[length] = '\0';
}

void again_start(again *self, const char *const *arguments) {
    static const char *const launcher[] = {TS_LAUNCHER NULL};
    const char *argv[sizeof launcher / sizeof *launcher + ARGUMENTS + 1];
    char path[4096];
    size_t count = 0;
    pid_t pid;

    path_of_self(path, sizeof path);
    for (size_t i = 0; launcher[i] != NULL; i++) argv[count++] = launcher[i];
    argv[count++] = path;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i < ARGUMENTS);
        argv[count++] = arguments[i];
    }
    argv[count] = NULL;
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0);
    self->process = pid;
}

int again_wait(again *self) {
    int status = -1;

    assert_int_equal(waitpid((pid_t)self->process, &status, 0), self->process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
