/*
 * One sign-in: the record, the refresh token, the flight, the jobs, and the views through which sessions see it.
 *
 * Lock order: client's lock > identity's lock > those of refresher, dispatch, transport, log. Nothing blocks under any of them (R9).
 * Functions that end in _locked need the identity's lock; where one drops it meanwhile, its comment says so.
 */
#ifndef TI_IDENTITY_H
#define TI_IDENTITY_H

#include <pthread.h>
#include <stdatomic.h>

#include "session/attempt.h"
#include "session/flight.h"
#include "session/job.h"
#include "session/journal.h"
#include "session/record.h"
#include "session/refresher.h"
#include "session/revocation.h"
#include "session/storm.h"
#include "session/terms.h"
#include "session/view.h"
#include "session/waiter.h"

/* A store call of this identity that was left behind (persist.c). */
typedef struct ti_late_call {
    bool out;
    bool save; /* of this head */
    ti_sign_in_id sign_in_id;
    uint64_t generation;
} ti_late_call;

typedef struct ti_turn ti_turn;
typedef struct ti_move ti_move;

enum { TI_LOOKS = 4 }; /* at once, after 0.5, 2 and 30 s */

typedef struct ti_identity {
    ti_task task;     /* the refresher's */
    atomic_uint refs; /* the last one goes under the client's lock */

    /* set at creation, then read-only */
    tacit_client *client; /* counted */
    tacit_store *store;   /* counted */
    char *key, *issuer, *client_id;
    int64_t life; /* in the journal, as the writer (process_lock.h) */

    /* guarded by the client's lock */
    struct ti_identity *next, **link;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* waiters of flights and jobs; any change of what they look at */

    /* guarded by lock, to the end */
    tacit_session_state state;
    unsigned sessions;        /* open, in all views */
    ti_secret *refresh_token; /* NULL: none */
    ti_secret *id_token;      /* checked; NULL: none */
    uint64_t generation;      /* of what memory holds; below the head's it is stale */
    ti_journal journal;       /* its head's sign_in_id says who is signed in */
    ti_turn *turn;            /* NULL: the journal's file is not open */
    bool in_turn;             /* which is to be given, with a last word to the journal */
    ti_view *views;
    ti_record_token *parked; /* access tokens of views that no session has open */
    size_t parked_count;

    ti_flight flight;
    ti_backoff backoff;
    ti_storm *storm; /* NULL: no forced refresh counted yet */
    ti_terms *terms; /* NULL: nothing is known, as of most */
    ti_move *move;   /* NULL: no session named a previous store */
    ti_job *jobs, **last_job;
    ti_attempt *attempt; /* NULL: none is under way */
    ti_waiter *waiters;  /* that have no thread */
    ti_revocation *revocations;
    bool lingers; /* holds a reference to itself until it is idle: no session does any more */

    bool head_known;          /* the journal's file named it, when it was last read */
    bool head_elsewhere;      /* ... and its writer, somebody else, lived and had not saved it */
    bool note_doubtful;       /* it came to nothing; the store's journal may have it (turn.c) */
    bool backoff_lifted;      /* the network or the clock changed: what others met does not count */
    bool loaded_told;         /* TACIT_EVENT_LOADED went out */
    bool missing_told;        /* that this head's record is not in the store, too */
    bool load_wanted;         /* somebody asks for the store now */
    bool record_present;      /* the store holds something under the key, as far as is known */
    bool readable;            /* the last load answered: what is there may be overwritten */
    bool by_credentials;      /* renewed with the client's own: no refresh token is kept */
    bool mark_refused;        /* the record has yet to be marked */
    bool erase_pending;       /* a sign-out could not be marked, or the record not be erased */
    bool ended_by_limit;      /* the app's own: whoever asks hears that a sign-in is required */
    bool slide_parked;        /* what slid of a view that was closed is not saved yet */
    bool rolled_back;         /* the store holds an older record than the head, which was saved */
    unsigned char looks_left; /* at the store: a dead process's call may be done late (R7) */
    tacit_status store_trouble; /* last told by TACIT_EVENT_STORE_FAILED; TACIT_OK: none */
    unsigned store_failures;
    int64_t store_retry_boot_ms; /* when to load, save or erase again */
    ti_late_call late;
    int64_t turn_retry_boot_ms; /* another process had the turn: when to try again */
    int64_t busy_since_boot_ms; /* 0: it did not, the last time */

    /* statistics */
    uint64_t refreshes, refresh_failures, refreshes_forced, adoptions;
    tacit_status last_error;
} ti_identity;

/* The identity of that store and key, found or made; the caller's reference. NULL: no memory. */
ti_identity *ti_identity_find(tacit_client *client, tacit_store *store, const char *issuer,
                              const char *client_id, const char *account);
ti_identity *ti_identity_ref(ti_identity *identity);
void ti_identity_unref(ti_identity *identity);

/* Looks at what is to be done, now. false: no memory or no thread for it. Never blocks. */
bool ti_identity_schedule(ti_identity *identity, int64_t due_boot_ms);
bool ti_identity_schedule_now(ti_identity *identity);

/* The clock or the network changed: ends the backoff where asked, wakes all who wait, and looks again. */
void ti_identity_nudge(ti_identity *identity, bool end_backoff);

/* Nothing under way, and nothing that could be done now: what the store is owed does not count where the next try lies ahead. */
bool ti_identity_idle_locked(const ti_identity *identity);
/* The last session is shut: what is under way goes on. */
void ti_identity_linger_locked(ti_identity *identity);
/* It is idle, or nobody will work for it any more. May be its end. */
void ti_identity_stop_lingering(ti_identity *identity);
bool ti_identity_wait_idle(ti_identity *identity,
                           int64_t deadline_boot_ms); /* false: it was not by then */

ti_context *ti_identity_context(const ti_identity *identity);
const ti_clock *ti_identity_clock(const ti_identity *identity);
int64_t ti_identity_now(const ti_identity *identity);
/* Refusals of another sign-in's tokens say nothing of this one's. */
void ti_identity_drop_storm_locked(ti_identity *identity);
/* Only this process has the head: the store does not (R5). */
bool ti_identity_owes_head_locked(const ti_identity *identity);
/* With a refresh token, or without needing one. */
bool ti_identity_can_renew_locked(const ti_identity *identity);
/* The sign-in is over: who it was, and how it was renewed. */
void ti_identity_forget_user_locked(ti_identity *identity);
/* Memory is older than the head. */
bool ti_identity_is_stale_locked(const ti_identity *identity);
/* The journal names a sign-in, and the store had nothing of it: it may be behind a lock that the store does not tell of. */
bool ti_identity_misses_record_locked(const ti_identity *identity);
uint32_t ti_identity_random(void);

#endif
