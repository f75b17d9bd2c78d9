/*
 * What floors above hand to an identity: sign-ins and the sign-out. Jobs run one at a time with the refreshes (R16), on a worker; their
 * callers wait, or leave at their deadline while the job goes on (R4).
 */
#ifndef TI_JOB_H
#define TI_JOB_H

#include "oauth/grant.h"
#include "session/caller.h"
#include "session/token.h"

typedef struct ti_identity ti_identity;
typedef struct ti_view ti_view;
typedef struct ti_attempt ti_attempt;
typedef struct ti_revocation ti_revocation;

typedef enum ti_job_kind {
    TI_JOB_GRANT,   /* sign in with what a grant answers */
    TI_JOB_ANSWER,  /* ... with what one answered that its maker sent (device polls) */
    TI_JOB_TOKENS,  /* sign in with tokens that the app has */
    TI_JOB_SIGN_OUT /* revoke and erase; the local state has ended already */
} ti_job_kind;

/* Filled in by its maker, which zeroes the rest; strings and secrets are the job's own. */
typedef struct ti_job {
    ti_job_kind kind;
    ti_grant_type grant_type;
    ti_secret *refresh_token; /* to send, to keep, or to revoke */
    ti_secret *password, *access_token, *code;
    char *username, *scope;
    char *code_verifier, *redirect_uri, *nonce;
    char **params;      /* NULL-terminated */
    char **fingerprint; /* of its first token request, and its sign-in's; NULL: none */
    int64_t lifetime_s; /* of access_token; -1: unknown */
    ti_token_response answer;
    int64_t sent_boot_ms; /* when the grant of answer was sent */

    /* the identity's */
    struct ti_job *next;
    ti_view *view;                /* one user */
    ti_caller *caller;            /* while he waits */
    ti_sign_in_id ended;          /* the sign-in that a sign-out ends */
    ti_revocation *access_tokens; /* ... and what is to be revoked beside refresh_token */
    unsigned refs;                /* guarded by the identity's lock, as is all below */
    bool cancelled;
    bool in_force;  /* too late to cancel: the head names the new sign-in */
    bool overtaken; /* by a sign-out: what it brings is revoked */
    bool done;
    tacit_error result;
} ti_job;

ti_job *ti_job_new(ti_job_kind kind); /* NULL: no memory */
void ti_job_free(ti_job *job);        /* one that was never submitted */

/*
 * Queues the job (in any case it is no longer the caller's) and waits for its result until deadline_boot_ms. TACIT_ERR_BUSY: a second
 * sign-in. TACIT_ERR_CLOSED, TACIT_ERR_CANCELLED, TACIT_ERR_TIMEOUT, TACIT_ERR_REENTRANT (nothing was begun), TACIT_ERR_NO_MEMORY.
 */
tacit_status ti_job_sign_in(tacit_session *session, ti_job *job, ti_caller *caller,
                            int64_t deadline_boot_ms, tacit_error *error);
/* The same with what an attempt obtained (attempt.h), which ends with it, whatever the result. */
tacit_status ti_job_sign_in_attempted(tacit_session *session, ti_attempt *attempt, ti_job *job,
                                      int64_t deadline_boot_ms, tacit_error *error);
/* Ends the sign-in in memory at once, then queues the rest and waits for it. */
tacit_status ti_job_sign_out(tacit_session *session, int64_t deadline_boot_ms, tacit_error *error);
/* The same in two calls, for one that may wait on a thread of the library. *job: to be finished, once; NULL with TACIT_OK: signed out
 * already. finish takes NULL; one whose deadline is over gives the wait up, and nothing else. */
tacit_status ti_job_sign_out_begin(tacit_session *session, ti_caller *caller, ti_job **job,
                                   tacit_error *error);
tacit_status ti_job_sign_out_finish(tacit_session *session, ti_job *job, int64_t deadline_boot_ms,
                                    tacit_error *error);
/* Ends the sign-in under way, attempt or wait for its job, if any, with TACIT_ERR_CANCELLED. */
void ti_job_cancel_sign_in(tacit_session *session);
/* The same for what this caller has under way, or is about to begin; of a sign-out the wait ends. */
void ti_job_cancel_caller(tacit_session *session, ti_caller *caller);

/* Whether a sign-in may begin now: TACIT_ERR_BUSY, _CLOSED, _CANCELLED, _REENTRANT. */
tacit_status ti_job_may_sign_in_locked(const tacit_session *session, const ti_caller *caller,
                                       tacit_error *error);

void ti_job_signed_out_meanwhile(tacit_error *error);
tacit_status ti_job_cancelled(tacit_error *error);

/* Nobody works for the identity any more, nor waits. */
void ti_jobs_drop_locked(ti_identity *identity);

/* On the worker: runs the first job. Drops the lock meanwhile. */
void ti_job_run_locked(ti_identity *identity);

/* The first job cannot have this process's turn: a sign-in fails with the error, a sign-out owes the mark, and says so. */
void ti_job_fail_locked(ti_identity *identity, const tacit_error *error);

#endif
