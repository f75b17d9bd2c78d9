#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

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

bool ti_cond_init(pthread_cond_t *cond) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return false;
    bool done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(cond, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return done;
}

/* The end of a pause that begins now, as the condvar counts. */
static struct timespec monotonic_after(int64_t ms) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(ms / 1000);
    end.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_nsec -= 1000000000L;
        end.tv_sec++;
    }
    return end;
}

void ti_clock_wait(const ti_clock *clock, pthread_cond_t *cond, pthread_mutex_t *mutex,
                   int64_t deadline_boot_ms) {
    int64_t now = ti_clock_boot_ms(clock);
    if (deadline_boot_ms <= now) return;
    /* Unsigned, since from far below zero the difference does not fit into an int64_t. */
    uint64_t left_ms = (uint64_t)deadline_boot_ms - (uint64_t)now;
    struct timespec end = monotonic_after(left_ms < WAIT_MAX_MS ? (int64_t)left_ms : WAIT_MAX_MS);
    int result = pthread_cond_timedwait(cond, mutex, &end);
    assert(result != EINVAL && result != EPERM);
    (void)result;
}
