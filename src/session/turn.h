/*
 * This process's turn at an identity whose store other processes see too: the lock between processes, the journal beside it, and what
 * it says about memory.
 *
 * On workers only, one at a time for an identity. Functions drop the identity's lock while the disk is asked. Where the store's records
 * end with the process there is neither lock nor journal, and it is always this process's turn.
 */
#ifndef TI_TURN_H
#define TI_TURN_H

#include "session/identity.h"

typedef enum ti_turn_result {
    TI_TURN_TAKEN,
    TI_TURN_BUSY,  /* another process has it: again at turn_retry_boot_ms */
    TI_TURN_FAILED /* error says why nothing can be done with this identity */
} ti_turn_result;

/* Takes the turn, reads the journal, and brings memory in line with it: another process may have signed out, signed in or been refused.
 * TI_TURN_TAKEN at once where this process has it. over_ruins: a journal that cannot be read is as good as none, since a sign-out
 * ends whatever it holds. */
ti_turn_result ti_turn_take_locked(ti_identity *identity, bool over_ruins, tacit_error *error);
bool ti_turn_is_taken_locked(const ti_identity *identity);

/* Reads the journal without the turn, for a first load. TACIT_OK also where there is none. */
tacit_status ti_turn_look_locked(ti_identity *identity, tacit_error *error);

/* Whether it is still this process's turn, for certain; asked before what another must not do as well. A lock of the store's own may
 * have ended while this process stood still, and the turn with it: TACIT_ERR_STORE_UNAVAILABLE. Without the identity's lock. */
tacit_status ti_turn_confirm(ti_identity *identity, tacit_error *error);

/* Writes `journal` as what is now the case, durably; the identity's own stays as it is. With the turn only. */
tacit_status ti_turn_note_locked(ti_identity *identity, const ti_journal *journal,
                                 tacit_error *error);

/* Writes what changed since the last note and lets the next one in. false: there was nothing to give, or the turn is kept: a store call is
 * overdue, a flight reads the store again, or an answer could neither be saved nor noted. */
bool ti_turn_give_locked(ti_identity *identity);

/* What the journal of another store says of a sign-in that becomes this identity's (move.h), as if this one had said it. With the turn. */
typedef struct ti_journal_finding ti_journal_finding;
void ti_turn_inherit_locked(ti_identity *identity, const ti_journal_finding *found);
/* A process died between its grant and the answer: the retry comes a second after that, inside the grace that servers give. */
bool ti_turn_is_too_early_locked(const ti_identity *identity, const ti_journal *found);
/* When the journal was last written, before this turn; 0: it was not. */
int64_t ti_turn_written_boot_ms_locked(const ti_identity *identity);
/* How long the store is looked at for what a dead process asked of it. */
int64_t ti_turn_looks_until_locked(const ti_identity *identity);

void ti_turn_free(ti_turn *turn); /* with the identity; takes NULL */

#endif
