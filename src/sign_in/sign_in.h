/* What the ways of signing in have in common. */
#ifndef TI_SIGN_IN_H
#define TI_SIGN_IN_H

#include <tacit/sign_in.h>

#include "session/caller.h"
#include "session/job.h"

/*
 * A way of signing in, for the call that waits and for tacit_sign_in_async() alike. Both functions get a session that the caller has
 * entered, and options of full size whose timeout and params were checked.
 */
typedef struct ti_sign_in_way {
    /* What only this way asks of its options and of the session's. NULL: nothing. false: error says TACIT_ERR_INVALID_ARGUMENT. Never blocks. */
    bool (*check)(const tacit_session *session, const tacit_sign_in_options *options,
                  tacit_error *error);
    /* Signs in, on the thread that waits. caller goes into the attempt and the job. */
    tacit_status (*run)(tacit_session *session, const tacit_sign_in_options *options,
                        ti_caller *caller, tacit_error *error);
} ti_sign_in_way;

extern const ti_sign_in_way ti_sign_in_browser;            /* browser.c */
extern const ti_sign_in_way ti_sign_in_device_code;        /* device_code.c */
extern const ti_sign_in_way ti_sign_in_password;           /* options->username and password */
extern const ti_sign_in_way ti_sign_in_client_credentials; /* client_credentials.c */

/* All of a public tacit_sign_in_with_...(): reads the options (may be NULL), enters, checks, runs, leaves. */
tacit_status ti_sign_in(tacit_session *session, const ti_sign_in_way *way,
                        const tacit_sign_in_options *options, tacit_error *error);

/* The options in full size; given may be NULL. false: error says what is wrong with them. */
bool ti_sign_in_options(tacit_sign_in_options *options, const tacit_sign_in_options *given,
                        tacit_error *error);
/* How long to wait where the options say nothing. */
enum {
    TI_SIGN_IN_TIMEOUT_MS = 30 * 1000,
    TI_SIGN_IN_BROWSER_TIMEOUT_MS = 5 * 60 * 1000,
    TI_SIGN_OUT_TIMEOUT_MS = 30 * 1000
};
/* When that is over. */
int64_t ti_sign_in_deadline(const tacit_session *session, const tacit_sign_in_options *options,
                            int default_ms);

/* A grant as a job, with the options' scope and, where they are for the token request, their params. NULL: no memory. */
ti_job *ti_sign_in_job(ti_grant_type type, const tacit_sign_in_options *options);

#endif
