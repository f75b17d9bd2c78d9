#include "e2e/backend_app.h"

#include "support/fixture.h"
#include "support/unit.h"
#include "support/world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES 32

struct backend_app {
    backend *backend;
    char *directory; /* of its state */
    tacit_client *client;
    tacit_session *session;
    unsigned events[TYPES], anomalies[TYPES]; /* by type; atomic */
    pthread_mutex_t log_lock;
    FILE *log; /* guarded by log_lock; NULL: none */
    char *log_text;
    size_t log_size;
};

static void count_event(tacit_session *session, const tacit_event *event, void *data) {
    backend_app *app = data;

    (void)session;
    if (event->type < TYPES) __atomic_add_fetch(&app->events[event->type], 1, __ATOMIC_SEQ_CST);
    if (event->anomaly < TYPES)
        __atomic_add_fetch(&app->anomalies[event->anomaly], 1, __ATOMIC_SEQ_CST);
}

static void keep_log(tacit_log_level level, const char *message, void *data) {
    backend_app *app = data;

    (void)level;
    pthread_mutex_lock(&app->log_lock);
    fprintf(app->log, "%s\n", message);
    pthread_mutex_unlock(&app->log_lock);
}

static void new_client(backend_app *app, const backend_app_options *options) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;

    client.user_agent = options->user_agent;
    client.state_dir = app->directory;
    if (options->logs) {
        app->log = open_memstream(&app->log_text, &app->log_size);
        assert_non_null(app->log);
        client.log = keep_log;
        client.log_data = app;
        client.log_level = TACIT_LOG_DEBUG;
    }
    app->client = tacit_client_new(&client, NULL);
    assert_non_null(app->client);
}

static void open_session(backend_app *app, const backend_app_options *options) {
    const char *const origins[] = {backend_origin(app->backend), NULL};
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider = options->provider == NULL ? backend_provider(app->backend) : NULL;
    tacit_store *memory = options->store == NULL ? tacit_store_memory() : NULL;
    tacit_error error;

    session.client_id = "app";
    session.origins = origins;
    session.store = memory != NULL ? memory : options->store;
    session.token_params = options->token_params != NULL
                               ? options->token_params
                               : backend_plan_of(app->backend)->token_params;
    session.token_headers = options->token_headers != NULL
                                ? options->token_headers
                                : backend_plan_of(app->backend)->token_headers;
    session.policy = options->policy;
    session.on_event = count_event;
    session.event_data = app;
    app->session = tacit_session_open(app->client, provider != NULL ? provider : options->provider,
                                      &session, &error);
    assert_string_equal(error.message, "");
    assert_non_null(app->session);
    tacit_provider_unref(provider);
    tacit_store_unref(memory);
}

backend_app *backend_app_open(backend *backend, const backend_app_options *options) {
    static const backend_app_options none = {.store = NULL};
    backend_app *app = calloc(1, sizeof *app);

    assert_non_null(app);
    if (options == NULL) options = &none;
    app->backend = backend;
    app->directory = fixture_directory_new();
    pthread_mutex_init(&app->log_lock, NULL);
    new_client(app, options);
    open_session(app, options);
    return app;
}

void backend_app_close(backend_app *app) {
    tacit_session_close(app->session, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(app->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(app->client);
    if (app->log != NULL) fclose(app->log);
    free(app->log_text);
    pthread_mutex_destroy(&app->log_lock);
    fixture_directory_free(app->directory);
    free(app);
}

tacit_status backend_app_sign_in(backend_app *app, const char *password, tacit_error *error) {
    return tacit_sign_in_with_password(app->session, BACKEND_USER, password, NULL, error);
}

backend_app *backend_app_open_signed_in(backend *backend, const backend_app_options *options) {
    backend_app *app = backend_app_open(backend, options);
    tacit_error error;

    backend_app_sign_in(app, BACKEND_PASSWORD, &error);
    assert_string_equal(error.message, "");
    return app;
}

tacit_session *backend_app_session(backend_app *app) {
    return app->session;
}

backend *backend_app_backend(backend_app *app) {
    return app->backend;
}

int backend_app_get(backend_app *app) {
    char *url = backend_url(app->backend, backend_plan_of(app->backend)->api);
    int result = session_get(app->session, url, NULL);

    free(url);
    return result;
}

tacit_session_stats backend_app_stats(backend_app *app) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(app->session, &stats);
    return stats;
}

unsigned backend_app_events(backend_app *app, tacit_event_type type) {
    return __atomic_load_n(&app->events[type], __ATOMIC_SEQ_CST);
}

unsigned backend_app_anomalies(backend_app *app, tacit_anomaly anomaly) {
    return __atomic_load_n(&app->anomalies[anomaly], __ATOMIC_SEQ_CST);
}

void backend_app_wait_event(backend_app *app, tacit_event_type type, unsigned count) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;

    while (backend_app_events(app, type) < count && now_ms() < deadline_ms) poll(NULL, 0, 5);
    assert_true(backend_app_events(app, type) >= count);
}

char *backend_app_log(backend_app *app) {
    char *text;

    pthread_mutex_lock(&app->log_lock);
    fflush(app->log);
    text = strdup(app->log_text);
    pthread_mutex_unlock(&app->log_lock);
    assert_non_null(text);
    return text;
}

/* JWTs begin like any JSON in base64url. */
void backend_app_assert_no_token_logged(backend_app *app) {
    char *log = backend_app_log(app);

    assert_non_null(strstr(log, "HTTP/1.1 200 OK"));
    assert_null(strstr(log, "eyJ"));
    assert_null(strstr(log, BACKEND_PASSWORD));
    free(log);
}
