/*
 * A file that comes into being beside the one that it will replace: "<file>.part", and
 * "<file>.part.etag", which says how to ask for the rest of it.
 *
 * Whoever writes it has it for himself: a second writer at the same time is refused, and what a
 * dead one left is taken over. Functions that fail leave errno.
 */
#ifndef TI_PARTIAL_FILE_H
#define TI_PARTIAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer ones are as good as none. */
#define TI_VALIDATOR_SIZE 256

typedef struct ti_partial_file {
    const char *file;  /* borrowed */
    char *path, *etag; /* behind each other in one block */
    int fd;            /* -1: not open */
} ti_partial_file;

/* Only names it. false: no memory. */
bool ti_partial_init(ti_partial_file *partial, const char *file);
void ti_partial_free(ti_partial_file *partial); /* closes */

/* Opens what is there, or makes it. EBUSY: somebody writes it. EISDIR, EINVAL: the file is a
 * directory, or something else that is none. EPERM: what is there is no file of this user's. */
bool ti_partial_open(ti_partial_file *partial);
/* How many bytes were written; less than size: errno. */
size_t ti_partial_write(ti_partial_file *partial, uint64_t at, const char *bytes, size_t size);
bool ti_partial_truncate(ti_partial_file *partial, uint64_t size);
bool ti_partial_size(const ti_partial_file *partial, uint64_t *size);
/* Synced, it takes the file's place. */
bool ti_partial_keep(ti_partial_file *partial);
void ti_partial_remove(ti_partial_file *partial); /* both */

/* What is there is of the source with this hash, and this validator says which state of it. Best
 * effort: without it the next one begins anew. false: there is none for that source. */
void ti_partial_write_etag(const ti_partial_file *partial, const char *validator,
                           uint64_t source_hash);
void ti_partial_remove_etag(const ti_partial_file *partial);
bool ti_partial_read_etag(const ti_partial_file *partial, uint64_t source_hash,
                          char validator[TI_VALIDATOR_SIZE]);

#endif
