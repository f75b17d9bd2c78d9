/*
 * A directory that only this user can change, and the files in it: read with suspicion, written
 * whole or not at all, and durable.
 *
 * Everything goes by the descriptor of the directory that was checked. Messages are clauses that go
 * behind "Could not save to ...:". Errors are TACIT_ERR_STORE_FAILED where nothing else is said,
 * with errno in os_error where one is behind it.
 */
#ifndef TI_STORE_FILE_DIRECTORY_H
#define TI_STORE_FILE_DIRECTORY_H

#include <tacit/error.h>

#include "base/buffer.h"

typedef enum ti_directory_use {
    TI_DIRECTORY_OURS,   /* it and its files belong to this user, and nobody else may write to it */
    TI_DIRECTORY_TRUSTED /* ... or to root, or users cannot harm each other in it (/tmp) */
} ti_directory_use;

typedef struct ti_directory {
    int fd;
    const char *path; /* borrowed */
    ti_directory_use use;
} ti_directory;

/* make: with its parents, 0700, where it is not there. TACIT_ERR_STORE_NOT_FOUND: it is not
 * there. */
tacit_status ti_directory_open(ti_directory *directory, const char *path, ti_directory_use use,
                               bool make, tacit_error *error);
void ti_directory_close(ti_directory *directory);

/* Whether a file is there whose name ends so. */
tacit_status ti_directory_holds(const ti_directory *directory, const char *suffix, bool *holds,
                                tacit_error *error);

/* As openat(), never following a symbolic link: -1 with errno. */
int ti_directory_open_file(const ti_directory *directory, const char *name, int flags);

/* A regular file that nobody else may open, root's group excepted, into an empty buffer. TACIT_ERR_STORE_NOT_FOUND;
 * TACIT_ERR_STORE_CORRUPT: it has more than size_max bytes. */
tacit_status ti_directory_read(const ti_directory *directory, const char *name, size_t size_max,
                               ti_buffer *bytes, tacit_error *error);

/* Removes what writers of this name left when they died. */
void ti_directory_clean(const ti_directory *directory, const char *name);

/* Both clean up first. */
tacit_status ti_directory_replace(const ti_directory *directory, const char *name,
                                  const void *bytes, size_t size, tacit_error *error);
/* Where one is there already, that one stays: TACIT_OK too. */
tacit_status ti_directory_create(const ti_directory *directory, const char *name, const void *bytes,
                                 size_t size, tacit_error *error);

/* With what dead writers left of it. TACIT_OK also where there was none. */
tacit_status ti_directory_remove(const ti_directory *directory, const char *name,
                                 tacit_error *error);

/* What others did in it is on the disk when this returns. */
tacit_status ti_directory_sync(const ti_directory *directory, tacit_error *error);

/* TACIT_ERR_STORE_FAILED: "<what> <path>: <what the system says to errno>". */
tacit_status ti_directory_fail(tacit_error *error, const char *what, const char *path);

#endif
