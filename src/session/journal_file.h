/* An identity's journal in its lock: what was read, what is to be written, and what to say where it cannot be used. Without the
 * identity's lock. */
#ifndef TI_JOURNAL_FILE_H
#define TI_JOURNAL_FILE_H

#include "session/identity.h"
#include "session/store_lock.h"
#include "session/turn.h"

struct ti_journal_finding {
    ti_journal_reading reading; /* not READ and not NEW: it is ruined */
    ti_journal_image image;
    uint64_t number;   /* of the newest slot */
    bool writer_lives; /* whoever holds the head unsaved: another than this identity */
};

/* TACIT_OK where the finding can be relied on. */
tacit_status ti_journal_file_read(const ti_identity *identity, ti_store_lock *lock,
                                  ti_journal_finding *found, tacit_error *error);
tacit_status ti_journal_file_write(const ti_identity *identity, ti_store_lock *lock,
                                   const ti_journal_image *image, uint64_t number, bool durable,
                                   tacit_error *error);

#endif
