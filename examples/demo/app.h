/* What an app does with tacit: a client, a provider, a session on the keyring, and its events. */
#ifndef DEMO_APP_H
#define DEMO_APP_H

#include <tacit/tacit.h>

#include <stdatomic.h>

#define APP_USER "alice"
#define APP_PASSWORD "wonderland"

typedef struct app {
    /* set by app_open(), then read-only */
    tacit_client *client;
    tacit_provider *provider;
    tacit_session *session;
    tacit_session_state state; /* what the keyring held */
    char url[256];             /* of the API, for requests */
    /* counted by the events */
    atomic_long sign_outs; /* unasked ones too */
    atomic_long renewals, failed_renewals, store_failures;
} app;

/* state_dir: NULL for the user's own. A sentence on stderr where it fails; then nothing is open. */
bool app_open(app *app, const char *server_url, const char *metadata, const char *state_dir,
              int lead_s);
/* The sign-in stays in the keyring. */
bool app_close(app *app);

/* "what: TACIT_ERR_...: message" on stderr. Answers false. */
bool app_failed(const char *what, const tacit_error *error);

#endif
