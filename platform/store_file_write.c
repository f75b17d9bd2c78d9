/*
 * How a file appears in a directory: written beside it under a name of its own, synced, moved into
 * its place in one step, and the directory synced. Whoever dies in between leaves the old file, or
 * the new one, and perhaps a file beside it that nobody reads.
 *
 * A writer holds a lock (flock) on what it writes, and the lock dies with it. So the next writer of
 * the same name can tell what was left behind from what is being written, and removes it.
 */
#include "platform/store_file_directory.h"

#include "base/error.h"
#include "platform/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".new"
enum {
    RANDOM_DIGITS = 16,
    ADDED_SIZE = 1 + RANDOM_DIGITS + sizeof ENDING - 1, /* behind the name */
    TEMPORARY_SIZE = 256 + ADDED_SIZE,
    ATTEMPTS_MAX = 16
};

static void close_keeping_errno(int fd) {
    int cause = errno;

    close(fd);
    errno = cause;
}

/* ------------------------------------------------------------------ what dead writers left */

/* NULL with errno. */
static DIR *list(const ti_directory *directory) {
    int fd = ti_directory_open_file(directory, ".", O_RDONLY | O_DIRECTORY);
    DIR *listing;

    if (fd < 0) return NULL;
    listing = fdopendir(fd);
    if (listing == NULL) close_keeping_errno(fd);
    return listing;
}

/* NULL: the end, or errno. The stream is this thread's own. */
static const struct dirent *next_entry(DIR *listing) {
    errno = 0;
    /* cppcheck-suppress readdirCalled */
    return readdir(listing);
}

static bool ends_with(const char *text, const char *ending) {
    size_t size = strlen(text), ending_size = strlen(ending);

    return size >= ending_size && strcmp(text + size - ending_size, ending) == 0;
}

static bool is_temporary_of(const char *entry, const char *name) {
    size_t name_size = strlen(name);

    return strlen(entry) == name_size + ADDED_SIZE && memcmp(entry, name, name_size) == 0 &&
           entry[name_size] == '.' && ends_with(entry, ENDING);
}

/* Its writer is dead where its lock is free. Names are never used twice, so what is removed is what
 * was looked at. */
static void remove_if_dead(const ti_directory *directory, const char *name) {
    int fd = ti_directory_open_file(directory, name, O_RDONLY | O_NONBLOCK);

    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(directory->fd, name, 0);
    close(fd);
}

/* As far as that is possible: nobody reads what stays. */
void ti_directory_clean(const ti_directory *directory, const char *name) {
    DIR *listing = list(directory);
    const struct dirent *entry;

    if (listing == NULL) return;
    while ((entry = next_entry(listing)) != NULL)
        if (is_temporary_of(entry->d_name, name)) remove_if_dead(directory, entry->d_name);
    closedir(listing);
}

tacit_status ti_directory_holds(const ti_directory *directory, const char *suffix, bool *holds,
                                tacit_error *error) {
    DIR *listing = list(directory);
    const struct dirent *entry = NULL;

    *holds = false;
    if (listing == NULL) return ti_directory_fail(error, "cannot list", directory->path);
    do {
        entry = next_entry(listing);
        *holds = entry != NULL && ends_with(entry->d_name, suffix);
    } while (entry != NULL && !*holds);
    if (entry == NULL && errno != 0) {
        ti_directory_fail(error, "cannot list", directory->path);
        closedir(listing);
        return TACIT_ERR_STORE_FAILED;
    }
    closedir(listing);
    return TACIT_OK;
}

/* ------------------------------------------------------------------ writing */

/* Whether fd is ours now: locked, and not removed by a cleaner that was faster. */
static bool claim(int fd) {
    struct stat facts;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    /* A file system without locks has no cleaners either. */
    return fstat(fd, &facts) == 0 && facts.st_nlink > 0;
}

/* A file that no other writer has, open and locked; or -1 with errno. */
static int make_temporary(const ti_directory *directory, const char *name,
                          char temporary[TEMPORARY_SIZE]) {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        uint64_t random;
        int fd, size;

        errno = EIO;
        if (!ti_os_random(&random, sizeof random)) return -1;
        size = snprintf(temporary, TEMPORARY_SIZE, "%s.%016llx%s", name, (unsigned long long)random,
                        ENDING);
        if (size < 0 || size >= TEMPORARY_SIZE) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = ti_directory_open_file(directory, temporary, O_WRONLY | O_CREAT | O_EXCL);
        if (fd < 0 && errno != EEXIST) return -1;
        if (fd >= 0 && claim(fd)) return fd;
        if (fd >= 0) close(fd);
        errno = EBUSY;
    }
    return -1;
}

static bool write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = EIO;
        if (written <= 0) return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool sync_file(int fd) {
    while (ti_os_sync(fd) != 0)
        if (errno != EINTR) return false;
    return true;
}

/* As the only one: what lies under name already stays. */
static bool put_once(int directory, const char *temporary, const char *name) {
    bool put = linkat(directory, temporary, directory, name, 0) == 0 || errno == EEXIST;
    int cause = errno;

    unlinkat(directory, temporary, 0);
    errno = cause;
    return put;
}

static tacit_status put(const ti_directory *directory, const char *name, const void *bytes,
                        size_t size, bool once, tacit_error *error) {
    char temporary[TEMPORARY_SIZE];
    tacit_status status = TACIT_OK;
    bool done;
    int fd;

    ti_directory_clean(directory, name);
    fd = make_temporary(directory, name, temporary);
    if (fd < 0) return ti_directory_fail(error, "cannot write to", directory->path);
    done = write_all(fd, bytes, size) && sync_file(fd);
    if (done && once)
        done = put_once(directory->fd, temporary, name);
    else if (done)
        done = renameat(directory->fd, temporary, directory->fd, name) == 0;
    if (!done) {
        status = ti_directory_fail(error, "cannot write to", directory->path);
        unlinkat(directory->fd, temporary, 0);
    }
    close(fd); /* not before it is in its place, since that gives up the lock */
    return status == TACIT_OK ? ti_directory_sync(directory, error) : status;
}

tacit_status ti_directory_replace(const ti_directory *directory, const char *name,
                                  const void *bytes, size_t size, tacit_error *error) {
    return put(directory, name, bytes, size, false, error);
}

tacit_status ti_directory_create(const ti_directory *directory, const char *name, const void *bytes,
                                 size_t size, tacit_error *error) {
    return put(directory, name, bytes, size, true, error);
}

tacit_status ti_directory_remove(const ti_directory *directory, const char *name,
                                 tacit_error *error) {
    ti_directory_clean(directory, name);
    if (unlinkat(directory->fd, name, 0) != 0 && errno != ENOENT)
        return ti_directory_fail(error, "cannot remove a file from", directory->path);
    /* Also where nothing was there: an earlier call may have got no further. */
    return ti_directory_sync(directory, error);
}
