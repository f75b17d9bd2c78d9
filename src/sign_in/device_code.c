/*
 * Properties: the server is never polled sooner than it asked for; trouble between polls ends nothing, and an outcome that stays unknown
 * is asked for again; tokens that arrive when nobody wants them any more are revoked (job.c).
 *
 * Operation: device authorization request, prompt, then polls with waits between them, until one is answered for good or the code's
 * life is over, on the boot clock. The answer goes into a job that was made before, so that no memory is missing then.
 *
 * Safety: on the caller's thread alone; the attempt says when it is called off.
 */
#include "oauth/device_authorization.h"
#include "sign_in/sign_in.h"

#include "base/error.h"
#include "session/attempt.h"
#include "session/client.h"
#include "session/discover.h"
#include "session/session.h"

#include <string.h>

enum {
    REQUEST_MS = 30 * 1000, /* one exchange */
    SLOWER_MS = 5 * 1000,   /* RFC 8628 section 3.5 */
    BACKOFF_MAX_MS = 5 * 60 * 1000,
    RETRY_AFTER_MAX_S = 3600
};

typedef struct device_flow {
    tacit_session *session;
    const tacit_sign_in_options *options;
    ti_attempt attempt;
    ti_device_authorization authorization;
    ti_job *job;              /* for the tokens */
    int64_t until_boot_ms;    /* for what needs no user */
    int64_t deadline_boot_ms; /* when the code's life is over, or the caller's patience */
    int64_t interval_ms;      /* what the server asks for by now */
    int64_t pause_ms;         /* before the next poll, at least the interval */
    bool lost;                /* the answer of a poll, which may have had the tokens */
} device_flow;

typedef enum outcome { GRANTED, AGAIN, OVER } outcome;

static int64_t now(const device_flow *flow) {
    return ti_clock_boot_ms(ti_session_clock(flow->session));
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* ------------------------------------------------------------------ the code */

static const char *scope_of(const device_flow *flow) {
    return flow->options->scope != NULL ? flow->options->scope : flow->session->view->scope;
}

/* The code's life counts from here, before it began. */
static tacit_status ask_for_code(device_flow *flow, tacit_error *error) {
    tacit_session *session = flow->session;
    const ti_view *view = session->view;
    int64_t sent_boot_ms;

    if (ti_discover(session->identity->client, view->grant.provider, flow->until_boot_ms,
                    &flow->attempt.over, error) != TACIT_OK)
        return error->status;
    sent_boot_ms = now(flow);
    if (ti_device_authorization_request(ti_session_transport(session), &view->grant, scope_of(flow),
                                        view->resource, flow->options->params, flow->until_boot_ms,
                                        &flow->attempt.over, &flow->authorization,
                                        error) != TACIT_OK)
        return error->status;
    flow->deadline_boot_ms = sent_boot_ms + (int64_t)flow->authorization.expires_in_s * 1000;
    if (flow->options->timeout_ms > 0)
        flow->deadline_boot_ms = earlier(flow->deadline_boot_ms, flow->until_boot_ms);
    flow->interval_ms = flow->pause_ms = (int64_t)flow->authorization.interval_s * 1000;
    if (!ti_grant_fingerprint(ti_session_transport(session), &view->grant, &flow->job->fingerprint))
        return ti_error_no_memory(error);
    return TACIT_OK;
}

static void prompt(const device_flow *flow) {
    const ti_device_authorization *authorization = &flow->authorization;
    int64_t left_ms = flow->deadline_boot_ms - now(flow);

    flow->options->device_prompt(authorization->user_code, authorization->verification_uri,
                                 authorization->verification_uri_complete,
                                 left_ms > 0 ? (int)((left_ms + 999) / 1000) : 0,
                                 flow->options->user_data);
}

/* ------------------------------------------------------------------ what a poll says */

static bool says(const tacit_error *error, const char *code) {
    return strcmp(error->oauth_error, code) == 0;
}

/* What the server said stays with it. */
static outcome over(tacit_error *error, tacit_status status, const char *message) {
    tacit_error answer = *error;

    ti_error_set(error, status, "%s", message);
    error->http_status = answer.http_status;
    memcpy(error->oauth_error, answer.oauth_error, sizeof error->oauth_error);
    memcpy(error->oauth_error_description, answer.oauth_error_description,
           sizeof error->oauth_error_description);
    return OVER;
}

static outcome expired(const device_flow *flow, tacit_error *error) {
    over(error, TACIT_ERR_EXPIRED, "The code was not entered in time.");
    error->outcome_unknown = flow->lost;
    return OVER;
}

/* RFC 8628 section 3.5, and Microsoft's authorization_declined. */
static outcome hear_answer(device_flow *flow, tacit_error *error) {
    if (says(error, "authorization_pending") || error->retryable) return AGAIN;
    if (says(error, "access_denied") || says(error, "authorization_declined"))
        return over(error, TACIT_ERR_ACCESS_DENIED, "The user refused the sign-in.");
    if (says(error, "expired_token")) return expired(flow, error);
    if (flow->lost)
        over(error, TACIT_ERR_OAUTH,
             "The authorization server no longer takes the code; the answer to an earlier request "
             "was lost, and may have had the tokens.");
    error->outcome_unknown = flow->lost;
    return OVER;
}

static bool passes(tacit_status status) {
    switch (status) {
    case TACIT_ERR_OAUTH:
    case TACIT_ERR_NETWORK:
    case TACIT_ERR_TLS:
    case TACIT_ERR_TIMEOUT:
    case TACIT_ERR_SERVER:
    case TACIT_ERR_PROTOCOL:
    case TACIT_ERR_TOO_LARGE:
        return true;
    default:
        return false;
    }
}

/* RFC 8628 section 3.5: after slow_down for good, and after time-outs, until something is answered, ever longer. */
static int64_t next_pause_ms(device_flow *flow, const tacit_error *error) {
    int64_t pause_ms, asked_s = earlier(error->retry_after_s, RETRY_AFTER_MAX_S);

    if (says(error, "slow_down")) flow->interval_ms += SLOWER_MS;
    pause_ms = flow->interval_ms;
    if (error->status == TACIT_ERR_TIMEOUT && pause_ms < BACKOFF_MAX_MS)
        pause_ms = earlier(later(flow->pause_ms, pause_ms) * 2, BACKOFF_MAX_MS);
    return later(pause_ms, asked_s * 1000);
}

static outcome hear(device_flow *flow, ti_verdict verdict, tacit_error *error) {
    if (verdict == TI_VERDICT_TOKEN) return GRANTED;
    if (verdict == TI_VERDICT_UNKNOWN) flow->lost = true;
    if (!passes(error->status)) return OVER;
    flow->pause_ms = next_pause_ms(flow, error);
    return error->status == TACIT_ERR_OAUTH ? hear_answer(flow, error) : AGAIN;
}

/* ------------------------------------------------------------------ polling */

static outcome poll_once(device_flow *flow, tacit_error *error) {
    const ti_view *view = flow->session->view;
    const ti_clock *clock = ti_session_clock(flow->session);
    ti_grant grant = {.type = TI_GRANT_DEVICE_CODE,
                      .code = flow->authorization.device_code,
                      .resource = view->resource,
                      .fingerprint = (const char *const *)flow->job->fingerprint,
                      .cancelled = &flow->attempt.over};
    int64_t until = earlier(ti_clock_deadline(clock, REQUEST_MS), flow->deadline_boot_ms);

    flow->job->sent_boot_ms = now(flow);
    return hear(flow,
                ti_grant_send(ti_session_transport(flow->session), &view->grant, &grant, clock,
                              until, &flow->job->answer, NULL, error),
                error);
}

/* A pause counts from the answer before it; servers count from the request, which came earlier. */
static tacit_status wait_for_user(device_flow *flow, tacit_error *error) {
    outcome heard = AGAIN;

    ti_error_clear(error);
    while (heard == AGAIN) {
        int64_t next = earlier(now(flow) + flow->pause_ms, flow->deadline_boot_ms);

        if (!ti_attempt_wait(flow->session, &flow->attempt, next))
            return ti_attempt_why(flow->session, &flow->attempt, error);
        if (now(flow) < flow->deadline_boot_ms) {
            heard = poll_once(flow, error);
        } else {
            ti_error_clear(error); /* of what the last poll met */
            heard = expired(flow, error);
        }
    }
    return error->status;
}

/* Takes the job. */
static tacit_status take_tokens(device_flow *flow, tacit_error *error) {
    ti_job *job = flow->job;

    if (flow->options->timeout_ms <= 0)
        flow->until_boot_ms = ti_session_deadline(flow->session, TI_SIGN_IN_TIMEOUT_MS);
    flow->job = NULL;
    job->kind = TI_JOB_ANSWER;
    return ti_job_sign_in_attempted(flow->session, &flow->attempt, job, flow->until_boot_ms, error);
}

static tacit_status sign_in(device_flow *flow, tacit_error *error) {
    flow->job = ti_sign_in_job(TI_GRANT_DEVICE_CODE, flow->options);
    if (flow->job == NULL) return ti_error_no_memory(error);
    if (ask_for_code(flow, error) != TACIT_OK) return error->status;
    prompt(flow);
    if (wait_for_user(flow, error) != TACIT_OK) return error->status;
    return take_tokens(flow, error);
}

/* ------------------------------------------------------------------ the way */

static bool check(const tacit_session *session, const tacit_sign_in_options *o,
                  tacit_error *error) {
    (void)session;
    if (o->device_prompt == NULL)
        return ti_error_argument(error, "options->device_prompt", "is NULL"), false;
    return true;
}

static tacit_status run(tacit_session *session, const tacit_sign_in_options *o, ti_caller *caller,
                        tacit_error *error) {
    device_flow flow = {.session = session,
                        .options = o,
                        .attempt = {.caller = caller},
                        .authorization = TI_DEVICE_AUTHORIZATION_INIT};
    tacit_error why;

    flow.until_boot_ms = ti_sign_in_deadline(session, o, TI_SIGN_IN_TIMEOUT_MS);
    if (ti_attempt_begin(session, &flow.attempt, error) != TACIT_OK) return error->status;
    if (sign_in(&flow, error) != TACIT_OK &&
        ti_attempt_why(session, &flow.attempt, &why) != TACIT_OK)
        ti_error_copy(error, &why); /* it failed because it was called off */
    ti_attempt_end(session, &flow.attempt);
    ti_job_free(flow.job);
    ti_device_authorization_free(&flow.authorization);
    return error->status;
}

const ti_sign_in_way ti_sign_in_device_code = {.check = check, .run = run};

tacit_status tacit_sign_in_with_device_code(tacit_session *session,
                                            const tacit_sign_in_options *options,
                                            tacit_error *error) {
    return ti_sign_in(session, &ti_sign_in_device_code, options, error);
}
