/*
 * Properties: whatever this process does to a shared record it does with the turn, and after it read what others did (R1, R7, R16). What
 * a grant may change is on the disk before it is sent, and what it changed before it is saved (R2). A process that dies or stops
 * keeps nobody waiting but by its lock, and nobody waits for that on a worker.
 *
 * Operation: the journal's file is open from take to give, and beyond where this process holds a head that it could not save: its
 * life, a second lock in the same file, tells the others so. Memory follows the journal (follow.h), never the other way round,
 * but where the file was lost and memory is newer.
 *
 * Safety: turn is touched only by the identity's worker, with or without the lock; what it learns goes into the identity under it.
 */
#include "session/turn.h"

#include "base/error.h"
#include "session/client.h"
#include "session/follow.h"
#include "session/journal_file.h"
#include "session/store.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUSY_LEAST_MS = 10,
    BUSY_SPREAD_MS = 190,
    BUSY_GAP_MS = 5000,
    EARLY_RETRY_MS = 1000,
    LOOK_MS = 31000
};

struct ti_turn {
    ti_process_lock *file; /* NULL: not open yet */
    bool taken;
    bool lives;
    bool ruined;     /* neither slot can be used: the next write goes to both */
    bool unsure;     /* the last write failed: the file may say what it was to say, or not */
    uint64_t number; /* of the newest slot */
    int64_t look_until_boot_ms;
    ti_journal_image last;
};

static bool needs_none(const ti_identity *identity) {
    return identity->store->ops.process_only;
}

static void take_in_locked(ti_identity *identity, const ti_journal_finding *found) {
    identity->head_known = found->reading == TI_JOURNAL_READ;
    identity->head_elsewhere = found->writer_lives;
    if (identity->head_known) ti_follow_locked(identity, &found->image);
}

/* ------------------------------------------------------------------ look */

tacit_status ti_turn_look_locked(ti_identity *identity, tacit_error *error) {
    ti_journal_finding found = {.reading = TI_JOURNAL_NEW};
    ti_process_lock *file;
    tacit_status status;

    if (needs_none(identity)) return ti_error_clear(error);
    pthread_mutex_unlock(&identity->lock);
    found.lock = ti_journal_file_open(identity, false, &file, &found.os_error);
    if (found.lock == TI_LOCK_OK) ti_journal_file_read(identity, file, &found);
    ti_process_lock_close(file);
    pthread_mutex_lock(&identity->lock);
    if (found.lock == TI_LOCK_ABSENT) found.lock = TI_LOCK_OK; /* nobody did anything yet */
    status = ti_journal_file_explain(identity, &found, error);
    if (status == TACIT_OK) take_in_locked(identity, &found);
    return status;
}

/* ------------------------------------------------------------------ take */

bool ti_turn_is_taken_locked(const ti_identity *identity) {
    return needs_none(identity) || (identity->turn != NULL && identity->turn->taken);
}

static void knock(const ti_identity *identity, ti_turn *turn, ti_journal_finding *found) {
    found->lock = TI_LOCK_OK;
    if (turn->file == NULL)
        found->lock = ti_journal_file_open(identity, true, &turn->file, &found->os_error);
    if (found->lock == TI_LOCK_OK) found->lock = ti_process_lock_try(turn->file, &found->os_error);
    turn->taken = found->lock == TI_LOCK_OK;
    if (turn->taken) ti_journal_file_read(identity, turn->file, found);
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

/* Whoever had it before the last try may have given it back since, where that was a while ago. */
static ti_turn_result busy_locked(ti_identity *identity) {
    int64_t now = ti_identity_now(identity);

    if (identity->busy_since_boot_ms == 0 || now - identity->turn_retry_boot_ms > BUSY_GAP_MS)
        identity->busy_since_boot_ms = now;
    return again_at_locked(identity, now + BUSY_LEAST_MS + ti_identity_random() % BUSY_SPREAD_MS);
}

/* A process died between its grant and the answer: the retry comes a second after that, inside the grace that servers give. */
static bool is_too_early_locked(const ti_identity *identity, const ti_journal *found) {
    int64_t now = ti_identity_now(identity);

    return found->attempts == 1 && identity->backoff.last == NULL && !identity->backoff_lifted &&
           found->posted_boot_ms <= now && found->posted_boot_ms + EARLY_RETRY_MS > now;
}

/* R7: what a dead process asked of a daemon may be done late; whoever makes a turn meanwhile looks at the store again. */
static void look_out_locked(ti_identity *identity, const ti_journal_finding *found) {
    int64_t now = ti_identity_now(identity), *until = &identity->turn->look_until_boot_ms;
    int64_t writer = found->image.journal.writer;

    *until = found->image.look_until_boot_ms;
    if (writer != 0 && writer != identity->life && !found->writer_lives) *until = now + LOOK_MS;
    if (*until > now && identity->looks_left == 0) identity->looks_left = TI_LOOKS;
}

static ti_turn_result taken_locked(ti_identity *identity, const ti_journal_finding *found) {
    identity->busy_since_boot_ms = 0;
    identity->turn->unsure = false;
    identity->turn->number = found->number;
    identity->turn->last = found->image;
    take_in_locked(identity, found);
    look_out_locked(identity, found);
    if (!is_too_early_locked(identity, &found->image.journal)) return TI_TURN_TAKEN;
    let_go(identity);
    return again_at_locked(identity, found->image.journal.posted_boot_ms + EARLY_RETRY_MS);
}

ti_turn_result ti_turn_take_locked(ti_identity *identity, bool over_ruins, tacit_error *error) {
    ti_journal_finding found = {.reading = TI_JOURNAL_NEW};
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
    readable = ti_journal_file_explain(identity, &found, error) == TACIT_OK;
    if (!readable && found.lock == TI_LOCK_OK && over_ruins) {
        ti_error_clear(error);
        found = (ti_journal_finding){.reading = TI_JOURNAL_NEW};
        turn->ruined = readable = true;
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
    if (identity->terms != NULL) image.rate = identity->terms->rate;
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

/* Without the lock. The life begins before there is anything to lose by it, and before anyone can read of it. A slot whose write failed
 * is written again. */
static ti_lock_result write_down(const ti_identity *identity, ti_turn *turn,
                                 const ti_journal_image *image, bool durable, int *os_error) {
    ti_lock_result result = TI_LOCK_OK;
    bool for_life = durable || image->journal.writer == identity->life;

    if (for_life && !turn->lives) {
        result = ti_process_lock_begin_life(turn->file, identity->life, os_error);
        turn->lives = result == TI_LOCK_OK;
    }
    if (result == TI_LOCK_OK)
        result =
            ti_journal_file_write(identity, turn->file, image, turn->number + 1, durable, os_error);
    turn->unsure = result != TI_LOCK_OK;
    if (turn->unsure) return result;
    turn->number++;
    turn->last = *image;
    if (!turn->ruined) return result;
    turn->ruined = false;
    return write_down(identity, turn, image, durable, os_error);
}

tacit_status ti_turn_note_locked(ti_identity *identity, const ti_journal *journal,
                                 tacit_error *error) {
    ti_journal_finding found = {.reading = TI_JOURNAL_READ};
    ti_journal_image image;

    if (needs_none(identity)) return ti_error_clear(error);
    image = image_of_locked(identity, journal);
    pthread_mutex_unlock(&identity->lock);
    found.lock = write_down(identity, identity->turn, &image, true, &found.os_error);
    pthread_mutex_lock(&identity->lock);
    identity->backoff_lifted = false;
    return ti_journal_file_explain(identity, &found, error);
}

/* What the others would do wrong, if they came in now: send a refresh token whose successor only this process has. */
static bool must_keep_locked(const ti_identity *identity) {
    const ti_journal *noted = &identity->turn->last.journal;

    return identity->journal.writer == identity->life &&
           (noted->writer != identity->life || noted->generation != identity->journal.generation);
}

bool ti_turn_give_locked(ti_identity *identity) {
    ti_turn *turn = identity->turn;
    ti_journal_image image;
    int ignored;

    if (turn == NULL || !turn->taken) return false;
    if (identity->late.out || identity->flight.phase != TI_FLIGHT_NONE) return false;
    image = image_of_locked(identity, &identity->journal);
    if (turn->unsure || !is_the_same(&image, &turn->last)) {
        pthread_mutex_unlock(&identity->lock);
        write_down(identity, turn, &image, false, &ignored);
        pthread_mutex_lock(&identity->lock);
        if (must_keep_locked(identity)) return false;
    }
    if (turn->lives && !ti_identity_owes_head_locked(identity)) {
        ti_process_lock_end_life(turn->file);
        turn->lives = false;
    }
    let_go(identity);
    return true;
}
