#include "platform/os.h"

#include <crt_externs.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Hands a URL over to the program for it, and ends. */
static const char program[] = "/usr/bin/open";

/* A session of its own: what the user types into the app's terminal, Ctrl-C included, is not for the browser. What the app blocks or
 * ignores is not the browser's, either; nor are its descriptors. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int result = posix_spawnattr_setsigdefault(attributes, &all);
    if (result == 0) result = posix_spawnattr_setsigmask(attributes, &none);
    if (result == 0) {
        result = posix_spawnattr_setflags(attributes,
                                          POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSID | POSIX_SPAWN_CLOEXEC_DEFAULT);
    }
    return result;
}

static int set_descriptors(posix_spawn_file_actions_t *actions) {
    int result = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    for (int fd = 1; fd <= 2 && result == 0; fd++) {
        result = posix_spawn_file_actions_adddup2(actions, 0, fd);
    }
    return result;
}

static int start(char *const arguments[], pid_t *process) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int result = posix_spawnattr_init(&attributes);
    if (result != 0) return result;
    result = posix_spawn_file_actions_init(&actions);
    if (result == 0) {
        result = set_attributes(&attributes);
        if (result == 0) result = set_descriptors(&actions);
        if (result == 0) {
            result =
                posix_spawn(process, program, &actions, &attributes, arguments, *_NSGetEnviron());
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return result;
}

bool ti_os_open_browser(const char *url) {
    char *copy = strdup(url);
    char *arguments[] = {"open", copy, NULL};
    pid_t process = -1;
    int status = 0, result = copy ? start(arguments, &process) : ENOMEM;
    free(copy);
    if (result != 0) {
        errno = result;
        return false;
    }
    while (waitpid(process, &status, 0) < 0) {
        if (errno == EINTR) continue;
        return true; /* ECHILD: the app reaps whatever ends, or has the system do it */
    }
    errno = ECHILD;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
