#include "platform/process_lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * Properties. The lock is flock(), which two descriptors from two open() calls exclude each other
 * by, whatever process they are in; a life is an open file description lock on one byte far behind
 * the end of the file. On a local file system the two kinds do not see each other. Both end with the
 * last descriptor of their open file description, however the process dies.
 *
 * Operation. That last descriptor may be one that a forked child inherited, and then an orphan would
 * hold its dead parent's lock. So every descriptor is on a list, and a child closes them before
 * fork() returns there, without unlocking: an unlock would be the parent's. A file that was being
 * opened while the process forked is on nobody's list, so it is closed and opened again.
 *
 * Safety. The list, `forks` and `file` of each lock are changed under all.mutex, which fork() takes.
 * It is never held over a system call except in the child. The rest belongs to the one thread that
 * uses the lock.
 */
struct ti_process_lock {
    /* guarded by all.mutex */
    ti_process_lock *next, **link;
    /* changed under all.mutex; -1: not open, or inherited by this process */
    int file;

    int64_t life; /* 0: none */
    /* set at creation, then read-only */
    bool create;
    size_t size;
    char *path;       /* directory/name */
    const char *name; /* its end */
    char directory[];
};

static struct {
    pthread_mutex_t mutex;
    ti_process_lock *first;
    unsigned long forks; /* how many there were */
    bool watching;       /* for them */
} all = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static_assert(sizeof(off_t) == sizeof(int64_t), "lives need _FILE_OFFSET_BITS=64");

static void before_fork(void) {
    pthread_mutex_lock(&all.mutex);
    all.forks++;
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&all.mutex);
}

static void after_fork_in_child(void) {
    for (ti_process_lock *lock = all.first; lock; lock = lock->next) {
        close(lock->file);
        lock->file = -1;
    }
    pthread_mutex_unlock(&all.mutex);
}

/* false: no memory. */
static bool watch_forks(unsigned long *forks) {
    pthread_mutex_lock(&all.mutex);
    if (!all.watching) {
        all.watching = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
    }
    bool watching = all.watching;
    *forks = all.forks;
    pthread_mutex_unlock(&all.mutex);
    return watching;
}

/* Gives the lock its file, and the file that it had before in *file. false: the process forked since
 * it had forked `forks` times, and a child may have the file too. */
static bool replace_file(ti_process_lock *lock, int *file, unsigned long forks) {
    pthread_mutex_lock(&all.mutex);
    bool ours = all.forks == forks;
    if (ours) {
        int before = lock->file;
        lock->file = *file;
        *file = before;
    }
    if (ours && !lock->link) {
        lock->next = all.first;
        lock->link = &all.first;
        if (lock->next) lock->next->link = &lock->next;
        all.first = lock;
    }
    pthread_mutex_unlock(&all.mutex);
    return ours;
}

/* The file that it had, or -1. */
static int remove_file(ti_process_lock *lock) {
    pthread_mutex_lock(&all.mutex);
    if (lock->link) {
        *lock->link = lock->next;
        if (lock->next) lock->next->link = lock->link;
    }
    int file = lock->file;
    pthread_mutex_unlock(&all.mutex);
    return file;
}

static ti_lock_result failed(int *os_error) {
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

static bool same_file(const struct stat *one, const struct stat *other) {
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/*
 * File systems that other machines work on at the same time: their locks are kept by each machine for
 * itself, or depend on how the server is set up, and calls hang while it is away. 9p is how a
 * virtual machine sees its host's files, which knows nothing of the guest's locks. FUSE is no such
 * case: most of it is local (encrypted homes above all), and the kernel keeps its locks. sshfs cannot
 * be told from that; there too the processes of one machine exclude each other.
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

/* mkdir(), durable. What exists is fine. */
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

/* With its parents. The path is as it was when this returns. */
static bool make_directories(char *path) {
    for (char *slash = path + strspn(path, "/"); (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        bool made = make_directory(path);
        *slash = '/';
        if (!made) return false;
    }
    return make_directory(path);
}

/* Before it is opened, which would fail without saying why. */
static ti_lock_result look_at_directory(const char *path, int *os_error) {
    struct stat found;
    if (lstat(path, &found) != 0) return failed(os_error);
    /* A link in a directory open to all, as /tmp: whoever made it chooses where it leads. */
    if (S_ISLNK(found.st_mode) && found.st_uid != geteuid() && found.st_uid != 0) {
        return TI_LOCK_NOT_OURS;
    }
    if (stat(path, &found) != 0) return failed(os_error);
    return S_ISDIR(found.st_mode) ? check_directory(&found) : TI_LOCK_OK;
}

static ti_lock_result open_directory(ti_process_lock *lock, int *directory, int *os_error) {
    ti_lock_result result = look_at_directory(lock->directory, os_error);
    if (result == TI_LOCK_ABSENT && lock->create) {
        if (!make_directories(lock->directory)) return failed(os_error);
        result = look_at_directory(lock->directory, os_error);
    }
    if (result != TI_LOCK_OK) return result;
    *directory = open(lock->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0) return failed(os_error);

    struct stat found;
    struct statfs system;
    if (fstat(*directory, &found) != 0 || fstatfs(*directory, &system) != 0) {
        result = failed(os_error);
    } else {
        result = is_network(&system) ? TI_LOCK_NETWORK : check_directory(&found);
    }
    if (result != TI_LOCK_OK) close(*directory);
    return result;
}

static bool write_all(int file, const void *bytes, size_t size, size_t offset) {
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

/* Zeros are written, so that the disk cannot be too full later. */
static bool fill(int file, size_t size) {
    static const unsigned char zeros[512];
    for (size_t done = 0; done < size; done += sizeof zeros) {
        size_t part = size - done < sizeof zeros ? size - done : sizeof zeros;
        if (!write_all(file, zeros, part, done)) return false;
    }
    return fsync(file) == 0;
}

/* By a file without a name, of which a crash leaves nothing. false: it does not work here (the file
 * system cannot, or there is no /proc), or something is wrong. */
static bool make_unnamed(const ti_process_lock *lock, int directory) {
    int file = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return false;
    char descriptor[sizeof "/proc/self/fd/" + 3 * sizeof file];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", file);
    bool made = fill(file, lock->size) &&
                (linkat(AT_FDCWD, descriptor, directory, lock->name, AT_SYMLINK_FOLLOW) == 0 ||
                 errno == EEXIST);
    close(file);
    return made;
}

static ti_lock_result take(int file, int *os_error) {
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) return failed(os_error);
    }
    return TI_LOCK_OK;
}

/* Under the temporary file's lock, which allows to fill it, to link it and to remove its name. */
static ti_lock_result finish_named(const ti_process_lock *lock, int directory, int file,
                                   const char *temporary, int *os_error) {
    struct stat opened, named;
    if (fstat(file, &opened) != 0) return failed(os_error);
    if (fstatat(directory, temporary, &named, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? TI_LOCK_OK : failed(os_error); /* another finished it */
    }
    if (!same_file(&opened, &named)) return TI_LOCK_OK;

    ti_lock_result result = TI_LOCK_OK;
    /* With a second name it is in use; only the crash of its maker left the first. */
    if (opened.st_nlink == 1 &&
        (ftruncate(file, 0) != 0 || !fill(file, lock->size) ||
         (linkat(directory, temporary, directory, lock->name, 0) != 0 && errno != EEXIST))) {
        result = failed(os_error);
    }
    unlinkat(directory, temporary, 0);
    return result;
}

/* By a temporary file, always of the same name, so that what crashes leave does not add up. */
static ti_lock_result make_named(const ti_process_lock *lock, int directory, int *os_error) {
    char temporary[NAME_MAX + 1];
    snprintf(temporary, sizeof temporary, "%s.new", lock->name);
    int file =
        openat(directory, temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return failed(os_error);

    ti_lock_result result = take(file, os_error);
    if (result == TI_LOCK_OK) {
        result = finish_named(lock, directory, file, temporary, os_error);
        flock(file, LOCK_UN);
    }
    close(file);
    return result;
}

static ti_lock_result make_file(const ti_process_lock *lock, int directory, int *os_error) {
    if (!make_unnamed(lock, directory)) {
        ti_lock_result result = make_named(lock, directory, os_error);
        if (result != TI_LOCK_OK) return result;
    }
    return fsync(directory) == 0 ? TI_LOCK_OK : failed(os_error);
}

static ti_lock_result open_existing(const ti_process_lock *lock, int directory, int *file,
                                    int *os_error) {
    struct stat found;
    if (fstatat(directory, lock->name, &found, AT_SYMLINK_NOFOLLOW) != 0) return failed(os_error);
    ti_lock_result result = check_file(&found); /* opening would fail without saying why */
    if (result != TI_LOCK_OK) return result;
    *file = openat(directory, lock->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*file < 0) return failed(os_error);

    result = fstat(*file, &found) == 0 ? check_file(&found) : failed(os_error);
    if (result != TI_LOCK_OK) close(*file);
    return result;
}

static ti_lock_result open_or_make(ti_process_lock *lock, int *file, int *os_error) {
    int directory;
    ti_lock_result result = open_directory(lock, &directory, os_error);
    if (result != TI_LOCK_OK) return result;
    result = open_existing(lock, directory, file, os_error);
    if (result == TI_LOCK_ABSENT && lock->create) {
        result = make_file(lock, directory, os_error);
        if (result == TI_LOCK_OK) result = open_existing(lock, directory, file, os_error);
    }
    close(directory);
    return result;
}

static ti_lock_result set_life(int file, int64_t life, short type, int *os_error) {
    struct flock byte = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)life, .l_len = 1};
    while (fcntl(file, F_OFD_SETLK, &byte) != 0) {
        if (errno != EINTR) return failed(os_error);
    }
    return TI_LOCK_OK;
}

/* The file that has the name now, in place of the one before. Its life moves along. */
static ti_lock_result open_file(ti_process_lock *lock, int *os_error) {
    for (;;) {
        int file;
        unsigned long forks;
        if (!watch_forks(&forks)) return TI_LOCK_NO_MEMORY;
        ti_lock_result result = open_or_make(lock, &file, os_error);
        if (result != TI_LOCK_OK) return result;

        bool replaced = replace_file(lock, &file, forks);
        if (replaced && lock->life) result = set_life(lock->file, lock->life, F_WRLCK, os_error);
        if (file >= 0) close(file);
        if (replaced) return result;
    }
}

static ti_process_lock *new_lock(const char *directory, const char *name) {
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/') length--; /* it would follow a link */
    size_t path_size = length + 1 + strlen(name) + 1;
    ti_process_lock *lock = calloc(1, sizeof *lock + length + 1 + path_size);
    if (!lock) return NULL;
    lock->file = -1;
    memcpy(lock->directory, directory, length);
    lock->path = lock->directory + length + 1;
    memcpy(lock->path, directory, length);
    lock->path[length] = '/';
    lock->name = strcpy(lock->path + length + 1, name);
    return lock;
}

ti_lock_result ti_process_lock_open(const char *directory, const char *name, bool create,
                                    size_t size, ti_process_lock **lock, int *os_error) {
    assert(!strchr(name, '/'));
    *lock = NULL;
    *os_error = 0;
    ti_process_lock *opened = new_lock(directory, name);
    if (!opened) return TI_LOCK_NO_MEMORY;
    opened->create = create;
    opened->size = size;

    ti_lock_result result = open_file(opened, os_error);
    if (result != TI_LOCK_OK) {
        ti_process_lock_close(opened);
        return result;
    }
    *os_error = 0;
    *lock = opened;
    return TI_LOCK_OK;
}

/* Whether it is still what the name leads to. */
static bool has_name(const ti_process_lock *lock) {
    struct stat opened, named;
    return fstat(lock->file, &opened) == 0 && lstat(lock->path, &named) == 0 &&
           same_file(&opened, &named);
}

ti_lock_result ti_process_lock_try(ti_process_lock *lock, int *os_error) {
    *os_error = 0;
    ti_lock_result result = take(lock->file, os_error);
    if (result != TI_LOCK_OK || has_name(lock)) return result;

    ti_process_lock_release(lock);
    result = open_file(lock, os_error);
    if (result == TI_LOCK_OK) result = take(lock->file, os_error);
    if (result != TI_LOCK_OK || has_name(lock)) return result;
    ti_process_lock_release(lock);
    return TI_LOCK_BUSY; /* with replacing it */
}

void ti_process_lock_release(ti_process_lock *lock) {
    flock(lock->file, LOCK_UN);
}

ti_lock_result ti_process_lock_read(ti_process_lock *lock, void *bytes, size_t size, size_t *got,
                                    int *os_error) {
    unsigned char *next = bytes;
    *got = 0;
    *os_error = 0;
    while (*got < size) {
        ssize_t part = pread(lock->file, next + *got, size - *got, (off_t)*got);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return failed(os_error);
        if (part == 0) break;
        *got += (size_t)part;
    }
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_write(ti_process_lock *lock, size_t offset, const void *bytes,
                                     size_t size, bool durable, int *os_error) {
    assert(offset <= lock->size && size <= lock->size - offset);
    *os_error = 0;
    if (!write_all(lock->file, bytes, size, offset)) return failed(os_error);
    if (durable && fdatasync(lock->file) != 0) return failed(os_error);
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_begin_life(ti_process_lock *lock, int64_t life, int *os_error) {
    assert(life > 0 && life < INT64_MAX);
    *os_error = 0;
    ti_lock_result result = set_life(lock->file, life, F_WRLCK, os_error);
    if (result != TI_LOCK_OK) return result;
    if (lock->life != life) ti_process_lock_end_life(lock);
    lock->life = life;
    return TI_LOCK_OK;
}

void ti_process_lock_end_life(ti_process_lock *lock) {
    int ignored;
    if (lock->life) set_life(lock->file, lock->life, F_UNLCK, &ignored);
    lock->life = 0;
}

bool ti_process_lock_lives(ti_process_lock *lock, int64_t life) {
    if (life <= 0) return false; /* no life has such a number, and asking for it is an error */
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)life, .l_len = 1};
    return fcntl(lock->file, F_OFD_GETLK, &byte) != 0 || byte.l_type != F_UNLCK;
}

void ti_process_lock_close(ti_process_lock *lock) {
    if (!lock) return;
    ti_process_lock_release(lock);
    ti_process_lock_end_life(lock);
    int file = remove_file(lock);
    if (file >= 0) close(file);
    free(lock);
}
