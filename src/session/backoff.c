#include "session/backoff.h"

#include "base/error.h"
#include "session/identity.h"
#include "session/schedule.h"

enum { NOT_SENT_PAUSE_MS = 2000, EARLY_RETRY_MS = 1000, RETRY_AFTER_MAX_S = 3600 };

/* R8: while the server wants peace, or nothing can be sent, the last error is the answer. */
bool ti_backoff_refuses_locked(const ti_backoff *backoff, int64_t now, tacit_error *error) {
    int64_t left_ms = backoff->refuse_until_boot_ms - now;

    if (backoff->last == NULL || left_ms <= 0) return false;
    *error = backoff->last->error;
    error->retry_after_s = ti_whole_seconds(left_ms);
    return true;
}

/* R8: the one retry inside the grace that servers give. */
static bool take_early_retry_locked(ti_backoff *backoff, ti_backoff_kind kind) {
    if (kind != TI_BACKOFF_UNKNOWN || backoff->retried_early) return false;
    backoff->retried_early = true;
    return true;
}

/* R8. Answers for how long whoever comes now is refused. */
static int64_t pause_locked(ti_identity *identity, ti_backoff_kind kind, bool early, int server_s) {
    ti_backoff *backoff = &identity->backoff;
    int64_t now = ti_identity_now(identity);
    int64_t pause_ms = ti_schedule_backoff_ms(backoff->failures, ti_identity_random());

    if (early) pause_ms = EARLY_RETRY_MS;
    if (server_s > RETRY_AFTER_MAX_S) server_s = RETRY_AFTER_MAX_S;
    if (pause_ms < (int64_t)server_s * 1000) pause_ms = (int64_t)server_s * 1000;
    backoff->failures++;
    backoff->retry_boot_ms = now + pause_ms;
    if (kind == TI_BACKOFF_NOT_SENT) pause_ms = NOT_SENT_PAUSE_MS;
    backoff->refuse_until_boot_ms = now + pause_ms;
    return pause_ms;
}

bool ti_backoff_begin_locked(ti_identity *identity, ti_failure *failure, ti_backoff_kind kind) {
    bool early = take_early_retry_locked(&identity->backoff, kind);
    int64_t pause_ms;

    if (kind == TI_BACKOFF_NONE) return false;
    pause_ms = pause_locked(identity, kind, early, failure->error.retry_after_s);
    ti_failure_retry_after(failure, pause_ms);
    ti_failure_replace_locked(&identity->backoff.last, failure);
    /* It is the answer to those too who wait for another view. */
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        ti_view_drop_wants_locked(view);
    return early;
}

/* ------------------------------------------------------------------ between processes */

static bool concerns_all(tacit_status status) {
    switch (status) {
    case TACIT_ERR_NETWORK:
    case TACIT_ERR_TLS:
    case TACIT_ERR_TIMEOUT:
    case TACIT_ERR_SERVER:
    case TACIT_ERR_OAUTH:
    case TACIT_ERR_PROTOCOL:
        return true;
    default:
        return false;
    }
}

bool ti_backoff_is_the_servers_locked(const ti_backoff *backoff) {
    return backoff->last != NULL && concerns_all(backoff->last->error.status);
}

void ti_backoff_share_locked(const ti_identity *identity, ti_shared_backoff *shared) {
    const ti_backoff *backoff = &identity->backoff;

    *shared = (ti_shared_backoff){.failures = 0};
    if (!ti_backoff_is_the_servers_locked(backoff)) return;
    *shared = (ti_shared_backoff){.failures = backoff->failures,
                                  .retried_early = backoff->retried_early,
                                  .retry_boot_ms = backoff->retry_boot_ms,
                                  .refuse_until_boot_ms = backoff->refuse_until_boot_ms,
                                  .status = backoff->last->error.status,
                                  .http_status = backoff->last->error.http_status};
}

void ti_backoff_follow_locked(ti_identity *identity, const ti_shared_backoff *shared) {
    ti_backoff *backoff = &identity->backoff;
    ti_failure *failure;
    tacit_error error;

    if (identity->backoff_lifted || !concerns_all(shared->status)) return;
    if (shared->retry_boot_ms <= backoff->retry_boot_ms &&
        shared->refuse_until_boot_ms <= backoff->refuse_until_boot_ms)
        return;
    ti_error_set(&error, shared->status, "Another process tried to renew the access token: %s.",
                 tacit_status_name(shared->status));
    error.http_status = shared->http_status;
    failure = ti_failure_new(&error);
    ti_failure_replace_locked(&backoff->last, failure);
    ti_failure_unref_locked(failure);
    backoff->failures = shared->failures;
    backoff->retried_early = shared->retried_early;
    backoff->retry_boot_ms = shared->retry_boot_ms;
    backoff->refuse_until_boot_ms = shared->refuse_until_boot_ms;
    if (backoff->refuse_until_boot_ms <= ti_identity_now(identity)) return;
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        ti_view_drop_wants_locked(view);
    ti_waiters_wake_locked(identity);
}

void ti_backoff_reset_locked(ti_identity *identity) {
    ti_failure_replace_locked(&identity->backoff.last, NULL);
    identity->backoff = (ti_backoff){.failures = 0};
}
