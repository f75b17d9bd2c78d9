#include "e2e/native_app.h"

#include "support/fixture.h"
#include "support/unit.h"
#include "support/world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* On another thread; the test looks from its own. */
static void count_event(tacit_session *session, const tacit_event *event, void *data) {
    native_app *app = data;

    (void)session;
    if (event->type < EVENT_TYPES)
        __atomic_add_fetch(&app->events[event->type], 1, __ATOMIC_SEQ_CST);
}

static tacit_provider *given_provider(const real_server *server) {
    const char *issuer = real_server_issuer(server);
    tacit_provider *provider;
    char *json = NULL;

    assert_true(asprintf(&json,
                         "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\","
                         "\"token_endpoint\":\"%s/token\"}",
                         issuer, issuer, issuer) > 0);
    provider = tacit_provider_from_json(json, NULL);
    free(json);
    return provider;
}

static tacit_client *new_client(const real_server *server, const native_app_options *options) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    char *state = fixture_path(real_server_directory(server),
                               options->state != NULL ? options->state : options->name);
    tacit_client *made;

    client.user_agent = options->name;
    client.state_dir = state;
    made = tacit_client_new(&client, NULL);
    free(state);
    return made;
}

static tacit_session *open_session(native_app *app, const native_app_options *options) {
    const char *const origins[] = {real_server_issuer(app->server), NULL};
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;
    tacit_store *own = options->store == NULL ? tacit_store_memory() : NULL;
    tacit_session *opened;

    session.client_id = options->client_id != NULL ? options->client_id : "app";
    session.client_secret = options->client_secret;
    if (options->client_secret == NULL)
        session.scope = options->resource != NULL ? "openid offline_access api:read"
                                                  : "openid offline_access profile";
    session.resource = options->resource;
    session.origins = origins;
    session.store = options->store != NULL ? options->store : own;
    session.on_event = count_event;
    session.event_data = app;
    opened = tacit_session_open(app->client, app->provider, &session, NULL);
    tacit_store_unref(own);
    return opened;
}

native_app *native_app_start(const real_server *server, const native_app_options *options) {
    native_app *app = calloc(1, sizeof *app);

    app->server = server;
    app->name = options->name;
    app->client = new_client(server, options);
    assert_non_null(app->client);
    app->provider = options->knows_endpoints
                        ? given_provider(server)
                        : tacit_provider_from_issuer(real_server_issuer(server), NULL);
    assert_non_null(app->provider);
    app->session = open_session(app, options);
    assert_non_null(app->session);
    return app;
}

void native_app_stop(native_app *app) {
    tacit_session_close(app->session, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(app->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(app->client);
    tacit_provider_unref(app->provider);
    free(app);
}

tacit_status native_app_sign_in(native_app *app, person *person, const char *const *params,
                                tacit_error *error) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_status status;

    options.params = params;
    options.open_url = person_open_url;
    options.user_data = person;
    status = tacit_sign_in_with_browser(app->session, &options, error);
    if (person->pid != 0) person_join(person);
    return status;
}

tacit_status native_app_sign_in_on_device(native_app *app, person *person, tacit_error *error) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;

    options.device_prompt = person_enter_code;
    options.user_data = person;
    return tacit_sign_in_with_device_code(app->session, &options, error);
}

native_app *native_app_start_signed_in(const real_server *server,
                                       const native_app_options *options) {
    static const char *const consent[] = {"prompt=consent", NULL};
    native_app *app = native_app_start(server, options);
    person alice = {.server = server};
    tacit_error error;

    native_app_sign_in(app, &alice, consent, &error);
    assert_string_equal(error.message, "");
    return app;
}

int native_app_get(native_app *app) {
    char *url = real_server_url(app->server, "/api/hello");
    int result = session_get(app->session, url, NULL);

    free(url);
    return result;
}

tacit_session_stats native_app_stats(native_app *app) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(app->session, &stats);
    return stats;
}

unsigned native_app_events(native_app *app, tacit_event_type type) {
    return __atomic_load_n(&app->events[type], __ATOMIC_SEQ_CST);
}

void native_app_wait_event(native_app *app, tacit_event_type type, unsigned count) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;

    while (native_app_events(app, type) < count && now_ms() < deadline_ms) poll(NULL, 0, 5);
    assert_true(native_app_events(app, type) >= count);
}

long native_app_requests(native_app *app, const char *path) {
    return real_server_requests(app->server, app->name, path);
}
