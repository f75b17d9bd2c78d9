/*
 * Properties: a token that came with an answer replaces the current one only where it is of the same sign-in and lives longer, whatever the
 * order in which answers arrive; it never waits for anything, and nothing waits for it. Its generation is above that of the token it
 * replaces (R3), and no grant's is ever below it. Neither the refresh token nor the head changes by it, so that R2 and R5 are not
 * concerned; a slide that is lost in a crash is a token that is a little older.
 *
 * Operation: generations of slid tokens count on from the view's token and from what the journal has reserved, in this process alone:
 * two processes may use the same. Hence a grant, and a save, first pass those of the views (ti_journal_pass), and what another process
 * saved is taken over where it lives longer, and counted on from the view's own token (ti_view_adopt_locked).
 *
 * What slid is saved by a worker, at most once a minute and when the last session closes: with the turn it reads the store, where another
 * process may have saved better, notes a generation that is reserved for the record, with this process as the writer, and
 * saves. The head stays until that has worked: whoever finds it meanwhile, or after a crash, has the record that the store holds, with the
 * same refresh token. A head that only this process has (R5) is saved with its slid tokens anyhow.
 *
 * A flight, which was promised a generation, takes no slides before it has ended.
 *
 * Safety: everything is guarded by the identity's lock but the time from which on an answer is worth a look: a view's token and that time
 * are written together, and looked at again under the lock.
 */
#include "session/slide.h"

#include "base/strings.h"
#include "oauth/jwt.h"
#include "oauth/sliding.h"
#include "session/client.h"
#include "session/event.h"
#include "session/persist.h"
#include "session/session.h"
#include "session/turn.h"

#include <string.h>

enum { UNKNOWN_AGE_MS = 60 * 1000, SAVE_PAUSE_MS = 60 * 1000 };

bool ti_slide_header(tacit_provider *provider, char **header) {
    ti_metadata *metadata = ti_provider_metadata(provider);
    const ti_dialect *dialect = metadata == NULL ? NULL : ti_metadata_dialect(metadata);
    bool copied = ti_string_copy(header, dialect == NULL ? NULL : dialect->sliding_header);

    ti_metadata_unref(metadata);
    return copied;
}

/* ------------------------------------------------------------------ which token replaces which */

int64_t ti_slide_worth_from(int64_t issued_boot_ms, int64_t current_lifetime_ms,
                            int64_t lifetime_ms) {
    int64_t wait_ms = UNKNOWN_AGE_MS;

    if (current_lifetime_ms >= 0 && lifetime_ms >= 0)
        wait_ms = current_lifetime_ms - lifetime_ms / 11 * 10 - lifetime_ms % 11 * 10 / 11;
    else if (current_lifetime_ms >= 0 && current_lifetime_ms / 2 < wait_ms)
        wait_ms = current_lifetime_ms / 2;
    return ti_boot_plus(issued_boot_ms, wait_ms > 0 ? wait_ms : 0);
}

void ti_slide_begin_locked(ti_view *view) {
    const tacit_token *token = view->token;
    int64_t worth_from = TI_NEVER;

    if (token == NULL) /* generations begin anew */
        view->slide->saved_generation = 0;
    else /* a successor is likely to be of the same kind */
        worth_from =
            ti_slide_worth_from(token->issued_boot_ms, token->lifetime_ms, token->lifetime_ms);
    atomic_store_explicit(&view->slide->worth_from_boot_ms, worth_from, memory_order_relaxed);
}

/* Nobody looks again for a while: a tenth of what is left, since the next answer may bring a better one. */
static void turn_down_locked(ti_view *view, int64_t worth_from, int64_t sent_boot_ms) {
    const tacit_token *token = view->token;
    int64_t look_again;

    if (token->expires_boot_ms == TI_NEVER || token->expires_boot_ms <= sent_boot_ms) return;
    look_again = sent_boot_ms + (token->expires_boot_ms - sent_boot_ms) / 10;
    if (look_again > worth_from) look_again = worth_from;
    atomic_store_explicit(&view->slide->worth_from_boot_ms, look_again, memory_order_relaxed);
}

static int64_t expiry_of(const ti_identity *identity, const ti_record_token *found) {
    const ti_clock *clock = ti_identity_clock(identity);
    int64_t left_ms = found->expires_wall_ms - ti_clock_wall_ms(clock);

    return ti_clock_boot_ms(clock) + (left_ms < found->lifetime_ms ? left_ms : found->lifetime_ms);
}

bool ti_slide_prefers_locked(const ti_identity *identity, const ti_view *view,
                             const ti_record_token *found) {
    const tacit_token *token = view->token;

    if (ti_token_has_value(token, ti_secret_data(found->value), ti_secret_size(found->value)))
        return false;
    if (view->wanted_generation > token->generation) return true; /* it was refused */
    if (token->lifetime_ms < 0 || found->lifetime_ms < 0 || found->expires_wall_ms < 0)
        return found->generation > token->generation;
    return expiry_of(identity, found) > token->expires_boot_ms;
}

/* ------------------------------------------------------------------ an answer's token */

/* What came with an answer. */
typedef struct slid {
    const ti_secret *value;
    const ti_sign_in_id *sign_in_id;
    int64_t sent_boot_ms; /* the request: its life is counted from there (R13) */
    int64_t lifetime_ms;  /* -1: unknown */
} slid;

static bool is_worth_it_locked(const ti_identity *identity, ti_view *view, const slid *s) {
    const tacit_token *current = view->token;
    int64_t worth_from;

    if (identity->state != TACIT_STATE_SIGNED_IN || identity->flight.phase != TI_FLIGHT_NONE)
        return false;
    if (current == NULL || !ti_sign_in_id_equal(s->sign_in_id, &current->sign_in_id) ||
        ti_token_has_value(current, ti_secret_data(s->value), ti_secret_size(s->value)))
        return false;
    worth_from = ti_slide_worth_from(current->issued_boot_ms, current->lifetime_ms, s->lifetime_ms);
    if (s->sent_boot_ms < worth_from) turn_down_locked(view, worth_from, s->sent_boot_ms);
    return s->sent_boot_ms >= worth_from;
}

/* NULL: no memory; the next answer brings another. */
static tacit_token *make_token_locked(const ti_identity *identity, const ti_view *view,
                                      const slid *s) {
    const ti_journal *journal = &identity->journal;
    uint64_t before = view->token->generation;
    ti_token_facts facts = {.value = s->value,
                            .sign_in_id = *s->sign_in_id,
                            .issued_boot_ms = s->sent_boot_ms,
                            .lifetime_ms = s->lifetime_ms};

    facts.generation = (before > journal->reserved ? before : journal->reserved) + 1;
    return ti_token_new(ti_identity_context(identity), &facts);
}

static void publish_locked(ti_identity *identity, ti_view *view, tacit_token *token) {
    int64_t due = ti_view_due_locked(identity, view, token, -1);

    /* After an unknown outcome the refresh token is tried again inside the grace that servers give, whatever came meanwhile. */
    if (view->retry_anyway) due = view->due_boot_ms;
    ti_view_set_token_locked(view, token, 0, due);
    view->slide->slides++;
    /* Nobody needs the refresh that was wanted; who wants one for its own sake does. */
    if (view->anew_attempt <= view->begun) ti_view_drop_wants_locked(view);
    ti_event_push_locked(identity, view, TACIT_EVENT_REFRESHED,
                         "An answer of the API renewed the access token.", NULL);
    ti_waiters_wake_locked(identity);
}

/* The worker is to save it, and to know when it ends. */
static void schedule_locked(ti_identity *identity, const ti_view *view) {
    int64_t due = ti_slide_save_due_locked(identity);

    if (view->due_boot_ms < due) due = view->due_boot_ms;
    if (ti_identity_schedule(identity, due) && identity->sessions == 0)
        ti_identity_linger_locked(identity);
}

static void take(ti_identity *identity, ti_view *view, const slid *s) {
    tacit_token *token = NULL;

    pthread_mutex_lock(&identity->lock);
    if (is_worth_it_locked(identity, view, s)) token = make_token_locked(identity, view, s);
    if (token != NULL) {
        publish_locked(identity, view, token);
        schedule_locked(identity, view);
    }
    pthread_mutex_unlock(&identity->lock);
    if (token != NULL) ti_dispatch_kick(identity->client->dispatch);
}

bool ti_session_slides(const tacit_session *session) {
    return session->view->slides;
}

void ti_session_slide(tacit_session *session, const tacit_token *sent, const ti_http_answer *answer,
                      int64_t sent_boot_ms) {
    ti_view *view = session->view;
    slid s = {.sign_in_id = &sent->sign_in_id, .sent_boot_ms = sent_boot_ms, .lifetime_ms = -1};
    const char *text;
    ti_secret *value;
    int64_t lifetime_s;

    if (sent_boot_ms < atomic_load_explicit(&view->slide->worth_from_boot_ms, memory_order_relaxed))
        return;
    text = ti_sliding_token(answer, view->slide->header);
    if (!ti_sliding_is_token(text) || ti_token_has_value(sent, text, strlen(text)))
        return; /* some give back what they got */
    value = ti_secret_from_string(text);
    if (value == NULL) return; /* the next answer brings another */
    if (ti_jwt_lifetime_s(value, ti_clock_wall_ms(ti_session_clock(session)), &lifetime_s))
        s.lifetime_ms = lifetime_s * 1000;
    s.value = value;
    take(session->identity, view, &s);
    ti_secret_unref(value);
}

/* ------------------------------------------------------------------ saving */

bool ti_slide_is_unsaved_locked(const ti_view *view) {
    return view->slides && view->token != NULL &&
           view->token->generation > view->slide->saved_generation;
}

/* Nobody waits for the next minute of a view without a session. */
int64_t ti_slide_save_due_locked(const ti_identity *identity) {
    bool unsaved = identity->slide_parked;
    int64_t due = 0;

    for (const ti_view *view = identity->views; view != NULL; view = view->next) {
        if (!view->slides) continue;
        if (ti_slide_is_unsaved_locked(view)) unsaved = true;
        if (view->sessions != NULL && view->slide->save_after_boot_ms > due)
            due = view->slide->save_after_boot_ms;
    }
    return unsaved ? due : TI_NEVER;
}

/* Or a better one, of another view that has the same key. */
static void saved_locked(const ti_identity *identity, ti_view *view, const ti_record_token *saved) {
    bool better = view->token != NULL && ti_slide_prefers_locked(identity, view, saved);

    view->slide->saved_generation = better ? view->token->generation : saved->generation;
}

void ti_slide_saved_locked(ti_identity *identity, const ti_record *record) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        if (!view->slides) continue;
        for (size_t i = 0; i < record->token_count; i++)
            if (strcmp(record->tokens[i].view, view->key) == 0)
                saved_locked(identity, view, &record->tokens[i]);
    }
}

/* The next one begins no sooner than a minute after this one did. Where no session is left to wait for that, this was the last try. */
static void rest_locked(ti_identity *identity, bool saved, int64_t begun_boot_ms) {
    int64_t next = ti_boot_plus(begun_boot_ms, SAVE_PAUSE_MS);
    bool open = false;

    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        if (!view->slides) continue;
        view->slide->save_after_boot_ms = next;
        if (view->sessions != NULL)
            open = true;
        else if (!saved)
            view->slide->saved_generation = tacit_token_generation(view->token);
    }
    if (!saved && !open) identity->slide_parked = false;
}

/* Notes the record's generation. false: error says why, or nobody is signed in any more. */
static bool reserve_locked(ti_identity *identity, uint64_t *generation, tacit_error *error) {
    ti_journal noted = identity->journal;
    ti_sign_in_id id = noted.sign_in_id;

    for (const ti_view *view = identity->views; view != NULL; view = view->next)
        ti_journal_pass(&noted, tacit_token_generation(view->token));
    *generation = ti_journal_reserve(&noted, identity->life);
    if (ti_turn_note_locked(identity, &noted, error) != TACIT_OK) return false;
    if (identity->state != TACIT_STATE_SIGNED_IN ||
        !ti_sign_in_id_equal(&id, &identity->journal.sign_in_id))
        return false;
    identity->journal.reserved = noted.reserved;
    return true;
}

/* What a refresh brings later is saved in any case; of what only slides a broken store costs the sign-in, some day. */
static void tell_locked(ti_identity *identity, const tacit_error *error) {
    if (error->status == TACIT_OK || ti_identity_can_renew_locked(identity)) return;
    ti_persist_trouble_locked(identity, error);
}

void ti_slide_save_failed_locked(ti_identity *identity, const tacit_error *error) {
    tell_locked(identity, error);
    rest_locked(identity, false, ti_identity_now(identity));
}

static bool may_save_locked(const ti_identity *identity) {
    return identity->state == TACIT_STATE_SIGNED_IN && !ti_identity_owes_head_locked(identity) &&
           !ti_identity_is_stale_locked(identity) && ti_slide_save_due_locked(identity) != TI_NEVER;
}

void ti_slide_save_locked(ti_identity *identity) {
    int64_t begun_boot_ms = ti_identity_now(identity);
    tacit_error error = TACIT_ERROR_INIT;
    uint64_t generation;
    bool saved = ti_persist_look_locked(identity, &error) == TACIT_OK &&
                 may_save_locked(identity) && reserve_locked(identity, &generation, &error) &&
                 ti_persist_save_as_locked(identity, generation, &error) == TACIT_OK;

    tell_locked(identity, &error);
    rest_locked(identity, saved, begun_boot_ms);
}
