/*
 * Properties: one flight per identity; nobody who joined is left behind; a 401 for an older generation starts nothing (R3); no
 * caller ends a flight (R4); an error is handed over by value.
 *
 * Operation: a waiter looks at the state (`look`). Where it has to wait it writes down what it wants into its view and has the
 * identity scheduled. A worker begins the flight that is wanted, and ends it with success, failure or abandonment; each ending
 * publishes, ends and wakes in one critical section, and begins anew at once where somebody still wants more.
 *
 * Safety: everything here is guarded by the identity's lock.
 */
#include "session/flight.h"

#include "base/error.h"
#include "session/client.h"
#include "session/event.h"
#include "session/identity.h"
#include "session/library_thread.h"
#include "session/schedule.h"

#include <stdlib.h>

enum { NOT_SENT_PAUSE_MS = 2000, EARLY_RETRY_MS = 1000, RETRY_AFTER_MAX_S = 3600 };

/* ------------------------------------------------------------------ failures */

static ti_failure out_of_memory = {.refs = 1,
                                   .error = {.status = TACIT_ERR_NO_MEMORY,
                                             .retryable = true,
                                             .message = "There is not enough memory."}};

ti_failure *ti_failure_new(const tacit_error *error) {
    ti_failure *failure = malloc(sizeof *failure);

    if (failure == NULL) return &out_of_memory;
    failure->refs = 1;
    failure->error = *error;
    return failure;
}

ti_failure *ti_failure_ref_locked(ti_failure *failure) {
    if (failure != NULL && failure != &out_of_memory) failure->refs++;
    return failure;
}

void ti_failure_unref_locked(ti_failure *failure) {
    if (failure == NULL || failure == &out_of_memory) return;
    if (--failure->refs == 0) free(failure);
}

int ti_whole_seconds(int64_t ms) {
    return (int)((ms + 999) / 1000);
}

tacit_status ti_error_sign_in_required(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_SIGN_IN_REQUIRED, "Nobody is signed in: ask the user.");
}

void ti_error_storm(int64_t left_ms, tacit_error *error) {
    ti_error_set(error, TACIT_ERR_REFRESH_STORM,
                 "Access tokens are refused faster than they may be renewed.");
    error->retry_after_s = ti_whole_seconds(left_ms);
}

static void replace_locked(ti_failure **place, ti_failure *failure) {
    ti_failure *before = *place;

    *place = ti_failure_ref_locked(failure);
    ti_failure_unref_locked(before);
}

/* ------------------------------------------------------------------ waiting */

typedef struct waiter {
    ti_identity *identity;
    ti_view *view;
    const atomic_bool *closing;
    const ti_need *need;      /* NULL: the first load */
    ti_sign_in_id sign_in_id; /* none: whoever the load brings */
    uint64_t join;            /* served by this attempt or a later one */
} waiter;

typedef enum verdict { SERVED, REFUSED, WAIT } verdict;

static bool flying(const ti_identity *identity) {
    return identity->flight.phase != TI_FLIGHT_NONE;
}

/* The attempt that may serve someone who comes now. */
static uint64_t joinable_locked(const waiter *w) {
    const ti_flight *flight = &w->identity->flight;
    bool mine = flight->view == NULL || flight->view == w->view;

    if (flying(w->identity) && mine && !(w->need != NULL && w->need->anew)) return flight->attempt;
    return flight->attempt + 1;
}

static bool meets_locked(const waiter *w, int64_t now) {
    const ti_view *view = w->view;
    const tacit_token *token = view->token;
    const ti_need *need = w->need;
    bool since = view->token_attempt >= w->join;

    if (token == NULL || !ti_sign_in_id_equal(&token->sign_in_id, &w->sign_in_id)) return false;
    if (need->anew) return since && !view->token_adopted;
    if (need->refused != NULL && token->generation <= need->refused->generation) return false;
    /* A grant's token serves even where the server says that it is over at once. */
    if (since && view->token_adopted) since = ti_token_lives(token, now, 0);
    return since || ti_token_lives(token, now, need->min_valid_s);
}

static verdict refuse(tacit_error *error, const tacit_error *why) {
    *error = *why;
    return REFUSED;
}

/* R8: while the server wants peace, or nothing can be sent, the last error is the answer. */
static bool refuse_in_backoff_locked(const ti_backoff *backoff, int64_t now, tacit_error *error) {
    int64_t left_ms = backoff->refuse_until_boot_ms - now;

    if (backoff->last == NULL || left_ms <= 0) return false;
    *error = backoff->last->error;
    error->retry_after_s = ti_whole_seconds(left_ms);
    return true;
}

static bool refuse_in_storm_locked(const ti_storm *storm, int64_t now, tacit_error *error) {
    int64_t left_ms = storm == NULL ? 0 : ti_storm_blocked_ms(storm, now);

    if (left_ms == 0) return false;
    ti_error_storm(left_ms, error);
    return true;
}

static verdict look_at_load_locked(const waiter *w, int64_t now, tacit_error *error) {
    const ti_identity *identity = w->identity;

    if (identity->state != TACIT_STATE_UNKNOWN) return SERVED;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (w->need == NULL || flying(identity)) return WAIT;
    return refuse_in_backoff_locked(&identity->backoff, now, error) ? REFUSED : WAIT;
}

static verdict look_at_sign_in_locked(waiter *w, tacit_error *error) {
    const ti_identity *identity = w->identity;

    bool loaded_just_now = ti_sign_in_id_is_none(&w->sign_in_id);
    bool same;

    if (loaded_just_now) w->sign_in_id = identity->journal.sign_in_id;
    same = ti_sign_in_id_equal(&w->sign_in_id, &identity->journal.sign_in_id);
    if (same && identity->state == TACIT_STATE_SIGNED_IN) return WAIT;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (same && (loaded_just_now || identity->journal.state == TI_JOURNAL_REFUSED))
        ti_error_sign_in_required(error);
    else
        ti_error_set(error, TACIT_ERR_SIGNED_OUT,
                     "The session was signed out, or signed in as someone else, meanwhile.");
    return REFUSED;
}

static verdict look_at_token_locked(const waiter *w, int64_t now, tacit_error *error) {
    const ti_identity *identity = w->identity;
    bool forced = w->need->refused != NULL || w->need->anew;

    if (meets_locked(w, now)) return SERVED;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (flying(identity)) return WAIT;
    if (refuse_in_backoff_locked(&identity->backoff, now, error)) return REFUSED;
    if (forced && refuse_in_storm_locked(identity->storm, now, error)) return REFUSED;
    return WAIT;
}

static verdict look_locked(waiter *w, int64_t now, tacit_error *error) {
    verdict seen;

    if (atomic_load(w->closing)) {
        ti_error_set(error, TACIT_ERR_CLOSED, "The session is closed.");
        return REFUSED;
    }
    if (w->need == NULL || w->identity->state == TACIT_STATE_UNKNOWN)
        return look_at_load_locked(w, now, error);
    seen = look_at_sign_in_locked(w, error);
    return seen == WAIT ? look_at_token_locked(w, now, error) : seen;
}

/* Writes down what the waiter wants. */
static void want_locked(waiter *w) {
    ti_identity *identity = w->identity;
    ti_view *view = w->view;

    if (flying(identity) && w->join <= identity->flight.attempt) return;
    if (identity->state == TACIT_STATE_UNKNOWN) {
        identity->load_wanted = true;
        return;
    }
    /* What its attempt adopted was over before it woke up: the next one serves it. */
    if (!flying(identity) && w->join <= view->begun) w->join = identity->flight.attempt + 1;
    if (w->need->refused != NULL && view->wanted_generation <= w->need->refused->generation)
        view->wanted_generation = w->need->refused->generation + 1;
    if (view->wanted_attempt < w->join) view->wanted_attempt = w->join;
    if (w->need->anew && view->anew_attempt < w->join) view->anew_attempt = w->join;
}

/* Somebody asks although nobody is signed in: another process may have signed in meanwhile. The answer comes too late for this call. */
static void look_again_locked(ti_identity *identity) {
    if (identity->state != TACIT_STATE_SIGNED_OUT || identity->load_wanted) return;
    identity->load_wanted = true;
    ti_identity_schedule_now(identity);
}

static tacit_status enter_locked(waiter *w, tacit_error *error) {
    ti_identity *identity = w->identity;
    const ti_need *need = w->need;

    look_again_locked(identity);
    w->join = joinable_locked(w);
    if (need != NULL && need->refused != NULL)
        w->sign_in_id = need->refused->sign_in_id;
    else if (identity->state == TACIT_STATE_SIGNED_IN)
        w->sign_in_id = identity->journal.sign_in_id;
    if (need == NULL || need->refused != NULL || identity->state != TACIT_STATE_SIGNED_OUT)
        return TACIT_OK;
    return ti_error_sign_in_required(error);
}

/* One turn of waiting. false: there will be no answer; error says why. */
static bool wait_locked(waiter *w, int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = w->identity;
    const ti_clock *clock = ti_identity_clock(identity);

    want_locked(w);
    if (!flying(identity) && !ti_identity_schedule_now(identity)) {
        ti_error_no_memory(error);
        return false;
    }
    if (ti_clock_boot_ms(clock) >= deadline_boot_ms) {
        ti_error_set(error, TACIT_ERR_TIMEOUT, "There was no token in time; the refresh goes on.");
        return false;
    }
    if (ti_on_library_thread()) {
        ti_error_set(error, TACIT_ERR_REENTRANT,
                     "This would have to wait on a thread of the library.");
        return false;
    }
    ti_client_count_waiting(identity->client, 1);
    ti_clock_wait(clock, &identity->changed, &identity->lock, deadline_boot_ms);
    ti_client_count_waiting(identity->client, -1);
    return true;
}

static tacit_status obtain_locked(waiter *w, int64_t deadline_boot_ms, tacit_error *error) {
    tacit_error why = TACIT_ERROR_INIT;
    verdict seen = REFUSED;

    if (enter_locked(w, &why) == TACIT_OK) {
        seen = look_locked(w, ti_identity_now(w->identity), &why);
        while (seen == WAIT && wait_locked(w, deadline_boot_ms, &why))
            seen = look_locked(w, ti_identity_now(w->identity), &why);
    }
    return seen == SERVED ? ti_error_clear(error) : ti_error_copy(error, &why);
}

bool ti_flight_token_at_hand(ti_identity *identity, const ti_view *view, const ti_need *need,
                             tacit_token **token) {
    int64_t now = ti_identity_now(identity);
    bool at_hand;

    if (need == NULL || need->refused != NULL || need->anew) return false;
    pthread_mutex_lock(&identity->lock);
    at_hand = view->token != NULL && ti_token_lives(view->token, now, need->min_valid_s);
    if (at_hand) *token = tacit_token_ref(view->token);
    pthread_mutex_unlock(&identity->lock);
    return at_hand;
}

tacit_status ti_flight_obtain(ti_identity *identity, ti_view *view, const atomic_bool *closing,
                              const ti_need *need, int64_t deadline_boot_ms, tacit_token **token,
                              tacit_error *error) {
    waiter w = {.identity = identity, .view = view, .closing = closing, .need = need};
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = obtain_locked(&w, deadline_boot_ms, error);
    if (status == TACIT_OK && token != NULL) *token = tacit_token_ref(view->token);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

/* ------------------------------------------------------------------ begin and end */

static bool is_demanded_locked(const ti_view *view) {
    return view->wanted_generation > tacit_token_generation(view->token) ||
           view->wanted_attempt > view->begun;
}

ti_view *ti_flight_wanted_locked(const ti_identity *identity, int64_t now_boot_ms,
                                 int64_t *due_boot_ms) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        int64_t due = view->due_boot_ms;

        if (is_demanded_locked(view)) return view;
        if (!view->retry_anyway && !ti_view_is_proactive_locked(view)) continue;
        if (ti_identity_owes_head_locked(identity)) continue; /* R5 */
        if (due < identity->backoff.retry_boot_ms) due = identity->backoff.retry_boot_ms;
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
    replace_locked(&flight->refusal, NULL);
    pthread_cond_broadcast(&identity->changed);
}

void ti_flight_succeed_locked(ti_identity *identity) {
    ti_backoff_reset_locked(identity);
    identity->last_error = TACIT_OK;
    end_locked(identity);
}

void ti_flight_abandon_locked(ti_identity *identity) {
    end_locked(identity);
}

static void fail_view_locked(ti_view *view, uint64_t attempt, ti_failure *failure) {
    view->failed = attempt;
    replace_locked(&view->failure, failure);
    ti_view_drop_wants_locked(view);
}

/* R8: the one retry inside the grace that servers give. */
static bool take_early_retry_locked(ti_backoff *backoff, ti_backoff_kind kind) {
    if (kind != TI_BACKOFF_UNKNOWN || backoff->retried_early) return false;
    backoff->retried_early = true;
    return true;
}

/* R8. Answers for how long whoever comes now is refused. */
static int64_t back_off_locked(ti_identity *identity, ti_backoff_kind kind, bool early,
                               int server_s) {
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

void ti_flight_fail_locked(ti_identity *identity, const tacit_error *error, ti_backoff_kind kind) {
    ti_flight *flight = &identity->flight;
    ti_failure *failure = ti_failure_new(error);
    bool early = take_early_retry_locked(&identity->backoff, kind);

    if (kind != TI_BACKOFF_NONE) {
        int64_t pause_ms = back_off_locked(identity, kind, early, error->retry_after_s);

        if (failure != &out_of_memory) failure->error.retry_after_s = ti_whole_seconds(pause_ms);
        replace_locked(&identity->backoff.last, failure);
        /* R8: it is the answer to those too who wait for another view. */
        for (ti_view *view = identity->views; view != NULL; view = view->next)
            ti_view_drop_wants_locked(view);
    }
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

void ti_backoff_share_locked(const ti_identity *identity, ti_shared_backoff *shared) {
    const ti_backoff *backoff = &identity->backoff;

    *shared = (ti_shared_backoff){.failures = 0};
    if (backoff->last == NULL || !concerns_all(backoff->last->error.status)) return;
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
    replace_locked(&backoff->last, failure);
    ti_failure_unref_locked(failure);
    backoff->failures = shared->failures;
    backoff->retried_early = shared->retried_early;
    backoff->retry_boot_ms = shared->retry_boot_ms;
    backoff->refuse_until_boot_ms = shared->refuse_until_boot_ms;
    if (backoff->refuse_until_boot_ms <= ti_identity_now(identity)) return;
    for (ti_view *view = identity->views; view != NULL; view = view->next)
        ti_view_drop_wants_locked(view);
    pthread_cond_broadcast(&identity->changed);
}

void ti_backoff_reset_locked(ti_identity *identity) {
    replace_locked(&identity->backoff.last, NULL);
    identity->backoff = (ti_backoff){.failures = 0};
}
