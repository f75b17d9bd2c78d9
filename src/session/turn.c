/*
 * Properties: whatever this process does to a shared record it does with the turn, and after it read what others did (R1, R7, R16). What
 * a grant may change is on the disk before it is sent, and what it changed before it is saved (R2). A process that dies or stops
 * keeps nobody waiting but by its lock, and nobody waits for that on a worker.
 *
 * Operation: the journal's file is open from take to give, and beyond where this process holds a head that it could not save: its
 * life, a second lock in the same file, tells the others so. Memory follows the journal (`follow`), never the other way round,
 * but where the file was lost and memory is newer.
 *
 * Safety: turn is touched only by the identity's worker, with or without the lock; what it learns goes into the identity under it.
 */
#include "session/turn.h"

#include "base/error.h"
#include "platform/os.h"
#include "platform/process_lock.h"
#include "session/client.h"
#include "session/event.h"
#include "session/journal_bytes.h"
#include "session/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUSY_LEAST_MS = 10,
    BUSY_SPREAD_MS = 190,
    EARLY_RETRY_MS = 1000,
    READS_MAX = 5,
    LOOK_MS = 31000
};

struct ti_turn {
    ti_process_lock *file; /* NULL: not open yet */
    bool taken;
    bool lives;
    uint64_t number; /* of the newest slot */
    int64_t look_until_boot_ms;
    ti_journal_image last;
};

/* What the disk said. */
typedef struct finding {
    ti_lock_result lock;
    int os_error;
    ti_journal_reading reading;
    ti_journal_image image;
    uint64_t number;
    bool writer_lives;
} finding;

static bool needs_none(const ti_identity *identity) {
    return identity->store->ops.process_only;
}

/* ------------------------------------------------------------------ the file */

enum { NAME_SIZE = 2 * 16 + sizeof ".journal" };

static const char *directory_of(const ti_identity *identity) {
    const char *stores = identity->store->ops.lock_directory;

    return stores != NULL ? stores : identity->client->state_dir;
}

/* Of application id and key, which no two identities of the user share. */
static bool name_file(const ti_identity *identity, char name[NAME_SIZE]) {
    const char *application = identity->client->application_id;
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

static ti_lock_result open_file(const ti_identity *identity, bool create, ti_process_lock **file,
                                int *os_error) {
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

static void read_file(const ti_identity *identity, ti_process_lock *file, finding *found) {
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
                          writer != identity->client->life && ti_process_lock_lives(file, writer);
}

/* ------------------------------------------------------------------ what can go wrong */

static tacit_status explain_lock(const ti_identity *identity, const finding *found,
                                 tacit_error *error) {
    const char *directory = directory_of(identity);
    const char *why;

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
        why = found->os_error == 0 ? "it cannot be used" : strerror(found->os_error);
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

static tacit_status explain(const ti_identity *identity, const finding *found, tacit_error *error) {
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
                            "is.",
                            directory_of(identity));
    default:
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "The journal in %s is damaged; it is left as it is, and signing out "
                            "replaces it.",
                            directory_of(identity));
    }
}

/* ------------------------------------------------------------------ memory follows the journal */

static const tacit_error refused_elsewhere = {
    .status = TACIT_ERR_SIGN_IN_REQUIRED,
    .sign_in_required = true,
    .message = "The server refused the refresh token to another process: ask the user."};

/* R16. What was never saved nobody else can revoke. */
static void drop_sign_in_locked(ti_identity *identity) {
    if (identity->views != NULL && !ti_journal_is_saved(&identity->journal))
        ti_revocation_add_locked(identity, identity->views, identity->refresh_token);
    ti_client_drop_tokens(identity->client, &identity->journal.sign_in_id);
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = NULL;
    identity->generation = 0;
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    pthread_cond_broadcast(&identity->changed);
}

static void ask_the_store_locked(ti_identity *identity) {
    identity->state = TACIT_STATE_UNKNOWN; /* the store knows who is signed in now */
    identity->store_retry_boot_ms = 0;
}

static void give_way_locked(ti_identity *identity) {
    drop_sign_in_locked(identity);
    ask_the_store_locked(identity);
}

static void sign_out_too_locked(ti_identity *identity, tacit_event_type type, const char *message,
                                const tacit_error *error) {
    drop_sign_in_locked(identity);
    identity->state = TACIT_STATE_SIGNED_OUT;
    ti_event_push_locked(identity, NULL, type, message, error);
}

/* The same sign-in. Memory is newer only where the file was lost, or could not be written. */
static void keep_up_locked(ti_identity *identity, const ti_journal *found) {
    ti_journal mine = identity->journal;

    identity->journal = *found;
    if (mine.generation <= found->generation) return;
    identity->journal = mine;
    if (found->reserved > mine.reserved) identity->journal.reserved = found->reserved;
}

static bool is_live(const ti_journal *found) {
    return found->state != TI_JOURNAL_SIGNED_OUT && found->state != TI_JOURNAL_REFUSED;
}

/* A sign-out of this process is on its way. */
static bool ends_by_itself_locked(const ti_identity *identity) {
    return identity->jobs != NULL && identity->jobs->kind == TI_JOB_SIGN_OUT;
}

static void follow_locked(ti_identity *identity, const ti_journal *found) {
    bool same = ti_sign_in_id_equal(&found->sign_in_id, &identity->journal.sign_in_id);

    if (identity->state != TACIT_STATE_SIGNED_IN) {
        if (!same && is_live(found) && !ends_by_itself_locked(identity))
            ask_the_store_locked(identity);
        identity->journal = *found;
        return;
    }
    if (found->state == TI_JOURNAL_SIGNED_OUT) {
        sign_out_too_locked(identity, TACIT_EVENT_SIGNED_OUT, "Another process signed out.", NULL);
    } else if (!same) {
        give_way_locked(identity);
    } else if (found->state == TI_JOURNAL_REFUSED &&
               (identity->generation < found->generation ||
                ti_token_hash_is_of(&found->posted, identity->refresh_token))) {
        sign_out_too_locked(identity, TACIT_EVENT_SIGN_IN_REQUIRED,
                            "The sign-in is over: ask the user.", &refused_elsewhere);
    } else {
        keep_up_locked(identity, found);
        return;
    }
    identity->journal = *found;
}

static void follow_storm_locked(ti_identity *identity, const ti_storm *found) {
    if (found->count == 0 && found->blocked_until_boot_ms == 0) return;
    if (identity->storm == NULL) identity->storm = malloc(sizeof *identity->storm);
    if (identity->storm != NULL)
        *identity->storm = *found; /* else this process counts for itself */
}

static void take_in_locked(ti_identity *identity, const finding *found) {
    identity->head_known = found->reading == TI_JOURNAL_READ;
    identity->head_elsewhere = found->writer_lives;
    if (!identity->head_known) return;
    follow_locked(identity, &found->image.journal);
    follow_storm_locked(identity, &found->image.storm);
    ti_backoff_follow_locked(identity, &found->image.backoff);
}

/* ------------------------------------------------------------------ look */

tacit_status ti_turn_look_locked(ti_identity *identity, tacit_error *error) {
    finding found = {.reading = TI_JOURNAL_NEW};
    ti_process_lock *file;
    tacit_status status;

    if (needs_none(identity)) return ti_error_clear(error);
    pthread_mutex_unlock(&identity->lock);
    found.lock = open_file(identity, false, &file, &found.os_error);
    if (found.lock == TI_LOCK_OK) read_file(identity, file, &found);
    ti_process_lock_close(file);
    pthread_mutex_lock(&identity->lock);
    if (found.lock == TI_LOCK_ABSENT) found.lock = TI_LOCK_OK; /* nobody did anything yet */
    status = explain(identity, &found, error);
    if (status == TACIT_OK) take_in_locked(identity, &found);
    return status;
}

/* ------------------------------------------------------------------ take */

bool ti_turn_is_taken_locked(const ti_identity *identity) {
    return needs_none(identity) || (identity->turn != NULL && identity->turn->taken);
}

static void knock(const ti_identity *identity, ti_turn *turn, finding *found) {
    found->lock = TI_LOCK_OK;
    if (turn->file == NULL) found->lock = open_file(identity, true, &turn->file, &found->os_error);
    if (found->lock == TI_LOCK_OK) found->lock = ti_process_lock_try(turn->file, &found->os_error);
    turn->taken = found->lock == TI_LOCK_OK;
    if (turn->taken) read_file(identity, turn->file, found);
}

void ti_turn_free(ti_turn *turn) {
    if (turn == NULL) return;
    ti_process_lock_close(turn->file);
    free(turn);
}

/* Lets the next one in; the file stays open for a life. */
static void let_go(ti_identity *identity) {
    ti_turn *turn = identity->turn;

    if (turn->taken) ti_process_lock_release(turn->file);
    turn->taken = false;
    if (turn->lives) return;
    identity->turn = NULL;
    ti_turn_free(turn);
}

static ti_turn_result again_at_locked(ti_identity *identity, int64_t boot_ms) {
    identity->turn_retry_boot_ms = boot_ms;
    return TI_TURN_BUSY;
}

static ti_turn_result busy_locked(ti_identity *identity) {
    int64_t now = ti_identity_now(identity);

    if (identity->busy_since_boot_ms == 0) identity->busy_since_boot_ms = now;
    return again_at_locked(identity, now + BUSY_LEAST_MS + ti_identity_random() % BUSY_SPREAD_MS);
}

/* A process died between its grant and the answer: the retry comes a second after that, inside the grace that servers give. */
static bool is_too_early_locked(const ti_identity *identity, const ti_journal *found) {
    int64_t now = ti_identity_now(identity);

    return found->attempts == 1 && identity->backoff.last == NULL && !identity->backoff_lifted &&
           found->posted_boot_ms <= now && found->posted_boot_ms + EARLY_RETRY_MS > now;
}

/* R7: what a dead process asked of a daemon may be done late; whoever makes a turn meanwhile looks at the store again. */
static void look_out_locked(ti_identity *identity, const finding *found) {
    int64_t now = ti_identity_now(identity), *until = &identity->turn->look_until_boot_ms;
    int64_t writer = found->image.journal.writer;

    *until = found->image.look_until_boot_ms;
    if (writer != 0 && writer != identity->client->life && !found->writer_lives)
        *until = now + LOOK_MS;
    if (*until > now && identity->looks_left == 0) identity->looks_left = TI_LOOKS;
}

static ti_turn_result taken_locked(ti_identity *identity, const finding *found) {
    identity->busy_since_boot_ms = 0;
    identity->turn->number = found->number;
    identity->turn->last = found->image;
    take_in_locked(identity, found);
    look_out_locked(identity, found);
    if (!is_too_early_locked(identity, &found->image.journal)) return TI_TURN_TAKEN;
    let_go(identity);
    return again_at_locked(identity, found->image.journal.posted_boot_ms + EARLY_RETRY_MS);
}

ti_turn_result ti_turn_take_locked(ti_identity *identity, bool over_ruins, tacit_error *error) {
    finding found = {.reading = TI_JOURNAL_NEW};
    ti_turn *turn;
    bool readable;

    ti_error_clear(error);
    if (ti_turn_is_taken_locked(identity)) return TI_TURN_TAKEN;
    if (identity->turn == NULL) identity->turn = calloc(1, sizeof *identity->turn);
    turn = identity->turn;
    if (turn == NULL) return ti_error_no_memory(error), TI_TURN_FAILED;
    pthread_mutex_unlock(&identity->lock);
    knock(identity, turn, &found);
    pthread_mutex_lock(&identity->lock);
    if (found.lock == TI_LOCK_BUSY) {
        let_go(identity);
        return busy_locked(identity);
    }
    readable = explain(identity, &found, error) == TACIT_OK;
    if (!readable && found.lock == TI_LOCK_OK && over_ruins) {
        ti_error_clear(error);
        found = (finding){.reading = TI_JOURNAL_NEW};
        readable = true;
    }
    if (readable) return taken_locked(identity, &found);
    let_go(identity);
    return TI_TURN_FAILED;
}

/* ------------------------------------------------------------------ note and give */

static ti_journal_image image_of_locked(const ti_identity *identity, const ti_journal *journal) {
    ti_journal_image image = {.journal = *journal,
                              .look_until_boot_ms = identity->turn->look_until_boot_ms};

    ti_backoff_share_locked(identity, &image.backoff);
    if (identity->storm != NULL) image.storm = *identity->storm;
    return image;
}

/* By their bytes, since structs have gaps. Without memory for the checksum they differ. */
static bool is_the_same(const ti_journal_image *a, const ti_journal_image *b) {
    static const ti_journal_clocks any = {.boot_ms = 0};
    unsigned char slots[2][TI_JOURNAL_SLOT_SIZE];

    return ti_journal_write_bytes(a, &any, 0, slots[0]) &&
           ti_journal_write_bytes(b, &any, 0, slots[1]) &&
           memcmp(slots[0], slots[1], sizeof slots[0]) == 0;
}

/* Without the lock. The life begins before there is anything to lose by it, and before anyone can read of it. */
static ti_lock_result write_file(const ti_identity *identity, ti_turn *turn,
                                 const ti_journal_image *image, bool durable, int *os_error) {
    unsigned char slot[TI_JOURNAL_SLOT_SIZE];
    ti_journal_clocks now = read_clocks(identity);
    ti_lock_result result = TI_LOCK_OK;

    *os_error = 0;
    if (!ti_journal_write_bytes(image, &now, turn->number + 1, slot)) return TI_LOCK_NO_MEMORY;
    if (durable && !turn->lives) {
        result = ti_process_lock_begin_life(turn->file, identity->client->life, os_error);
        turn->lives = result == TI_LOCK_OK;
    }
    if (result == TI_LOCK_OK)
        result = ti_process_lock_write(turn->file, ti_journal_slot_offset(turn->number + 1), slot,
                                       sizeof slot, durable, os_error);
    if (result != TI_LOCK_OK) return result;
    turn->number++;
    turn->last = *image;
    return result;
}

tacit_status ti_turn_note_locked(ti_identity *identity, const ti_journal *journal,
                                 tacit_error *error) {
    finding found = {.reading = TI_JOURNAL_READ};
    ti_journal_image image;

    if (needs_none(identity)) return ti_error_clear(error);
    image = image_of_locked(identity, journal);
    pthread_mutex_unlock(&identity->lock);
    found.lock = write_file(identity, identity->turn, &image, true, &found.os_error);
    pthread_mutex_lock(&identity->lock);
    identity->backoff_lifted = false;
    return explain(identity, &found, error);
}

/* What the others would do wrong, if they came in now: send a refresh token whose successor only this process has. */
static bool must_keep_locked(const ti_identity *identity) {
    const ti_journal *noted = &identity->turn->last.journal;

    return identity->journal.writer == identity->client->life &&
           (noted->writer != identity->client->life ||
            noted->generation != identity->journal.generation);
}

bool ti_turn_give_locked(ti_identity *identity) {
    ti_turn *turn = identity->turn;
    ti_journal_image image;
    int ignored;

    if (turn == NULL || !turn->taken) return false;
    if (identity->late.out || identity->flight.phase != TI_FLIGHT_NONE) return false;
    image = image_of_locked(identity, &identity->journal);
    if (!is_the_same(&image, &turn->last)) {
        pthread_mutex_unlock(&identity->lock);
        write_file(identity, turn, &image, false, &ignored);
        pthread_mutex_lock(&identity->lock);
        if (must_keep_locked(identity)) return false;
    }
    if (turn->lives && ti_journal_is_saved(&identity->journal)) {
        ti_process_lock_end_life(turn->file);
        turn->lives = false;
    }
    let_go(identity);
    return true;
}
