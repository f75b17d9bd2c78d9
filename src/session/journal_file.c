#include "session/journal_file.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/client.h"

enum { READS_MAX = 5 };

static ti_journal_clocks read_clocks(const ti_identity *identity) {
    const ti_clock *clock = ti_identity_clock(identity);
    ti_journal_clocks clocks = {.boot_ms = ti_clock_boot_ms(clock),
                                .wall_ms = ti_clock_wall_ms(clock)};

    ti_os_boot_id(clocks.boot_id);
    return clocks;
}

static tacit_status explain(const ti_store_lock *lock, ti_journal_reading reading,
                            tacit_error *error) {
    const char *place = ti_store_lock_where(lock);

    switch (reading) {
    case TI_JOURNAL_READ:
    case TI_JOURNAL_NEW:
        return ti_error_clear(error);
    case TI_JOURNAL_NO_CHECKSUM:
        return ti_error_no_memory(error);
    case TI_JOURNAL_LATER:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "A later version of tacit wrote the journal in %s; it is left as it "
                            "is, and signing out replaces it.",
                            place);
    default:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "The journal in %s is damaged; it is left as it is, and signing out "
                            "replaces it.",
                            place);
    }
}

tacit_status ti_journal_file_read(const ti_identity *identity, ti_store_lock *lock,
                                  ti_journal_finding *found, tacit_error *error) {
    unsigned char bytes[TI_JOURNAL_FILE_SIZE];
    ti_journal_clocks now = read_clocks(identity);
    int64_t writer;
    size_t size;

    *found = (ti_journal_finding){.reading = TI_JOURNAL_NEW};
    for (int tries = 0; tries < READS_MAX; tries++) {
        tacit_status status = ti_store_lock_read(lock, bytes, sizeof bytes, &size, error);

        if (status != TACIT_OK) return status;
        found->reading = ti_journal_read_bytes(bytes, size, &now, &found->image, &found->number);
        if (found->reading != TI_JOURNAL_CORRUPT) break; /* without the turn: written meanwhile? */
    }
    writer = found->image.journal.writer;
    found->writer_lives = found->reading == TI_JOURNAL_READ && writer != 0 &&
                          writer != identity->life && ti_store_lock_lives(lock, writer);
    return explain(lock, found->reading, error);
}

tacit_status ti_journal_file_write(const ti_identity *identity, ti_store_lock *lock,
                                   const ti_journal_image *image, uint64_t number, bool durable,
                                   tacit_error *error) {
    unsigned char slot[TI_JOURNAL_SLOT_SIZE];
    ti_journal_clocks now = read_clocks(identity);

    if (!ti_journal_write_bytes(image, &now, number, slot)) return ti_error_no_memory(error);
    return ti_store_lock_write(lock, ti_journal_slot_offset(number), slot, sizeof slot, durable,
                               error);
}
