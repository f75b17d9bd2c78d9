/* Signing in by browser, before the browser and after it. */
#include "sign_in/browser.h"

#include "base/error.h"
#include "session/attempt.h"
#include "session/client.h"
#include "session/discover.h"
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

static const char *scope_of(const tacit_session *session, const char *asked) {
    return asked != NULL ? asked : session->view->scope;
}

/* The caller's reference. NULL: error says why. */
static ti_metadata *find_metadata(const tacit_session *session, int64_t deadline_boot_ms,
                                  const atomic_bool *cancelled, tacit_error *error) {
    tacit_provider *provider = session->view->grant.provider;
    ti_metadata *metadata;

    if (ti_discover(session->identity->client, provider, deadline_boot_ms, cancelled, error) !=
        TACIT_OK)
        return NULL;
    metadata = ti_provider_metadata(provider);
    if (metadata == NULL) ti_error_no_memory(error);
    return metadata;
}

tacit_status ti_browser_authorize(tacit_session *session, const tacit_sign_in_options *options,
                                  const char *redirect_uri, int64_t deadline_boot_ms,
                                  const atomic_bool *cancelled, ti_authorization *authorization,
                                  char **url, tacit_error *error) {
    ti_authorization_request request = {.client_id = session->view->grant.client_id,
                                        .scope = scope_of(session, options->scope),
                                        .resource = session->view->resource,
                                        .params = options->params};
    tacit_error why = TACIT_ERROR_INIT;
    ti_metadata *metadata = find_metadata(session, deadline_boot_ms, cancelled, &why);

    *url = NULL;
    if (metadata == NULL) return ti_error_copy(error, &why);
    if (ti_authorization_begin(authorization, metadata, redirect_uri, &why)) {
        *url = ti_authorization_url(authorization, metadata, &request, &why);
        if (*url == NULL) ti_authorization_end(authorization);
    }
    ti_metadata_unref(metadata);
    return *url != NULL ? ti_error_clear(error) : ti_error_copy(error, &why);
}

/* NULL: no memory. */
static ti_job *make_job(const tacit_session *session, const ti_authorization *authorization,
                        const char *scope, ti_secret *code) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    bool openid = ti_authorization_is_openid(scope_of(session, scope));
    ti_job *job;

    options.scope = scope;
    job = ti_sign_in_job(TI_GRANT_AUTHORIZATION_CODE, &options);
    if (job == NULL) return NULL;
    job->code = ti_secret_ref(code);
    job->code_verifier = strdup(authorization->verifier);
    job->redirect_uri = strdup(authorization->redirect_uri);
    if (openid) job->nonce = strdup(authorization->nonce);
    if (job->code_verifier != NULL && job->redirect_uri != NULL && (job->nonce != NULL || !openid))
        return job;
    ti_job_free(job);
    return NULL;
}

tacit_status ti_browser_redeem(tacit_session *session, ti_attempt *attempt,
                               const ti_authorization *authorization, const char *scope,
                               ti_secret *code, int64_t deadline_boot_ms, tacit_error *error) {
    ti_job *job = make_job(session, authorization, scope, code);

    ti_secret_unref(code);
    if (job != NULL)
        return ti_job_sign_in_attempted(session, attempt, job, deadline_boot_ms, error);
    ti_attempt_end(session, attempt);
    return ti_error_no_memory(error);
}
