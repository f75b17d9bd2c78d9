/* An app of a back-end's: a client and a session, what the session told, and what was logged. */
#ifndef E2E_BACKEND_APP_H
#define E2E_BACKEND_APP_H

#include "e2e/backend.h"

typedef struct backend_app_options {
    tacit_store *store;               /* NULL: in memory */
    const char *user_agent;           /* NULL: none */
    const char *const *token_params;  /* NULL: the plan's */
    const char *const *token_headers; /* NULL: the plan's */
    tacit_policy policy;
    tacit_provider *provider; /* NULL: the back-end's; borrowed */
    bool logs;                /* everything that can be logged */
} backend_app_options;

typedef struct backend_app backend_app;

/* options may be NULL. */
backend_app *backend_app_open(backend *backend, const backend_app_options *options);
void backend_app_close(backend_app *app);
/* Opened, and signed in by the user's password; must succeed. */
backend_app *backend_app_open_signed_in(backend *backend, const backend_app_options *options);
tacit_status backend_app_sign_in(backend_app *app, const char *password, tacit_error *error);

tacit_session *backend_app_session(backend_app *app);
backend *backend_app_backend(backend_app *app);

/* The status of a GET of the plan's API through the session, or minus a tacit_status. */
int backend_app_get(backend_app *app);
tacit_session_stats backend_app_stats(backend_app *app);
unsigned backend_app_events(backend_app *app, tacit_event_type type);
/* Waits until so many such events have come. */
void backend_app_wait_event(backend_app *app, tacit_event_type type, unsigned count);
/* How many events told of the anomaly. */
unsigned backend_app_anomalies(backend_app *app, tacit_anomaly anomaly);
char *backend_app_log(backend_app *app); /* so far; yours */
/* It has answers, but neither a JWT nor the password. */
void backend_app_assert_no_token_logged(backend_app *app);

#endif
