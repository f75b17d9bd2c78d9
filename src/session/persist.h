/*
 * The identity and its store: loading, saving, erasing, and what another process's record means. On workers only; each function drops
 * the lock while the store is asked.
 */
#ifndef TI_PERSIST_H
#define TI_PERSIST_H

#include "session/identity.h"

/* Reads the record and takes over what is newer in it (adoption). TACIT_OK, also where there is none; else the store's error, told already,
 * or that of ti_adopt_locked(). */
tacit_status ti_persist_load_locked(ti_identity *identity, tacit_error *error);

/* The same, of whose failure nobody is told. */
tacit_status ti_persist_look_locked(ti_identity *identity, tacit_error *error);

/* What the store holds, and nothing done with it. TACIT_ERR_STORE_NOT_FOUND: nothing. */
tacit_status ti_persist_fetch_locked(ti_identity *identity, ti_record *record, tacit_error *error);

/* Saves a record that nobody has in memory, as it is. */
tacit_status ti_persist_put_locked(ti_identity *identity, const ti_record *record,
                                   tacit_error *error);

/* Saves the head as it stands, with token (may be NULL) as view's newest. TACIT_OK: the journal says saved. Nothing is saved before a
 * load told what is there, and nothing over a record that cannot be read. */
tacit_status ti_persist_save_locked(ti_identity *identity, const ti_view *view,
                                    const tacit_token *token);

/* Saves the head's record anew, under a generation that the journal has reserved for it. Nobody is told of a failure, and the head stays. */
tacit_status ti_persist_save_as_locked(ti_identity *identity, uint64_t generation,
                                       tacit_error *error);

/* Saves the head that only this process has. */
void ti_persist_save_owed_locked(ti_identity *identity);

/* Nothing could be asked of the store: told like a store's failure. */
void ti_persist_trouble_locked(ti_identity *identity, const tacit_error *error);

/* The save that is overdue, of a head or of the mark that the server refused it: looks at the store first. */
void ti_persist_save_again_locked(ti_identity *identity);

/* Erases the record, unless it is that of another sign-in than `ended`. *found (may be NULL): what was to be erased, for ti_record_free();
 * empty where there was nothing to read. */
tacit_status ti_persist_erase_locked(ti_identity *identity, const ti_sign_in_id *ended,
                                     ti_record *found, tacit_error *error);

#endif
