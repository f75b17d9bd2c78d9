/*
 * Properties: a sign-in that a limit ended is like one that was signed out: nobody gets its tokens any more, whatever the store and the
 * network do; the mark, the erasing and the revocation follow as they can. A newer sign-in of another process is not touched (R16), and
 * what another process used counts here too.
 */
#include "session/limits_job.h"

#include "base/error.h"
#include "session/client.h"
#include "session/event.h"
#include "session/persist.h"
#include "session/sign_out_job.h"
#include "session/turn.h"

static void explain(const ti_limits *limits, ti_limit limit, tacit_error *error) {
    if (limit == TI_LIMIT_IDLE)
        ti_error_set(error, TACIT_ERR_SIGN_IN_REQUIRED,
                     "No request was made for %lld s, the app's limit (max_idle_s): ask the user "
                     "to sign in.",
                     (long long)atomic_load(&limits->max_idle_ms) / 1000);
    else
        ti_error_set(error, TACIT_ERR_SIGN_IN_REQUIRED,
                     "The sign-in is %lld s old, the app's limit (max_age_s): ask the user to "
                     "sign in.",
                     (long long)limits->max_age_ms / 1000);
}

static const char *told(ti_limit limit) {
    return limit == TI_LIMIT_IDLE
               ? "No request was made for as long as max_idle_s allows: ask the user to sign in."
               : "The sign-in is as old as max_age_s allows: ask the user to sign in.";
}

/* Those who wait get the same error. A load under way has an answer of its own. */
static void turn_away_locked(ti_identity *identity, const tacit_error *error) {
    if (identity->flight.phase != TI_FLIGHT_NONE) return;
    ti_flight_begin_locked(identity, NULL);
    ti_flight_fail_locked(identity, error, TI_BACKOFF_NONE);
}

void ti_limits_end_locked(ti_identity *identity, void (*tell_first)(ti_identity *identity)) {
    const ti_limits *limits = &identity->terms->limits;
    ti_limit limit = ti_limits_reached(limits, ti_identity_now(identity));
    tacit_error error;

    explain(limits, limit, &error);
    ti_sign_out_by_itself_locked(identity);
    identity->ended_by_limit = true;
    if (tell_first != NULL) tell_first(identity);
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGN_IN_REQUIRED, told(limit), &error);
    turn_away_locked(identity, &error);
}

/* The app need not wait for what the worker does next. */
static void kick_locked(ti_identity *identity) {
    pthread_mutex_unlock(&identity->lock);
    ti_dispatch_kick(identity->client->dispatch);
    pthread_mutex_lock(&identity->lock);
}

/* Where it cannot be written it comes before the record is erased. */
static void mark_locked(ti_identity *identity) {
    ti_journal mark = identity->journal;
    tacit_error error;

    if (ti_turn_note_locked(identity, &mark, &error) != TACIT_OK)
        ti_persist_trouble_locked(identity, &error);
}

/* A store that does not answer puts nothing off. */
void ti_limits_run_locked(ti_identity *identity) {
    if (ti_limits_are_reached_locked(identity)) ti_persist_load_locked(identity, NULL);
    if (!ti_limits_are_reached_locked(identity)) {
        ti_waiters_wake_locked(identity); /* they waited for this */
        return;
    }
    ti_limits_end_locked(identity, NULL);
    kick_locked(identity);
    if (identity->erase_pending) mark_locked(identity);
}

/* Nobody is left to wait for another try once the last session is shut, but for a store that fails. */
static void try_again_locked(ti_identity *identity) {
    if (identity->sessions > 0 || identity->store_failures > 0)
        ti_limits_not_saved_locked(identity);
}

/* Its time moves on, so that the worker's loop ends. */
void ti_limits_save_locked(ti_identity *identity) {
    ti_sign_in_id id = identity->journal.sign_in_id;
    bool loaded;

    ti_limits_put_off_save_locked(identity);
    loaded = ti_persist_load_locked(identity, NULL) == TACIT_OK;
    if (identity->state != TACIT_STATE_SIGNED_IN ||
        !ti_sign_in_id_equal(&id, &identity->journal.sign_in_id))
        return;
    if (!loaded || ti_identity_is_stale_locked(identity))
        try_again_locked(identity);
    else if (ti_identity_owes_head_locked(identity))
        ti_persist_save_owed_locked(identity);
    else
        ti_persist_save_locked(identity, NULL, NULL);
}
