#include "support/system_faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    bool armed, met;
    system_fault fault;
    int n, count;
    bool room_is_gone; /* FAULT_SHORT_FULL came to its n-th call */
    char trace[1024];
} now;

void system_faults_arm(system_fault fault, int n) {
    memset(&now, 0, sizeof now);
    now.fault = fault;
    now.n = n;
    now.armed = true;
}

int system_faults_disarm(bool *met) {
    now.armed = false;
    if (met != NULL) *met = now.met;
    return now.count;
}

const char *system_faults_trace(void) {
    return now.trace;
}

/* What a call does, and so what can happen to it. */
enum { OPENS = 1, NEEDS_ROOM = 2, CHANGES = 4, WAITS = 8, ALLOCATES = 16 };

static void note(const char *word) {
    size_t size = strlen(now.trace);

    snprintf(now.trace + size, sizeof now.trace - size, "%s%s", size > 0 ? " " : "", word);
}

/* The errno that the fault has for such a call; 0: it is not for it. */
static int error_for(int kind) {
    switch (now.fault) {
    case FAULT_IO:
        return EIO;
    case FAULT_FULL:
        return kind & NEEDS_ROOM ? ENOSPC : 0;
    case FAULT_READ_ONLY:
        return kind & CHANGES ? EROFS : 0;
    case FAULT_NO_FILES:
        return kind & OPENS ? EMFILE : 0;
    case FAULT_INTERRUPTED:
        return kind & WAITS ? EINTR : 0;
    case FAULT_NO_MEMORY:
        return ENOMEM;
    default:
        return 0;
    }
}

/* Counts the call. false: it fails, with errno. */
static bool goes_on(int kind, const char *word) {
    if (!now.armed || (now.fault == FAULT_NO_MEMORY) != (kind == ALLOCATES)) return true;
    if (word != NULL) note(word);
    if (++now.count != now.n) return true;
    if (now.fault == FAULT_DIE) kill(getpid(), SIGKILL);
    errno = error_for(kind);
    now.met = errno != 0;
    return !now.met;
}

#define WRAPPED(type, name, parameters, arguments, kind, word)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        return goes_on(kind, word) ? __real_##name arguments : (type)-1;                           \
    }

#define WRAPPED_ALLOCATION(type, name, parameters, arguments)                                      \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        return goes_on(ALLOCATES, NULL) ? __real_##name arguments : NULL;                          \
    }

WRAPPED_ALLOCATION(void *, malloc, (size_t size), (size))
WRAPPED_ALLOCATION(void *, calloc, (size_t number, size_t size), (number, size))
WRAPPED_ALLOCATION(void *, realloc, (void *block, size_t size), (block, size))
WRAPPED_ALLOCATION(char *, strdup, (const char *text), (text))

/* With _FILE_OFFSET_BITS=64 some have a second name, depending on the C library. */
WRAPPED(int, fstat, (int fd, struct stat *facts), (fd, facts), 0, NULL)
WRAPPED(int, fstat64, (int fd, struct stat *facts), (fd, facts), 0, NULL)
WRAPPED(int, lstat, (const char *path, struct stat *facts), (path, facts), 0, NULL)
WRAPPED(int, lstat64, (const char *path, struct stat *facts), (path, facts), 0, NULL)
WRAPPED(int, flock, (int fd, int operation), (fd, operation), 0, NULL)
WRAPPED(int, mkdir, (const char *path, mode_t mode), (path, mode), NEEDS_ROOM | CHANGES, "mkdir")
WRAPPED(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
        NEEDS_ROOM | CHANGES, "rename")
WRAPPED(int, linkat, (int a, const char *from, int b, const char *to, int flags),
        (a, from, b, to, flags), NEEDS_ROOM | CHANGES, "link")
WRAPPED(int, unlinkat, (int directory, const char *name, int flags), (directory, name, flags),
        CHANGES, "unlink")

static int opening(int flags) {
    return OPENS | WAITS | (flags & O_CREAT ? NEEDS_ROOM | CHANGES : 0);
}

#define WRAPPED_OPEN(name)                                                                         \
    int __real_##name(int directory, const char *path, int flags, ...);                            \
    int __wrap_##name(int directory, const char *path, int flags, mode_t mode);                    \
    int __wrap_##name(int directory, const char *path, int flags, mode_t mode) {                   \
        if (!goes_on(opening(flags), flags & O_CREAT ? "create" : NULL)) return -1;                \
        return __real_##name(directory, path, flags, mode);                                        \
    }

WRAPPED_OPEN(openat)
WRAPPED_OPEN(openat64)

/* Not done: no test could see it, and it would take most of the time. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    (void)fd;
    return goes_on(CHANGES | WAITS, "sync") ? 0 : -1;
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd) {
    return goes_on(OPENS, NULL) ? __real_fdopendir(fd) : NULL;
}

#define WRAPPED_READDIR(name)                                                                      \
    struct dirent *__real_##name(DIR *listing);                                                    \
    struct dirent *__wrap_##name(DIR *listing);                                                    \
    struct dirent *__wrap_##name(DIR *listing) {                                                   \
        return goes_on(0, NULL) ? __real_##name(listing) : NULL;                                   \
    }

WRAPPED_READDIR(readdir)
WRAPPED_READDIR(readdir64)

/* It is closed whatever it says. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    bool fine = goes_on(0, NULL);
    int cause = errno, result = __real_close(fd);

    if (fine) return result;
    errno = cause;
    return -1;
}

static size_t moved(size_t size) {
    bool is_short = now.armed && now.count == now.n &&
                    (now.fault == FAULT_SHORT || now.fault == FAULT_SHORT_FULL);

    if (!is_short || size < 2) return size;
    now.met = true;
    now.room_is_gone = now.fault == FAULT_SHORT_FULL;
    return 1;
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size) {
    if (!goes_on(WAITS, NULL)) return -1;
    return __real_read(fd, bytes, now.fault == FAULT_SHORT ? moved(size) : size);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
    if (now.armed && now.room_is_gone) {
        errno = ENOSPC;
        return -1;
    }
    if (!goes_on(WAITS | NEEDS_ROOM | CHANGES, "write")) return -1;
    return __real_write(fd, bytes, moved(size));
}
