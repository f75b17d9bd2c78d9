/*
 * Two apps on one sign-in, each in a process of its own, with a server between them. Fails the test where something does not go as it must.
 *
 * Their store is of plain files, and its lock one of this machine; with TS_STORE=redis in the environment both are in a Redis of their own.
 */
#ifndef TS_APPS_H
#define TS_APPS_H

#include "support/app.h"

enum { APPS_PATIENCE_MS = 20000 };

typedef struct apps {
    ts_server *server; /* any user; options as given otherwise */
    char *directory;
    struct ts_redis *redis; /* NULL: plain files */
    app *a, *b;             /* a has signed in as alice, b has loaded the record */
} apps;

/* NULL options: the defaults. arguments: further ones of tacit-test-app for both; NULL: none. */
apps apps_new(const ts_options *options, const char *const *arguments);
void apps_free(apps *apps);
/* A further one, with the same store; app_free() it. */
app *apps_start(apps *apps, const char *const *arguments);

/* The answer must be TACIT_OK. */
void ask_ok(app *app, const char *command);
/* The answer must be this error; yours. */
json_t *ask_error(app *app, const char *command, const char *status);
/* Asks again as long as the answer says that it may be; the one that is final, yours. */
json_t *ask_patiently(app *app, const char *command);
/* A GET of /api/whoami must be answered with 200, for this user. */
void ask_user(app *app, const char *user);
/* The answer to a command sent before; yours. */
json_t *await_answer(app *app, long number);
/* ... which must be TACIT_OK. */
void await_ok(app *app, long number);

void assert_state(app *app, const char *state);
long stat_of(app *app, const char *path);
void await_stat(app *app, const char *path, long n);
/* The error is retryable, and nobody has to sign in. */
void assert_retryable(const json_t *answer);
/* Only a new sign-in helps, and the app was told that an answer was lost: by the event, since the answer to a request is about the
 * request. */
void assert_answer_lost(app *app, const json_t *answer);

/* Whether there is a record, and whether its refresh token is one that the server would take. */
bool apps_have_record(const apps *apps);
bool apps_have_live_record(const apps *apps);
void await_record(const apps *apps, bool is_there);
/* Waits until all refresh tokens but one are spent or revoked. */
void await_one_refresh_token(const apps *apps);
/* Lets something happen that must not. */
void a_moment(void);

#endif
