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

/* Writes `journal` as what is now the case, durably; the identity's own stays as it is. With the turn only. */
tacit_status ti_turn_note_locked(ti_identity *identity, const ti_journal *journal,
                                 tacit_error *error);

/* Writes what changed since the last note and lets the next one in. false: there was nothing to give, or the turn is kept: a store call is
 * overdue, a flight reads the store again, or an answer could neither be saved nor noted. */
bool ti_turn_give_locked(ti_identity *identity);

void ti_turn_free(ti_turn *turn); /* with the identity; takes NULL */

#endif
