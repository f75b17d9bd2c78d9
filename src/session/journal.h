/*
 * What was sent, what was answered, and who is current: the facts that must outlive a flight.
 *
 * The head names the sign-in that is current and the newest generation that was answered in it. A generation is reserved before a
 * grant is sent and never used twice. Guarded by the identity's lock. It lives as long as the identity; refresh.c marks each step
 * in the order in which a durable journal must see them.
 */
#ifndef TI_JOURNAL_H
#define TI_JOURNAL_H

#include "platform/crypto.h"
#include "session/token.h"

typedef enum ti_journal_state {
    TI_JOURNAL_IDLE,
    TI_JOURNAL_POSTED,    /* a grant is out, or its outcome stayed unknown */
    TI_JOURNAL_ANSWERED,  /* the head's record is not saved yet */
    TI_JOURNAL_REFUSED,   /* the server refused the refresh token with this hash */
    TI_JOURNAL_SIGNED_OUT /* the record of the head must go */
} ti_journal_state;

typedef struct ti_journal {
    ti_journal_state state;
    ti_sign_in_id sign_in_id;
    uint64_t generation;
    uint64_t reserved;
    unsigned char refresh_hash[TI_SHA256_SIZE]; /* of the refresh token POSTED or REFUSED */
    bool answer_lost; /* an earlier grant with this hash has an unknown outcome */
    bool saved;       /* the store holds the head, as far as is known */
} ti_journal;

/* The head changes hands: sign-in (generation 1, not saved), or what a store or another process holds (saved). */
void ti_journal_signed_in(ti_journal *journal, const ti_sign_in_id *id);
void ti_journal_adopted(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation);
void ti_journal_signed_out(ti_journal *journal);

/* A grant: posted, then exactly one of the four. Posted answers the generation it reserved; 0 where the hash found no memory. */
uint64_t ti_journal_posted(ti_journal *journal, const ti_secret *refresh_token);
void ti_journal_not_sent(ti_journal *journal);
void ti_journal_unanswered(ti_journal *journal);
void ti_journal_answered(ti_journal *journal);
void ti_journal_refused(ti_journal *journal);

void ti_journal_saved(ti_journal *journal);
void ti_journal_lost(ti_journal *journal); /* the store lost the head's record */

#endif
