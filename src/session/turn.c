/*
 * Properties: whatever this process does to a shared record it does with the turn, and after it read what others did (R1, R7, R16). What
 * a grant may change is on the disk before it is sent, and what it changed before it is saved (R2). A process that dies or stops
 * keeps nobody waiting but by its lock, and nobody waits for that on a worker.
 *
 * Operation: the journal's file is open from take to give, and beyond where this process holds a head that it could not save: its
 * life, a second lock beside the first, tells the others so. Memory follows the journal (follow.h), never the other way round,
 * but where the file was lost and memory is newer.
 *
 * A lock of the store's own may end while this process stands still or is cut off, which shows when it is asked, or when a write
 * fails. Then the turn is over at once, whatever was under way: nothing more is written or sent, memory keeps what an answer
 * brought, and the next turn begins with what the others did meanwhile. Life goes on, for as long as the store can tell.
 *
 * Safety: turn is touched only by the identity's worker, with or without the lock; what it learns goes into the identity under it.
 */
#include "session/turn.h"

#include "base/error.h"
#include "session/client.h"
#include "session/follow.h"
#include "session/journal_file.h"
#include "session/persist.h"
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
    ti_store_lock *lock; /* NULL: not open yet */
    bool taken;
    bool lost; /* it was taken, and ended by itself */
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

static tacit_status open_lock(const ti_identity *identity, bool create, ti_store_lock **lock,
                              tacit_error *error) {
    return ti_store_lock_open(identity->client, identity->store, identity->key, create, lock,
                              error);
}

/* ------------------------------------------------------------------ look */

tacit_status ti_turn_look_locked(ti_identity *identity, tacit_error *error) {
    ti_journal_finding found = {.reading = TI_JOURNAL_NEW};
    ti_store_lock *lock;
    tacit_status status;

    if (needs_none(identity)) return ti_error_clear(error);
    pthread_mutex_unlock(&identity->lock);
    status = open_lock(identity, false, &lock, error);
    if (status == TACIT_OK) status = ti_journal_file_read(identity, lock, &found, error);
    ti_store_lock_close(lock);
    pthread_mutex_lock(&identity->lock);
    if (status == TACIT_ERR_STORE_NOT_FOUND) status = ti_error_clear(error); /* a new one */
    if (status == TACIT_OK) take_in_locked(identity, &found);
    return status;
}

/* ------------------------------------------------------------------ take */

bool ti_turn_is_taken_locked(const ti_identity *identity) {
    return needs_none(identity) || (identity->turn != NULL && identity->turn->taken);
}

static tacit_status knock(const ti_identity *identity, ti_turn *turn, ti_journal_finding *found,
                          tacit_error *error) {
    tacit_status status = TACIT_OK;

    if (turn->lock == NULL) status = open_lock(identity, true, &turn->lock, error);
    if (status == TACIT_OK) status = ti_store_lock_take(turn->lock, error);
    turn->taken = status == TACIT_OK;
    if (!turn->taken) return status;
    if (turn->lives) /* it may have ended with the last turn */
        turn->lives = ti_store_lock_begin_life(turn->lock, identity->life, NULL) == TACIT_OK;
    return ti_journal_file_read(identity, turn->lock, found, error);
}

void ti_turn_free(ti_turn *turn) {
    if (turn == NULL) return;
    ti_store_lock_close(turn->lock);
    free(turn);
}

/* Lets the next one in; the lock stays open for a life. */
static void let_go_locked(ti_identity *identity, bool end_life) {
    ti_turn *turn = identity->turn;
    bool lived = turn->lives;

    if (end_life && !identity->note_doubtful) turn->lives = false;
    if (!turn->lives) identity->turn = NULL;
    pthread_mutex_unlock(&identity->lock);
    if (lived && !turn->lives) ti_store_lock_end_life(turn->lock);
    if (turn->taken) ti_store_lock_release(turn->lock);
    turn->taken = turn->lost = false;
    if (!turn->lives) ti_turn_free(turn);
    pthread_mutex_lock(&identity->lock);
    identity->in_turn = false;
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

bool ti_turn_is_too_early_locked(const ti_identity *identity, const ti_journal *found) {
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

/* A note whose answer was lost came to nothing, here; it stands in the journal all the same, and nobody else wrote since. */
static void take_back_locked(ti_identity *identity, ti_journal_finding *found) {
    const ti_turn *turn = identity->turn;
    bool is_mine = found->reading == TI_JOURNAL_READ && found->number == turn->number + 1 &&
                   found->image.journal.writer == identity->life;

    if (identity->note_doubtful && is_mine) {
        found->image = turn->last;
        if (turn->number == 0) found->reading = TI_JOURNAL_NEW;
    }
    identity->note_doubtful = false;
}

static ti_turn_result taken_locked(ti_identity *identity, ti_journal_finding *found) {
    ti_turn *turn = identity->turn;
    ti_journal_image written = found->image;

    identity->in_turn = true;
    identity->busy_since_boot_ms = 0;
    take_back_locked(identity, found);
    turn->unsure = turn->lost = false;
    turn->number = found->number;
    turn->last = written;
    take_in_locked(identity, found);
    look_out_locked(identity, found);
    if (!ti_turn_is_too_early_locked(identity, &found->image.journal)) return TI_TURN_TAKEN;
    let_go_locked(identity, false);
    return again_at_locked(identity, found->image.journal.posted_boot_ms + EARLY_RETRY_MS);
}

void ti_turn_inherit_locked(ti_identity *identity, const ti_journal_finding *found) {
    take_in_locked(identity, found);
    if (identity->turn != NULL) look_out_locked(identity, found);
}

int64_t ti_turn_written_boot_ms_locked(const ti_identity *identity) {
    return identity->turn == NULL ? 0 : identity->turn->last.written_boot_ms;
}

int64_t ti_turn_looks_until_locked(const ti_identity *identity) {
    return identity->turn == NULL ? 0 : identity->turn->look_until_boot_ms;
}

ti_turn_result ti_turn_take_locked(ti_identity *identity, bool over_ruins, tacit_error *error) {
    ti_journal_finding found = {.reading = TI_JOURNAL_NEW};
    tacit_status status;
    ti_turn *turn;

    ti_error_clear(error);
    if (ti_turn_is_taken_locked(identity)) return TI_TURN_TAKEN;
    if (identity->turn == NULL) identity->turn = calloc(1, sizeof *identity->turn);
    turn = identity->turn;
    if (turn == NULL) return ti_error_no_memory(error), TI_TURN_FAILED;
    pthread_mutex_unlock(&identity->lock);
    status = knock(identity, turn, &found, error);
    pthread_mutex_lock(&identity->lock);
    if (status != TACIT_OK && found.reading != TI_JOURNAL_NEW && over_ruins) {
        status = ti_error_clear(error);
        found = (ti_journal_finding){.reading = TI_JOURNAL_NEW};
        turn->ruined = true;
    }
    if (status == TACIT_OK) return taken_locked(identity, &found);
    let_go_locked(identity, false);
    return status == TACIT_ERR_BUSY ? busy_locked(identity) : TI_TURN_FAILED;
}

/* ------------------------------------------------------------------ lost meanwhile */

tacit_status ti_turn_confirm(ti_identity *identity, tacit_error *error) {
    ti_turn *turn = identity->turn;

    if (identity->store->ops.lock == NULL) return ti_error_clear(error);
    if (turn != NULL && turn->taken) {
        if (ti_store_lock_is_held(turn->lock)) return ti_error_clear(error);
        ti_store_lock_release(turn->lock);
        turn->taken = false;
        turn->lost = true;
    }
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "The lock between processes was lost meanwhile in %s.",
                        ti_store_lock_place(identity->client, identity->store));
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
static tacit_status write_down(ti_identity *identity, ti_turn *turn, const ti_journal_image *image,
                               bool durable, tacit_error *error) {
    tacit_status status = ti_turn_confirm(identity, error);
    bool for_life = durable || image->journal.writer == identity->life;

    if (status != TACIT_OK) return status;
    if (for_life && !turn->lives) {
        status = ti_store_lock_begin_life(turn->lock, identity->life, error);
        turn->lives = status == TACIT_OK;
    }
    if (status == TACIT_OK)
        status =
            ti_journal_file_write(identity, turn->lock, image, turn->number + 1, durable, error);
    turn->unsure = status != TACIT_OK;
    if (turn->unsure) {
        ti_turn_confirm(identity, NULL);
        return status;
    }
    turn->number++;
    turn->last = *image;
    if (!turn->ruined) return status;
    turn->ruined = false;
    return write_down(identity, turn, image, durable, error);
}

/* The same for who has the lock. What a file took or not, the next turn sees before anybody else. */
static tacit_status write_down_locked(ti_identity *identity, const ti_journal_image *image,
                                      bool durable, tacit_error *error) {
    ti_turn *turn = identity->turn;
    tacit_status status;

    pthread_mutex_unlock(&identity->lock);
    status = write_down(identity, turn, image, durable, error);
    pthread_mutex_lock(&identity->lock);
    identity->note_doubtful = turn->unsure && turn->lives && identity->store->ops.lock != NULL;
    return status;
}

tacit_status ti_turn_note_locked(ti_identity *identity, const ti_journal *journal,
                                 tacit_error *error) {
    ti_journal_image image;
    tacit_status status;

    if (needs_none(identity)) return ti_error_clear(error);
    image = image_of_locked(identity, journal);
    status = write_down_locked(identity, &image, true, error);
    identity->backoff_lifted = false;
    return status;
}

/* What the others would do wrong, if they came in now: send a refresh token whose successor only this process has. */
static bool must_keep_locked(const ti_identity *identity) {
    const ti_journal *noted = &identity->turn->last.journal;

    return identity->journal.writer == identity->life &&
           (noted->writer != identity->life || noted->generation != identity->journal.generation);
}

/* Answers whether the next one may come in. */
static bool write_last_word_locked(ti_identity *identity, const ti_journal_image *image) {
    tacit_error error;
    tacit_status status = write_down_locked(identity, image, false, &error);

    if (status != TACIT_OK && identity->note_doubtful) ti_persist_trouble_locked(identity, &error);
    return !must_keep_locked(identity);
}

bool ti_turn_give_locked(ti_identity *identity) {
    ti_turn *turn = identity->turn;
    ti_journal_image image;

    if (turn == NULL) return false;
    if (turn->lost) let_go_locked(identity, !ti_identity_owes_head_locked(identity));
    if (!ti_turn_is_taken_locked(identity)) return false;
    if (identity->late.out || identity->flight.phase != TI_FLIGHT_NONE) return false;
    image = image_of_locked(identity, &identity->journal);
    if ((turn->unsure || !is_the_same(&image, &turn->last)) &&
        !write_last_word_locked(identity, &image))
        return false;
    let_go_locked(identity, !ti_identity_owes_head_locked(identity));
    return true;
}
