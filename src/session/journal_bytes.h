/*
 * The journal's file, to and from bytes: two slots of fixed size, written in place by turns, so that a write that was cut short leaves
 * the one before. Each has a number, a checksum and the clocks by which its times are to be read. Pure. No secrets in it.
 */
#ifndef TI_JOURNAL_BYTES_H
#define TI_JOURNAL_BYTES_H

#include "base/clock.h"
#include "session/grant_rate.h"
#include "session/journal.h"
#include "session/storm.h"

#include <tacit/error.h>

enum { TI_JOURNAL_SLOT_SIZE = 512, TI_JOURNAL_FILE_SIZE = 2 * TI_JOURNAL_SLOT_SIZE };

/* What the server asked of whoever comes next (R8). */
typedef struct ti_shared_backoff {
    unsigned failures;
    bool retried_early;
    int64_t retry_boot_ms, refuse_until_boot_ms; /* 0: none */
    tacit_status status;                         /* of the last failure */
    int http_status;
} ti_shared_backoff;

typedef struct ti_journal_image {
    ti_journal journal;
    ti_shared_backoff backoff;
    ti_storm storm;
    ti_grant_rate rate;
    int64_t look_until_boot_ms; /* till then a dead process's call may be done late (R7); 0: no */
    int64_t written_boot_ms;    /* when it was, as far as can be told; nothing to write */
} ti_journal_image;

/* Times are those of the running system's boot clock; those of another boot are carried over by the wall clock. No time that is to come
 * lies more than an hour ahead. */
typedef struct ti_journal_clocks {
    unsigned char boot_id[16];
    int64_t boot_ms, wall_ms;
} ti_journal_clocks;

typedef enum ti_journal_reading {
    TI_JOURNAL_READ,
    TI_JOURNAL_NEW,        /* nothing was written yet */
    TI_JOURNAL_CORRUPT,    /* no slot is whole */
    TI_JOURNAL_LATER,      /* a later version wrote it */
    TI_JOURNAL_NO_CHECKSUM /* no memory for it */
} ti_journal_reading;

/* *number: of the slot that was read; the next one to write is *number + 1 (0 where there is none). */
ti_journal_reading ti_journal_read_bytes(const unsigned char *bytes, size_t size,
                                         const ti_journal_clocks *now, ti_journal_image *image,
                                         uint64_t *number);
/* The slot with that number, at ti_journal_slot_offset(number). false: no memory for the checksum. */
bool ti_journal_write_bytes(const ti_journal_image *image, const ti_journal_clocks *now,
                            uint64_t number, unsigned char slot[TI_JOURNAL_SLOT_SIZE]);
size_t ti_journal_slot_offset(uint64_t number);

#endif
