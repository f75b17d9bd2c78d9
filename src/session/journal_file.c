/* See process_lock.h for what the file promises. */
#include "session/journal_file.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/client.h"
#include "session/store.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 2 * 16 + sizeof ".journal", READS_MAX = 5 };

static const char *directory_of(const ti_identity *identity) {
    const char *stores = identity->store->ops.lock_directory;

    return stores != NULL ? stores : identity->client->state_dir;
}

/* Whose records the store reaches. */
static const char *application_of(const ti_identity *identity) {
    const tacit_store_ops *ops = &identity->store->ops;

    if (ops->application_id != NULL) return ops->application_id;
    return ops->lock_directory != NULL ? NULL : identity->client->application_id;
}

/* Of application id and key: two identities have the same exactly where they have the same record. */
static bool name_file(const ti_identity *identity, char name[NAME_SIZE]) {
    const char *application = application_of(identity);
    unsigned char hash[TI_SHA256_SIZE];
    ti_buffer text = TI_BUFFER_INIT;
    bool hashed;

    ti_buffer_append_string(&text, application == NULL ? "" : application);
    ti_buffer_append(&text, "", 1);
    ti_buffer_append_string(&text, identity->key);
    hashed = !text.failed && ti_crypto_sha256(text.data, text.size, hash);
    ti_buffer_free(&text);
    if (!hashed) return false;
    for (int i = 0; i < 16; i++) snprintf(name + 2 * i, 3, "%02x", hash[i]);
    memcpy(name + 32, ".journal", sizeof ".journal");
    return true;
}

ti_lock_result ti_journal_file_open(const ti_identity *identity, bool create,
                                    ti_process_lock **file, int *os_error) {
    char name[NAME_SIZE];

    *file = NULL;
    *os_error = 0;
    if (directory_of(identity) == NULL) return TI_LOCK_ABSENT;
    if (!name_file(identity, name)) return TI_LOCK_NO_MEMORY;
    return ti_process_lock_open(directory_of(identity), name, create, TI_JOURNAL_FILE_SIZE, file,
                                os_error);
}

static ti_journal_clocks read_clocks(const ti_identity *identity) {
    const ti_clock *clock = ti_identity_clock(identity);
    ti_journal_clocks clocks = {.boot_ms = ti_clock_boot_ms(clock),
                                .wall_ms = ti_clock_wall_ms(clock)};

    ti_os_boot_id(clocks.boot_id);
    return clocks;
}

void ti_journal_file_read(const ti_identity *identity, ti_process_lock *file,
                          ti_journal_finding *found) {
    unsigned char bytes[TI_JOURNAL_FILE_SIZE];
    ti_journal_clocks now = read_clocks(identity);
    int64_t writer;
    size_t size;

    for (int tries = 0; tries < READS_MAX; tries++) {
        found->lock = ti_process_lock_read(file, bytes, sizeof bytes, &size, &found->os_error);
        if (found->lock != TI_LOCK_OK) return;
        found->reading = ti_journal_read_bytes(bytes, size, &now, &found->image, &found->number);
        if (found->reading != TI_JOURNAL_CORRUPT) break; /* without the turn: written meanwhile? */
    }
    writer = found->image.journal.writer;
    found->writer_lives = found->reading == TI_JOURNAL_READ && writer != 0 &&
                          writer != identity->life && ti_process_lock_lives(file, writer);
}

ti_lock_result ti_journal_file_write(const ti_identity *identity, ti_process_lock *file,
                                     const ti_journal_image *image, uint64_t number, bool durable,
                                     int *os_error) {
    unsigned char slot[TI_JOURNAL_SLOT_SIZE];
    ti_journal_clocks now = read_clocks(identity);

    *os_error = 0;
    if (!ti_journal_write_bytes(image, &now, number, slot)) return TI_LOCK_NO_MEMORY;
    return ti_process_lock_write(file, ti_journal_slot_offset(number), slot, sizeof slot, durable,
                                 os_error);
}

/* ------------------------------------------------------------------ what can go wrong */

static tacit_status explain_lock(const ti_identity *identity, const ti_journal_finding *found,
                                 tacit_error *error) {
    const char *directory = directory_of(identity);
    const char *why = "it cannot be used";
    char text[128];

    switch (found->lock) {
    case TI_LOCK_NO_MEMORY:
        return ti_error_no_memory(error);
    case TI_LOCK_NOT_OURS:
        why = "it, or a file in it, belongs to another user";
        break;
    case TI_LOCK_OPEN_TO_OTHERS:
        why = "others may write to it, or to a file in it: chmod go= it";
        break;
    case TI_LOCK_NOT_A_FILE:
        why = "a symbolic link or something else that is no file lies in the way";
        break;
    case TI_LOCK_NETWORK:
        why = "it lies on a network file system, where locks do not hold";
        break;
    default:
        if (found->os_error != 0) why = ti_error_system_text(found->os_error, text, sizeof text);
        break;
    }
    if (directory == NULL)
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "There is no directory for the lock between processes: set state_dir, "
                            "XDG_STATE_HOME or HOME.");
    ti_error_set(error, TACIT_ERR_STORE_FAILED,
                 "The lock between processes cannot be had in %s: %s.", directory, why);
    if (error != NULL) error->os_error = found->os_error;
    return TACIT_ERR_STORE_FAILED;
}

tacit_status ti_journal_file_explain(const ti_identity *identity, const ti_journal_finding *found,
                                     tacit_error *error) {
    if (found->lock != TI_LOCK_OK) return explain_lock(identity, found, error);
    switch (found->reading) {
    case TI_JOURNAL_READ:
    case TI_JOURNAL_NEW:
        return ti_error_clear(error);
    case TI_JOURNAL_NO_CHECKSUM:
        return ti_error_no_memory(error);
    case TI_JOURNAL_LATER:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "A later version of tacit wrote the journal in %s; it is left as it "
                            "is, and signing out replaces it.",
                            directory_of(identity));
    default:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "The journal in %s is damaged; it is left as it is, and signing out "
                            "replaces it.",
                            directory_of(identity));
    }
}
