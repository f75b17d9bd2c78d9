/* A sign-out: at once in memory, then the mark, the revocation and the record. */
#ifndef TI_SIGN_OUT_JOB_H
#define TI_SIGN_OUT_JOB_H

#include "session/identity.h"

/* In memory: nobody gets a token any more, sign-ins under way come to nothing. The job has what is left to do. */
void ti_sign_out_begin_locked(ti_identity *identity, ti_job *job);

/* On the worker; drops the lock meanwhile. Without this process's turn it goes without the mark. */
void ti_sign_out_run_locked(ti_identity *identity, ti_job *job);

#endif
