#include "platform/process_lock_posix.h"

#include "platform/os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".new"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

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

static_assert(sizeof(off_t) == sizeof(int64_t), "a life is an offset: _FILE_OFFSET_BITS=64");

/* The headers of macOS name these commands since version 14, its kernel has had them for longer. */
#if defined(__APPLE__) && !defined(F_OFD_SETLK)
#define F_OFD_SETLK 90
#define F_OFD_GETLK 92
#endif

static struct flock byte_at(int64_t offset, short type) {
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};
}

ti_lock_result ti_lock_file_set_byte(int file, int64_t offset, short type, int *os_error) {
    struct flock byte = byte_at(offset, type);
    while (fcntl(file, F_OFD_SETLK, &byte) != 0) {
        if (errno != EINTR) return ti_lock_file_failed(os_error);
    }
    return TI_LOCK_OK;
}

bool ti_lock_file_byte_is_taken(int file, int64_t offset) {
    struct flock byte = byte_at(offset, F_WRLCK);
    return fcntl(file, F_OFD_GETLK, &byte) != 0 || byte.l_type != F_UNLCK;
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

/* mkdir() that outlives a power loss. What exists is fine. */
static bool make_directory(const char *path) {
    if (mkdir(path, S_IRWXU) != 0) return errno == EEXIST;
    int made = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (made < 0) return false;
    int parent = openat(made, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool durable = parent >= 0 && ti_os_sync(parent) == 0;
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
    bool network;
    if (fstat(*directory, &found) != 0 || !ti_lock_file_is_network(*directory, &network)) {
        result = ti_lock_file_failed(os_error);
    } else {
        result = network ? TI_LOCK_NETWORK : check_directory(&found);
    }
    if (result != TI_LOCK_OK) close(*directory);
    return result;
}

bool ti_lock_file_fill(int file, size_t size) {
    static const unsigned char zeros[512];
    for (size_t done = 0; done < size; done += sizeof zeros) {
        size_t part = size - done < sizeof zeros ? size - done : sizeof zeros;
        if (!ti_lock_file_write(file, zeros, part, done)) return false;
    }
    return ti_os_sync(file) == 0;
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
        (ftruncate(file, 0) != 0 || !ti_lock_file_fill(file, place->size) ||
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
        ti_lock_file_release(file);
    }
    close(file);
    return result;
}

static ti_lock_result make_file(const ti_lock_place *place, int directory, int *os_error) {
    if (!ti_lock_file_make_unnamed(place, directory)) {
        ti_lock_result result = make_named(place, directory, os_error);
        if (result != TI_LOCK_OK) return result;
    }
    return ti_os_sync(directory) == 0 ? TI_LOCK_OK : ti_lock_file_failed(os_error);
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
