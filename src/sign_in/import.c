/* Sign-in with what the app has already: a refresh token, or the tokens themselves. */
#include "sign_in/sign_in.h"

#include "base/error.h"
#include "oauth/jwt.h"
#include "session/session.h"

#include <limits.h>

/* What can stand in a header line and in a form (RFC 6750 section 2.1): visible ASCII. */
static bool is_token(const char *text) {
    if (*text == '\0') return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

/* What both end with: the job is taken over. */
static tacit_status submit(tacit_session *session, ti_job *job, const tacit_sign_in_options *o,
                           tacit_error *error) {
    tacit_status status;
    tacit_error why;

    if (!ti_session_enter(session, &why)) {
        ti_job_free(job);
        return ti_error_copy(error, &why);
    }
    status = ti_job_sign_in(session, job, NULL,
                            ti_sign_in_deadline(session, o, TI_SIGN_IN_TIMEOUT_MS), error);
    ti_session_leave(session);
    return status;
}

tacit_status tacit_sign_in_with_refresh_token(tacit_session *session, const char *refresh_token,
                                              const tacit_sign_in_options *options,
                                              tacit_error *error) {
    tacit_error why = TACIT_ERROR_INIT;
    tacit_sign_in_options o;
    ti_job *job;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL");
    if (refresh_token == NULL || *refresh_token == '\0')
        return ti_error_argument(error, "refresh_token", "is missing");
    if (!ti_sign_in_options(&o, options, &why)) return ti_error_copy(error, &why);
    job = ti_sign_in_job(TI_GRANT_REFRESH_TOKEN, &o);
    if (job == NULL) return ti_error_no_memory(error);
    job->refresh_token = ti_secret_from_string(refresh_token);
    if (job->refresh_token == NULL) {
        ti_job_free(job);
        return ti_error_no_memory(error);
    }
    return submit(session, job, &o, error);
}

/* expires_in_s, or what a JWT says, or unknown. */
static int64_t lifetime(const tacit_session *session, const ti_secret *token, int expires_in_s) {
    int64_t lifetime_s;

    if (expires_in_s > 0) return expires_in_s;
    if (ti_jwt_lifetime_s(token, ti_clock_wall_ms(ti_session_clock(session)), &lifetime_s))
        return lifetime_s;
    return -1;
}

tacit_status tacit_sign_in_with_tokens(tacit_session *session, const char *access_token,
                                       int expires_in_s, const char *refresh_token,
                                       tacit_error *error) {
    const tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    ti_job *job;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL");
    if (access_token == NULL || !is_token(access_token))
        return ti_error_argument(error, "access_token", "is missing, or not visible ASCII");
    if (refresh_token != NULL && *refresh_token == '\0')
        return ti_error_argument(error, "refresh_token", "is empty");
    if (expires_in_s < -1) return ti_error_argument(error, "expires_in_s", "is below -1");
    /* Before its clock is asked, which may be the app's. */
    if (ti_session_forked(session)) return ti_error_forked(error, "session");
    job = ti_job_new(TI_JOB_TOKENS);
    if (job == NULL) return ti_error_no_memory(error);
    job->access_token = ti_secret_from_string(access_token);
    if (refresh_token != NULL) job->refresh_token = ti_secret_from_string(refresh_token);
    if (job->access_token == NULL || (refresh_token != NULL && job->refresh_token == NULL)) {
        ti_job_free(job);
        return ti_error_no_memory(error);
    }
    job->lifetime_s = lifetime(session, job->access_token, expires_in_s);
    return submit(session, job, &o, error);
}
