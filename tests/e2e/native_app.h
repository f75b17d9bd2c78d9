/* An app: a client and a session with the real server, and what the session told. */
#ifndef E2E_NATIVE_APP_H
#define E2E_NATIVE_APP_H

#include "e2e/person.h"

#include <tacit/tacit.h>

#define EVENT_TYPES 16

typedef struct native_app_options {
    const char *name;          /* which the server sees as user agent: one for each app */
    const char *client_id;     /* NULL: "app" */
    const char *client_secret; /* NULL: none */
    const char *resource;      /* NULL: none */
    const char *state;         /* the name of its state; NULL: as the app is called */
    tacit_store *store;        /* NULL: in memory */
    bool knows_endpoints;      /* they are given; else discovered */
} native_app_options;

typedef struct native_app {
    const real_server *server;
    const char *name;
    tacit_client *client;
    tacit_provider *provider;
    tacit_session *session;
    unsigned events[EVENT_TYPES]; /* by type; atomic */
} native_app;

native_app *native_app_start(const real_server *server, const native_app_options *options);
void native_app_stop(native_app *app);

tacit_status native_app_sign_in(native_app *app, person *person, const char *const *params,
                                tacit_error *error); /* by browser; joins the person */
tacit_status native_app_sign_in_on_device(native_app *app, person *person, tacit_error *error);
/* Started, and signed in by browser; must succeed. */
native_app *native_app_start_signed_in(const real_server *server,
                                       const native_app_options *options);

/* The status of GET /api/hello through the session, or minus a tacit_status. */
int native_app_get(native_app *app);
tacit_session_stats native_app_stats(native_app *app);
unsigned native_app_events(native_app *app, tacit_event_type type);
/* Waits until so many such events have come. */
void native_app_wait_event(native_app *app, tacit_event_type type, unsigned count);
/* Requests to the path by this app. NULL: to any. */
long native_app_requests(native_app *app, const char *path);

#endif
