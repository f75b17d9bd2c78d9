/* Temporary directories. */
#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *fixture_path(const char *directory, const char *name) {
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);

    if (path) snprintf(path, size, "%s/%s", directory, name);
    return path;
}

char *fixture_directory_new(void) {
    const char *base = getenv("TMPDIR");
    char *directory = fixture_path(base && base[0] ? base : "/tmp", "tacit-test.XXXXXX");

    if (directory && mkdtemp(directory)) return directory;
    free(directory);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fixture_directory_free(char *directory) {
    if (!directory) return;
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(directory);
}
