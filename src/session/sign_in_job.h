/* What a worker does for a sign-in: the grant, then the new head, the record, and the token. Takes effect whole or not at all. */
#ifndef TI_SIGN_IN_JOB_H
#define TI_SIGN_IN_JOB_H

#include "session/identity.h"

/* In this process's turn, unless it was called off; drops the lock meanwhile. The outcome is in job->result. */
void ti_sign_in_run_locked(ti_identity *identity, ti_job *job);

/* This process cannot have its turn. */
void ti_sign_in_fail_locked(ti_identity *identity, ti_job *job, const tacit_error *error);

#endif
