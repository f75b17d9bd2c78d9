#include "app.h"

#include "timeline.h"

#include <stdio.h>
#include <string.h>

#define APPLICATION_ID "org.example.tacit-demo"

bool app_failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "\n%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
    return false;
}

/* On the client's dispatch thread. */
static void on_event(tacit_session *session, const tacit_event *event, void *event_data) {
    app *app = event_data;
    (void)session;

    switch (event->type) {
    case TACIT_EVENT_SIGNED_IN:
        timeline_note("signed in", false);
        break;
    case TACIT_EVENT_REFRESHED:
        atomic_fetch_add(&app->renewals, 1);
        timeline_note("renewed", false);
        break;
    case TACIT_EVENT_REFRESH_FAILED:
        atomic_fetch_add(&app->failed_renewals, 1);
        timeline_note("no renewal", true);
        break;
    case TACIT_EVENT_SIGN_IN_REQUIRED:
    case TACIT_EVENT_SIGNED_OUT:
        atomic_fetch_add(&app->sign_outs, 1);
        timeline_note("signed out", false);
        break;
    case TACIT_EVENT_STORE_FAILED:
        atomic_fetch_add(&app->store_failures, 1);
        timeline_note("keyring failed", true);
        break;
    case TACIT_EVENT_REFRESH_STORM:
        timeline_note("storm", true);
        break;
    default: /* more may follow */
        break;
    }
}

static bool open_client(app *app, const char *state_dir, tacit_error *error) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.application_id = APPLICATION_ID;
    options.state_dir = state_dir;
    app->client = tacit_client_new(&options, error);
    return app->client != NULL;
}

static bool open_session(app *app, const char *server_url, int lead_s, tacit_error *error) {
    const char *origins[] = {server_url, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    options.client_id = "test-client";
    options.origins = origins;
    options.refresh_lead_s = lead_s;
    options.on_event = on_event;
    options.event_data = app;
    options.store = tacit_store_keyring(APPLICATION_ID, error);
    if (!options.store) return false;
    app->session = tacit_session_open(app->client, app->provider, &options, error);
    tacit_store_unref(options.store); /* the session keeps it alive */
    return app->session != NULL;
}

bool app_open(app *app, const char *server_url, const char *metadata, const char *state_dir,
              int lead_s) {
    tacit_error error;

    memset(app, 0, sizeof *app);
    snprintf(app->url, sizeof app->url, "%s/api/notes", server_url);
    bool ok =
        open_client(app, state_dir, &error) &&
        (app->provider = tacit_provider_from_json(metadata, &error)) &&
        open_session(app, server_url, lead_s, &error) &&
        tacit_session_load(app->session, TACIT_TIMEOUT_DEFAULT, &app->state, &error) == TACIT_OK;
    if (ok) return true;
    app_failed("opening the session", &error);
    app_close(app);
    return false;
}

bool app_close(app *app) {
    tacit_error error;
    bool ok = true;

    tacit_session_close(app->session, TACIT_TIMEOUT_DEFAULT);
    tacit_provider_unref(app->provider);
    if (app->client && tacit_client_shutdown(app->client, TACIT_TIMEOUT_DEFAULT, &error)) {
        ok = app_failed("closing the client", &error);
    }
    tacit_client_unref(app->client);
    app->session = NULL;
    app->provider = NULL;
    app->client = NULL;
    return ok;
}
