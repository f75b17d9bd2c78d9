#include "profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* XDG Base Directory Specification: paths that are not absolute do not count. */
static const char *absolute_from(const char *variable) {
    const char *path = getenv(variable);

    return path != NULL && *path == '/' ? path : NULL;
}

char *profile_file_path(const char *name) {
    const char *config = absolute_from("XDG_CONFIG_HOME"), *home = absolute_from("HOME");
    char *path = NULL;

    if (config != NULL && asprintf(&path, "%s/tacit/%s.json", config, name) < 0) return NULL;
    if (config == NULL && home != NULL &&
        asprintf(&path, "%s/.config/tacit/%s.json", home, name) < 0)
        return NULL;
    return path;
}

/* With what leads to it. directory is as it was afterwards. */
static bool make_directory(char *directory) {
    for (char *slash = strchr(directory + 1, '/');; slash = strchr(slash + 1, '/')) {
        bool made;

        if (slash != NULL) *slash = '\0';
        made = mkdir(directory, 0700) == 0 || errno == EEXIST;
        if (slash != NULL) *slash = '/';
        if (!made || slash == NULL) return made;
    }
}

int profile_file_lock(const char *path) {
    char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
    int lock = -1;

    if (directory != NULL && make_directory(directory))
        lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (lock >= 0 && flock(lock, LOCK_EX) != 0) {
        close(lock);
        lock = -1;
    }
    return lock;
}

static bool write_all(int file, const char *text) {
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t written = write(file, text, left);

        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text += written;
        left -= (size_t)written;
    }
    return write(file, "\n", 1) == 1 && fsync(file) == 0;
}

bool profile_file_replace(const char *path, const char *text) {
    char *beside = NULL;
    bool done;
    int file, why;

    /* no name of a profile begins with a dot */
    if (asprintf(&beside, "%.*s/.%s.XXXXXX", (int)(strrchr(path, '/') - path), path,
                 strrchr(path, '/') + 1) < 0)
        return false;
    file = mkostemp(beside, O_CLOEXEC);
    done = file >= 0 && write_all(file, text);
    if (file >= 0) done = close(file) == 0 && done;
    done = done && rename(beside, path) == 0;
    why = errno;
    if (!done && file >= 0) unlink(beside);
    free(beside);
    errno = why;
    return done;
}
