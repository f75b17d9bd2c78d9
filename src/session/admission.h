/* Whether the grant of the flight may be sent now: the guard against forced refreshes that do not help (R14), and what the server's own
 * alarm allows (grant_rate.h). */
#ifndef TI_ADMISSION_H
#define TI_ADMISSION_H

#include "session/identity.h"

/* false: error says why, and kind how long whoever comes next is refused. */
bool ti_admission_locked(ti_identity *identity, tacit_error *error, ti_backoff_kind *kind);
/* A grant is about to be sent; where the journal is to say so, this comes first. Without memory it is not counted. */
void ti_admission_note_locked(ti_identity *identity, const ti_view *view);
/* It was not sent, since the journal could not say so. */
void ti_admission_take_back_locked(ti_identity *identity, const ti_view *view);
/* The first time at which the background may send one. */
int64_t ti_admission_from_locked(const ti_identity *identity, ti_grant_need need);

#endif
