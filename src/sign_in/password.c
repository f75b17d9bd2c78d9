/* Sign-in with the user's name and password (RFC 6749 section 4.3). */
#include "sign_in/sign_in.h"

#include "base/error.h"

#include <string.h>

static bool check(const tacit_session *session, const tacit_sign_in_options *o,
                  tacit_error *error) {
    (void)session;
    if (o->username == NULL) return ti_error_argument(error, "options->username", "is NULL"), false;
    if (o->password == NULL) return ti_error_argument(error, "options->password", "is NULL"), false;
    return true;
}

static tacit_status run(tacit_session *session, const tacit_sign_in_options *o, ti_caller *caller,
                        tacit_error *error) {
    ti_job *job = ti_sign_in_job(TI_GRANT_PASSWORD, o);

    if (job == NULL) return ti_error_no_memory(error);
    job->username = strdup(o->username);
    job->password = ti_secret_from_string(o->password);
    if (job->username == NULL || job->password == NULL) {
        ti_job_free(job);
        return ti_error_no_memory(error);
    }
    return ti_job_sign_in(session, job, caller,
                          ti_sign_in_deadline(session, o, TI_SIGN_IN_TIMEOUT_MS), error);
}

const ti_sign_in_way ti_sign_in_password = {.check = check, .run = run};

tacit_status tacit_sign_in_with_password(tacit_session *session, const char *username,
                                         const char *password, const tacit_sign_in_options *options,
                                         tacit_error *error) {
    tacit_error why = TACIT_ERROR_INIT;
    tacit_sign_in_options o;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL");
    if (username == NULL) return ti_error_argument(error, "username", "is NULL");
    if (password == NULL) return ti_error_argument(error, "password", "is NULL");
    if (!ti_sign_in_options(&o, options, &why)) return ti_error_copy(error, &why);
    o.username = username;
    o.password = password;
    return ti_sign_in(session, &ti_sign_in_password, &o, error);
}
