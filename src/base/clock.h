/* The one clock: the system's, or the one that a test injects. */
#ifndef TI_CLOCK_H
#define TI_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <tacit/client.h>

#include "platform/condvar.h"
#include "platform/os.h"

typedef struct ti_clock {
    tacit_clock injected; /* a function that is NULL: the system's */
} ti_clock;

#define TI_NEVER INT64_MAX

static inline bool ti_clock_is_injected(const ti_clock *clock) {
    return clock->injected.boot_ms != NULL;
}

/* Inline, since every request asks for it. */
static inline int64_t ti_clock_boot_ms(const ti_clock *clock) {
    if (!ti_clock_is_injected(clock)) return ti_os_boot_ms();
    return clock->injected.boot_ms(clock->injected.clock_data);
}
int64_t ti_clock_wall_ms(const ti_clock *clock);

/* boot_ms + ms, never past TI_NEVER; ms >= 0. */
static inline int64_t ti_boot_plus(int64_t boot_ms, int64_t ms) {
    return boot_ms > TI_NEVER - ms ? TI_NEVER : boot_ms + ms;
}

/* now + ms, never past TI_NEVER; ms < 0 is TI_NEVER. */
int64_t ti_clock_deadline(const ti_clock *clock, int64_t ms);

/*
 * Waits for a signal on a condvar of ti_cond_init() until about deadline_boot_ms; may return early, for no reason: test the
 * predicate and the clock in a loop. It never sleeps more than 30 s at once, so that a deadline
 * holds across a suspend; an injected clock that was moved needs a broadcast.
 */
void ti_clock_wait(const ti_clock *clock, pthread_cond_t *cond, pthread_mutex_t *mutex,
                   int64_t deadline_boot_ms);

#endif
