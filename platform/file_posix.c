/* Whoever writes a file holds a lock on it (flock), which dies with him. */
#include "platform/file.h"

#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS_MAX = 16 };

const char *ti_file_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void ti_file_close(int file) {
    int cause = errno;

    close(file);
    errno = cause;
}

/* A pipe is not to wait for its other end. */
static int open_at_once(const char *path, int flags) {
    int fd;

    do fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Nor a link. */
static int open_beside(const char *path, int flags) {
    return open_at_once(path, flags | O_NOFOLLOW);
}

/* ------------------------------------------------------------------ reading */

static bool is_regular(const struct stat *facts) {
    if (S_ISREG(facts->st_mode)) return true;
    errno = S_ISDIR(facts->st_mode) ? EISDIR : EINVAL;
    return false;
}

int ti_file_open(const char *path, int64_t *size) {
    int fd = open_at_once(path, O_RDONLY);
    struct stat facts;

    if (fd < 0) return -1;
    if (fstat(fd, &facts) == 0 && is_regular(&facts)) {
        *size = facts.st_size;
        return fd;
    }
    ti_file_close(fd);
    return -1;
}

ptrdiff_t ti_file_read(int file, void *bytes, size_t size) {
    ssize_t got;

    do got = read(file, bytes, size);
    while (got < 0 && errno == EINTR);
    return got;
}

bool ti_file_rewind(int file) {
    return lseek(file, 0, SEEK_SET) == 0;
}

ptrdiff_t ti_file_read_all(const char *path, void *bytes, size_t size) {
    int fd = open_beside(path, O_RDONLY);
    struct stat facts;
    ptrdiff_t got = -1;

    if (fd < 0) return -1;
    if (fstat(fd, &facts) == 0 && is_regular(&facts)) got = ti_file_read(fd, bytes, size);
    ti_file_close(fd);
    return got;
}

/* ------------------------------------------------------------------ claiming */

bool ti_file_is_replaceable(const char *path) {
    struct stat facts;

    /* root could put a file into the place of /dev/null */
    return stat(path, &facts) != 0 || is_regular(&facts);
}

/* Whether the path still leads to what is open: the writer before may have put it into its place,
 * or removed it, between the opening and the lock. */
static bool is_still_there(const char *path, const struct stat *opened) {
    struct stat named;

    return lstat(path, &named) == 0 && named.st_ino == opened->st_ino &&
           named.st_dev == opened->st_dev;
}

/* What a stranger made, or can reach by another name, is not written to. */
static bool is_own(const struct stat *facts, bool made) {
    return S_ISREG(facts->st_mode) && facts->st_nlink == 1 && (made || facts->st_uid == geteuid());
}

typedef enum claim { CLAIMED, GONE, REFUSED } claim;

static claim claim_file(int fd, const char *path, bool made) {
    struct stat facts;

    /* A file system without locks has no second writer that could tell. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        errno = EBUSY;
        return REFUSED;
    }
    if (fstat(fd, &facts) != 0) return REFUSED;
    if (!is_still_there(path, &facts)) return GONE;
    if (is_own(&facts, made)) return CLAIMED;
    errno = EPERM;
    return REFUSED;
}

static int open_or_make(const char *path, bool *made) {
    int fd = open_beside(path, O_RDWR | O_CREAT | O_EXCL);

    *made = fd >= 0;
    return fd < 0 && errno == EEXIST ? open_beside(path, O_RDWR) : fd;
}

/* Again where it was removed meanwhile. */
int ti_file_claim(const char *path) {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        bool made;
        int fd = open_or_make(path, &made);
        claim claimed;

        if (fd < 0 && errno == ENOENT) continue;
        if (fd < 0) return -1;
        claimed = claim_file(fd, path, made);
        if (claimed == CLAIMED) return fd;
        ti_file_close(fd);
        if (claimed == REFUSED) return -1;
        errno = EBUSY;
    }
    return -1;
}

/* ------------------------------------------------------------------ writing */

size_t ti_file_write(int file, uint64_t at, const void *bytes, size_t size) {
    size_t done = 0;

    while (done < size) {
        ssize_t written = pwrite(file, (const char *)bytes + done, size - done, (off_t)(at + done));

        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = EIO;
        if (written <= 0) break;
        done += (size_t)written;
    }
    return done;
}

bool ti_file_truncate(int file, uint64_t size) {
    return ftruncate(file, (off_t)size) == 0;
}

bool ti_file_size(int file, uint64_t *size) {
    struct stat facts;

    if (fstat(file, &facts) != 0) return false;
    *size = (uint64_t)facts.st_size;
    return true;
}

bool ti_file_make(const char *path, const void *bytes, size_t size) {
    int fd = open_beside(path, O_WRONLY | O_CREAT | O_EXCL);
    bool written;

    if (fd < 0) return false;
    written = ti_file_write(fd, 0, bytes, size) == size;
    ti_file_close(fd);
    if (!written) ti_file_remove(path);
    return written;
}

void ti_file_remove(const char *path) {
    unlink(path);
}

/* ------------------------------------------------------------------ moving */

static bool sync_fd(int fd) {
    while (ti_os_sync(fd) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

/* After a power loss the old file may be there again otherwise. Nothing is lost by that, so it is no
 * failure where a directory cannot be opened or synced. */
static void sync_directory_of(const char *path) {
    size_t size = (size_t)(ti_file_name(path) - path);
    char *directory = size == 0 ? strdup(".") : strndup(path, size);
    int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    free(directory);
    if (fd < 0) return;
    sync_fd(fd);
    close(fd);
}

bool ti_file_move(int file, const char *from, const char *to) {
    if (!sync_fd(file) || rename(from, to) != 0) return false;
    sync_directory_of(to);
    return true;
}
