/*
 * The move of a sign-in's record from where the app kept it before (tacit_session_options.previous_store).
 *
 * On workers, in this process's turn; functions drop the identity's lock while a store or a lock is asked.
 */
#ifndef TI_MOVE_H
#define TI_MOVE_H

#include "session/identity.h"

typedef struct ti_store_lock ti_store_lock;

/* An identity's, from the first session on that names a previous store. Guarded by the identity's lock. */
typedef struct ti_move {
    tacit_store *from;           /* counted */
    bool done;                   /* a record came from there */
    bool waits;                  /* another process is at work there: the load goes on later */
    bool unended;                /* a sign-out is to end what is there, and did not yet */
    ti_sign_in_id ends;          /* ... only this sign-in, which was here; none: whoever's */
    bool erasing;                /* what is left there: a call is out */
    int64_t waits_since_boot_ms; /* 0: it does not */
    ti_sign_in_id left;          /* whose record is to be erased there; none: nobody's */
    ti_sign_in_id into;          /* ... and whose it is here */
    int64_t retry_boot_ms;       /* ... when */
    unsigned failures;           /* the first was told */
    ti_store_lock *kept;         /* of the previous store, until that call returns */
} ti_move;

/* A session names its previous store, which may be NULL. false: error says why it cannot. */
bool ti_move_name_locked(ti_identity *identity, tacit_store *from, tacit_error *error);
void ti_move_free(ti_move *move); /* with the identity; takes NULL */

/* Whether a load that found a record, or none (NULL), is to look into the previous store before it counts. */
bool ti_move_is_due_locked(const ti_identity *identity, const ti_record *here);
/* Looks there, and moves what is to be moved. *record: what the store holds, before and after, as the status says. */
tacit_status ti_move_run_locked(ti_identity *identity, ti_record *record, tacit_status status,
                                tacit_error *error);
/* That failed only because another process is at work there. */
bool ti_move_waits_locked(const ti_identity *identity);

/* When to erase what is left there, or to end it; TI_NEVER: nothing is. */
int64_t ti_move_tidy_due_locked(const ti_identity *identity);
void ti_move_tidy_locked(ti_identity *identity);
void ti_move_put_off_locked(ti_identity *identity,
                            const tacit_error *error); /* it cannot be, now */

/* Somebody signs out who was never loaded: what would have been moved ends too, with this sign-out or, where it fails, with the next, or
 * by itself once nothing is left here. Fills *found, where it is empty, with what it was. */
void ti_move_is_to_end_locked(ti_identity *identity); /* when he begins to */
void ti_move_ends_locked(ti_identity *identity,
                         const ti_record *found); /* what was here; or empty */
bool ti_move_is_unended_locked(const ti_identity *identity);
tacit_status ti_move_sign_out_locked(ti_identity *identity, ti_record *found, tacit_error *error);

/* For a sentence: where the record was found. NULL: in the store. */
const char *ti_move_source_locked(const ti_identity *identity);

#endif
