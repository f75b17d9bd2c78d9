#include "connection.h"

#include "interrupt.h"
#include "provider_file.h"
#include "secret_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { END_MS = 10000 };

/* The store's trouble, while it lasts. Static, since a store that hangs may tell it last of all. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tacit_error store_error; /* guarded by lock */

/* ------------------------------------------------------------------ where the sign-in is */

bool connection_knows_store(const char *choice) {
    if (strncmp(choice, "file:", 5) == 0) return strchr(choice, ',') != NULL;
    return strcmp(choice, "default") == 0 || strcmp(choice, "keyring") == 0 ||
           strcmp(choice, "kernel") == 0;
}

static tacit_store *open_file_store(const char *place, tacit_error *error) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    const char *comma = strrchr(place, ',');
    char *directory = strndup(place, (size_t)(comma - place));
    tacit_store *store = NULL;

    options.directory = directory;
    options.key_file = comma + 1;
    if (directory != NULL) store = tacit_store_file(&options, error);
    free(directory);
    return store;
}

static tacit_store *open_store(const char *choice, tacit_error *error) {
    if (choice == NULL || strcmp(choice, "default") == 0)
        return tacit_store_default(CLI_APPLICATION_ID, error);
    if (strcmp(choice, "keyring") == 0) return tacit_store_keyring(CLI_APPLICATION_ID, error);
    if (strcmp(choice, "kernel") == 0) return tacit_store_kernel_keyring(CLI_APPLICATION_ID, error);
    if (connection_knows_store(choice)) return open_file_store(choice + 5, error);
    *error = (tacit_error){.status = TACIT_ERR_INVALID_ARGUMENT};
    snprintf(error->message, sizeof error->message, NO_SUCH_STORE);
    return NULL;
}

static tacit_provider *open_provider(const profile *profile, tacit_error *error) {
    const char *issuer = profile_text(profile, "issuer");
    tacit_provider *provider;
    char *text;

    if (issuer != NULL) return tacit_provider_from_issuer(issuer, error);
    text = json_dumps(json_object_get(profile->json, "provider"), 0);
    provider = tacit_provider_from_json(text, error);
    free(text);
    return provider;
}

/* ------------------------------------------------------------------ opening */

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session;
    (void)data;
    pthread_mutex_lock(&lock);
    if (event->type == TACIT_EVENT_STORE_FAILED && event->error != NULL)
        store_error = *event->error;
    if (event->type == TACIT_EVENT_STORE_RECOVERED) store_error.status = TACIT_OK;
    pthread_mutex_unlock(&lock);
}

/* Of the connection before, whose store may have been another. */
static void forget_store_error(void) {
    pthread_mutex_lock(&lock);
    store_error.status = TACIT_OK;
    pthread_mutex_unlock(&lock);
}

static bool open_client(connection *self, tacit_error *error) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.application_id = CLI_APPLICATION_ID;
    options.user_agent = "tacit";
    options.ca_file = profile_text(self->profile, "ca_file");
    self->store = open_store(profile_text(self->profile, "store"), error);
    if (self->store != NULL) self->client = tacit_client_new(&options, error);
    return self->client != NULL;
}

/* This process ends soon, so nothing is renewed before it is needed. */
static tacit_policy choose_policy(const profile *profile) {
    const json_t *provider = json_object_get(profile->json, "provider");

    return provider_slides(provider) ? TACIT_POLICY_SLIDING : TACIT_POLICY_REACTIVE;
}

/* The lists are borrowed until the session is open. */
static bool open_session(connection *self, const char *const *origins, const char *secret,
                         tacit_error *error) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider = open_provider(self->profile, error);
    bool ok = provider != NULL;
    const char **params = NULL;

    if (ok) params = profile_list(self->profile, "token_params", &ok);
    options.client_id = profile_text(self->profile, "client_id");
    options.client_secret = secret;
    options.scope = profile_text(self->profile, "scope");
    options.resource = profile_text(self->profile, "resource");
    options.account = self->profile->name;
    options.token_params = params;
    options.origins = origins;
    options.store = self->store;
    options.previous_store = self->previous;
    options.policy = choose_policy(self->profile);
    options.on_event = on_event;
    if (ok) self->session = tacit_session_open(self->client, provider, &options, error);
    tacit_provider_unref(provider);
    free(params);
    return self->session != NULL;
}

static bool all_origins(const profile *profile, const text_list *further, text_list *all) {
    bool ok;
    const char **known = profile_list(profile, "origins", &ok);

    for (size_t i = 0; ok && known != NULL && known[i] != NULL; i++)
        ok = text_list_add(all, known[i]);
    for (size_t i = 0; ok && further != NULL && i < further->count; i++)
        ok = text_list_add(all, further->items[i]);
    free(known);
    return ok;
}

static exit_code open_all(connection *self, const text_list *further_origins) {
    const profile *profile = self->profile;
    const char *secret_file = profile_text(profile, "client_secret_file");
    char secret[SECRET_FILE_MAX] = "";
    text_list origins = {.items = NULL};
    tacit_error error = {.status = TACIT_ERR_NO_MEMORY, .message = "Out of memory."};
    bool open;

    forget_store_error();
    if (secret_file != NULL && !secret_file_read(secret_file, secret)) return EXIT_FAILED;
    open = all_origins(profile, further_origins, &origins) && open_client(self, &error) &&
           open_session(self, origins.items, secret_file == NULL ? NULL : secret, &error);
    explicit_bzero(secret, sizeof secret);
    text_list_free(&origins);
    if (!open) return complain_of(&error, profile->name);
    interrupt_ends_client(self->client);
    return EXIT_OK;
}

exit_code connection_open(connection *self, const profile *profile,
                          const text_list *further_origins) {
    *self = (connection){.profile = profile};
    return open_all(self, further_origins);
}

exit_code connection_open_from(connection *self, const profile *profile,
                               const struct profile *from) {
    tacit_error error;

    *self = (connection){.profile = profile};
    self->previous = open_store(profile_text(from, "store"), &error);
    return self->previous == NULL ? complain_of(&error, profile->name) : open_all(self, NULL);
}

exit_code connection_load(connection *self) {
    tacit_error error;

    if (tacit_session_load(self->session, TACIT_TIMEOUT_DEFAULT, NULL, &error) == TACIT_OK)
        return EXIT_OK;
    return complain_of(&error, self->profile->name);
}

/* ------------------------------------------------------------------ closing */

bool connection_store_failed(tacit_error *error) {
    pthread_mutex_lock(&lock);
    *error = store_error;
    pthread_mutex_unlock(&lock);
    return error->status != TACIT_OK;
}

exit_code connection_close(connection *self, exit_code code) {
    tacit_error error;

    interrupt_let_go();
    tacit_session_close(self->session, END_MS);
    if (self->client != NULL) tacit_client_shutdown(self->client, END_MS, NULL);
    tacit_client_unref(self->client);
    tacit_store_unref(self->store);
    tacit_store_unref(self->previous);
    if (code == EXIT_OK && connection_store_failed(&error))
        code = complain(EXIT_STORE, "%s", error.message);
    return code;
}

exit_code connection_use(const char *name, const text_list *further_origins, connection_use_fn use,
                         const void *options) {
    connection self;
    profile profile;
    exit_code code = profile_load(&profile, name);

    if (code == EXIT_OK) {
        code = connection_open(&self, &profile, further_origins);
        if (code == EXIT_OK) code = use(&self, options);
        code = connection_close(&self, code);
    }
    profile_free(&profile);
    return code;
}
