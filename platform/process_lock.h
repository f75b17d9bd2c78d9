/*
 * One file that only one process may work with at a time, and that outlives crashes: a lock, a few
 * bytes beside it that are written in place (the journal), and the lives of those who left something
 * unfinished. A port is one file process_lock_<system>.c. Below every floor.
 *
 * Nothing here waits for another process. Reading and writing wait for the disk. A lock object is
 * used by one thread at a time. Two objects on the same file exclude each other, within one process
 * too. A child of fork() holds none of its parent's locks and lives; there its parent's objects can
 * only be closed, and everything else fails.
 */
#ifndef TI_PROCESS_LOCK_H
#define TI_PROCESS_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ti_process_lock ti_process_lock;

typedef enum ti_lock_result {
    TI_LOCK_OK,
    TI_LOCK_BUSY,   /* another holds it, or is just making the file */
    TI_LOCK_ABSENT, /* the file, or its directory, does not exist (open without create) */
    TI_LOCK_NO_MEMORY,
    TI_LOCK_NOT_OURS,       /* the directory or the file belongs to another user */
    TI_LOCK_OPEN_TO_OTHERS, /* ... or others may write to the directory, or read or write the file */
    TI_LOCK_NOT_A_FILE,     /* a symbolic link, a directory or a device lies there */
    TI_LOCK_NETWORK,        /* the directory is on a network file system, whose locks and writes do
                             * not hold what this needs */
    TI_LOCK_FAILED          /* anything else of the system: *os_error */
} ti_lock_result;

/*
 * Opens directory/name. create: makes what is missing, the directory and its parents (0700) and the
 * file (0600, size zero bytes, complete from the moment it can be seen, durable). Symbolic links are
 * not followed at the file, and at the directory only where they belong to the user or to root.
 * *os_error (all functions): errno where one is behind the result, else 0.
 */
ti_lock_result ti_process_lock_open(const char *directory, const char *name, bool create,
                                    size_t size, ti_process_lock **lock, int *os_error);
/* Takes the lock without waiting: TI_LOCK_OK or TI_LOCK_BUSY. Where the file was replaced or removed
 * meanwhile, the one that open would find now is taken, with the results of open. */
ti_lock_result ti_process_lock_try(ti_process_lock *lock, int *os_error);
/* Explicitly, so that nobody who inherited the descriptor holds it on. Lives go on. */
void ti_process_lock_release(ti_process_lock *lock);

/* From the start, at most size bytes; works without the lock too. *got: how many there were. */
ti_lock_result ti_process_lock_read(ti_process_lock *lock, void *bytes, size_t size, size_t *got,
                                    int *os_error);
/* In place, within the size that open was given; under the lock. durable: on the disk when this
 * returns. */
ti_lock_result ti_process_lock_write(ti_process_lock *lock, size_t offset, const void *bytes,
                                     size_t size, bool durable, int *os_error);

/* A life, named by a random number from 1 to INT64_MAX - 1: it ends with end, with close, and with
 * the process, however that dies. One at a time per lock object; beginning another ends the first.
 * TI_LOCK_BUSY: another lives by that number. */
ti_lock_result ti_process_lock_begin_life(ti_process_lock *lock, int64_t life, int *os_error);
void ti_process_lock_end_life(ti_process_lock *lock);
/* Whether another lock object, in whatever process, lives by that number. An error counts as alive;
 * what is no life's number does not. */
bool ti_process_lock_lives(ti_process_lock *lock, int64_t life);

/* Releases, ends the life, and frees. Takes NULL. */
void ti_process_lock_close(ti_process_lock *lock);

#endif
