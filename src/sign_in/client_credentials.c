/* Sign-in of a program as itself (RFC 6749 section 4.4). */
#include "sign_in/sign_in.h"

#include "base/error.h"
#include "session/view.h"

static bool check(const tacit_session *session, const tacit_sign_in_options *o,
                  tacit_error *error) {
    (void)o;
    if (session->view->grant.client_secret != NULL) return true;
    ti_error_argument(error, "options->client_secret", "of the session is missing");
    return false;
}

static tacit_status run(tacit_session *session, const tacit_sign_in_options *o, ti_caller *caller,
                        tacit_error *error) {
    ti_job *job = ti_sign_in_job(TI_GRANT_CLIENT_CREDENTIALS, o);

    if (job == NULL) return ti_error_no_memory(error);
    return ti_job_sign_in(session, job, caller,
                          ti_sign_in_deadline(session, o, TI_SIGN_IN_TIMEOUT_MS), error);
}

const ti_sign_in_way ti_sign_in_client_credentials = {.check = check, .run = run};

tacit_status tacit_sign_in_with_client_credentials(tacit_session *session,
                                                   const tacit_sign_in_options *options,
                                                   tacit_error *error) {
    return ti_sign_in(session, &ti_sign_in_client_credentials, options, error);
}
