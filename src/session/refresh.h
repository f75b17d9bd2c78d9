/* One refresh, from the store to the server and back. On workers only; each function drops the lock while it waits. */
#ifndef TI_REFRESH_H
#define TI_REFRESH_H

#include "session/identity.h"

/* Begins a flight for view and carries it to its end, or to where it waits for the store to be read again. */
void ti_refresh_run_locked(ti_identity *identity, ti_view *view);
/* Goes on there. */
void ti_refresh_reread_locked(ti_identity *identity);

/* What becomes of one that could not even begin. */
void ti_refresh_fail_locked(ti_identity *identity, ti_view *view, const tacit_error *error);

/* The token that an answer brought. NULL: no memory. */
tacit_token *ti_refresh_make_token(const ti_identity *identity, const ti_token_response *answer,
                                   const ti_sign_in_id *id, uint64_t generation,
                                   int64_t sent_boot_ms);

#endif
