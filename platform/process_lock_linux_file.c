#include "platform/process_lock_linux_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".new"

ti_lock_result ti_lock_file_failed(int *os_error) {
    *os_error = errno;
    switch (errno) {
    case ENOENT:
        return TI_LOCK_ABSENT;
    case ENOMEM:
        return TI_LOCK_NO_MEMORY;
    case EWOULDBLOCK:
        return TI_LOCK_BUSY;
    default:
        return TI_LOCK_FAILED;
    }
}

ti_lock_result ti_lock_file_take(int file, int *os_error) {
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) return ti_lock_file_failed(os_error);
    }
    return TI_LOCK_OK;
}

bool ti_lock_file_write(int file, const void *bytes, size_t size, size_t offset) {
    const unsigned char *next = bytes;
    while (size > 0) {
        ssize_t written = pwrite(file, next, size, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        next += written;
        offset += (size_t)written;
        size -= (size_t)written;
    }
    return true;
}

/* The owner, and what he must not have allowed to others. */
static ti_lock_result check_owner(const struct stat *found, mode_t forbidden) {
    if (found->st_uid != geteuid()) return TI_LOCK_NOT_OURS;
    return found->st_mode & forbidden ? TI_LOCK_OPEN_TO_OTHERS : TI_LOCK_OK;
}

static ti_lock_result check_directory(const struct stat *found) {
    return check_owner(found, S_IWGRP | S_IWOTH);
}

static ti_lock_result check_file(const struct stat *found) {
    if (!S_ISREG(found->st_mode)) return TI_LOCK_NOT_A_FILE;
    return check_owner(found, S_IRWXG | S_IRWXO);
}

/*
 * File systems on which other machines work at the same time: each machine keeps its locks for
 * itself, or the server does if it is set up to, and every call hangs while that is away. 9p is how a
 * virtual machine sees files of its host, which knows nothing of the guest's locks. FUSE is not among
 * them: most of it is local (encrypted home directories above all), and the kernel keeps the locks
 * where the file system does not. sshfs looks the same; there too the processes of one machine
 * exclude each other.
 */
static bool is_network(const struct statfs *system) {
    switch ((unsigned long)system->f_type & 0xffffffffUL) { /* a signed type on some machines */
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CODA_SUPER_MAGIC:
    case NCP_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case V9FS_MAGIC:
        return true;
    default:
        return false;
    }
}

/* mkdir() that outlives a power loss. What exists is fine. */
static bool make_directory(const char *path) {
    if (mkdir(path, S_IRWXU) != 0) return errno == EEXIST;
    int made = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (made < 0) return false;
    int parent = openat(made, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool durable = parent >= 0 && fsync(parent) == 0;
    int cause = errno;
    if (parent >= 0) close(parent);
    close(made);
    errno = cause;
    return durable;
}

/* With its parents. */
static bool make_directories(char *path) {
    for (char *slash = path + strspn(path, "/"); (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        bool made = make_directory(path);
        *slash = '/';
        if (!made) return false;
    }
    return make_directory(path);
}

/* Before opening, which would fail without saying why. */
static ti_lock_result look_at_directory(const char *path, int *os_error) {
    struct stat found;
    if (lstat(path, &found) != 0) return ti_lock_file_failed(os_error);
    /* A link that another made, as anybody can in /tmp: it leads where he chooses. */
    if (S_ISLNK(found.st_mode) && found.st_uid != geteuid() && found.st_uid != 0) {
        return TI_LOCK_NOT_OURS;
    }
    if (stat(path, &found) != 0) return ti_lock_file_failed(os_error);
    return S_ISDIR(found.st_mode) ? check_directory(&found) : TI_LOCK_OK;
}

static ti_lock_result find_directory(const ti_lock_place *place, int *os_error) {
    ti_lock_result result = look_at_directory(place->directory, os_error);
    if (result != TI_LOCK_ABSENT || !place->create) return result;
    if (!make_directories(place->directory)) {
        result = ti_lock_file_failed(os_error);
    } else {
        *os_error = 0;
        result = look_at_directory(place->directory, os_error);
    }
    return result == TI_LOCK_ABSENT ? TI_LOCK_FAILED : result; /* a link to nowhere, for one */
}

static ti_lock_result open_directory(const ti_lock_place *place, int *directory, int *os_error) {
    ti_lock_result result = find_directory(place, os_error);
    if (result != TI_LOCK_OK) return result;
    *directory = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0) return ti_lock_file_failed(os_error);

    struct stat found;
    struct statfs system;
    if (fstat(*directory, &found) != 0 || fstatfs(*directory, &system) != 0) {
        result = ti_lock_file_failed(os_error);
    } else {
        result = is_network(&system) ? TI_LOCK_NETWORK : check_directory(&found);
    }
    if (result != TI_LOCK_OK) close(*directory);
    return result;
}

/* Zeros are written, not only promised, so that a disk that is full later does no harm. */
static bool fill(int file, size_t size) {
    static const unsigned char zeros[512];
    for (size_t done = 0; done < size; done += sizeof zeros) {
        size_t part = size - done < sizeof zeros ? size - done : sizeof zeros;
        if (!ti_lock_file_write(file, zeros, part, done)) return false;
    }
    return fsync(file) == 0;
}

/* By a file without a name, of which a crash leaves nothing. false: that does not work here (the
 * file system cannot, or there is no /proc), or something is wrong. */
static bool make_unnamed(const ti_lock_place *place, int directory) {
    int file = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return false;
    char descriptor[sizeof "/proc/self/fd/" + 3 * sizeof file];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", file);
    bool made = fill(file, place->size) &&
                (linkat(AT_FDCWD, descriptor, directory, place->name, AT_SYMLINK_FOLLOW) == 0 ||
                 errno == EEXIST); /* another was faster */
    close(file);
    return made;
}

/* Under the temporary file's lock: whoever has that may fill it, link it and remove its name. */
static ti_lock_result finish_named(const ti_lock_place *place, int directory, int file,
                                   const char *temporary, int *os_error) {
    struct stat opened, named;
    if (fstat(file, &opened) != 0) return ti_lock_file_failed(os_error);
    if (fstatat(directory, temporary, &named, AT_SYMLINK_NOFOLLOW) != 0) {
        return ti_lock_file_failed(os_error); /* ENOENT: another was faster */
    }
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) return TI_LOCK_BUSY;

    ti_lock_result result = TI_LOCK_OK;
    /* One with a second name is the file already, and only its maker's crash left the first. */
    if (opened.st_nlink == 1 &&
        (ftruncate(file, 0) != 0 || !fill(file, place->size) ||
         (linkat(directory, temporary, directory, place->name, 0) != 0 && errno != EEXIST))) {
        result = ti_lock_file_failed(os_error);
    }
    unlinkat(directory, temporary, 0);
    return result;
}

/* By a temporary file, always of the same name, so that what crashes leave does not add up. */
static ti_lock_result make_named(const ti_lock_place *place, int directory, int *os_error) {
    char temporary[NAME_MAX + 1];
    snprintf(temporary, sizeof temporary, "%s" TEMPORARY_SUFFIX, place->name);
    int file =
        openat(directory, temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return ti_lock_file_failed(os_error);

    ti_lock_result result = ti_lock_file_take(file, os_error);
    if (result == TI_LOCK_OK) {
        result = finish_named(place, directory, file, temporary, os_error);
        flock(file, LOCK_UN);
    }
    close(file);
    return result;
}

static ti_lock_result make_file(const ti_lock_place *place, int directory, int *os_error) {
    if (!make_unnamed(place, directory)) {
        ti_lock_result result = make_named(place, directory, os_error);
        if (result != TI_LOCK_OK) return result;
    }
    return fsync(directory) == 0 ? TI_LOCK_OK : ti_lock_file_failed(os_error);
}

static ti_lock_result open_existing(const ti_lock_place *place, int directory, int *file,
                                    int *os_error) {
    struct stat found;
    if (fstatat(directory, place->name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        return ti_lock_file_failed(os_error);
    }
    ti_lock_result result = check_file(&found); /* opening would fail without saying why */
    if (result != TI_LOCK_OK) return result;
    *file = openat(directory, place->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*file < 0) return ti_lock_file_failed(os_error);

    result = fstat(*file, &found) == 0 ? check_file(&found) : ti_lock_file_failed(os_error);
    if (result != TI_LOCK_OK) close(*file);
    return result;
}

ti_lock_result ti_lock_file_open(const ti_lock_place *place, int *file, int *os_error) {
    assert(!strchr(place->name, '/') && strlen(place->name) + strlen(TEMPORARY_SUFFIX) <= NAME_MAX);
    int directory;
    ti_lock_result result = open_directory(place, &directory, os_error);
    if (result != TI_LOCK_OK) return result;

    result = open_existing(place, directory, file, os_error);
    if (result == TI_LOCK_ABSENT && place->create) {
        *os_error = 0;
        result = make_file(place, directory, os_error);
        if (result == TI_LOCK_OK) result = open_existing(place, directory, file, os_error);
        if (result == TI_LOCK_ABSENT) result = TI_LOCK_BUSY; /* another makes or removes it */
    }
    close(directory);
    return result;
}
