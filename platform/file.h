/*
 * Files of the app: what a request sends of one, and how an answer becomes one. A port is one file file_<system>.c. Below every floor:
 * it includes nothing of the library.
 *
 * Paths are UTF-8 where the system lets one choose. No file is inherited by other programs. Functions that fail leave errno.
 */
#ifndef TI_FILE_H
#define TI_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is behind the directory. */
const char *ti_file_name(const char *path);
/* Keeps errno. */
void ti_file_close(int file);

/* To read from; -1. EISDIR, EINVAL: it is no file; a pipe is not waited for. */
int ti_file_open(const char *path, int64_t *size);
/* At most size bytes; 0: the end; -1. */
ptrdiff_t ti_file_read(int file, void *bytes, size_t size);
bool ti_file_rewind(int file);

/* Whether a file may come to this path: one is there, or nothing. Else EISDIR, EINVAL. */
bool ti_file_is_replaceable(const char *path);
/* To write to it as the only one, as long as it is open: what is there, or a new one that nobody else may read, where its disk knows of
 * users. -1; EBUSY: somebody writes it. EPERM: what is there is no file of this user's, or has more names. */
int ti_file_claim(const char *path);
/* How many bytes were written; less than size: errno. */
size_t ti_file_write(int file, uint64_t at, const void *bytes, size_t size);
bool ti_file_truncate(int file, uint64_t size);
bool ti_file_size(int file, uint64_t *size);
/* What was claimed and is synced now takes the place of what lies there, in one step and durable. */
bool ti_file_move(int file, const char *from, const char *to);
void ti_file_remove(const char *path);

/* A new file, not synced. false: something is there, or the disk is full. */
bool ti_file_make(const char *path, const void *bytes, size_t size);
/* From its start at most size bytes: how many there were. -1: nothing can be read. */
ptrdiff_t ti_file_read_all(const char *path, void *bytes, size_t size);

#endif
