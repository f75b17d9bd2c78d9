#include "platform/store_file_directory.h"

#include "base/error.h"
#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

tacit_status ti_directory_fail(tacit_error *error, const char *what, const char *path) {
    int cause = errno;
    char text[128];

    ti_error_set(error, TACIT_ERR_STORE_FAILED, "%s %s: %s", what, path,
                 ti_error_system_text(cause, text, sizeof text));
    error->os_error = cause;
    return TACIT_ERR_STORE_FAILED;
}

static int open_at(int directory, const char *path, int flags) {
    int fd;

    do fd = openat(directory, path, flags | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* The names in a directory outlive a power loss only after this. Some file systems have no such
 * call for directories, and nothing that could be done instead. */
static bool sync_fd(int fd) {
    while (ti_os_sync(fd) != 0) {
        if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return true;
        if (errno != EINTR) return false;
    }
    return true;
}

static bool sync_path(const char *path) {
    int fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    bool done = fd >= 0 && sync_fd(fd);

    if (fd >= 0) close(fd);
    return done;
}

/* Makes a directory, and its name durable. 0, or errno; what is there already is EEXIST. */
static int make_one(char *path) {
    char *slash = strrchr(path, '/');
    bool done;

    if (mkdir(path, 0700) != 0) return errno;
    *slash = '\0';
    done = sync_path(slash == path ? "/" : path);
    *slash = '/';
    return done ? 0 : errno;
}

/* Makes what is missing of an absolute path. 0, or the first errno. */
static int make_all(const char *path) {
    char *part = strdup(path), *slash = part;
    int cause = 0;

    if (part == NULL) return ENOMEM;
    while (slash != NULL && (cause == 0 || cause == EEXIST)) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL) *slash = '\0';
        cause = make_one(part);
        if (slash != NULL) *slash = '/';
    }
    free(part);
    return cause == EEXIST ? 0 : cause;
}

/* A symbolic link counts where this user or root made it. */
static int open_directory(const char *path) {
    int fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    struct stat link;

    if (fd >= 0 || (errno != ELOOP && errno != ENOTDIR)) return fd;
    if (lstat(path, &link) != 0) return -1;
    errno = ENOTDIR;
    if (!S_ISLNK(link.st_mode) || (link.st_uid != geteuid() && link.st_uid != 0)) return -1;
    return open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

static int open_or_make(const char *path, bool make) {
    int fd = open_directory(path), cause;

    if (fd >= 0 || errno != ENOENT || !make) return fd;
    cause = make_all(path);
    if (cause == 0) return open_directory(path);
    errno = cause;
    return -1;
}

static tacit_status check(const ti_directory *directory, tacit_error *error) {
    struct stat facts;
    bool trusted = directory->use == TI_DIRECTORY_TRUSTED;

    if (fstat(directory->fd, &facts) != 0)
        return ti_directory_fail(error, "cannot look at", directory->path);
    if (facts.st_uid != geteuid() && !(trusted && facts.st_uid == 0))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "the directory %s belongs to another user (%u)", directory->path,
                            (unsigned)facts.st_uid);
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !(trusted && (facts.st_mode & S_ISVTX) != 0))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "other users may write to the directory %s; chmod go-w ends that",
                            directory->path);
    return TACIT_OK;
}

tacit_status ti_directory_open(ti_directory *directory, const char *path, ti_directory_use use,
                               bool make, tacit_error *error) {
    tacit_status status;

    directory->path = path;
    directory->use = use;
    directory->fd = open_or_make(path, make);
    if (directory->fd < 0) {
        if (errno == ENOENT && !make)
            return ti_error_set(error, TACIT_ERR_STORE_NOT_FOUND, "there is no directory %s", path);
        return ti_directory_fail(error, make ? "cannot make or open" : "cannot open", path);
    }
    status = check(directory, error);
    if (status != TACIT_OK) ti_directory_close(directory);
    return status;
}

void ti_directory_close(ti_directory *directory) {
    close(directory->fd);
}

tacit_status ti_directory_sync(const ti_directory *directory, tacit_error *error) {
    return sync_fd(directory->fd) ? TACIT_OK
                                  : ti_directory_fail(error, "cannot sync", directory->path);
}

int ti_directory_open_file(const ti_directory *directory, const char *name, int flags) {
    return open_at(directory->fd, name, flags | O_NOFOLLOW | O_NOCTTY);
}

static tacit_status refuse(const ti_directory *directory, const char *name, const char *what,
                           tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_FAILED, "%s/%s %s", directory->path, name, what);
}

static tacit_status check_file(const ti_directory *directory, const char *name, size_t size_max,
                               const struct stat *facts, tacit_error *error) {
    bool ours = facts->st_uid == geteuid();
    /* Root may give a file to one user by its group, or by a list whose mask shows there: so does
     * systemd with credentials. */
    mode_t closed = ours ? S_IRWXG | S_IRWXO : S_IWGRP | S_IXGRP | S_IRWXO;

    if (!S_ISREG(facts->st_mode)) return refuse(directory, name, "is not a regular file", error);
    if (!ours && !(directory->use == TI_DIRECTORY_TRUSTED && facts->st_uid == 0))
        return refuse(directory, name, "belongs to another user", error);
    if ((facts->st_mode & closed) != 0)
        return refuse(directory, name,
                      "is open to other users, and may be known to them; chmod 600 ends that",
                      error);
    if (facts->st_size > (off_t)size_max)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "%s/%s has %lld bytes, where %zu are the most", directory->path, name,
                            (long long)facts->st_size, size_max);
    return TACIT_OK;
}

/* Until the end, or size bytes. */
static bool read_all(int fd, ti_buffer *bytes, size_t size) {
    while (bytes->size < size) {
        ssize_t got = read(fd, bytes->data + bytes->size, size - bytes->size);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) return true;
        bytes->size += (size_t)got;
    }
    return true;
}

static tacit_status read_open(const ti_directory *directory, const char *name, int fd,
                              size_t size_max, ti_buffer *bytes, tacit_error *error) {
    struct stat facts;
    tacit_status status;

    if (fstat(fd, &facts) != 0)
        return ti_directory_fail(error, "cannot look into", directory->path);
    status = check_file(directory, name, size_max, &facts, error);
    if (status != TACIT_OK) return status;
    if (!ti_buffer_reserve(bytes, (size_t)facts.st_size))
        return refuse(directory, name, "cannot be read without memory", error);
    if (!read_all(fd, bytes, (size_t)facts.st_size))
        return ti_directory_fail(error, "cannot read from", directory->path);
    return TACIT_OK;
}

tacit_status ti_directory_read(const ti_directory *directory, const char *name, size_t size_max,
                               ti_buffer *bytes, tacit_error *error) {
    /* Without O_NONBLOCK a pipe would be waited for. */
    int fd = ti_directory_open_file(directory, name, O_RDONLY | O_NONBLOCK);
    tacit_status status;

    if (fd < 0 && errno == ENOENT)
        return ti_error_set(error, TACIT_ERR_STORE_NOT_FOUND, "there is no file %s/%s",
                            directory->path, name);
    if (fd < 0 && errno == ELOOP)
        return refuse(directory, name, "is a symbolic link, which may lead anywhere", error);
    if (fd < 0) return ti_directory_fail(error, "cannot open a file of", directory->path);
    status = read_open(directory, name, fd, size_max, bytes, error);
    close(fd);
    return status;
}
