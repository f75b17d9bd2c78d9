/* A look into the previous store, under its lock: what a move begins with, and what cleans up behind it. Private to move*.c. */
#ifndef TI_MOVE_VISIT_H
#define TI_MOVE_VISIT_H

#include "session/identity.h"
#include "session/journal_file.h"
#include "session/move.h"
#include "session/record.h"
#include "session/store_lock.h"

/* What the previous store and its journal hold, in this process's turn there. */
typedef struct ti_move_visit {
    tacit_store *from;        /* counted */
    bool shared;              /* its lock and journal are this identity's */
    ti_store_lock *lock;      /* NULL: it needs none */
    ti_journal_finding found; /* of its journal */
    tacit_status loaded;
    ti_record record;
    tacit_error why; /* of loaded */
} ti_move_visit;

/* Takes the lock there, if it needs one, and looks. TACIT_OK: *v holds what there is, or why that is not known. TACIT_ERR_BUSY: another
 * process is at work. TACIT_ERR_STORE_NOT_FOUND: there is neither record nor lock. Whatever it answers, leave. */
tacit_status ti_move_visit_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error);
void ti_move_leave_locked(ti_identity *identity, ti_move_visit *v);
/* Whether one lock and one journal serve both stores. */
bool ti_move_is_shared_locked(const ti_identity *identity);

/* NULL: there is none of its own. */
const ti_journal *ti_move_journal_there(const ti_move_visit *v);
/* Whether the journal there, if there is one, stands by the record. */
bool ti_move_is_current(const ti_move_visit *v);
/* Whoever still works with the previous store alone finds himself signed out. */
tacit_status ti_move_mark_locked(ti_identity *identity, ti_move_visit *v, bool moved,
                                 tacit_error *error);
/* The same, and the record there is to be erased. */
tacit_status ti_move_drop_locked(ti_identity *identity, ti_move_visit *v, tacit_error *error);

/* Until the next try, where another process is at work there. */
int64_t ti_move_pause_ms(void);
/* A load has to wait for that; answers TACIT_ERR_STORE_UNAVAILABLE. */
tacit_status ti_move_wait_locked(ti_identity *identity, tacit_error *error);

#endif
