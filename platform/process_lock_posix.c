#include "platform/process_lock_posix.h"

#include "platform/os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Properties. By the lock two open files exclude each other, whatever processes they are in. A life
 * is an open file description lock on one byte, far behind the file's end. Both end when the last
 * descriptor of the open file is closed, and so with the process, however that dies.
 *
 * Operation. That last descriptor may be one that a forked child inherited: an orphan would hold
 * what its parent, long dead, had locked. So every descriptor is on a list, and a child closes them
 * before fork() returns there. It does not unlock, since the lock is the parent's. A file that was
 * being opened while the process forked is on no list; before it is locked it is closed, and opened
 * again.
 *
 * Safety. The list, `forks` and each lock's `file` change under all.mutex, which fork() takes too. No
 * system call is made under it, except in the child. The rest belongs to the thread that uses the
 * lock.
 */
struct ti_process_lock {
    /* guarded by all.mutex */
    ti_process_lock *next, **link; /* link: NULL where it is on no list */

    /* changed under all.mutex, read by the thread that uses the lock. -1: not open yet, or inherited
     * from the process that had it. */
    int file;

    /* of the thread that uses the lock */
    int64_t life; /* 0: none */
    ti_lock_place place;
    char *path;       /* directory/name */
    char directory[]; /* and then the path */
};

static struct {
    pthread_mutex_t mutex;
    ti_process_lock *first;
    unsigned long forks; /* how many there were */
    bool watches_forks;  /* set before main(), then read-only */
} all = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void before_fork(void) {
    pthread_mutex_lock(&all.mutex);
    all.forks++;
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&all.mutex);
}

static void after_fork_in_child(void) {
    for (ti_process_lock *lock = all.first; lock; lock = lock->next) {
        if (lock->file >= 0) close(lock->file);
        lock->file = -1;
    }
    pthread_mutex_unlock(&all.mutex);
}

/* When the library is loaded: were it done by the first lock, a fork beside it would leave the child a mutex that nobody unlocks. */
__attribute__((constructor)) static void watch_forks(void) {
    all.watches_forks = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* false: forks cannot be watched, for want of memory. */
static bool count_forks(unsigned long *forks) {
    pthread_mutex_lock(&all.mutex);
    *forks = all.forks;
    pthread_mutex_unlock(&all.mutex);
    return all.watches_forks;
}

/* Exchanges the lock's file and *file. false: the process has forked since there were that many
 * forks, and the child may have *file too. */
static bool exchange_file(ti_process_lock *lock, int *file, unsigned long forks) {
    pthread_mutex_lock(&all.mutex);
    bool alone = all.forks == forks;
    if (alone) {
        int before = lock->file;
        lock->file = *file;
        *file = before;
    }
    if (alone && !lock->link) {
        lock->next = all.first;
        lock->link = &all.first;
        if (lock->next) lock->next->link = &lock->next;
        all.first = lock;
    }
    pthread_mutex_unlock(&all.mutex);
    return alone;
}

/* The lock's file, or -1; it is the caller's to close. */
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

/* The file that is at the lock's place now, instead of the one it has. Its life moves along. */
static ti_lock_result open_file(ti_process_lock *lock, int *os_error) {
    for (;;) {
        int file;
        unsigned long forks;
        if (!count_forks(&forks)) return TI_LOCK_NO_MEMORY;
        ti_lock_result result = ti_lock_file_open(&lock->place, &file, os_error);
        if (result != TI_LOCK_OK) return result;

        bool done = exchange_file(lock, &file, forks);
        if (done && lock->life)
            result = ti_lock_file_set_byte(lock->file, lock->life, F_WRLCK, os_error);
        if (file >= 0) close(file);
        if (done) return result;
    }
}

static ti_process_lock *new_lock(const char *directory, const char *name) {
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/') length--; /* lstat() would follow a link */
    size_t path_size = length + 1 + strlen(name) + 1;
    ti_process_lock *lock = calloc(1, sizeof *lock + length + 1 + path_size);
    if (!lock) return NULL;
    lock->file = -1;
    lock->path = lock->directory + length + 1;
    snprintf(lock->directory, length + 1, "%s", directory);
    snprintf(lock->path, path_size, "%.*s/%s", (int)length, directory, name);
    lock->place.directory = lock->directory;
    lock->place.name = lock->path + length + 1;
    return lock;
}

ti_lock_result ti_process_lock_open(const char *directory, const char *name, bool create,
                                    size_t size, ti_process_lock **lock, int *os_error) {
    *lock = NULL;
    *os_error = 0;
    ti_process_lock *opened = new_lock(directory, name);
    if (!opened) return TI_LOCK_NO_MEMORY;
    opened->place.create = create;
    opened->place.size = size;

    ti_lock_result result = open_file(opened, os_error);
    if (result == TI_LOCK_OK) {
        *lock = opened;
    } else {
        ti_process_lock_close(opened);
    }
    return result;
}

/* Whether the name still leads to the file. */
static bool is_in_place(const ti_process_lock *lock) {
    struct stat opened, named;
    return fstat(lock->file, &opened) == 0 && lstat(lock->path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

ti_lock_result ti_process_lock_try(ti_process_lock *lock, int *os_error) {
    *os_error = 0;
    ti_lock_result result = ti_lock_file_take(lock->file, os_error);
    if (result != TI_LOCK_OK || is_in_place(lock)) return result;

    ti_process_lock_release(lock);
    result = open_file(lock, os_error);
    if (result == TI_LOCK_OK) result = ti_lock_file_take(lock->file, os_error);
    if (result != TI_LOCK_OK || is_in_place(lock)) return result;
    ti_process_lock_release(lock);
    return TI_LOCK_BUSY; /* with replacing it again */
}

void ti_process_lock_release(ti_process_lock *lock) {
    ti_lock_file_release(lock->file);
}

ti_lock_result ti_process_lock_read(ti_process_lock *lock, void *bytes, size_t size, size_t *got,
                                    int *os_error) {
    unsigned char *start = bytes;
    *got = 0;
    *os_error = 0;
    while (*got < size) {
        ssize_t part = pread(lock->file, start + *got, size - *got, (off_t)*got);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return ti_lock_file_failed(os_error);
        if (part == 0) break; /* it ends here */
        *got += (size_t)part;
    }
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_write(ti_process_lock *lock, size_t offset, const void *bytes,
                                     size_t size, bool durable, int *os_error) {
    assert(offset <= lock->place.size && size <= lock->place.size - offset);
    *os_error = 0;
    if (!ti_lock_file_write(lock->file, bytes, size, offset) ||
        (durable && ti_os_sync_data(lock->file) != 0)) {
        return ti_lock_file_failed(os_error);
    }
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_begin_life(ti_process_lock *lock, int64_t life, int *os_error) {
    assert(life > 0 && life < INT64_MAX);
    *os_error = 0;
    ti_lock_result result = ti_lock_file_set_byte(lock->file, life, F_WRLCK, os_error);
    if (result != TI_LOCK_OK) return result;
    if (lock->life != life) ti_process_lock_end_life(lock);
    lock->life = life;
    return TI_LOCK_OK;
}

void ti_process_lock_end_life(ti_process_lock *lock) {
    int ignored;
    if (lock->life) ti_lock_file_set_byte(lock->file, lock->life, F_UNLCK, &ignored);
    lock->life = 0;
}

bool ti_process_lock_lives(ti_process_lock *lock, int64_t life) {
    if (life <= 0) return false; /* no life's number, and the question would be an error for ever */
    return ti_lock_file_byte_is_taken(lock->file, life);
}

void ti_process_lock_close(ti_process_lock *lock) {
    if (!lock) return;
    ti_process_lock_release(lock);
    ti_process_lock_end_life(lock);
    int file = remove_file(lock);
    if (file >= 0) close(file);
    free(lock);
}
