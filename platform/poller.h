/*
 * Waits for many descriptors at once. A port is one file poller_<system>.c. Below every floor: it
 * includes nothing of the library.
 *
 * A poller belongs to one thread; ti_poller_wake() reaches it from any.
 */
#ifndef TI_POLLER_H
#define TI_POLLER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ti_poller ti_poller;

#define TI_POLLER_IN 1u  /* there is something to read, an end or an error among it */
#define TI_POLLER_OUT 2u /* it can be written to, or that fails at once */

typedef struct ti_poller_ready {
    int descriptor;
    unsigned events; /* of those that it is watched for; never 0 */
} ti_poller_ready;

ti_poller *ti_poller_new(void); /* NULL: no memory, no descriptors; errno says which */
void ti_poller_free(ti_poller *poller);

/* From now on for these events, as long as they last; 0: no longer, which a descriptor needs before
 * it is closed. false: no memory (errno), and it is watched as before. */
bool ti_poller_watch(ti_poller *poller, int descriptor, unsigned events);

#define TI_POLLER_FOR_EVER (-1)

/* Blocks until something is ready, a wake, or the time is over; answers how many are in ready, which
 * has room for capacity (> 0). May return early for no reason. *woken: ti_poller_wake() was called
 * since the last wait. */
size_t ti_poller_wait(ti_poller *poller, int timeout_ms, ti_poller_ready *ready, size_t capacity,
                      bool *woken);
/* Any thread; never blocks. A wake before the wait is not lost. What the thread did before it is seen
 * by the one that was woken. */
void ti_poller_wake(ti_poller *poller);

#endif
