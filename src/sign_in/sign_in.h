/* What the ways of signing in have in common. */
#ifndef TI_SIGN_IN_H
#define TI_SIGN_IN_H

#include <tacit/sign_in.h>

#include "session/job.h"

/* A grant as a job, with what the options (may be NULL) ask for. NULL: error says why. *timeout_ms: how long its caller waits. */
ti_job *ti_sign_in_job(ti_grant_type type, const tacit_sign_in_options *options, int *timeout_ms,
                       tacit_error *error);

/* Around every sign-in: enters the session, submits the job (taken over; NULL: error says why already), leaves. */
tacit_status ti_sign_in_submit(tacit_session *session, ti_job *job, int timeout_ms,
                               tacit_error *error);

#endif
