/*
 * A record in pieces, for a place whose entries are small. Knows no system: the place is a shelf
 * that a store brings.
 *
 * Saves and erasures of one name happen one at a time: the store sees to that. Loads may happen
 * beside them.
 */
#ifndef TI_STORE_CHUNKS_H
#define TI_STORE_CHUNKS_H

#include <tacit/store.h>

#include "base/buffer.h"

/* Entries with names of their own. Each answers as a store's functions do. */
typedef struct ti_shelf {
    size_t entry_max; /* bytes of one entry; TI_CHUNKS_ENTRY_MIN or more */
    /* Into an empty secret buffer. */
    tacit_status (*get)(void *data, const char *name, ti_buffer *entry);
    /* All or nothing, durable on return. */
    tacit_status (*put)(void *data, const char *name, const char *entry, size_t size);
    /* TACIT_OK also where there was none. */
    tacit_status (*remove)(void *data, const char *name);
    /* Removes all whose name begins with prefix, but those that begin with kept (NULL: none is
     * kept). */
    tacit_status (*sweep)(void *data, const char *prefix, const char *kept);
    void *data;
} ti_shelf;

#define TI_CHUNKS_ENTRY_MIN 64
#define TI_CHUNKS_RECORD_MAX 65536
/* What names of entries have beyond the record's, the NUL included. */
#define TI_CHUNKS_SUFFIX_SIZE 32

/* name: what belongs to this record begins so, and what belongs to others does not. Printable; what it says
 * is part of what the record's digest says. */
tacit_status ti_chunks_load(const ti_shelf *shelf, const char *name, char **record, size_t *size);
tacit_status ti_chunks_save(const ti_shelf *shelf, const char *name, const char *record,
                            size_t size);
tacit_status ti_chunks_erase(const ti_shelf *shelf, const char *name);

#endif
