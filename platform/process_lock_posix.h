/*
 * The file behind a process lock, for process_lock_posix.c: how it is found, checked and made, and
 * what of it differs between systems that follow POSIX, each of which has it in one file
 * process_lock_<system>.c.
 */
#ifndef TI_PROCESS_LOCK_POSIX_H
#define TI_PROCESS_LOCK_POSIX_H

#include "platform/process_lock.h"

typedef struct ti_lock_place {
    char *directory; /* as it was whenever a function returns */
    const char *name;
    bool create; /* what is missing is made */
    size_t size; /* of the file */
} ti_lock_place;

/* Results as of ti_process_lock_open(). TI_LOCK_BUSY: another is just making or removing it. */
ti_lock_result ti_lock_file_open(const ti_lock_place *place, int *file, int *os_error);
/* All of it, or errno says why not. */
bool ti_lock_file_write(int file, const void *bytes, size_t size, size_t offset);
/* Zeros, durable. They are written, not only promised, so that a disk that is full later does no
 * harm. */
bool ti_lock_file_fill(int file, size_t size);
/* An open file description lock on one byte, without waiting; type: F_WRLCK or F_UNLCK. */
ti_lock_result ti_lock_file_set_byte(int file, int64_t offset, short type, int *os_error);
/* By another open file; an error counts as that. */
bool ti_lock_file_byte_is_taken(int file, int64_t offset);
/* What errno stands for; it goes to *os_error. */
ti_lock_result ti_lock_file_failed(int *os_error);

/*
 * Of the system
 */

/* An exclusive lock of the open file, however many descriptors it has, without waiting. It ends with
 * the last of them, and excludes no life. */
ti_lock_result ti_lock_file_take(int file, int *os_error);
void ti_lock_file_release(int file);
/* The place's file, by one without a name, of which a crash leaves nothing. false: that does not work
 * here, or something is wrong. */
bool ti_lock_file_make_unnamed(const ti_lock_place *place, int directory);
/*
 * File systems on which other machines work at the same time: each machine keeps its locks for
 * itself, or the server does if it is set up to, and every call hangs while that is away. false: errno
 * says why that cannot be told.
 */
bool ti_lock_file_is_network(int directory, bool *network);

#endif
