/*
 * A store that several machines share, with a lock, a journal and lives of its own: one fleet, and for each machine a handle with
 * faults of its own. A lease never ends by time here, but where a test says so. As the contract wants it, nothing is written by
 * whom the lock was taken from: what is tried all the same is counted.
 *
 *     fleet *f = fleet_new();
 *     fleet_machine *one = fleet_join(f), *other = fleet_join(f);
 *     world *w = world_new(&(world_options){.store = fleet_store(one)});
 */
#ifndef TS_SHARED_STORE_H
#define TS_SHARED_STORE_H

#include <tacit/store.h>

#include "session/journal_bytes.h"

typedef struct fleet fleet;
typedef struct fleet_machine fleet_machine;

fleet *fleet_new(void);
void fleet_free(fleet *fleet); /* its machines with it, when nothing uses their handles any more */
fleet_machine *fleet_join(fleet *fleet);
tacit_store *fleet_store(fleet_machine *machine); /* borrowed */

/* Points of a refresh, a sign-in or a sign-out at which something may happen to a machine. */
typedef enum fleet_moment {
    FLEET_NEVER,
    FLEET_BEFORE_POSTED, /* the note, at the store's door */
    FLEET_AFTER_POSTED,  /* written; the machine does not know yet */
    FLEET_BEFORE_ANSWERED,
    FLEET_AFTER_ANSWERED,
    FLEET_BEFORE_SAVE,
    FLEET_AFTER_SAVE,
    FLEET_BEFORE_IDLE, /* the last word, when the record is there */
    FLEET_BEFORE_SIGNED_OUT,
    FLEET_AFTER_SIGNED_OUT /* the mark is there, the record not gone yet */
} fleet_moment;

typedef enum fleet_fate {
    FLEET_LEASE_ENDS,  /* it stood still: the lock is free, and whoever comes next takes it */
    FLEET_IS_CUT_OFF,  /* it reaches nothing any more, and its lease ends: till fleet_mend() */
    FLEET_ANSWER_LOST, /* ... and keeps its lease: what was done is not known to it */
    FLEET_REPLY_LOST,  /* of what was done there, and nothing else is amiss */
    FLEET_IS_CORRUPT   /* something else lies where its lock should be: till fleet_mend() */
} fleet_fate;

/* At the next such moment, once. Whoever waits for fleet_wait_fate() hears of it. */
void fleet_fate_at(fleet_machine *machine, fleet_moment moment, fleet_fate fate);
void fleet_wait_fate(fleet_machine *machine); /* fails the test where it does not come */
void fleet_fate_now(fleet_machine *machine, fleet_fate fate);
void fleet_mend(fleet_machine *machine);
/* The machine was not heard of for so long that nobody believes it alive. */
void fleet_life_ends(fleet_machine *machine);
/* The store takes what is written without the lock, too: what keeps the records then is the library alone. */
void fleet_without_fence(fleet *fleet);

/* Another has the lock, which does nothing with it. Waits for it. */
void fleet_hold(fleet *fleet);
void fleet_let_go(fleet *fleet);

/* What is stored; yours. NULL: nothing. */
char *fleet_record(fleet *fleet);
/* What the journal says. */
ti_journal_reading fleet_journal(fleet *fleet, ti_journal_image *image);
/* Writes, saves and erasures by those who did not have the lock. */
unsigned fleet_intrusions(fleet *fleet);
/* How often all were asked for anything, or a machine for its lock. */
unsigned fleet_takes(fleet_machine *machine);

#endif
