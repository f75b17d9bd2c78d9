/* Opening and closing sessions: what a client and its identities need to know of them. */
#ifndef TI_OPEN_H
#define TI_OPEN_H

#include "session/identity.h"

/* Closes a session for everyone: it leaves its view, calls inside end, its last event is queued. Idempotent; under its identity's lock. */
void ti_session_shut_locked(tacit_session *session);
unsigned ti_session_calls_inside(const tacit_session *session);

#endif
