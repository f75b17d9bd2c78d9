/* A wait for nothing but the time, which the session's end cuts short. */
#ifndef TI_PAUSE_H
#define TI_PAUSE_H

#include "session/session.h"

/* Returns at until_boot_ms, also where the injected clock is moved there, or when the session
 * closes. For callers inside; not on threads of the library. */
void ti_session_pause(tacit_session *session, int64_t until_boot_ms);

#endif
