/*
 * Apps in processes of their own (tacit-test-app, app_main.c), told what to do step by step.
 *
 *     app *a = app_start(&(app_options){.server = server, .directory = directory});
 *     json_t *answer = app_ask(a, "get /api/x");
 *     ...
 *     json_decref(answer);
 *     app_free(a);
 *
 * None of these functions asserts: a thread without a test may call them. An app belongs to one thread, the one that started it, and
 * dies with it.
 */
#ifndef TS_APP_H
#define TS_APP_H

#include "support/server.h"

#include <jansson.h>
#include <sys/types.h>

typedef struct app app;

typedef struct app_options {
    ts_server *server;
    const char *directory;        /* of the records and of the state; exists */
    const char *store;            /* NULL: "plain" */
    const char *const *arguments; /* further ones of tacit-test-app, NULL-terminated; NULL: none */
    bool with_die_shim;           /* it obeys "mark"; see app_has_die_shim() */
} app_options;

/* false: this build cannot kill at a system call. */
bool app_has_die_shim(void);

/* NULL: it does not start. */
app *app_start(const app_options *options);
/* Ends it as a user would, and kills it where that takes too long. false: it took too long, or it said by its exit status that something
 * is wrong (a sanitizer does). true where it was killed before. Takes NULL. */
bool app_free(app *app);

/* Sends a command; its number, or 0 where the app is gone. */
long app_send(app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The answer to it; yours. NULL: none came, the app died or timeout_ms is over. */
json_t *app_answer_to(app *app, long number, int timeout_ms);
/* Both, with patience. */
json_t *app_ask(app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* kill -9, and the last of it. */
void app_kill(app *app);
/* Waits until it has died by itself. false: not within timeout_ms. */
bool app_wait_death(app *app, int timeout_ms);
/* At which system call the shim killed it; 0: it did not. *call (may be NULL): its name, as long as the app. */
long app_died_at(const app *app, const char **call);
/* SIGSTOP, returning when all its threads stand still; SIGCONT. */
void app_freeze(app *app);
void app_thaw(app *app);
pid_t app_pid(const app *app);

/* Members of an answer. NULL, 0, false: no answer, or no such member. A path goes inwards: "events.refreshed". */
const char *answer_text(const json_t *answer, const char *path);
long answer_number(const json_t *answer, const char *path);
bool answer_flag(const json_t *answer, const char *path);
/* Whether status says so: "TACIT_OK". */
bool answer_is(const json_t *answer, const char *status);
/* Asks for the status until the number there is at least n. false: not within timeout_ms. */
bool app_wait_number(app *app, const char *account, const char *path, long n, int timeout_ms);

#endif
