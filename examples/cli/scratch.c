#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *make_in(const char *directory) {
    char *path;

    if (asprintf(&path, "%s/.tacit-doctor.XXXXXX", directory) < 0) return NULL;
    if (mkdtemp(path) != NULL) return path;
    free(path);
    return NULL;
}

char *scratch_make(const char *directory) {
    char *parent = strdup(directory), *slash, *path = NULL;

    if (parent == NULL) return NULL;
    for (;;) {
        path = make_in(parent);
        slash = strrchr(parent, '/');
        if (path != NULL || errno != ENOENT || slash == NULL || slash == parent) break;
        *slash = '\0';
    }
    free(parent);
    return path;
}

void scratch_remove(char *path) {
    DIR *listing = path == NULL ? NULL : opendir(path);
    const struct dirent *entry;

    if (listing != NULL) {
        while ((entry = readdir(listing)) != NULL)
            if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
                unlinkat(dirfd(listing), entry->d_name, 0);
        closedir(listing);
        rmdir(path);
    }
    free(path);
}
