/* An identity's journal on the disk: where it lies, what was read, and what to say where it cannot be used. Without the identity's lock. */
#ifndef TI_JOURNAL_FILE_H
#define TI_JOURNAL_FILE_H

#include "platform/process_lock.h"
#include "session/identity.h"

typedef struct ti_journal_finding {
    ti_lock_result lock;
    int os_error;
    ti_journal_reading reading;
    ti_journal_image image;
    uint64_t number;   /* of the newest slot */
    bool writer_lives; /* whoever holds the head unsaved: another than this identity */
} ti_journal_finding;

/* In the store's lock_directory, or the client's state_dir. */
ti_lock_result ti_journal_file_open(const ti_identity *identity, bool create,
                                    ti_process_lock **file, int *os_error);
void ti_journal_file_read(const ti_identity *identity, ti_process_lock *file,
                          ti_journal_finding *found);
ti_lock_result ti_journal_file_write(const ti_identity *identity, ti_process_lock *file,
                                     const ti_journal_image *image, uint64_t number, bool durable,
                                     int *os_error);

/* TACIT_OK where the finding can be relied on. */
tacit_status ti_journal_file_explain(const ti_identity *identity, const ti_journal_finding *found,
                                     tacit_error *error);

#endif
