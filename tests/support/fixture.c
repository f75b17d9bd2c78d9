/* Temporary directories, and what is kept in them. */
#include "fixture.h"

#include "platform/os.h"

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

    char *absolute = directory && mkdtemp(directory) ? ti_os_absolute_path(directory) : NULL;
    free(directory);
    return absolute; /* as the library names it */
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

tacit_store *fixture_store_file(const char *directory) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char *records = fixture_path(directory, "records"), *key_file = fixture_path(directory, "key");
    tacit_store *store;

    options.directory = records;
    options.key_file = key_file;
    store = tacit_store_file(&options, NULL);
    free(records);
    free(key_file);
    return store;
}
