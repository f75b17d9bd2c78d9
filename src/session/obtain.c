/*
 * Properties: nobody who joined an attempt is left behind; a 401 for an older generation starts nothing (R3); no caller ends a
 * flight (R4); an error is handed over by value.
 *
 * Operation: a waiter looks at the state (`look`). Where it has to wait it writes down what it wants into its view and has the
 * identity scheduled; a worker begins the flight that is wanted (flight.h). Nothing is handed to a waiter: after each wake it looks
 * for itself. Who has no thread to wait with stands in the identity's list meanwhile, and each wake takes everybody off it.
 *
 * Safety: everything here is guarded by the identity's lock.
 */
#include "session/obtain.h"

#include "base/error.h"
#include "session/client.h"
#include "session/identity.h"
#include "session/library_thread.h"

static bool flying(const ti_identity *identity) {
    return identity->flight.phase != TI_FLIGHT_NONE;
}

/* The attempt that may serve someone who comes now. */
static uint64_t joinable_locked(const ti_waiter *w) {
    const ti_flight *flight = &w->identity->flight;
    bool mine = flight->view == NULL || flight->view == w->view;

    if (flying(w->identity) && mine && !(w->need != NULL && w->need->anew)) return flight->attempt;
    return flight->attempt + 1;
}

static bool meets_locked(const ti_waiter *w, int64_t now) {
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

static ti_obtained refuse(tacit_error *error, const tacit_error *why) {
    *error = *why;
    return TI_OBTAIN_REFUSED;
}

static bool refuse_in_storm_locked(const ti_storm *storm, int64_t now, tacit_error *error) {
    int64_t left_ms = storm == NULL ? 0 : ti_storm_blocked_ms(storm, now);

    if (left_ms == 0) return false;
    ti_error_storm(left_ms, error);
    return true;
}

static ti_obtained look_at_load_locked(const ti_waiter *w, int64_t now, tacit_error *error) {
    const ti_identity *identity = w->identity;

    if (identity->state != TACIT_STATE_UNKNOWN) return TI_OBTAINED;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (w->need == NULL || flying(identity)) return TI_OBTAIN_WAITS;
    return ti_backoff_refuses_locked(&identity->backoff, now, error) ? TI_OBTAIN_REFUSED
                                                                     : TI_OBTAIN_WAITS;
}

static ti_obtained look_at_sign_in_locked(ti_waiter *w, tacit_error *error) {
    const ti_identity *identity = w->identity;

    bool loaded_just_now = ti_sign_in_id_is_none(&w->sign_in_id);
    bool same;

    if (loaded_just_now) w->sign_in_id = identity->journal.sign_in_id;
    same = ti_sign_in_id_equal(&w->sign_in_id, &identity->journal.sign_in_id);
    if (same && identity->state == TACIT_STATE_SIGNED_IN) return TI_OBTAIN_WAITS;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (same && (loaded_just_now || identity->ended_by_limit ||
                 identity->journal.state == TI_JOURNAL_REFUSED))
        ti_error_sign_in_required(error);
    else
        ti_error_set(error, TACIT_ERR_SIGNED_OUT,
                     "The session was signed out, or signed in as someone else, meanwhile.");
    return TI_OBTAIN_REFUSED;
}

static ti_obtained look_at_token_locked(const ti_waiter *w, int64_t now, tacit_error *error) {
    const ti_identity *identity = w->identity;
    bool forced = w->need->refused != NULL || w->need->anew;

    if (ti_limits_are_reached_locked(identity)) return TI_OBTAIN_WAITS; /* for the worker's word */
    if (meets_locked(w, now)) return TI_OBTAINED;
    if (w->view->failed >= w->join) return refuse(error, &w->view->failure->error);
    if (flying(identity)) return TI_OBTAIN_WAITS;
    if (ti_backoff_refuses_locked(&identity->backoff, now, error)) return TI_OBTAIN_REFUSED;
    if (forced && refuse_in_storm_locked(identity->storm, now, error)) return TI_OBTAIN_REFUSED;
    return TI_OBTAIN_WAITS;
}

/* A request came, or got what it needs. */
static void count_locked(const ti_waiter *w) {
    if (w->need != NULL && !w->need->anew) ti_limits_use_locked(w->identity);
}

static ti_obtained look_locked(ti_waiter *w, int64_t now, tacit_error *error) {
    ti_obtained seen;

    if (atomic_load(w->closing)) {
        ti_error_set(error, TACIT_ERR_CLOSED, "The session is closed.");
        return TI_OBTAIN_REFUSED;
    }
    if (w->need == NULL || w->identity->state == TACIT_STATE_UNKNOWN)
        return look_at_load_locked(w, now, error);
    seen = look_at_sign_in_locked(w, error);
    if (seen == TI_OBTAIN_WAITS) seen = look_at_token_locked(w, now, error);
    if (seen == TI_OBTAINED) count_locked(w);
    return seen;
}

/* Writes down what the waiter wants. */
static void want_locked(ti_waiter *w) {
    ti_identity *identity = w->identity;
    ti_view *view = w->view;

    if (flying(identity) && w->join <= identity->flight.attempt) return;
    if (ti_limits_are_reached_locked(identity)) return;
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

/* Who asked, where that is known; NULL: whoever is signed in. */
static const ti_sign_in_id *whose(const ti_need *need) {
    if (need == NULL) return NULL;
    if (need->refused != NULL) return &need->refused->sign_in_id;
    return need->whose != NULL && !ti_sign_in_id_is_none(need->whose) ? need->whose : NULL;
}

static tacit_status enter_locked(ti_waiter *w, tacit_error *error) {
    ti_identity *identity = w->identity;
    const ti_sign_in_id *asked = whose(w->need);

    look_again_locked(identity);
    count_locked(w);
    w->join = joinable_locked(w);
    if (asked != NULL)
        w->sign_in_id = *asked;
    else if (identity->state == TACIT_STATE_SIGNED_IN)
        w->sign_in_id = identity->journal.sign_in_id;
    if (w->need == NULL || asked != NULL || identity->state != TACIT_STATE_SIGNED_OUT)
        return TACIT_OK;
    return ti_error_sign_in_required(error);
}

/* While another process has the turn nothing can be done: else worker and waiters would only wake each other. */
static bool schedule_soonest_locked(ti_identity *identity) {
    int64_t now = ti_identity_now(identity), retry = identity->turn_retry_boot_ms;

    return ti_identity_schedule(identity, retry > now ? retry : now);
}

/* Sees to it that there will be what it waits for. */
static bool ask_locked(ti_waiter *w, tacit_error *error) {
    want_locked(w);
    if (flying(w->identity) || schedule_soonest_locked(w->identity)) return true;
    ti_error_no_memory(error);
    return false;
}

/* One turn of waiting. false: there will be no answer; error says why. */
static bool wait_locked(ti_waiter *w, int64_t deadline_boot_ms, tacit_error *error) {
    ti_identity *identity = w->identity;
    const ti_clock *clock = ti_identity_clock(identity);

    if (!ask_locked(w, error)) return false;
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

static tacit_status obtain_locked(ti_waiter *w, int64_t deadline_boot_ms, tacit_error *error) {
    tacit_error why = TACIT_ERROR_INIT;
    ti_obtained seen = TI_OBTAIN_REFUSED;

    if (enter_locked(w, &why) == TACIT_OK) {
        seen = look_locked(w, ti_identity_now(w->identity), &why);
        while (seen == TI_OBTAIN_WAITS && wait_locked(w, deadline_boot_ms, &why))
            seen = look_locked(w, ti_identity_now(w->identity), &why);
    }
    return seen == TI_OBTAINED ? ti_error_clear(error) : ti_error_copy(error, &why);
}

bool ti_obtain_at_hand(ti_identity *identity, const ti_view *view, const ti_need *need,
                       tacit_token **token) {
    int64_t now = ti_identity_now(identity);
    bool at_hand;

    if (need == NULL || need->refused != NULL || need->anew) return false;
    pthread_mutex_lock(&identity->lock);
    at_hand = view->token != NULL && ti_token_lives(view->token, now, need->min_valid_s) &&
              !ti_limits_are_reached_locked(identity);
    if (at_hand) ti_limits_use_locked(identity);
    if (at_hand) *token = tacit_token_ref(view->token);
    pthread_mutex_unlock(&identity->lock);
    return at_hand;
}

tacit_status ti_obtain(ti_identity *identity, ti_view *view, const atomic_bool *closing,
                       const ti_need *need, int64_t deadline_boot_ms, tacit_token **token,
                       tacit_error *error) {
    ti_waiter w = {.identity = identity, .view = view, .closing = closing, .need = need};
    tacit_status status;

    pthread_mutex_lock(&identity->lock);
    status = obtain_locked(&w, deadline_boot_ms, error);
    if (status == TACIT_OK && token != NULL) *token = tacit_token_ref(view->token);
    pthread_mutex_unlock(&identity->lock);
    return status;
}

/* ------------------------------------------------------------------ without a thread */

static void list_locked(ti_waiter *w) {
    ti_identity *identity = w->identity;

    w->next = identity->waiters;
    w->link = &identity->waiters;
    if (w->next != NULL) w->next->link = &w->next;
    identity->waiters = w;
    ti_client_count_waiting(identity->client, 1);
}

static void unlist_locked(ti_waiter *w) {
    *w->link = w->next;
    if (w->next != NULL) w->next->link = w->link;
    w->link = NULL;
    ti_client_count_waiting(w->identity->client, -1);
}

void ti_waiters_wake_locked(ti_identity *identity) {
    ti_waiter *w;

    pthread_cond_broadcast(&identity->changed);
    while ((w = identity->waiters) != NULL) {
        unlist_locked(w);
        w->woken(w);
    }
}

/* Looks, and stays on the list where there is nothing yet. */
static ti_obtained look_or_list_locked(ti_waiter *w, tacit_token **token, tacit_error *error) {
    ti_obtained seen = look_locked(w, ti_identity_now(w->identity), error);

    if (seen == TI_OBTAIN_WAITS && !ask_locked(w, error)) seen = TI_OBTAIN_REFUSED;
    if (seen == TI_OBTAIN_WAITS) list_locked(w);
    if (seen != TI_OBTAINED) return seen;
    *token = tacit_token_ref(w->view->token);
    ti_error_clear(error);
    return TI_OBTAINED;
}

ti_obtained ti_obtain_begin(ti_waiter *w, tacit_token **token, tacit_error *error) {
    ti_identity *identity = w->identity;
    ti_obtained obtained = TI_OBTAIN_REFUSED;

    pthread_mutex_lock(&identity->lock);
    if (enter_locked(w, error) == TACIT_OK) obtained = look_or_list_locked(w, token, error);
    pthread_mutex_unlock(&identity->lock);
    return obtained;
}

ti_obtained ti_obtain_again(ti_waiter *w, tacit_token **token, tacit_error *error) {
    ti_identity *identity = w->identity;
    ti_obtained obtained;

    pthread_mutex_lock(&identity->lock);
    obtained = look_or_list_locked(w, token, error);
    pthread_mutex_unlock(&identity->lock);
    return obtained;
}

bool ti_obtain_leave(ti_waiter *w) {
    ti_identity *identity = w->identity;
    bool listed;

    pthread_mutex_lock(&identity->lock);
    listed = w->link != NULL;
    if (listed) unlist_locked(w);
    pthread_mutex_unlock(&identity->lock);
    return listed;
}
