/*
 * Threads for work that may hang: each job runs on one that can be left behind.
 *
 * A thread is started when no other is free, and kept for the next job; never more than there are
 * jobs at once, and at most two of them idle.
 */
#ifndef TI_HELPERS_H
#define TI_HELPERS_H

#include <tacit/error.h>

#include "base/clock.h"

typedef struct ti_helpers ti_helpers;

/* Lies inside what it works on. run is called once, on a helper; the job may be gone when it
 * returns. */
typedef struct ti_helper_job {
    void (*run)(struct ti_helper_job *job);
    struct ti_helper_job *next; /* the helpers' own */
} ti_helper_job;

/* Starts no thread. clock and name (of the threads: library_thread.h) are borrowed until the free.
 * NULL: no memory. */
ti_helpers *ti_helpers_new(const ti_clock *clock, size_t stack_bytes, const char *name);

/* Never waits. TACIT_ERR_CLOSED: stopped; TACIT_ERR_NO_MEMORY: the system gave no thread. In both
 * cases run is not called. */
tacit_status ti_helpers_run(ti_helpers *helpers, ti_helper_job *job);
bool ti_helpers_stopped(ti_helpers *helpers);

/* Takes no more jobs, and waits for the threads until deadline_boot_ms. true: none is left. */
bool ti_helpers_stop(ti_helpers *helpers, int64_t deadline_boot_ms);
/* The clock was moved: stop looks at it again. */
void ti_helpers_clock_moved(ti_helpers *helpers);
/* Stops, and waits for idle threads only; one left behind frees the rest when its job returns. May
 * be called by a job. */
void ti_helpers_free(ti_helpers *helpers);

#endif
