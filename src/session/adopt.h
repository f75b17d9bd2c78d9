/* What a record means that the store answered: nothing new, a newer token of another process, another sign-in, or a loss. */
#ifndef TI_ADOPT_H
#define TI_ADOPT_H

#include "session/identity.h"

/* Takes over what is newer in record, and takes it out of it. NULL: the store knows that it has none. TACIT_ERR_STORE_UNAVAILABLE: what
 * counts is in another process, which could not save it yet. */
tacit_status ti_adopt_locked(ti_identity *identity, ti_record *record, tacit_error *error);
/* Whether that was it: the store itself is well. */
bool ti_adopt_waits_locked(const ti_identity *identity, tacit_status status);

#endif
