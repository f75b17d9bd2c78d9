#include "sign_in/sign_in.h"

#include "base/error.h"
#include "base/strings.h"
#include "session/session.h"

#include <string.h>

static bool check(const tacit_sign_in_options *o, tacit_error *error) {
    if (o->timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "options->timeout_ms", "is below -1"), false;
    for (size_t i = 0; o->params != NULL && o->params[i] != NULL; i++) {
        const char *equals = strchr(o->params[i], '=');

        if (equals == NULL || equals == o->params[i])
            return ti_error_argument(error, "options->params",
                                     "has an entry that is not \"name=value\""),
                   false;
    }
    return true;
}

bool ti_sign_in_options(tacit_sign_in_options *options, const tacit_sign_in_options *given,
                        tacit_error *error) {
    *options = (tacit_sign_in_options)TACIT_SIGN_IN_OPTIONS_INIT;
    if (given != NULL && !ti_struct_read(options, sizeof *options, given, "options",
                                         "TACIT_SIGN_IN_OPTIONS_INIT", error))
        return false;
    return check(options, error);
}

int64_t ti_sign_in_deadline(const tacit_session *session, const tacit_sign_in_options *options,
                            int default_ms) {
    return ti_session_deadline(session, options->timeout_ms > 0 ? options->timeout_ms : default_ms);
}

/* RFC 6749 section 4.1.1, 8628 section 3.1: the request that came before had them. */
static bool had_request_before(ti_grant_type type) {
    return type == TI_GRANT_AUTHORIZATION_CODE || type == TI_GRANT_DEVICE_CODE;
}

static bool fill(ti_job *job, const tacit_sign_in_options *o) {
    const char *const *params = had_request_before(job->grant_type) ? NULL : o->params;

    return ti_string_copy(&job->scope, o->scope) && ti_strings_copy(&job->params, params);
}

ti_job *ti_sign_in_job(ti_grant_type type, const tacit_sign_in_options *options) {
    ti_job *job = ti_job_new(TI_JOB_GRANT);

    if (job == NULL) return NULL;
    job->grant_type = type;
    if (fill(job, options)) return job;
    ti_job_free(job);
    return NULL;
}

tacit_status ti_sign_in(tacit_session *session, const ti_sign_in_way *way,
                        const tacit_sign_in_options *options, tacit_error *error) {
    tacit_sign_in_options o;
    tacit_error why = TACIT_ERROR_INIT;

    if (!ti_sign_in_options(&o, options, &why) || !ti_session_enter(session, &why))
        return ti_error_copy(error, &why);
    if (way->check == NULL || way->check(session, &o, &why)) way->run(session, &o, NULL, &why);
    ti_session_leave(session);
    return ti_error_copy(error, &why);
}

void tacit_sign_in_cancel(tacit_session *session) {
    if (!ti_session_enter(session, NULL)) return;
    ti_job_cancel_sign_in(session);
    ti_session_leave(session);
}
