#include "session/open.h"

#include "base/error.h"
#include "session/begun.h"
#include "session/client.h"
#include "session/event.h"
#include "session/library_thread.h"
#include "session/move.h"
#include "session/session.h"
#include "session/store.h"

#include <stdlib.h>
#include <string.h>

enum { CLOSE_TIMEOUT_MS = 30 * 1000 };

/* In tacit_session.uses */
#define ONE_INSIDE ((uint_fast64_t)1 << 32)
#define CLOSED ((uint_fast64_t)1 << 63)

/* ------------------------------------------------------------------ options */

static bool is_param(const char *text) {
    const char *equals = strchr(text, '=');

    return equals != NULL && equals != text;
}

/* "Name: value" with a token for a name (RFC 9110 section 5.1), and nothing that ends the line. */
static bool is_header(const char *text) {
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t name = strspn(text, token);

    return name > 0 && text[name] == ':' && strpbrk(text, "\r\n") == NULL;
}

static bool check_list(const char *const *list, bool (*is_good)(const char *), const char *name,
                       const char *what, tacit_error *error) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        if (is_good(list[i])) continue;
        ti_error_argument(error, name, what);
        return false;
    }
    return true;
}

static bool check_options(const tacit_session_options *o, tacit_error *error) {
    if (o->client_id == NULL || *o->client_id == '\0')
        return ti_error_argument(error, "options->client_id", "is missing"), false;
    if (o->policy != TACIT_POLICY_PROACTIVE && o->policy != TACIT_POLICY_REACTIVE &&
        o->policy != TACIT_POLICY_SLIDING)
        return ti_error_argument(error, "options->policy", "is not a policy"), false;
    if (o->refresh_lead_s < 0)
        return ti_error_argument(error, "options->refresh_lead_s", "is negative"), false;
    if (o->max_idle_s < 0)
        return ti_error_argument(error, "options->max_idle_s", "is negative"), false;
    if (o->max_age_s < 0)
        return ti_error_argument(error, "options->max_age_s", "is negative"), false;
    return check_list(o->token_params, is_param, "options->token_params",
                      "has an entry that is not \"name=value\"", error) &&
           check_list(o->token_headers, is_header, "options->token_headers",
                      "has an entry that is not \"Name: value\"", error);
}

/* ------------------------------------------------------------------ open */

static void free_session(tacit_session *session) {
    ti_origins_free(session->origins);
    free(session->origin_states);
    free(session);
}

static tacit_session *new_session(const tacit_session_options *o, tacit_error *error) {
    tacit_session *session = calloc(1, sizeof *session);

    if (session == NULL) return ti_error_no_memory(error), NULL;
    atomic_init(&session->uses, 1);
    session->on_event = o->on_event;
    session->event_data = o->event_data;
    session->event_release = o->event_release;
    session->max_idle_s = o->max_idle_s;
    session->max_age_s = o->max_age_s;
    session->origins = ti_origins_new(o->origins, error);
    if (session->origins == NULL) {
        free_session(session);
        return NULL;
    }
    session->origin_states =
        calloc(ti_origins_count(session->origins) + 1, sizeof *session->origin_states);
    if (session->origin_states == NULL) {
        free_session(session);
        return ti_error_no_memory(error), NULL;
    }
    return session;
}

static bool knows_policy(tacit_provider *provider, tacit_policy policy, tacit_error *error) {
    char *header;
    bool slides;

    if (policy != TACIT_POLICY_SLIDING) return true;
    if (!ti_slide_header(provider, &header)) return ti_error_no_memory(error), false;
    slides = header != NULL;
    free(header);
    if (!slides)
        ti_error_argument(error, "options->policy",
                          "is to slide, and the provider's dialect has no sliding_header");
    return slides;
}

static bool is_closed(tacit_client *client, tacit_error *error) {
    bool closed;

    pthread_mutex_lock(&client->lock);
    closed = client->closed;
    pthread_mutex_unlock(&client->lock);
    if (closed) ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    return closed;
}

/* As far as the provider's metadata is known already. */
static bool takes_secret(tacit_provider *provider, const char *secret, tacit_error *error) {
    ti_metadata *metadata = ti_provider_metadata(provider);
    ti_client_auth auth;
    bool takes = metadata == NULL || ti_metadata_client_auth(metadata, secret != NULL, &auth);

    ti_metadata_unref(metadata);
    if (!takes)
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "The provider takes neither client_secret_basic nor client_secret_post.");
    return takes;
}

/* The view, and what the session's limits need. NULL: error says why. */
static ti_view *find_view_locked(const tacit_session *session, ti_identity *identity,
                                 tacit_provider *provider, const tacit_session_options *o,
                                 tacit_error *error) {
    bool limited = session->max_idle_s > 0 || session->max_age_s > 0;

    if (!ti_move_name_locked(identity, o->previous_store, error)) return NULL;
    if (limited && ti_terms_make_locked(identity) == NULL) return ti_error_no_memory(error), NULL;
    return ti_view_find_locked(identity, provider, o, error);
}

/* Puts the session into its view. Under the client's lock too, so that a shutdown meets it or comes first. */
static bool enter_view(tacit_session *session, ti_identity *identity, tacit_provider *provider,
                       const tacit_session_options *o, tacit_error *error) {
    tacit_client *client = identity->client;
    ti_view *view = NULL;

    pthread_mutex_lock(&client->lock);
    pthread_mutex_lock(&identity->lock);
    if (client->closed)
        ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    else
        view = find_view_locked(session, identity, provider, o, error);
    if (view != NULL) {
        session->identity = identity;
        session->view = view;
        session->next = view->sessions;
        view->sessions = session;
        identity->sessions++;
        ti_limits_apply_locked(identity);
        if (identity->state != TACIT_STATE_UNKNOWN) ti_event_push_loaded_locked(session);
    }
    pthread_mutex_unlock(&identity->lock);
    pthread_mutex_unlock(&client->lock);
    return view != NULL;
}

static tacit_session *open_in_store(tacit_client *client, tacit_provider *provider,
                                    tacit_store *store, const tacit_session_options *o,
                                    tacit_error *error) {
    tacit_session *session = new_session(o, error);
    ti_identity *identity;

    if (session == NULL) return NULL;
    identity = ti_identity_find(client, store, ti_provider_issuer(provider), o->client_id,
                                o->account == NULL ? "default" : o->account);
    /* The first time for what may fail, the memory and the thread; the second for what is to be done: the load, a first token. */
    if (identity == NULL || !ti_identity_schedule_now(identity)) {
        ti_error_no_memory(error);
    } else if (enter_view(session, identity, provider, o, error)) {
        ti_identity_schedule_now(identity);
        ti_dispatch_kick(client->dispatch);
        ti_error_clear(error);
        return session;
    }
    if (identity != NULL) ti_identity_unref(identity);
    free_session(session);
    return NULL;
}

tacit_session *tacit_session_open(tacit_client *client, tacit_provider *provider,
                                  const tacit_session_options *options, tacit_error *error) {
    tacit_session_options o;
    tacit_session *session;
    tacit_store *store;

    if (client == NULL) return ti_error_argument(error, "client", "is NULL"), NULL;
    if (provider == NULL) return ti_error_argument(error, "provider", "is NULL"), NULL;
    if (!ti_struct_read(&o, sizeof o, options, "options", "TACIT_SESSION_OPTIONS_INIT", error) ||
        !check_options(&o, error))
        return NULL;
    if (ti_client_forked(client)) return ti_error_forked(error, "client"), NULL;
    if (o.store != NULL && ti_store_forked(o.store)) return ti_error_forked(error, "store"), NULL;
    if (o.previous_store != NULL && ti_store_forked(o.previous_store))
        return ti_error_forked(error, "previous_store"), NULL;
    if (is_closed(client, error)) return NULL;
    if (!knows_policy(provider, o.policy, error) || !takes_secret(provider, o.client_secret, error))
        return NULL;
    store = o.store != NULL ? tacit_store_ref(o.store) : ti_client_default_store(client, error);
    if (store == NULL) return NULL;
    session = open_in_store(client, provider, store, &o, error);
    tacit_store_unref(store);
    return session;
}

/* ------------------------------------------------------------------ inside, and references */

bool ti_session_forked(const tacit_session *session) {
    return ti_client_forked(session->identity->client);
}

tacit_session *tacit_session_ref(tacit_session *session) {
    if (session != NULL && !ti_session_forked(session))
        atomic_fetch_add_explicit(&session->uses, 1, memory_order_relaxed);
    return session;
}

/* The last reference is gone, and the session was shut before. */
static void end(tacit_session *session) {
    ti_identity *identity = session->identity;
    tacit_client *client = identity->client;

    atomic_fetch_add(&client->requests, atomic_load(&session->requests));
    atomic_fetch_add(&client->replays, atomic_load(&session->replays));
    pthread_mutex_lock(&identity->lock);
    ti_view_release_locked(identity, session->view);
    pthread_mutex_unlock(&identity->lock);
    free_session(session);
    ti_identity_unref(identity);
}

void tacit_session_unref(tacit_session *session) {
    if (session == NULL || ti_session_forked(session)) return;
    if ((atomic_fetch_sub_explicit(&session->uses, 1, memory_order_acq_rel) & ~CLOSED) == 1)
        end(session);
}

unsigned ti_session_calls_inside(const tacit_session *session) {
    return (unsigned)((atomic_load(&session->uses) & ~CLOSED) >> 32);
}

bool ti_session_enter(tacit_session *session, tacit_error *error) {
    if (session == NULL) {
        ti_error_argument(error, "session", "is NULL");
        return false;
    }
    if (ti_client_forked(session->identity->client)) {
        ti_error_forked(error, "session");
        return false;
    }
    if ((atomic_fetch_add_explicit(&session->uses, ONE_INSIDE + 1, memory_order_acquire) &
         CLOSED) == 0)
        return true;
    ti_session_leave(session);
    ti_error_set(error, TACIT_ERR_CLOSED, "The session is closed.");
    return false;
}

/* Whoever closes waits for this. The reference lasts until it has been told. */
static void leave_closed(tacit_session *session) {
    ti_identity *identity = session->identity;

    pthread_mutex_lock(&identity->lock);
    atomic_fetch_sub(&session->uses, ONE_INSIDE);
    ti_waiters_wake_locked(identity);
    pthread_mutex_unlock(&identity->lock);
    tacit_session_unref(session);
}

void ti_session_leave(tacit_session *session) {
    uint_fast64_t uses = atomic_load_explicit(&session->uses, memory_order_relaxed);

    /* One step, so that whoever sets CLOSED later counts without this call, and need not be told. */
    while ((uses & CLOSED) == 0) {
        if (!atomic_compare_exchange_weak_explicit(&session->uses, &uses, uses - ONE_INSIDE - 1,
                                                   memory_order_acq_rel, memory_order_relaxed))
            continue;
        return; /* never the last reference: that is open's, until CLOSED is set */
    }
    leave_closed(session);
}

/* ------------------------------------------------------------------ close */

void ti_session_shut_locked(tacit_session *session) {
    ti_identity *identity = session->identity;
    tacit_session **link = &session->view->sessions;

    if (atomic_exchange(&session->closing, true)) return;
    atomic_fetch_or(&session->uses, CLOSED);
    while (*link != session) link = &(*link)->next;
    *link = session->next;
    identity->sessions--;
    ti_limits_apply_locked(identity);
    ti_begun_end_locked(session);
    if (identity->attempt != NULL && identity->attempt->session == session)
        ti_attempt_over_locked(identity, TACIT_ERR_CLOSED);
    identity->store_retry_boot_ms = 0; /* what is unsaved is tried once more */
    if (identity->sessions == 0) ti_identity_linger_locked(identity);
    ti_event_push_release(session);
    ti_waiters_wake_locked(identity);
}

/* Calls inside, and, where it was the last session, what the identity has under way. */
static bool wait_closed(tacit_session *session, int64_t deadline) {
    ti_identity *identity = session->identity;
    const ti_clock *clock = ti_identity_clock(identity);
    bool done;

    pthread_mutex_lock(&identity->lock);
    for (;;) {
        done = ti_session_calls_inside(session) == 0 &&
               (identity->sessions > 0 || ti_identity_idle_locked(identity));
        if (done || ti_clock_boot_ms(clock) >= deadline) break;
        ti_clock_wait(clock, &identity->changed, &identity->lock, deadline);
    }
    pthread_mutex_unlock(&identity->lock);
    return done;
}

tacit_status tacit_session_close(tacit_session *session, int timeout_ms) {
    ti_identity *identity;
    tacit_client *client;
    ti_sign_in_id id;
    int64_t deadline;
    bool last, done;

    if (session == NULL) return TACIT_OK;
    if (ti_session_forked(session)) return TACIT_ERR_FORKED;
    identity = session->identity;
    client = ti_client_ref(identity->client);
    pthread_mutex_lock(&identity->lock);
    ti_session_shut_locked(session);
    last = identity->sessions == 0;
    id = identity->journal.sign_in_id;
    pthread_mutex_unlock(&identity->lock);
    if (last) ti_client_drop_tokens(client, &id); /* R12 */
    ti_transport_wake(client->transport);
    ti_dispatch_kick(client->dispatch);
    if (!ti_identity_schedule_now(identity)) ti_identity_stop_lingering(identity);
    if (timeout_ms < 0) timeout_ms = CLOSE_TIMEOUT_MS;
    if (ti_on_library_thread()) timeout_ms = TACIT_NO_WAIT;
    deadline = ti_clock_deadline(&client->context->clock, timeout_ms);
    done = wait_closed(session, deadline);
    tacit_session_unref(session);
    tacit_client_unref(client);
    return done ? TACIT_OK : TACIT_ERR_TIMEOUT;
}
