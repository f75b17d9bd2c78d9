#include "base/clock.h"

/* The condvar's clock stands still during a suspend, the deadline's does not: look again at least
 * this often. */
#define WAIT_MAX_MS 30000

int64_t ti_clock_wall_ms(const ti_clock *clock) {
    const tacit_clock *injected = &clock->injected;
    return injected->wall_ms ? injected->wall_ms(injected->clock_data) : ti_os_wall_ms();
}

int64_t ti_clock_deadline(const ti_clock *clock, int64_t ms) {
    if (ms < 0) return TI_NEVER;
    return ti_boot_plus(ti_clock_boot_ms(clock), ms);
}

void ti_clock_wait(const ti_clock *clock, pthread_cond_t *cond, pthread_mutex_t *mutex,
                   int64_t deadline_boot_ms) {
    int64_t now = ti_clock_boot_ms(clock);
    if (deadline_boot_ms <= now) return;
    /* Unsigned, since from far below zero the difference does not fit into an int64_t. */
    uint64_t left_ms = (uint64_t)deadline_boot_ms - (uint64_t)now;
    ti_cond_wait_ms(cond, mutex, left_ms < WAIT_MAX_MS ? (int64_t)left_ms : WAIT_MAX_MS);
}
