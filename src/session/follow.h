/* Memory follows the journal: another process may have signed out, signed in, been refused, or met a server that wants peace. */
#ifndef TI_FOLLOW_H
#define TI_FOLLOW_H

#include "session/identity.h"

void ti_follow_locked(ti_identity *identity, const ti_journal_image *image);

#endif
