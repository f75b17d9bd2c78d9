/* tacit-test-app from inside: what its files share. Each command is a line on stdin, each answer a line of JSON on stdout. */
#ifndef TS_APP_PROGRAM_H
#define TS_APP_PROGRAM_H

#include "support/plain_store.h"

#include <tacit/tacit.h>

#include <jansson.h>
#include <pthread.h>

enum {
    APP_ACCOUNTS_MAX = 8,
    APP_WORDS_MAX = 8,
    APP_STATUSES = 80, /* every tacit_status is below */
    APP_EVENTS = 16    /* every tacit_event_type is below */
};

typedef struct app_load app_load;

typedef struct app_account {
    const char *name;
    const char *api_url;
    tacit_session *session;
    app_load *load; /* NULL: none runs or ran. Foreground commands only */

    pthread_mutex_t lock;
    long events[APP_EVENTS]; /* guarded by lock: how often each came */
    tacit_error event_error; /* guarded by lock: of the last event that had one */
} app_account;

typedef struct app_program {
    tacit_client *client;
    tacit_provider *provider;
    tacit_store *store;
    plain_store *plain;    /* NULL: the store is another */
    plain_store *previous; /* NULL: none */
    app_account accounts[APP_ACCOUNTS_MAX];
    size_t account_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int background; /* guarded by lock: commands that run beside the others */
} app_program;

/* One command: "[@ACCOUNT] NAME ARGUMENT... [&]"; & lets the next begin before this one has its answer. */
typedef struct app_command {
    app_program *program;
    app_account *account;
    long number; /* 1, 2, 3 ... in the order of the lines */
    char *line;  /* what the words point into */
    char *words[APP_WORDS_MAX];
    int word_count;
} app_command;

/* app_commands.c: does it and prints the answer. */
void app_command_run(const app_command *command);
void app_answer(json_t *answer); /* takes the reference */
/* The process dies at that system call from now on. false: die_shim is not loaded. */
bool app_mark(long call, bool torn);
/* {"status": "TACIT_OK", ...}: all that error says. */
json_t *app_result(tacit_status status, const tacit_error *error);

/* app_load.c: threads that make requests until they are told to stop. */
app_load *app_load_start(app_account *account, int threads, int per_second);
/* Waits for them; NULL is taken. */
void app_load_stop(app_load *load);
/* Adds "ok", "unauthorized", "other" and "errors" to the answer. */
void app_load_count(app_load *load, json_t *answer);
void app_load_free(app_load *load); /* stops it first */

#endif
