#include "browser.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char opener[] = "xdg-open";

static bool is_set(const char *variable) {
    const char *value = getenv(variable);

    return value != NULL && *value != '\0';
}

static bool is_installed(const char *program) {
    const char *rest = getenv("PATH");
    bool found = false;

    while (rest != NULL && !found) {
        size_t length = strcspn(rest, ":");
        char *path;

        if (length > 0 && asprintf(&path, "%.*s/%s", (int)length, rest, program) > 0) {
            found = access(path, X_OK) == 0;
            free(path);
        }
        rest = rest[length] == ':' ? rest + length + 1 : NULL;
    }
    return found;
}

bool browser_is_likely(void) {
    return (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && is_installed(opener);
}

/* With a session and signals of its own, so that Ctrl-C ends this command and not the browser. */
void browser_open(const char *url) {
    char *const arguments[] = {(char *)opener, (char *)url, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t pid;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnp(&pid, opener, &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
}
