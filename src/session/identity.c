/*
 * Safety: see identity.h. The tree and the list of a client's identities are guarded by the client's lock, as is the step
 * from one reference to none, so that find never meets one that is going.
 */
#include "session/identity.h"

#include "base/buffer.h"
#include "platform/os.h"
#include "session/attempt.h"
#include "session/client.h"
#include "session/move.h"
#include "session/turn.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

bool ti_identity_schedule(ti_identity *identity, int64_t due_boot_ms) {
    return ti_refresher_schedule(identity->client->refresher, &identity->task, due_boot_ms);
}

bool ti_identity_schedule_now(ti_identity *identity) {
    return ti_identity_schedule(identity, ti_identity_now(identity));
}

void ti_identity_nudge(ti_identity *identity, bool end_backoff) {
    pthread_mutex_lock(&identity->lock);
    ti_limits_clock_stepped_locked(identity);
    if (end_backoff) {
        ti_backoff_reset_locked(identity);
        identity->backoff_lifted = true;
        identity->store_retry_boot_ms = 0;
        if (identity->move != NULL) identity->move->retry_boot_ms = 0;
    }
    ti_waiters_wake_locked(identity);
    ti_attempt_wake_locked(identity);
    pthread_mutex_unlock(&identity->lock);
    if (end_backoff) ti_identity_schedule_now(identity);
}

static bool owes_the_store_locked(const ti_identity *identity) {
    return identity->erase_pending || identity->mark_refused || identity->note_doubtful ||
           (identity->state == TACIT_STATE_SIGNED_IN && ti_identity_owes_head_locked(identity));
}

/* The last uses, at the end; whatever else the store waits for. */
static bool owes_uses_locked(const ti_identity *identity) {
    return identity->sessions == 0 &&
           ti_limits_save_due_locked(identity) <= ti_identity_now(identity);
}

/* A save that is owed, or what the journal is to say at the end of the turn. */
static bool owes_a_write_locked(const ti_identity *identity) {
    return owes_the_store_locked(identity) || identity->in_turn;
}

bool ti_identity_idle_locked(const ti_identity *identity) {
    /* Which is tried once, and not when the store is looked at next. */
    bool slid = identity->sessions == 0 && ti_slide_save_due_locked(identity) != TI_NEVER;

    return identity->flight.phase == TI_FLIGHT_NONE && identity->jobs == NULL &&
           identity->revocations == NULL && !identity->late.out && !slid &&
           !owes_uses_locked(identity) &&
           ti_move_tidy_due_locked(identity) > ti_identity_now(identity) &&
           (!owes_a_write_locked(identity) ||
            identity->store_retry_boot_ms > ti_identity_now(identity));
}

void ti_identity_linger_locked(ti_identity *identity) {
    if (identity->lingers || ti_identity_idle_locked(identity)) return;
    identity->lingers = true;
    ti_identity_ref(identity);
}

void ti_identity_stop_lingering(ti_identity *identity) {
    bool lingered;

    pthread_mutex_lock(&identity->lock);
    lingered = identity->lingers;
    identity->lingers = false;
    pthread_mutex_unlock(&identity->lock);
    if (lingered) ti_identity_unref(identity);
}

bool ti_identity_wait_idle(ti_identity *identity, int64_t deadline_boot_ms) {
    const ti_clock *clock = ti_identity_clock(identity);
    bool idle;

    pthread_mutex_lock(&identity->lock);
    while (!(idle = ti_identity_idle_locked(identity)) &&
           ti_clock_boot_ms(clock) < deadline_boot_ms)
        ti_clock_wait(clock, &identity->changed, &identity->lock, deadline_boot_ms);
    pthread_mutex_unlock(&identity->lock);
    return idle;
}

/* ------------------------------------------------------------------ find and free */

static int compare(const void *a, const void *b) {
    const ti_identity *left = a, *right = b;

    if (left->store != right->store) return left->store < right->store ? -1 : 1;
    return strcmp(left->key, right->key);
}

/* Issuer, client id and account, joined by spaces; a space, a control character or % inside one is %XX, so that no two collide. */
static bool append_escaped(ti_buffer *key, const char *part) {
    static const char digits[] = "0123456789ABCDEF";

    for (; *part != '\0'; part++) {
        unsigned char c = (unsigned char)*part;
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (c <= ' ' || c == '%' || c == 127)
            ti_buffer_append(key, escaped, sizeof escaped);
        else
            ti_buffer_append(key, part, 1);
    }
    return !key->failed;
}

static char *make_key(const char *issuer, const char *client_id, const char *account) {
    ti_buffer key = TI_BUFFER_INIT;

    append_escaped(&key, issuer);
    ti_buffer_append_string(&key, " ");
    append_escaped(&key, client_id);
    ti_buffer_append_string(&key, " ");
    append_escaped(&key, account);
    if (key.failed) ti_buffer_free(&key);
    return key.data;
}

static void free_identity(ti_identity *identity) {
    if (identity->flight.phase != TI_FLIGHT_NONE) ti_flight_abandon_locked(identity);
    ti_jobs_drop_locked(identity);
    ti_revocations_drop_locked(identity);
    ti_views_reset_locked(identity);
    ti_backoff_reset_locked(identity);
    ti_secret_unref(identity->refresh_token);
    ti_secret_unref(identity->id_token);
    ti_turn_free(identity->turn);
    ti_identity_drop_storm_locked(identity);
    ti_terms_free(identity->terms);
    ti_move_free(identity->move);
    pthread_cond_destroy(&identity->changed);
    pthread_mutex_destroy(&identity->lock);
    free(identity->key);
    free(identity->issuer);
    free(identity->client_id);
    free(identity);
}

static ti_identity *new_identity(tacit_store *store, const char *issuer, const char *client_id,
                                 const char *account) {
    ti_identity *identity = calloc(1, sizeof *identity);

    if (identity == NULL) return NULL;
    if (!ti_cond_init(&identity->changed)) {
        free(identity);
        return NULL;
    }
    pthread_mutex_init(&identity->lock, NULL);
    atomic_init(&identity->refs, 1);
    identity->last_job = &identity->jobs;
    identity->store = store;
    identity->key = make_key(issuer, client_id, account);
    identity->issuer = strdup(issuer);
    identity->client_id = strdup(client_id);
    if (identity->key != NULL && identity->issuer != NULL && identity->client_id != NULL)
        return identity;
    free_identity(identity);
    return NULL;
}

static bool register_locked(tacit_client *client, ti_identity *identity) {
    if (tsearch(identity, &client->identity_tree, compare) == NULL) return false;
    identity->next = client->identities;
    identity->link = &client->identities;
    if (identity->next != NULL) identity->next->link = &identity->next;
    client->identities = identity;
    identity->client = ti_client_ref(client);
    identity->task.ops = client->work;
    identity->life = client->next_life;
    client->next_life = client->next_life % (INT64_MAX - 1) + 1;
    tacit_store_ref(identity->store);
    return true;
}

ti_identity *ti_identity_find(tacit_client *client, tacit_store *store, const char *issuer,
                              const char *client_id, const char *account) {
    ti_identity *made = new_identity(store, issuer, client_id, account), *found = NULL;
    ti_identity **node;

    if (made == NULL) return NULL;
    pthread_mutex_lock(&client->lock);
    node = tfind(made, &client->identity_tree, compare);
    if (node != NULL)
        found = ti_identity_ref(*node);
    else if (register_locked(client, made))
        found = made;
    pthread_mutex_unlock(&client->lock);
    if (found != made) free_identity(made);
    return found;
}

ti_identity *ti_identity_ref(ti_identity *identity) {
    atomic_fetch_add(&identity->refs, 1);
    return identity;
}

/* false: it was not the last reference. */
static bool unregister(ti_identity *identity) {
    tacit_client *client = identity->client;
    bool last;

    pthread_mutex_lock(&client->lock);
    last = atomic_fetch_sub(&identity->refs, 1) == 1;
    if (last) {
        tdelete(identity, &client->identity_tree, compare);
        *identity->link = identity->next;
        if (identity->next != NULL) identity->next->link = identity->link;
    }
    pthread_mutex_unlock(&client->lock);
    return last;
}

void ti_identity_unref(ti_identity *identity) {
    unsigned refs = atomic_load(&identity->refs);
    tacit_client *client = identity->client;
    tacit_store *store = identity->store;

    while (refs > 1)
        if (atomic_compare_exchange_weak(&identity->refs, &refs, refs - 1)) return;
    if (!unregister(identity)) return;
    ti_refresher_forget(client->refresher, &identity->task);
    free_identity(identity);
    tacit_store_unref(store);
    tacit_client_unref(client);
}

/* ------------------------------------------------------------------ small things */

ti_context *ti_identity_context(const ti_identity *identity) {
    return identity->client->context;
}

const ti_clock *ti_identity_clock(const ti_identity *identity) {
    return &identity->client->context->clock;
}

int64_t ti_identity_now(const ti_identity *identity) {
    return ti_clock_boot_ms(ti_identity_clock(identity));
}

void ti_identity_drop_storm_locked(ti_identity *identity) {
    free(identity->storm);
    identity->storm = NULL;
}

bool ti_identity_owes_head_locked(const ti_identity *identity) {
    return identity->journal.writer == identity->life;
}

bool ti_identity_can_renew_locked(const ti_identity *identity) {
    return identity->refresh_token != NULL || identity->by_credentials;
}

void ti_identity_forget_user_locked(ti_identity *identity) {
    ti_secret_unref(identity->id_token);
    identity->id_token = NULL;
    identity->by_credentials = false;
    ti_terms_reset_locked(identity);
}

bool ti_identity_is_stale_locked(const ti_identity *identity) {
    return identity->generation < identity->journal.generation;
}

bool ti_identity_misses_record_locked(const ti_identity *identity) {
    return identity->state == TACIT_STATE_SIGNED_OUT && identity->head_known &&
           ti_journal_is_live(&identity->journal);
}

uint32_t ti_identity_random(void) {
    uint32_t random;

    /* It only spreads load: without a source the middle does. */
    return ti_os_random(&random, sizeof random) ? random : UINT32_MAX / 2;
}
