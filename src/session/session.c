#include "session/session.h"

#include "base/error.h"
#include "session/client.h"
#include "session/obtain.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ for callers inside */

tacit_client *ti_session_client(const tacit_session *session) {
    return session->identity->client;
}

ti_transport *ti_session_transport(const tacit_session *session) {
    return session->identity->client->transport;
}

const ti_clock *ti_session_clock(const tacit_session *session) {
    return ti_identity_clock(session->identity);
}

const ti_origins *ti_session_origins(const tacit_session *session) {
    return session->origins;
}

const atomic_bool *ti_session_closing(const tacit_session *session) {
    return &session->closing;
}

int ti_session_request_timeout_ms(const tacit_session *session) {
    return session->identity->client->request_timeout_ms;
}

int64_t ti_session_deadline(const tacit_session *session, int timeout_ms) {
    const tacit_client *client = session->identity->client;

    return ti_clock_deadline(&client->context->clock,
                             timeout_ms < 0 ? client->request_timeout_ms : timeout_ms);
}

bool ti_session_is_current(const tacit_session *session, const tacit_token *token,
                           int64_t now_boot_ms, int min_valid_s) {
    return ti_session_current_id(session) == token->id &&
           ti_token_lives(token, now_boot_ms, min_valid_s) &&
           (!atomic_load_explicit(&session->limited, memory_order_acquire) ||
            ti_limits_use(session->identity, now_boot_ms));
}

uint64_t ti_session_current_id(const tacit_session *session) {
    return atomic_load_explicit(&session->view->current_id, memory_order_acquire);
}

tacit_status ti_session_obtain(tacit_session *session, const ti_need *need,
                               int64_t deadline_boot_ms, tacit_token **token, tacit_error *error) {
    return ti_obtain(session->identity, session->view, &session->closing, need, deadline_boot_ms,
                     token, error);
}

ti_obtained ti_session_obtain_begin(tacit_session *session, ti_waiter *waiter, const ti_need *need,
                                    tacit_token **token, tacit_error *error) {
    waiter->identity = session->identity;
    waiter->view = session->view;
    waiter->closing = &session->closing;
    waiter->need = need;
    waiter->sign_in_id = (ti_sign_in_id){.bytes = {0}};
    return ti_obtain_begin(waiter, token, error);
}

ti_obtained ti_session_obtain_again(ti_waiter *waiter, tacit_token **token, tacit_error *error) {
    return ti_obtain_again(waiter, token, error);
}

bool ti_session_obtain_leave(ti_waiter *waiter) {
    return ti_obtain_leave(waiter);
}

ti_sign_in_id ti_session_whose(const tacit_session *session) {
    ti_identity *identity = session->identity;
    ti_sign_in_id id = {.bytes = {0}};

    pthread_mutex_lock(&identity->lock);
    if (identity->state == TACIT_STATE_SIGNED_IN) id = identity->journal.sign_in_id;
    pthread_mutex_unlock(&identity->lock);
    return id;
}

/* ------------------------------------------------------------------ origins (R14) */

/* Token ids grow: a slow request's older token never takes the place of the newest that was accepted. */
void ti_session_origin_accepted(tacit_session *session, int origin, const tacit_token *token) {
    ti_origin_state *state = &session->origin_states[origin];
    bool newest = token->id > atomic_load_explicit(&state->accepted_id, memory_order_relaxed);

    if (newest) atomic_store_explicit(&state->accepted_id, token->id, memory_order_relaxed);
    if (atomic_load_explicit(&state->refuses, memory_order_relaxed))
        atomic_store_explicit(&state->refuses, false, memory_order_relaxed);
}

void ti_session_origin_refused(tacit_session *session, int origin, const tacit_token *token) {
    ti_origin_state *state = &session->origin_states[origin];

    /* It was accepted before, or a newer one was: revoked, then, and not refused fresh. */
    if (token->id <= atomic_load_explicit(&state->accepted_id, memory_order_relaxed)) return;
    atomic_store_explicit(&state->refuses, true, memory_order_relaxed);
}

bool ti_session_origin_may_force(const tacit_session *session, int origin) {
    return !atomic_load_explicit(&session->origin_states[origin].refuses, memory_order_relaxed);
}

ti_secret *ti_session_id_token(const tacit_session *session, bool *signed_in) {
    ti_identity *identity = session->identity;
    ti_secret *id_token;

    pthread_mutex_lock(&identity->lock);
    *signed_in = identity->state == TACIT_STATE_SIGNED_IN;
    id_token = *signed_in ? ti_secret_ref(identity->id_token) : NULL;
    pthread_mutex_unlock(&identity->lock);
    return id_token;
}

void ti_session_count_request(tacit_session *session) {
    atomic_fetch_add_explicit(&session->requests, 1, memory_order_relaxed);
}

void ti_session_count_replay(tacit_session *session) {
    atomic_fetch_add_explicit(&session->replays, 1, memory_order_relaxed);
}

/* ------------------------------------------------------------------ the public face */

static bool enter(tacit_session *session, int timeout_ms, tacit_error *error) {
    if (session != NULL && timeout_ms < TACIT_TIMEOUT_DEFAULT) {
        ti_error_argument(error, "timeout_ms", "is below -1");
        return false;
    }
    return ti_session_enter(session, error);
}

/* Why enter() refused, where the caller passed no error. */
static tacit_status refused(const tacit_session *session, int timeout_ms) {
    if (session == NULL || timeout_ms < TACIT_TIMEOUT_DEFAULT) return TACIT_ERR_INVALID_ARGUMENT;
    return ti_session_forked(session) ? TACIT_ERR_FORKED : TACIT_ERR_CLOSED;
}

static tacit_status obtain(tacit_session *session, const ti_need *need, int timeout_ms,
                           tacit_token **token, tacit_error *error) {
    tacit_status status;

    if (!enter(session, timeout_ms, error)) return refused(session, timeout_ms);
    if (ti_obtain_at_hand(session->identity, session->view, need, token))
        status = ti_error_clear(error);
    else
        status = ti_session_obtain(session, need, ti_session_deadline(session, timeout_ms), token,
                                   error);
    ti_session_leave(session);
    return status;
}

tacit_status tacit_session_token(tacit_session *session, int min_valid_s, int timeout_ms,
                                 tacit_token **token, tacit_error *error) {
    ti_need need = {.min_valid_s = min_valid_s};

    if (token == NULL) return ti_error_argument(error, "token", "is NULL");
    *token = NULL;
    if (min_valid_s < 0) return ti_error_argument(error, "min_valid_s", "is negative");
    return obtain(session, &need, timeout_ms, token, error);
}

tacit_status tacit_session_renew(tacit_session *session, const tacit_token *token_refused,
                                 int timeout_ms, tacit_token **newer, tacit_error *error) {
    ti_need need = {.refused = token_refused};

    if (newer == NULL) return ti_error_argument(error, "newer", "is NULL");
    *newer = NULL;
    if (token_refused == NULL) return ti_error_argument(error, "refused", "is NULL");
    return obtain(session, &need, timeout_ms, newer, error);
}

tacit_status tacit_session_refresh(tacit_session *session, int timeout_ms, tacit_error *error) {
    ti_need need = {.anew = true};

    return obtain(session, &need, timeout_ms, NULL, error);
}

tacit_session_state tacit_session_get_state(tacit_session *session) {
    tacit_session_state state;

    if (session == NULL || ti_session_forked(session)) return TACIT_STATE_UNKNOWN;
    pthread_mutex_lock(&session->identity->lock);
    state = session->identity->state;
    pthread_mutex_unlock(&session->identity->lock);
    return state;
}

tacit_status tacit_session_load(tacit_session *session, int timeout_ms, tacit_session_state *state,
                                tacit_error *error) {
    tacit_status status = obtain(session, NULL, timeout_ms, NULL, error);

    if (state != NULL) *state = tacit_session_get_state(session);
    return status;
}

static int64_t seconds_until(int64_t boot_ms, int64_t now) {
    if (boot_ms == TI_NEVER) return -1;
    return boot_ms > now ? (boot_ms - now) / 1000 : 0;
}

static void describe_locked(const tacit_session *session, tacit_session_stats *stats) {
    const ti_identity *identity = session->identity;
    const ti_view *view = session->view;
    int64_t due = ti_flight_due_locked(identity, view);

    stats->refreshes = identity->refreshes;
    stats->refresh_failures = identity->refresh_failures;
    stats->refreshes_forced = identity->refreshes_forced;
    stats->adoptions = identity->adoptions;
    stats->generation = tacit_token_generation(view->token);
    stats->expires_in_s = tacit_token_expires_in_s(view->token);
    stats->refresh_due_in_s = seconds_until(due, ti_identity_now(identity));
    stats->last_error = identity->last_error;
    stats->sign_in_ends_in_s = ti_terms_end_in_s_locked(identity);
    if (view->slides) stats->slides = view->slide->slides;
}

void tacit_session_get_stats(tacit_session *session, tacit_session_stats *stats) {
    tacit_session_stats now = TACIT_SESSION_STATS_INIT;

    if (session == NULL || stats == NULL || ti_session_forked(session)) return;
    now.requests = atomic_load(&session->requests);
    now.replays = atomic_load(&session->replays);
    pthread_mutex_lock(&session->identity->lock);
    describe_locked(session, &now);
    pthread_mutex_unlock(&session->identity->lock);
    ti_struct_write(stats, &now, sizeof now);
}
