#include "torture/file_store.h"

#include "torture/allocation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static tacit_status read_all(int file, char **record, size_t *size) {
    struct stat facts;
    char *bytes;

    if (fstat(file, &facts) != 0) return TACIT_ERR_STORE_FAILED;
    allocation_exempt(1);
    bytes = malloc((size_t)facts.st_size + 1);
    allocation_exempt(-1);
    if (bytes == NULL) return TACIT_ERR_STORE_FAILED;
    if (read(file, bytes, (size_t)facts.st_size) != facts.st_size) {
        free(bytes);
        return TACIT_ERR_STORE_FAILED;
    }
    *record = bytes;
    *size = (size_t)facts.st_size;
    return TACIT_OK;
}

static tacit_status load(void *path, const char *key, char **record, size_t *size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    tacit_status status;

    (void)key;
    if (file < 0) return errno == ENOENT ? TACIT_ERR_STORE_NOT_FOUND : TACIT_ERR_STORE_FAILED;
    status = read_all(file, record, size);
    close(file);
    return status;
}

static tacit_status save(void *path, const char *key, const char *record, size_t size) {
    char next[512];
    bool written;
    int file;

    (void)key;
    snprintf(next, sizeof next, "%s.next", (const char *)path);
    file = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return TACIT_ERR_STORE_FAILED;
    written = write(file, record, size) == (ssize_t)size;
    written = close(file) == 0 && written;
    return written && rename(next, path) == 0 ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

static tacit_status erase(void *path, const char *key) {
    (void)key;
    return unlink(path) == 0 || errno == ENOENT ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

tacit_store *file_store_new(const char *path, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    return tacit_store_custom(&ops, (void *)path, error);
}
