/* A sign-out: at once in memory, then the mark, the revocation and the record. */
#ifndef TI_SIGN_OUT_JOB_H
#define TI_SIGN_OUT_JOB_H

#include "session/identity.h"

/* In memory: nobody gets a token any more, sign-ins under way come to nothing. The job has what is left to do. */
void ti_sign_out_begin_locked(ti_identity *identity, ti_job *job);

/* The same where nobody asked for it, without a job: what is left to do is erase_pending and the revocations. A session is open. */
void ti_sign_out_by_itself_locked(ti_identity *identity);

/* On the worker; drops the lock meanwhile. no_turn: why this process cannot have its turn; the mark has to wait then. NULL: it has. */
void ti_sign_out_run_locked(ti_identity *identity, ti_job *job, const tacit_error *no_turn);

/* What a sign-out left (erase_pending). In this process's turn. */
void ti_sign_out_finish_locked(ti_identity *identity);

/* Has the tokens of a record revoked that nobody has in memory. */
void ti_sign_out_of_record_locked(ti_identity *identity, const ti_record *record);

#endif
