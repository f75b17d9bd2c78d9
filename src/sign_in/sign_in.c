#include "sign_in/sign_in.h"

#include "base/error.h"
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 30 * 1000 };

static bool copy_params(ti_job *job, const char *const *params) {
    size_t count = 0;

    while (params[count] != NULL) count++;
    job->params = calloc(count + 1, sizeof *job->params);
    if (job->params == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        job->params[i] = strdup(params[i]);
        if (job->params[i] == NULL) return false;
    }
    return true;
}

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

static bool fill(ti_job *job, const tacit_sign_in_options *o) {
    if (o->scope != NULL) {
        job->scope = strdup(o->scope);
        if (job->scope == NULL) return false;
    }
    return o->params == NULL || copy_params(job, o->params);
}

ti_job *ti_sign_in_job(ti_grant_type type, const tacit_sign_in_options *options, int *timeout_ms,
                       tacit_error *error) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    ti_job *job;

    if (options != NULL &&
        !ti_struct_read(&o, sizeof o, options, "options", "TACIT_SIGN_IN_OPTIONS_INIT", error))
        return NULL;
    if (!check(&o, error)) return NULL;
    *timeout_ms = o.timeout_ms > 0 ? o.timeout_ms : TIMEOUT_MS;
    job = ti_job_new(TI_JOB_GRANT);
    if (job != NULL) {
        job->grant_type = type;
        if (fill(job, &o)) return job;
    }
    ti_job_free(job);
    ti_error_no_memory(error);
    return NULL;
}

tacit_status ti_sign_in_submit(tacit_session *session, ti_job *job, int timeout_ms,
                               tacit_error *error) {
    tacit_error why;
    tacit_status status;

    if (!ti_session_enter(session, &why)) {
        ti_job_free(job);
        return ti_error_copy(error, &why);
    }
    status = ti_job_sign_in(session, job, ti_session_deadline(session, timeout_ms), error);
    ti_session_leave(session);
    return status;
}

void tacit_sign_in_cancel(tacit_session *session) {
    if (!ti_session_enter(session, NULL)) return;
    ti_job_cancel_sign_in(session);
    ti_session_leave(session);
}
