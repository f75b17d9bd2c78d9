/*
 * Properties: one flight per identity; whoever joined it learns how it ended.
 *
 * Operation: a worker begins the flight that is wanted, and ends it with success, failure or abandonment; each ending publishes, ends
 * and wakes in one critical section, and begins anew at once where somebody still wants more.
 *
 * Safety: everything here is guarded by the identity's lock.
 */
#include "session/flight.h"

#include "session/admission.h"
#include "session/identity.h"

static bool is_demanded_locked(const ti_view *view) {
    return view->wanted_generation > tacit_token_generation(view->token) ||
           view->wanted_attempt > view->begun;
}

/* R8's early retry is there for the grace that servers give, which does not wait. */
static int64_t earliest_locked(const ti_identity *identity, const ti_view *view) {
    ti_grant_need need = view->retry_anyway ? TI_GRANT_NEEDED : TI_GRANT_IN_BACKGROUND;
    int64_t from = ti_admission_from_locked(identity, need);

    return from > identity->backoff.retry_boot_ms ? from : identity->backoff.retry_boot_ms;
}

int64_t ti_flight_due_locked(const ti_identity *identity, const ti_view *view) {
    bool by_itself = view->retry_anyway || ti_view_is_proactive_locked(identity, view);
    int64_t due = by_itself ? view->due_boot_ms : TI_NEVER;
    int64_t renewal = view->sessions != NULL ? ti_terms_renewal_locked(identity) : TI_NEVER;
    int64_t earliest = earliest_locked(identity, view);

    if (renewal < due) due = renewal;
    return due > earliest ? due : earliest;
}

ti_view *ti_flight_wanted_locked(const ti_identity *identity, int64_t now_boot_ms,
                                 int64_t *due_boot_ms) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        int64_t due = ti_flight_due_locked(identity, view);

        if (is_demanded_locked(view)) return view;
        if (due == TI_NEVER || ti_identity_owes_head_locked(identity)) continue; /* R5 */
        if (due <= now_boot_ms) return view;
        if (due < *due_boot_ms) *due_boot_ms = due;
    }
    return NULL;
}

void ti_flight_begin_locked(ti_identity *identity, ti_view *view) {
    ti_flight *flight = &identity->flight;
    uint64_t attempt = flight->attempt + 1;

    *flight = (ti_flight){.attempt = attempt,
                          .phase = view == NULL ? TI_FLIGHT_LOADING : TI_FLIGHT_REFRESHING,
                          .view = view,
                          .sign_in_id = identity->journal.sign_in_id};
    identity->load_wanted = false;
    if (view == NULL) return;
    flight->wanted_generation = view->wanted_generation;
    flight->anew = view->anew_attempt > view->begun;
    flight->forced = flight->anew || view->wanted_generation > tacit_token_generation(view->token);
    view->users++;
    view->begun = attempt;
    view->retry_anyway = false;
}

/* With this the flight is over; whoever still wants more is served by the next, which the worker begins before it lets go of the lock. */
static void end_locked(ti_identity *identity) {
    ti_flight *flight = &identity->flight;

    flight->phase = TI_FLIGHT_NONE;
    if (flight->view != NULL) ti_view_release_locked(identity, flight->view);
    flight->view = NULL;
    ti_failure_replace_locked(&flight->refusal, NULL);
    ti_waiters_wake_locked(identity);
}

/* That the store could be read is no reason to ask a server again that wants peace. */
void ti_flight_succeed_locked(ti_identity *identity) {
    if (identity->flight.view != NULL || !ti_backoff_is_the_servers_locked(&identity->backoff))
        ti_backoff_reset_locked(identity);
    identity->last_error = TACIT_OK;
    end_locked(identity);
}

void ti_flight_abandon_locked(ti_identity *identity) {
    end_locked(identity);
}

static void fail_view_locked(ti_view *view, uint64_t attempt, ti_failure *failure) {
    view->failed = attempt;
    ti_failure_replace_locked(&view->failure, failure);
    ti_view_drop_wants_locked(view);
}

void ti_flight_fail_locked(ti_identity *identity, const tacit_error *error, ti_backoff_kind kind) {
    ti_flight *flight = &identity->flight;
    ti_failure *failure = ti_failure_new(error);
    bool early = ti_backoff_begin_locked(identity, failure, kind);

    identity->last_error = error->status;
    if (flight->view != NULL) {
        fail_view_locked(flight->view, flight->attempt, failure);
        flight->view->retry_anyway = early;
        if (early) flight->view->due_boot_ms = ti_identity_now(identity);
    } else {
        for (ti_view *view = identity->views; view != NULL; view = view->next)
            fail_view_locked(view, flight->attempt, failure);
    }
    ti_failure_unref_locked(failure);
    end_locked(identity);
}
