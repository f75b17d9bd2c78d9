/*
 * Safety: what tacit calls runs on its threads (the prompt on the sign-in's, events and ends on the dispatch thread); lock guards what
 * they share with account_is_ready(), and is never held during a call of tacit.
 */
#include "account.h"

#include "backoff.h"
#include "key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH_TIMEOUT_MS = 15000, LOOK_AGAIN_MS = 10000, DENIED_PAUSE_S = 60 };

struct account {
    const settings *settings;
    display *display;
    mailbox *mailbox;
    tacit_client *client;
    tacit_store *store;
    tacit_session *session; /* a reference of our own, which outlives the close */
    bool closed;            /* open's was given up */

    pthread_mutex_t lock;
    /* guarded by lock */
    bool signing_in;
    backoff backoff;
};

/* ------------------------------------------------------------------ what tacit tells */

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    account *a = data;

    (void)session;
    if (event->type == TACIT_EVENT_SIGNED_IN || event->type == TACIT_EVENT_LOADED)
        display_show(a->display, "account", "%s", event->message);
    else if (event->error != NULL)
        display_show(a->display, "trouble", "%s", event->message);
    mailbox_tell(a->mailbox, NEWS_ACCOUNT);
}

static void on_prompt(const char *user_code, const char *uri, const char *complete_uri,
                      int expires_in_s, void *data) {
    display_prompt(((account *)data)->display, user_code, uri, complete_uri, expires_in_s);
}

static void plan_next_locked(account *a, const tacit_error *error) {
    int pause_s = error->retry_after_s;

    if (error->status == TACIT_ERR_ACCESS_DENIED) pause_s = DENIED_PAUSE_S;
    if (error->status == TACIT_ERR_EXPIRED) backoff_end(&a->backoff); /* nobody came: a new code */
    backoff_failed(&a->backoff, clock_boot_ms(), pause_s);
}

static void on_sign_in_end(tacit_call *call, tacit_response *none, const tacit_error *error,
                           void *data) {
    account *a = data;

    (void)call;
    (void)none;
    if (error != NULL && error->status != TACIT_ERR_CLOSED)
        display_show(a->display, "trouble", "sign-in: %s", error->message);
    pthread_mutex_lock(&a->lock);
    a->signing_in = false;
    if (error != NULL)
        plan_next_locked(a, error);
    else
        backoff_end(&a->backoff);
    pthread_mutex_unlock(&a->lock);
    mailbox_tell(a->mailbox, NEWS_ACCOUNT);
}

/* ------------------------------------------------------------------ opening */

static tacit_store *open_store(const settings *s, tacit_error *error) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char beside[512];

    options.directory = s->directory;
    snprintf(beside, sizeof beside, "%s/key", s->directory);
    if (s->key_nvmem != NULL) {
        options.get_key = key_from_nvmem;
        options.key_data = (void *)(uintptr_t)s->key_nvmem; /* only read */
    } else {
        options.key_file = s->key_file != NULL ? s->key_file : beside;
    }
    return tacit_store_file(&options, error);
}

static tacit_client *open_client(const settings *s, tacit_error *error) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.user_agent = "tacit-device";
    options.ca_file = s->ca_file;
    options.state_dir = s->directory;
    options.connect_timeout_ms = s->timeout_ms;
    options.request_timeout_ms = s->timeout_ms;
    options.refresh_timeout_ms = REFRESH_TIMEOUT_MS;
    options.refresh_threads_max = 1;
    options.idle_connections_max = 1;
    options.thread_stack_bytes = (size_t)s->stack_bytes;
    options.response_bytes_max = 64 << 10;
    return tacit_client_new(&options, error);
}

static tacit_provider *open_provider(const settings *s, tacit_error *error) {
    tacit_provider *provider;
    char *text;

    if (s->issuer != NULL) return tacit_provider_from_issuer(s->issuer, error);
    text = json_dumps(s->provider, 0);
    provider = tacit_provider_from_json(text == NULL ? "" : text, error);
    free(text);
    return provider;
}

static bool open_session(account *a, tacit_error *error) {
    const char *origins[] = {a->settings->origin, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider = open_provider(a->settings, error);

    options.client_id = a->settings->client_id;
    options.scope = a->settings->scope;
    options.origins = origins;
    options.store = a->store;
    options.on_event = on_event;
    options.event_data = a;
    if (provider != NULL)
        a->session = tacit_session_ref(tacit_session_open(a->client, provider, &options, error));
    tacit_provider_unref(provider);
    return a->session != NULL;
}

account *account_open(const settings *s, display *d, mailbox *m) {
    tacit_error error = {.status = TACIT_ERR_NO_MEMORY, .message = "out of memory"};
    account *a = calloc(1, sizeof *a);
    boot_id chance;

    if (a != NULL) {
        a->settings = s;
        a->display = d;
        a->mailbox = m;
        pthread_mutex_init(&a->lock, NULL);
        if (clock_boot_id(&chance))
            memcpy(&a->backoff.chance, chance.bytes, sizeof a->backoff.chance);
        a->store = open_store(s, &error);
        if (a->store != NULL) a->client = open_client(s, &error);
        if (a->client != NULL && open_session(a, &error)) return a;
        a->closed = true;
        account_free(a, TACIT_NO_WAIT);
    }
    display_show(d, "trouble", "%s", error.message);
    return NULL;
}

/* ------------------------------------------------------------------ the sign-in */

static void begin_sign_in(account *a) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;
    tacit_call *call;

    options.device_prompt = on_prompt;
    options.user_data = a;
    call = tacit_sign_in_async(a->session, TACIT_GRANT_DEVICE_CODE, &options, on_sign_in_end, a,
                               &error);
    if (call == NULL) on_sign_in_end(NULL, NULL, &error, a);
    tacit_call_unref(call);
}

/* false: one is under way, or was a moment ago. */
static bool may_sign_in(account *a, int64_t *due_boot_ms) {
    int64_t now = clock_boot_ms();
    bool may;

    pthread_mutex_lock(&a->lock);
    may = !a->signing_in && now >= a->backoff.until_boot_ms;
    *due_boot_ms = a->signing_in ? now + LOOK_AGAIN_MS : a->backoff.until_boot_ms;
    if (may) {
        a->signing_in = true;
        *due_boot_ms = now + LOOK_AGAIN_MS;
    }
    pthread_mutex_unlock(&a->lock);
    return may;
}

bool account_is_ready(account *a, int64_t *due_boot_ms) {
    *due_boot_ms = clock_boot_ms() + LOOK_AGAIN_MS;
    switch (tacit_session_get_state(a->session)) {
    case TACIT_STATE_SIGNED_IN:
        return true;
    case TACIT_STATE_SIGNED_OUT:
        if (may_sign_in(a, due_boot_ms)) begin_sign_in(a);
        return false;
    case TACIT_STATE_UNKNOWN: /* the store has not answered yet: ask it again */
        tacit_session_load(a->session, TACIT_NO_WAIT, NULL, NULL);
        return false;
    }
    return false;
}

tacit_session *account_session(account *a) {
    return a->session;
}

void account_try_again(account *a) {
    pthread_mutex_lock(&a->lock);
    backoff_end(&a->backoff);
    pthread_mutex_unlock(&a->lock);
}

/* ------------------------------------------------------------------ the end */

void account_close(account *a) {
    a->closed = true;
    tacit_session_close(a->session, TACIT_NO_WAIT);
}

bool account_free(account *a, int timeout_ms) {
    if (a == NULL) return true;
    if (!a->closed) account_close(a);
    tacit_session_unref(a->session);
    if (a->client != NULL && tacit_client_shutdown(a->client, timeout_ms, NULL) != TACIT_OK)
        return false;
    tacit_client_unref(a->client);
    tacit_store_unref(a->store);
    pthread_mutex_destroy(&a->lock);
    free(a);
    return true;
}
