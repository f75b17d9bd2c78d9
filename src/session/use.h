/*
 * How long a sign-in has lasted, and for how long nobody used it: on the boot clock, which runs during suspend and which nobody sets.
 *
 * Across restarts a record keeps both, and when it did so. Within one boot of the system the boot clock tells what has passed since;
 * across boots the wall clock does, and never less than the system is up. One that reads earlier than when the record was written
 * proves nothing: where it is set right later, what it shows then counts. Otherwise steps of the wall clock change nothing. Pure.
 */
#ifndef TI_USE_H
#define TI_USE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "session/journal_bytes.h"

typedef struct ti_use {
    int64_t began_boot_ms;            /* below 0 before this boot; TI_NEVER: unknown */
    atomic_int_fast64_t used_boot_ms; /* likewise; written without a lock */
    int64_t read_boot_ms;             /* when it came from a record */
    int64_t
        began_wall_ms; /* by a clock that was ahead of today's; TI_NEVER: nothing to be proved */
} ti_use;

/* As a record keeps it. All zero: not at all. */
typedef struct ti_kept_use {
    bool known;
    bool unproven; /* wall_ms is reckoned: the clock read earlier */
    int64_t age_ms, idle_ms;
    ti_journal_clocks at;
} ti_kept_use;

void ti_use_unknown(ti_use *use);
/* A sign-in begins, or is met of which nobody knows when it did. */
void ti_use_begin(ti_use *use, int64_t now_boot_ms);
bool ti_use_is_known(const ti_use *use);
/* The wall clock bears out what has passed, or need not. */
bool ti_use_is_proven(const ti_use *use);

/* now is read once for all of it. kept is known. */
void ti_use_read(ti_use *use, const ti_kept_use *kept, const ti_journal_clocks *now);
void ti_use_write(const ti_use *use, const ti_journal_clocks *now, ti_kept_use *kept);
/* Whether it was written since the system started, for certain. */
bool ti_use_is_of_this_boot(const ti_kept_use *kept, const ti_journal_clocks *now);
/* What another process wrote of the same sign-in: the later use and the earlier beginning count. */
void ti_use_merge(ti_use *use, const ti_use *other);

/* The wall clock was set: it may prove by now what it could not. */
void ti_use_clock_stepped(ti_use *use, const ti_journal_clocks *now);

#endif
