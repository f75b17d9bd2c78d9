/*
 * Properties: a refresh token is never sent again once an answer carried its successor (R2); an answer is saved before its token is
 * used (R5); only the server's refusal ends the sign-in, after the store was read three times more (R6); an answer that nobody
 * waits for any more is revoked, not used (R16).
 *
 * Operation: load, and adopt what another process obtained; if that will do, done. Else journal POSTED, grant, journal ANSWERED,
 * save, journal IDLE, publish; all of it in this process's turn (turn.h). Refused: the store is read again at once, after
 * 0.5 s and after 2 s; a refresh token that is not the refused one starts the sequence over. A worker never sleeps for that: the
 * flight stays open and the identity comes back when it is time. With the client's own credentials there is no refresh token that could
 * be lost, spent or refused: the same sequence, without what guards one.
 *
 * Safety: whatever happened while the lock was dropped shows in the sign_in_id of the head and in the state: they are compared after
 * each step.
 */
#include "session/refresh.h"

#include "base/error.h"
#include "base/log.h"
#include "session/admission.h"
#include "session/anomaly.h"
#include "session/carried.h"
#include "session/client.h"
#include "session/discover.h"
#include "session/event.h"
#include "session/granted.h"
#include "session/persist.h"
#include "session/store.h"
#include "session/turn.h"

#include <stdlib.h>
#include <string.h>

enum {
    GRANTS_MAX = 3
}; /* in one flight: each further one needs another refresh token from the store */

static const int64_t reread_after_ms[] = {0, 500, 2000};
enum { REREADS = sizeof reread_after_ms / sizeof reread_after_ms[0] };

/* ------------------------------------------------------------------ ends */

static bool is_over_locked(const ti_identity *identity) {
    return identity->state != TACIT_STATE_SIGNED_IN ||
           !ti_sign_in_id_equal(&identity->flight.sign_in_id, &identity->journal.sign_in_id);
}

/* Whether what the store or a late save brought will do. */
static bool is_served_locked(const ti_identity *identity) {
    const ti_flight *flight = &identity->flight;
    const tacit_token *token = flight->view->token;

    return !flight->anew && token != NULL && flight->view->token_attempt == flight->attempt &&
           token->generation >= flight->wanted_generation &&
           ti_token_lives(token, ti_identity_now(identity), 0);
}

static void fail_locked(ti_identity *identity, const tacit_error *error, ti_backoff_kind kind) {
    const ti_view *view = identity->flight.view;

    identity->refresh_failures++;
    atomic_fetch_add(&identity->client->refresh_failures, 1);
    ti_event_push_locked(identity, view,
                         error->status == TACIT_ERR_REFRESH_STORM ? TACIT_EVENT_REFRESH_STORM
                                                                  : TACIT_EVENT_REFRESH_FAILED,
                         "The access token could not be renewed; the current one is kept.", error);
    ti_flight_fail_locked(identity, error, kind);
}

static void sign_in_over_locked(ti_identity *identity, const tacit_error *error) {
    identity->state = TACIT_STATE_SIGNED_OUT;
    identity->refresh_failures++;
    atomic_fetch_add(&identity->client->refresh_failures, 1);
    ti_journal_refused(&identity->journal);
    identity->mark_refused = identity->store->ops.process_only; /* else the journal says it */
    ti_flight_fail_locked(identity, error, TI_BACKOFF_NONE);
    ti_views_reset_locked(identity);
    ti_identity_forget_user_locked(identity);
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGN_IN_REQUIRED,
                         "The sign-in is over: ask the user.", error);
    ti_client_drop_tokens(identity->client, &identity->journal.sign_in_id);
    if (identity->mark_refused) return;
    ti_secret_unref(identity->refresh_token);
    identity->refresh_token = NULL;
}

/* By itself it does not try again. */
static void cannot_renew_locked(ti_identity *identity, const tacit_error *error) {
    ti_view *view = identity->flight.view;

    if (view->due_boot_ms <= ti_identity_now(identity)) view->due_boot_ms = TI_NEVER;
    fail_locked(identity, error, TI_BACKOFF_NONE);
}

/* Sessions of other options may have one. */
static void no_secret_locked(ti_identity *identity) {
    tacit_error error;

    ti_error_argument(&error, "options->client_secret",
                      "is missing, and the session's sign-in is renewed with it");
    cannot_renew_locked(identity, &error);
}

/* Without a refresh token the sign-in lives as long as an access token of any view. */
static void nothing_to_send_locked(ti_identity *identity) {
    ti_view *view = identity->flight.view;
    bool refused = identity->flight.wanted_generation > tacit_token_generation(view->token);
    tacit_error error;

    ti_error_set(&error, TACIT_ERR_SIGN_IN_REQUIRED,
                 "There is no refresh token to get an access token with: ask the user.");
    if (ti_views_have_token_locked(identity, refused ? view : NULL))
        cannot_renew_locked(identity, &error);
    else
        sign_in_over_locked(identity, &error);
}

/* ------------------------------------------------------------------ the answer */

tacit_token *ti_refresh_make_token(const ti_identity *identity, const ti_token_response *answer,
                                   const ti_sign_in_id *id, uint64_t generation,
                                   int64_t sent_boot_ms) {
    ti_token_facts facts = {.value = answer->access_token,
                            .generation = generation,
                            .sign_in_id = *id,
                            .issued_boot_ms = sent_boot_ms,
                            .lifetime_ms = answer->lifetime_s < 0 ? -1 : answer->lifetime_s * 1000};

    return ti_token_new(ti_identity_context(identity), &facts);
}

static void publish_locked(ti_identity *identity, tacit_token *token, int64_t refresh_in_s) {
    ti_flight *flight = &identity->flight;
    int64_t due = ti_view_due_locked(identity, flight->view, token, refresh_in_s);
    int64_t soonest = ti_identity_now(identity) + 1000; /* never faster than one a second */

    ti_view_set_token_locked(flight->view, token, flight->attempt, due < soonest ? soonest : due);
    identity->refreshes++;
    if (flight->forced) identity->refreshes_forced++;
    atomic_fetch_add(&identity->client->refreshes, 1);
    ti_event_push_locked(identity, flight->view, TACIT_EVENT_REFRESHED,
                         "The access token was renewed.", NULL);
    ti_flight_succeed_locked(identity);
}

static void take_secret(ti_secret **kept, ti_secret *newer) {
    if (newer == NULL) return;
    ti_secret_unref(*kept);
    *kept = ti_secret_ref(newer);
}

/* Where it cannot be noted the turn is kept until the answer is saved (turn.h). */
static void note_answer_locked(ti_identity *identity) {
    ti_journal answered = identity->journal;
    tacit_error error;

    if (ti_turn_note_locked(identity, &answered, &error) != TACIT_OK)
        ti_persist_trouble_locked(identity, &error);
}

/* lost: what became of the access token, where only the refresh token came; else NULL. */
static void granted_locked(ti_identity *identity, ti_token_response *answer, int64_t sent_boot_ms,
                           const tacit_error *lost) {
    ti_flight *flight = &identity->flight;
    tacit_token *token = NULL;
    tacit_error error;

    ti_journal_answered(&identity->journal, answer->refresh_token, identity->life);
    identity->generation = identity->journal.generation;
    ti_terms_refreshed_locked(identity, answer, sent_boot_ms);
    take_secret(&identity->refresh_token, answer->refresh_token);
    take_secret(&identity->id_token, answer->id_token);
    if (lost == NULL)
        token = ti_refresh_make_token(identity, answer, &identity->journal.sign_in_id,
                                      identity->generation, sent_boot_ms);
    note_answer_locked(identity);
    if (!is_over_locked(identity)) ti_persist_save_locked(identity, flight->view, token);
    if (is_over_locked(identity)) {
        /* The sign-out took the new refresh token, and revokes it. */
        ti_flight_abandon_locked(identity);
        tacit_token_unref(token);
    } else if (lost != NULL) {
        fail_locked(identity, lost, TI_BACKOFF_UNKNOWN);
    } else if (token == NULL) {
        ti_error_no_memory(&error);
        fail_locked(identity, &error, TI_BACKOFF_NOT_SENT);
    } else {
        publish_locked(identity, token, answer->refresh_in_s);
    }
}

static void refused_locked(ti_identity *identity, const tacit_error *error) {
    ti_flight *flight = &identity->flight;
    bool answer_lost = identity->journal.attempts > 0;
    tacit_error over;

    ti_error_set(&over, TACIT_ERR_SIGN_IN_REQUIRED,
                 answer_lost
                     ? "The server refused the refresh token; the answer to an earlier attempt was "
                       "lost, and may have replaced it."
                     : "The server refused the refresh token: ask the user.");
    over.http_status = error->http_status;
    over.outcome_unknown = answer_lost;
    memcpy(over.oauth_error, error->oauth_error, sizeof over.oauth_error);
    memcpy(over.oauth_error_description, error->oauth_error_description,
           sizeof over.oauth_error_description);
    flight->phase = TI_FLIGHT_REREADING;
    flight->rereads = 0;
    flight->refused_boot_ms = flight->step_boot_ms = ti_identity_now(identity);
    ti_failure_unref_locked(flight->refusal);
    flight->refusal = ti_failure_new(&over);
}

static void answered_locked(ti_identity *identity, ti_verdict verdict, ti_token_response *answer,
                            bool sent, int64_t sent_boot_ms, tacit_error *error) {
    if (verdict == TI_VERDICT_TOKEN || answer->refresh_token != NULL) {
        granted_locked(identity, answer, sent_boot_ms, verdict == TI_VERDICT_TOKEN ? NULL : error);
        return;
    }
    if (verdict != TI_VERDICT_UNKNOWN) ti_journal_not_granted(&identity->journal);
    if (verdict == TI_VERDICT_REFUSED && !identity->by_credentials) /* R6: nothing of the user */
        refused_locked(identity, error);
    else if (verdict == TI_VERDICT_UNKNOWN)
        fail_locked(identity, error, TI_BACKOFF_UNKNOWN);
    else
        fail_locked(identity, error, sent ? TI_BACKOFF_ANSWERED : TI_BACKOFF_NOT_SENT);
}

/* ------------------------------------------------------------------ the grant */

/* Without the lock. The other tokens count all the same: the refresh token may be the only one that still works. */
static void check_id_token(const ti_identity *identity, const ti_view *view, ti_grant_type type,
                           const ti_secret *earlier, ti_token_response *answer) {
    tacit_error why;

    if (ti_granted_check(identity, view, type, NULL, earlier, answer, &why) == TACIT_OK) return;
    ti_secret_unref(answer->id_token);
    answer->id_token = NULL;
    ti_log_write(&identity->client->context->log, TACIT_LOG_WARNING,
                 "The id_token that came with a refresh is not used: %s", why.message);
}

/* Than those before, which may be NULL. */
static bool is_anothers(const tacit_token *access_token, const ti_secret *id_token,
                        const ti_token_response *answer) {
    ti_secret *before = access_token == NULL ? NULL : ti_token_copy_value(access_token);
    bool anothers = ti_anomaly_is_other_subject(before, answer->access_token) ||
                    ti_anomaly_is_other_subject(id_token, answer->id_token);

    ti_secret_unref(before);
    return anothers;
}

static void grant_locked(ti_identity *identity) {
    ti_view *view = identity->flight.view;
    ti_carried carried = ti_carried_of_locked(identity, view);
    ti_secret *refresh_token = ti_secret_ref(identity->refresh_token);
    ti_secret *id_token = ti_secret_ref(identity->id_token);
    tacit_token *before = tacit_token_ref(view->token);
    ti_grant grant = {.type = identity->by_credentials ? TI_GRANT_CLIENT_CREDENTIALS
                                                       : TI_GRANT_REFRESH_TOKEN,
                      .refresh_token = refresh_token,
                      .scope = view->scope,
                      .resource = view->resource};
    ti_token_response answer = TI_TOKEN_RESPONSE_INIT;
    tacit_error error = TACIT_ERROR_INIT;
    int64_t sent_boot_ms = ti_identity_now(identity);
    ti_verdict verdict;
    bool sent = false, other_subject = false;

    identity->flight.grants++;
    pthread_mutex_unlock(&identity->lock);
    verdict = ti_carried_send(identity, view, &carried, grant, &answer, &sent, &error);
    if (verdict == TI_VERDICT_TOKEN) {
        other_subject = is_anothers(before, id_token, &answer);
        check_id_token(identity, view, grant.type, id_token, &answer);
    }
    tacit_token_unref(before);
    ti_secret_unref(id_token);
    ti_secret_unref(refresh_token);
    pthread_mutex_lock(&identity->lock);
    if (is_over_locked(identity)) { /* signed out, or in as someone else, meanwhile */
        if (answer.refresh_token != NULL)
            ti_revocation_add_granted_locked(identity, view, &answer, carried.fingerprint);
        ti_flight_abandon_locked(identity);
    } else {
        ti_terms_freeze_locked(identity, &carried.fingerprint);
        if (other_subject) ti_anomaly_other_subject_locked(identity, view);
        answered_locked(identity, verdict, &answer, sent, sent_boot_ms, &error);
    }
    ti_carried_free(&carried);
    ti_token_response_free(&answer);
}

static bool may_post_locked(ti_identity *identity) {
    ti_backoff_kind kind;
    tacit_error error;

    if (ti_admission_locked(identity, &error, &kind)) return true;
    fail_locked(identity, &error, kind);
    return false;
}

static tacit_status newer_elsewhere(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "Another process may have a newer refresh token, which is not in the store "
                        "yet.");
}

/* The head was saved, and the store holds an older record: whoever has the head in memory will save it again. */
static tacit_status rolled_back_locked(ti_identity *identity, tacit_error *error) {
    if (!identity->rolled_back) identity->looks_left = TI_LOOKS;
    identity->rolled_back = true;
    if (identity->looks_left > 0) return newer_elsewhere(error);
    return ti_error_set(error, TACIT_ERR_SIGN_IN_REQUIRED,
                        "The store holds an older record than the last one saved, as after the "
                        "restoration of a backup; its refresh token was replaced: ask the user.");
}

/* R2, R7: what is older than the head is sent only where the head's writer died before it could save it, and nothing at all where the
 * journal is lost and the store does not answer. */
static bool may_send_locked(ti_identity *identity, bool loaded) {
    bool journal_lost = !identity->head_known && !identity->store->ops.process_only;
    bool stale = ti_identity_is_stale_locked(identity);
    tacit_error error;

    if (!stale) identity->rolled_back = false;
    if (!stale && (loaded || !journal_lost)) return true;
    if (!loaded || identity->head_elsewhere) {
        newer_elsewhere(&error);
    } else if (ti_journal_is_saved(&identity->journal)) {
        rolled_back_locked(identity, &error);
    } else {
        identity->looks_left = TI_LOOKS;
        return true;
    }
    fail_locked(identity, &error, TI_BACKOFF_NOT_SENT);
    return false;
}

/* Before anything is noted: where to send the grant. */
static bool discover_locked(ti_identity *identity) {
    tacit_client *client = identity->client;
    tacit_provider *provider = identity->flight.view->grant.provider;
    int64_t deadline = ti_clock_deadline(ti_identity_clock(identity), client->refresh_timeout_ms);
    tacit_status status;
    tacit_error error;

    pthread_mutex_unlock(&identity->lock);
    status = ti_discover(client, provider, deadline, NULL, &error);
    pthread_mutex_lock(&identity->lock);
    if (is_over_locked(identity))
        ti_flight_abandon_locked(identity);
    else if (status != TACIT_OK) /* a server with trouble wants peace here too */
        fail_locked(identity, &error,
                    status == TACIT_ERR_SERVER ? TI_BACKOFF_ANSWERED : TI_BACKOFF_NOT_SENT);
    else
        return true;
    return false;
}

/* Another may have taken over while this process stood still. */
static bool has_turn_locked(ti_identity *identity, tacit_error *error) {
    tacit_status status;

    pthread_mutex_unlock(&identity->lock);
    status = ti_turn_confirm(identity, error);
    pthread_mutex_lock(&identity->lock);
    return status == TACIT_OK;
}

/* Says in the journal that the grant is about to be sent. */
static bool post_locked(ti_identity *identity) {
    ti_journal posted = identity->journal;
    tacit_error error;
    bool noted = false;

    ti_admission_note_locked(identity, identity->flight.view);
    ti_journal_pass(&posted, tacit_token_generation(identity->flight.view->token));
    if (ti_journal_posted(&posted, identity->refresh_token, identity->generation,
                          ti_identity_now(identity)))
        noted = ti_turn_note_locked(identity, &posted, &error) == TACIT_OK &&
                has_turn_locked(identity, &error);
    else
        ti_error_no_memory(&error);
    if (!noted) ti_admission_take_back_locked(identity, identity->flight.view);
    if (is_over_locked(identity)) {
        ti_flight_abandon_locked(identity);
        return false;
    }
    if (noted)
        identity->journal = posted;
    else
        fail_locked(identity, &error, TI_BACKOFF_NOT_SENT);
    return noted;
}

/* From here on the flight has looked into the store; loaded: which answered. */
static void go_on_locked(ti_identity *identity, bool loaded) {
    if (is_over_locked(identity)) {
        ti_flight_abandon_locked(identity);
        return;
    }
    if (is_served_locked(identity)) {
        ti_flight_succeed_locked(identity);
        return;
    }
    /* Client credentials are nothing that could be sent twice. */
    if (!identity->by_credentials && !may_send_locked(identity, loaded)) return;
    if (ti_identity_owes_head_locked(
            identity)) { /* R5: a needed grant first tries the save again */
        ti_persist_save_owed_locked(identity);
        if (is_over_locked(identity)) {
            ti_flight_abandon_locked(identity);
            return;
        }
    }
    if (!ti_identity_can_renew_locked(identity)) {
        nothing_to_send_locked(identity);
        return;
    }
    if (identity->by_credentials && identity->flight.view->grant.client_secret == NULL) {
        no_secret_locked(identity);
        return;
    }
    if (discover_locked(identity) && may_post_locked(identity) && post_locked(identity))
        grant_locked(identity);
}

void ti_refresh_run_locked(ti_identity *identity, ti_view *view) {
    bool loaded;

    ti_flight_begin_locked(identity, view);
    loaded = ti_persist_load_locked(identity, NULL) == TACIT_OK;
    go_on_locked(identity, loaded); /* a store that fails does not stop a refresh from memory */
}

void ti_refresh_fail_locked(ti_identity *identity, ti_view *view, const tacit_error *error) {
    ti_flight_begin_locked(identity, view);
    fail_locked(identity, error, TI_BACKOFF_NOT_SENT);
}

static bool is_another_locked(const ti_identity *identity) {
    return identity->refresh_token != NULL &&
           !ti_token_hash_is_of(&identity->journal.posted, identity->refresh_token);
}

void ti_refresh_reread_locked(ti_identity *identity) {
    ti_flight *flight = &identity->flight;
    bool loaded = !is_over_locked(identity) && ti_persist_load_locked(identity, NULL) == TACIT_OK;
    tacit_error error;
    bool has_turn = has_turn_locked(identity, &error);

    if (is_over_locked(identity)) {
        ti_flight_abandon_locked(identity);
    } else if (
        !has_turn) { /* who took over may have renewed with the token that was refused here */
        fail_locked(identity, &error, TI_BACKOFF_NOT_SENT);
    } else if (is_another_locked(identity) && flight->grants < GRANTS_MAX) {
        flight->phase = TI_FLIGHT_REFRESHING;
        go_on_locked(identity, loaded);
    } else if (++flight->rereads < REREADS) {
        flight->step_boot_ms = flight->refused_boot_ms + reread_after_ms[flight->rereads];
    } else {
        error = flight->refusal->error;
        ti_anomaly_refused_locked(identity, flight->view, &error);
        sign_in_over_locked(identity, &error);
    }
}
