#include "call/partial_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ".part"
#define ETAG ".part.etag"
enum { ATTEMPTS_MAX = 16, HASH_DIGITS = 16, ETAG_BYTES = TI_VALIDATOR_SIZE + HASH_DIGITS + 2 };

bool ti_partial_init(ti_partial_file *partial, const char *file) {
    size_t size = strlen(file);
    char *names = malloc(2 * size + sizeof PART + sizeof ETAG);

    if (names == NULL) return false;
    *partial = (ti_partial_file){
        .file = file, .path = names, .etag = names + size + sizeof PART, .fd = -1};
    memcpy(partial->path, file, size);
    memcpy(partial->path + size, PART, sizeof PART);
    memcpy(partial->etag, file, size);
    memcpy(partial->etag + size, ETAG, sizeof ETAG);
    return true;
}

void ti_partial_free(ti_partial_file *partial) {
    if (partial->fd >= 0) close(partial->fd);
    free(partial->path);
    *partial = (ti_partial_file){.fd = -1};
}

/* ------------------------------------------------------------------ opening */

/* Neither a link nor a pipe that waits for its other end. */
static int open_beside(const char *path, int flags) {
    int fd;

    do fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
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

static void close_keeping_errno(int fd) {
    int cause = errno;

    close(fd);
    errno = cause;
}

/* Again where it was removed meanwhile. */
static int open_part(const char *path) {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        bool made;
        int fd = open_or_make(path, &made);
        claim claimed;

        if (fd < 0 && errno == ENOENT) continue;
        if (fd < 0) return -1;
        claimed = claim_file(fd, path, made);
        if (claimed == CLAIMED) return fd;
        close_keeping_errno(fd);
        if (claimed == REFUSED) return -1;
        errno = EBUSY;
    }
    return -1;
}

bool ti_partial_open(ti_partial_file *partial) {
    struct stat facts;

    /* root could put a file into the place of /dev/null */
    if (stat(partial->file, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        errno = S_ISDIR(facts.st_mode) ? EISDIR : EINVAL;
        return false;
    }
    partial->fd = open_part(partial->path);
    return partial->fd >= 0;
}

/* ------------------------------------------------------------------ content */

size_t ti_partial_write(ti_partial_file *partial, uint64_t at, const char *bytes, size_t size) {
    size_t done = 0;

    while (done < size) {
        ssize_t written = pwrite(partial->fd, bytes + done, size - done, (off_t)(at + done));

        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = EIO;
        if (written <= 0) break;
        done += (size_t)written;
    }
    return done;
}

bool ti_partial_truncate(ti_partial_file *partial, uint64_t size) {
    return ftruncate(partial->fd, (off_t)size) == 0;
}

bool ti_partial_size(const ti_partial_file *partial, uint64_t *size) {
    struct stat facts;

    if (fstat(partial->fd, &facts) != 0) return false;
    *size = (uint64_t)facts.st_size;
    return true;
}

static bool sync_fd(int fd) {
    while (fsync(fd) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

/* After a power loss the old file may be there again otherwise. Nothing is lost by that, so it is no
 * failure where a directory cannot be opened or synced. */
static void sync_directory_of(const char *file) {
    const char *slash = strrchr(file, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - file) + 1;
    char *directory = size == 0 ? strdup(".") : strndup(file, size);
    int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    free(directory);
    if (fd < 0) return;
    sync_fd(fd);
    close(fd);
}

bool ti_partial_keep(ti_partial_file *partial) {
    if (!sync_fd(partial->fd)) return false;
    if (rename(partial->path, partial->file) != 0) return false;
    ti_partial_remove_etag(partial);
    sync_directory_of(partial->file);
    return true;
}

void ti_partial_remove(ti_partial_file *partial) {
    unlink(partial->etag);
    unlink(partial->path);
}

/* ------------------------------------------------------------------ how to ask for the rest */

void ti_partial_remove_etag(const ti_partial_file *partial) {
    unlink(partial->etag);
}

void ti_partial_write_etag(const ti_partial_file *partial, const char *validator,
                           uint64_t source_hash) {
    char text[ETAG_BYTES + 1];
    int size = snprintf(text, sizeof text, "%s\n%016" PRIx64 "\n", validator, source_hash);
    bool written;
    int fd;

    ti_partial_remove_etag(partial);
    fd = open_beside(partial->etag, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0) return;
    written = write(fd, text, (size_t)size) == size;
    close(fd);
    if (!written) ti_partial_remove_etag(partial);
}

/* The bytes of a small file. */
static bool read_small(const char *path, char *text, size_t capacity) {
    int fd = open_beside(path, O_RDONLY);
    struct stat facts;
    ssize_t size = -1;

    if (fd < 0) return false;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode)) size = read(fd, text, capacity - 1);
    close(fd);
    if (size <= 0) return false;
    text[size] = '\0';
    return true;
}

bool ti_partial_read_etag(const ti_partial_file *partial, uint64_t source_hash,
                          char validator[TI_VALIDATOR_SIZE]) {
    char text[ETAG_BYTES + 1], expected[HASH_DIGITS + 3];
    const char *end;
    size_t size;

    if (!read_small(partial->etag, text, sizeof text)) return false;
    end = strchr(text, '\n');
    snprintf(expected, sizeof expected, "\n%016" PRIx64 "\n", source_hash);
    if (end == NULL || strcmp(end, expected) != 0) return false;
    size = (size_t)(end - text);
    if (size == 0 || size >= TI_VALIDATOR_SIZE) return false;
    memcpy(validator, text, size);
    validator[size] = '\0';
    return true;
}
