/*
 * What was sent, what was answered, and who is current: the facts that outlive a flight, and, where other processes see the store too,
 * the process (turn.h).
 *
 * The head names the sign-in that is current and the newest generation that was answered in it; its writer is whoever holds it unsaved.
 * A generation is reserved before a grant is sent and never used twice. Guarded by the identity's lock. Pure.
 */
#ifndef TI_JOURNAL_H
#define TI_JOURNAL_H

#include "platform/crypto.h"
#include "session/token.h"

typedef enum ti_journal_state {
    TI_JOURNAL_IDLE = 0,
    TI_JOURNAL_POSTED = 1,    /* a grant is out, or its outcome stayed unknown */
    TI_JOURNAL_ANSWERED = 2,  /* the head's record is not saved yet */
    TI_JOURNAL_REFUSED = 3,   /* the server refused the refresh token with this hash */
    TI_JOURNAL_SIGNED_OUT = 4 /* the record of the head must go */
} ti_journal_state;

/* Of a refresh token: enough of its SHA-256 to tell it from others. All zero: of none. */
typedef struct ti_token_hash {
    unsigned char bytes[16];
} ti_token_hash;

typedef struct ti_journal {
    ti_journal_state state;
    unsigned attempts; /* grants with what `posted` is of: sent, or about to be, and not answered */
    ti_sign_in_id sign_in_id; /* none: no head */
    uint64_t generation;
    uint64_t reserved;
    int64_t writer;         /* a life (process_lock.h); 0: the store has the head */
    int64_t posted_boot_ms; /* the last of the attempts */
    ti_token_hash head;     /* of the head's refresh token */
    ti_token_hash posted;   /* of the one POSTED or REFUSED */
    /* move.h. Of a head that is live: its record came from a previous store, and may lie there too.
     * SIGNED_OUT: it lies in another store now. */
    bool moved;
} ti_journal;

/* Generations up to this one are in use, by tokens that no record has: what is reserved next comes after them (slide.h). */
void ti_journal_pass(ti_journal *journal, uint64_t generation);
/* The generation under which life is about to save the head's record anew, with other access tokens. The head is another when
 * ti_journal_adopted() says so. */
uint64_t ti_journal_reserve(ti_journal *journal, int64_t life);

/* The head changes hands: a sign-in (generation 1, held by life), what the store turned out to hold, nobody. */
void ti_journal_signed_in(ti_journal *journal, const ti_sign_in_id *id,
                          const ti_secret *refresh_token, int64_t life);
void ti_journal_adopted(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation,
                        const ti_secret *refresh_token);
void ti_journal_signed_out(ti_journal *journal, const ti_sign_in_id *id);

/* A grant is about to be sent with that refresh token, of that generation. Where the head is newer it falls back to it: its writer died.
 * NULL: with the client's own credentials, which fall back to nothing. false: the hash found no memory. Then exactly one of: */
bool ti_journal_posted(ti_journal *journal, const ti_secret *refresh_token, uint64_t generation,
                       int64_t now_boot_ms);
void ti_journal_not_granted(ti_journal *journal); /* not sent, or answered with an error */
void ti_journal_answered(ti_journal *journal, const ti_secret *refresh_token,
                         int64_t life); /* NULL: it stays the same */
/* ... or nothing: the outcome is unknown, and POSTED says so. */

/* The server's last word on the refresh token that was posted. */
void ti_journal_refused(ti_journal *journal);

void ti_journal_saved(ti_journal *journal);
void ti_journal_lost(ti_journal *journal,
                     int64_t life); /* the store lost the head's record; life has it */

/* Somebody is signed in, as far as it says. */
bool ti_journal_is_live(const ti_journal *journal);
bool ti_journal_is_saved(const ti_journal *journal);
/* Whether the hash is that of this refresh token; false for NULL, and without memory. */
bool ti_token_hash_is_of(const ti_token_hash *hash, const ti_secret *refresh_token);

#endif
