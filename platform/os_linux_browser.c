#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "xdg-open";

/*
 * The shell reads this text only, never the URL. It is there to end at once: what it leaves behind has no parent in this process, so
 * that it becomes no zombie however long it runs, and nobody here has to wait for it or listen to SIGCHLD.
 */
static char script[] = "\"$0\" \"$1\" &";

/* Where the program is, from malloc(); NULL: nowhere (errno ENOENT), or no memory. An entry that is not absolute depends on where the app
 * happens to be, and is passed over. */
static char *find_program(void) {
    const char *entry = secure_getenv("PATH"), *end;
    char *path;
    errno = ENOENT;
    for (; entry; entry = *end ? end + 1 : NULL) {
        end = strchrnul(entry, ':');
        if (*entry != '/') continue;
        if (asprintf(&path, "%.*s/%s", (int)(end - entry), entry, program) < 0) {
            errno = ENOMEM;
            return NULL;
        }
        if (access(path, X_OK) == 0) return path;
        free(path);
        errno = ENOENT;
    }
    return NULL;
}

/* A session of its own: what the user types into the app's terminal, Ctrl-C included, is not for the browser. What the app blocks or
 * ignores is not the browser's, either. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int result = posix_spawnattr_setsigdefault(attributes, &all);
    if (result == 0) result = posix_spawnattr_setsigmask(attributes, &none);
    if (result == 0) {
        result = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    }
    return result;
}

static int set_descriptors(posix_spawn_file_actions_t *actions) {
    int result = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    for (int fd = 1; fd <= 2 && result == 0; fd++) {
        result = posix_spawn_file_actions_adddup2(actions, 0, fd);
    }
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 34)
    if (result == 0) result = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
#endif
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
            result = posix_spawn(process, "/bin/sh", &actions, &attributes, arguments, environ);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return result;
}

bool ti_os_open_browser(const char *url) {
    char *path = find_program(), *copy = path ? strdup(url) : NULL;
    char *arguments[] = {"sh", "-c", script, path, copy, NULL};
    pid_t process = -1;
    int status = 0, result = copy ? start(arguments, &process) : errno;
    free(path);
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
