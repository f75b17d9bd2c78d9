/*
 * The app's own limits (max_idle_s, max_age_s): when a sign-in is over by them, what counts as its use, and when the record is to learn
 * of that.
 *
 * Requests count while they get their token. While a session with max_idle_s is open that is an atomic store for each, of all sessions
 * of the sign-in; the record hears of it at most once in a while, and at the end.
 *
 * Guarded by the identity's lock, but for what is atomic. An identity without limits has no terms, and asks nothing of the clock.
 */
#ifndef TI_LIMITS_H
#define TI_LIMITS_H

#include "session/use.h"

typedef struct ti_identity ti_identity;

typedef enum ti_limit { TI_LIMIT_NONE, TI_LIMIT_IDLE, TI_LIMIT_AGE } ti_limit;

typedef struct ti_limits { /* a part of the terms, and stays where it is as long as they do */
    ti_use use;

    /* the strictest of the open sessions; TI_NEVER: none has one */
    atomic_int_fast64_t max_idle_ms;
    int64_t max_age_ms;
    atomic_int_fast64_t age_over_boot_ms; /* what that comes to */

    atomic_bool unsaved;    /* the record knows less */
    int64_t save_boot_ms;   /* not before */
    int64_t saved_ahead_ms; /* of the wall clock to the boot clock, when the record was written */
} ti_limits;

/* Nothing is known, and nothing limited. */
void ti_limits_init(ti_limits *limits);
/* Another sign-in, or none: the limits stay. */
void ti_limits_forget(ti_limits *limits);

/* ------------------------------------------------------------------ decisions, pure */

/* When the first of the limits is reached; TI_NEVER: by none. */
int64_t ti_limits_over_boot_ms(const ti_limits *limits);
/* Which of them is, if any: the one that was first. */
ti_limit ti_limits_reached(const ti_limits *limits, int64_t now_boot_ms);
/* A tenth of max_idle, at most a minute: so much a crash may lose. */
int64_t ti_limits_save_pause_ms(int64_t max_idle_ms);
/* A request at that time: counts, unless a limit is reached. Without the lock. *first: the record's is to be renewed. */
bool ti_limits_admit(ti_limits *limits, int64_t now_boot_ms, bool *first);

/* ------------------------------------------------------------------ an identity's */

/* A session was opened or shut: the strictest of those that are open. Where one has limits there are terms by now. */
void ti_limits_apply_locked(ti_identity *identity);
/* A sign-in begins. */
void ti_limits_signed_in_locked(ti_identity *identity);
/* A record of the current sign-in was read; NULL, or not known: it says nothing, and where there are limits it counts from now. */
void ti_limits_adopt_locked(ti_identity *identity, const ti_kept_use *kept);
/* What to write, which counts as saved; after a save that failed, not_saved. */
void ti_limits_to_record_locked(ti_identity *identity, ti_kept_use *kept);
void ti_limits_not_saved_locked(ti_identity *identity);
/* Whether that works or not, it is not tried again at once. */
void ti_limits_put_off_save_locked(ti_identity *identity);
/* The wall clock was set, perhaps. */
void ti_limits_clock_stepped_locked(ti_identity *identity);

/* Somebody is signed in, and a limit is reached: whoever asks for a token waits for the worker. */
bool ti_limits_are_reached_locked(const ti_identity *identity);
int64_t ti_limits_due_locked(const ti_identity *identity);
/* What the record is to learn, and not before when; TI_NEVER: nothing. */
int64_t ti_limits_save_due_locked(const ti_identity *identity);

/* A request gets its token; false: not now. Without the lock, for one of a session that is limited. */
bool ti_limits_use(ti_identity *identity, int64_t now_boot_ms);
void ti_limits_use_locked(ti_identity *identity);

#endif
