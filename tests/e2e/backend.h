/*
 * One of the back-ends below servers/, in a process of its own, and its provider as a user writes it.
 *
 *     backend *shop = backend_start(site, (const char *const[]){"ACCESS_TTL=2", NULL});
 *     ... backend_count(shop, "GET /user/refresh") ...
 *     backend_stop(shop);
 */
#ifndef E2E_BACKEND_H
#define E2E_BACKEND_H

#include "e2e/data_servers.h"
#include "support/plain_client.h"

#include <tacit/tacit.h>

#define BACKEND_USER "alice"
#define BACKEND_PASSWORD "wonderland"

/* What the tests must know of a back-end. */
typedef struct backend_plan {
    const char *name;               /* of its folder, and of examples/providers/NAME.json */
    const char *const *environment; /* "NAME=value", NULL-terminated: how it is run */
    bool has_database, has_redis;
    const char
        *sign_up;    /* where users are made: a path that takes JSON username and password. NULL:
                            the user is there already */
    const char *api; /* a path that wants a token */
    const char *refresh; /* as its log names it: "POST /auth/refresh" */
    const char *new_key; /* "NAME=value": run with it, it refuses every access token made before */
    const char *wrong_password; /* its code for one; NULL: it has none */
    const char *const *token_params, *const *token_headers; /* the session's; NULL: none */
} backend_plan;

typedef struct backend backend;

/* A plan with its databases: what the tests of a program share. */
typedef struct backend_site {
    const backend_plan *plan;
    data_servers *data;
    backend *shared; /* NULL: nobody has asked for it */
} backend_site;

/* For a cmocka group's setup and teardown: *state is the site. */
int backend_site_start(void **state, const backend_plan *plan);
int backend_site_stop(void **state);

/* environment goes beside the plan's and before it; NULL-terminated. It listens when this returns, and
 * has a user. */
backend *backend_start(const backend_site *site, const char *const *environment);
void backend_stop(backend *backend);
/* One for all tests that neither stop nor configure it; it goes with the site. Answers before this
 * are not counted. */
backend *backend_shared(backend_site *site);
/* Another process in its place, at the same port, with a further variable; NULL: none. */
void backend_restart(backend *backend, const char *variable);

const backend_plan *backend_plan_of(const backend *backend);
const data_servers *backend_data(const backend *backend);
const char *backend_origin(const backend *backend);          /* "http://127.0.0.1:PORT" */
char *backend_url(const backend *backend, const char *path); /* yours */
/* The example's, with this origin instead of https://....example. Must be usable. */
tacit_provider *backend_provider(const backend *backend);
/* The same as text, for a test that changes it; yours. */
char *backend_provider_json(const backend *backend);

/* A request with a JSON body, as a plain client makes it. headers: "Name: value", NULL-terminated, or
 * NULL. body NULL: a GET. */
reply backend_ask(const backend *backend, const char *path, const char *const *headers,
                  const char *body);

/* How many answers its log has that begin so: "GET /user/refresh", "GET /user/refresh 200". Those of
 * requests that have been answered are all there. */
long backend_count(backend *backend, const char *answer);

#endif
