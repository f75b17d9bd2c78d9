#include "session/pause.h"

#include "session/identity.h"

void ti_session_pause(tacit_session *session, int64_t until_boot_ms) {
    ti_identity *identity = session->identity;
    const ti_clock *clock = ti_identity_clock(identity);

    pthread_mutex_lock(&identity->lock);
    while (!atomic_load(&session->closing) && ti_clock_boot_ms(clock) < until_boot_ms)
        ti_clock_wait(clock, &identity->changed, &identity->lock, until_boot_ms);
    pthread_mutex_unlock(&identity->lock);
}
