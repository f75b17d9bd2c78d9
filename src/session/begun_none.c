/* In a build without sign-in by browser nothing is ever begun. */
#include "session/begun.h"

void ti_begun_end_locked(tacit_session *session) {
    (void)session;
}

void ti_begun_end_all_locked(ti_identity *identity) {
    (void)identity;
}
