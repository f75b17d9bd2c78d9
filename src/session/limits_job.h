/* What a worker does for the app's limits (limits.h): ends the sign-in, and tells the record of its use. */
#ifndef TI_LIMITS_JOB_H
#define TI_LIMITS_JOB_H

#include "session/identity.h"

/* A limit is reached, as far as this process knows: looks what others did, and ends the sign-in or goes on. In this process's turn. */
void ti_limits_run_locked(ti_identity *identity);

/* Ends it without another look: in memory at once, and the rest when it can be done. tell_first (may be NULL) is called between that and
 * TACIT_EVENT_SIGN_IN_REQUIRED. */
void ti_limits_end_locked(ti_identity *identity, void (*tell_first)(ti_identity *identity));

/* Saves what the record does not know of the use. In this process's turn. */
void ti_limits_save_locked(ti_identity *identity);

#endif
