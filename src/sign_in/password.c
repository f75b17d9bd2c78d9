/* Sign-in with the user's name and password (RFC 6749 section 4.3). */
#include "sign_in/sign_in.h"

#include "base/error.h"

#include <string.h>

tacit_status tacit_sign_in_with_password(tacit_session *session, const char *username,
                                         const char *password, const tacit_sign_in_options *options,
                                         tacit_error *error) {
    tacit_error why = TACIT_ERROR_INIT;
    int timeout_ms;
    ti_job *job;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL");
    if (username == NULL) return ti_error_argument(error, "username", "is NULL");
    if (password == NULL) return ti_error_argument(error, "password", "is NULL");
    job = ti_sign_in_job(TI_GRANT_PASSWORD, options, &timeout_ms, &why);
    if (job == NULL) return ti_error_copy(error, &why);
    job->username = strdup(username);
    job->password = ti_secret_from_string(password);
    if (job->username == NULL || job->password == NULL) {
        ti_job_free(job);
        return ti_error_no_memory(error);
    }
    return ti_sign_in_submit(session, job, timeout_ms, error);
}
