#include "round_trip.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { END_MS = 2000, REFRESH_TOKEN_BYTES = 1024 };

/* One client with one session, as a process has it. */
typedef struct visit {
    tacit_client *client;
    tacit_session *session;
    pthread_mutex_t lock;
    tacit_error store_error; /* of the last STORE_FAILED; guarded by lock */
} visit;

static bool wrong(tacit_error *error, const char *what) {
    *error = (tacit_error){.status = TACIT_ERR_STORE_FAILED};
    snprintf(error->message, sizeof error->message, "%s", what);
    return false;
}

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    visit *self = data;

    (void)session;
    if (event->type != TACIT_EVENT_STORE_FAILED || event->error == NULL) return;
    pthread_mutex_lock(&self->lock);
    self->store_error = *event->error;
    pthread_mutex_unlock(&self->lock);
}

/* Nothing is ever sent there: the tokens are not near their end. */
static tacit_session *open_session(visit *self, tacit_store *store, tacit_error *error) {
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\": \"http://127.0.0.1:9/\"}", error);
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    if (provider == NULL) return NULL;
    options.client_id = "tacit-doctor";
    options.account = "probe";
    options.policy = TACIT_POLICY_REACTIVE;
    options.store = store;
    options.on_event = on_event;
    options.event_data = self;
    session = tacit_session_open(self->client, provider, &options, error);
    tacit_provider_unref(provider);
    return session;
}

/* To be ended whatever it answers. */
static bool visit_begin(visit *self, const char *state_dir, tacit_store *store,
                        tacit_session_state *state, tacit_error *error) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.application_id = "tacit-doctor";
    options.state_dir = state_dir;
    self->client = tacit_client_new(&options, error);
    if (self->client == NULL) return false;
    self->session = open_session(self, store, error);
    if (self->session == NULL) return false;
    return tacit_session_load(self->session, TACIT_TIMEOUT_DEFAULT, state, error) == TACIT_OK;
}

static visit *visit_new(tacit_error *error) {
    visit *self = calloc(1, sizeof *self);

    if (self == NULL)
        wrong(error, "Out of memory.");
    else
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

/* Where a save failed, error says why. A store that hangs is left behind, with what it needs. */
static bool visit_end(visit *self, tacit_error *error) {
    bool failed, over = self->client == NULL;

    tacit_session_close(self->session, END_MS);
    if (!over) over = tacit_client_shutdown(self->client, END_MS, NULL) == TACIT_OK;
    tacit_client_unref(self->client);
    pthread_mutex_lock(&self->lock);
    failed = self->store_error.status != TACIT_OK;
    if (failed) *error = self->store_error;
    pthread_mutex_unlock(&self->lock);
    if (over) free(self);
    return !failed;
}

bool round_trip_load(const char *state_dir, tacit_store *store, tacit_error *error) {
    visit *visit = visit_new(error);
    tacit_session_state state;
    tacit_error ignored;
    bool loaded;

    if (visit == NULL) return false;
    loaded = visit_begin(visit, state_dir, store, &state, error);
    visit_end(visit, &ignored);
    return loaded;
}

static bool random_token(char *token, size_t size) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < size; i++) {
        unsigned char byte;

        if (getentropy(&byte, 1) != 0) return false;
        token[i] = alphabet[byte % (sizeof alphabet - 1)];
    }
    token[size] = '\0';
    return true;
}

static bool save(const char *state_dir, tacit_store *store, const char *access_token,
                 tacit_error *error) {
    char refresh_token[REFRESH_TOKEN_BYTES + 1];
    visit *visit = visit_new(error);
    tacit_session_state state;
    bool saved;

    if (visit == NULL) return false;
    saved = visit_begin(visit, state_dir, store, &state, error);
    if (saved && !random_token(refresh_token, REFRESH_TOKEN_BYTES))
        saved = wrong(error, "There are no random numbers.");
    if (saved)
        saved = tacit_sign_in_with_tokens(visit->session, access_token, 3600, refresh_token,
                                          error) == TACIT_OK;
    return visit_end(visit, error) && saved;
}

static bool is_current(visit *visit, const char *access_token, tacit_error *error) {
    tacit_token *token;
    bool same;

    if (tacit_session_token(visit->session, 0, TACIT_NO_WAIT, &token, error) != TACIT_OK)
        return false;
    same = strcmp(tacit_token_value(token), access_token) == 0;
    tacit_token_unref(token);
    return same || wrong(error, "What came back is not what was saved.");
}

static bool find_and_erase(const char *state_dir, tacit_store *store, const char *access_token,
                           tacit_error *error) {
    tacit_session_state state = TACIT_STATE_UNKNOWN;
    visit *visit = visit_new(error);
    tacit_error sign_out_error;
    bool found;

    if (visit == NULL) return false;
    found = visit_begin(visit, state_dir, store, &state, error);
    if (found && state != TACIT_STATE_SIGNED_IN)
        found = wrong(error, "What was saved is not there any more.");
    if (found) found = is_current(visit, access_token, error);
    if (tacit_sign_out(visit->session, END_MS, &sign_out_error) != TACIT_OK && found) {
        *error = sign_out_error;
        found = false;
    }
    return visit_end(visit, found ? error : &sign_out_error) && found;
}

typedef bool (*round_trip_step)(const char *state_dir, tacit_store *store, const char *access_token,
                                tacit_error *error);

static bool do_step(round_trip_step step, const char *state_dir, round_trip_store open, void *data,
                    const char *access_token, tacit_error *error) {
    tacit_store *store = open(data, error);
    bool done = store != NULL && step(state_dir, store, access_token, error);

    tacit_store_unref(store);
    return done;
}

bool round_trip(const char *state_dir, round_trip_store open, void *data, tacit_error *error) {
    char access_token[ROUND_TRIP_BYTES - REFRESH_TOKEN_BYTES + 1];

    if (!random_token(access_token, sizeof access_token - 1))
        return wrong(error, "There are no random numbers.");
    return do_step(save, state_dir, open, data, access_token, error) &&
           do_step(find_and_erase, state_dir, open, data, access_token, error);
}
