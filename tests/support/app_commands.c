/*
 * The commands of tacit-test-app. Every answer has the command's number, and what a call of the library said: status and the
 * error's fields. Milliseconds are timeouts; left out: the library's default.
 *
 *   sign-in USER            by password
 *   sign-in-self            with client credentials
 *   sign-in-with TOKEN      with an access token alone
 *   sign-out [MS]
 *   load [MS]               state: unknown, signed_out, signed_in
 *   get PATH [MS]           answer: the HTTP status, body: its text
 *   refresh [MS]
 *   claims                  claims: of the id_token; null: there is none
 *   status                  state, the session's counts, events by name, event_error: of the last that had one, and what the load
 *                           counted
 *   start THREADS RATE      the load begins: each thread makes so many requests a second
 *   stop                    the load ends; answers as status does
 *   run THREADS RATE MS     start, a while, stop
 *   fail load|save|erase NUMBER    the plain store fails so from now on; 0: no more
 *   hold load|save|erase    ... waits inside
 *   free load|save|erase    ... goes on
 *   mark N [torn]           the process dies at its N-th system call from now on (die_shim.c); torn: in the middle of it
 *   unmark                  calls: how many there were since
 */
#include "support/app_program.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void app_answer(json_t *answer) {
    char *line = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    if (line == NULL) return;
    flockfile(stdout);
    fputs(line, stdout);
    fputc('\n', stdout);
    fflush(stdout);
    funlockfile(stdout);
    free(line);
}

json_t *app_result(tacit_status status, const tacit_error *error) {
    return json_pack("{s:s,s:i,s:i,s:b,s:b,s:b,s:s,s:s}", "status", tacit_status_name(status),
                     "http_status", error->http_status, "retry_after_s", error->retry_after_s,
                     "retryable", error->retryable, "sign_in_required", error->sign_in_required,
                     "outcome_unknown", error->outcome_unknown, "oauth_error", error->oauth_error,
                     "message", error->message);
}

static const char *state_name(tacit_session_state state) {
    static const char *const names[] = {"unknown", "signed_out", "signed_in"};
    return names[state];
}

static const char *word(const app_command *command, int index) {
    return index < command->word_count ? command->words[index] : "";
}

static int number(const app_command *command, int index, int otherwise) {
    return index < command->word_count ? atoi(command->words[index]) : otherwise;
}

static json_t *refused(const char *why) {
    return json_pack("{s:s,s:s}", "status", "?", "message", why);
}

/* ------------------------------------------------------------------ the session */

static json_t *sign_in(const app_command *command) {
    tacit_error error;
    tacit_status status = tacit_sign_in_with_password(command->account->session, word(command, 1),
                                                      "wonderland", NULL, &error);

    return app_result(status, &error);
}

static json_t *sign_in_self(const app_command *command) {
    tacit_error error;
    tacit_status status =
        tacit_sign_in_with_client_credentials(command->account->session, NULL, &error);

    return app_result(status, &error);
}

static json_t *sign_in_with(const app_command *command) {
    tacit_error error;
    tacit_status status =
        tacit_sign_in_with_tokens(command->account->session, word(command, 1), 0, NULL, &error);

    return app_result(status, &error);
}

static json_t *claims(const app_command *command) {
    tacit_error error;
    char *text = tacit_session_claims_json(command->account->session, &error);
    json_t *answer = app_result(error.status, &error);
    json_t *told = text != NULL ? json_loads(text, 0, NULL) : NULL;

    json_object_set_new(answer, "claims", told != NULL ? told : json_null());
    tacit_free(text);
    return answer;
}

static json_t *sign_out(const app_command *command) {
    tacit_error error;
    tacit_status status = tacit_sign_out(command->account->session,
                                         number(command, 1, TACIT_TIMEOUT_DEFAULT), &error);

    return app_result(status, &error);
}

static json_t *load(const app_command *command) {
    tacit_session_state state;
    tacit_error error;
    tacit_status status = tacit_session_load(
        command->account->session, number(command, 1, TACIT_TIMEOUT_DEFAULT), &state, &error);
    json_t *answer = app_result(status, &error);

    json_object_set_new(answer, "state", json_string(state_name(state)));
    return answer;
}

static json_t *get(const app_command *command) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response;
    tacit_error error;
    tacit_status status;
    char url[256];
    json_t *answer;

    /* The account's URL ends with the path of its own requests. */
    snprintf(url, sizeof url, "%.*s%s",
             (int)(strstr(command->account->api_url, "/api/") - command->account->api_url),
             command->account->api_url, word(command, 1));
    request.url = url;
    request.timeout_ms = number(command, 2, TACIT_TIMEOUT_DEFAULT);
    status = tacit_send(command->account->session, &request, &response, &error);
    answer = app_result(status, &error);
    json_object_set_new(answer, "answer", json_integer(tacit_response_status(response)));
    if (response != NULL)
        json_object_set_new(answer, "body", json_string(tacit_response_body(response)));
    tacit_response_free(response);
    return answer;
}

static json_t *refresh(const app_command *command) {
    tacit_error error;
    tacit_status status = tacit_session_refresh(command->account->session,
                                                number(command, 1, TACIT_TIMEOUT_DEFAULT), &error);

    return app_result(status, &error);
}

static json_t *events_of(app_account *account) {
    static const char *const names[] = {"",
                                        "loaded",
                                        "signed_in",
                                        "refreshed",
                                        "refresh_failed",
                                        "sign_in_required",
                                        "signed_out",
                                        "store_failed",
                                        "store_recovered",
                                        "refresh_storm"};
    json_t *events = json_object();

    pthread_mutex_lock(&account->lock);
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
        json_object_set_new(events, names[i], json_integer(account->events[i]));
    pthread_mutex_unlock(&account->lock);
    return events;
}

static json_t *event_error_of(app_account *account) {
    tacit_error error;

    pthread_mutex_lock(&account->lock);
    error = account->event_error;
    pthread_mutex_unlock(&account->lock);
    return app_result(error.status, &error);
}

static json_t *status(const app_command *command) {
    app_account *account = command->account;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_session_state state = tacit_session_get_state(account->session);
    json_t *answer;

    tacit_session_get_stats(account->session, &stats);
    answer = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "status", tacit_status_name(TACIT_OK),
        "state", state_name(state), "requests", (json_int_t)stats.requests, "replays",
        (json_int_t)stats.replays, "refreshes", (json_int_t)stats.refreshes, "refresh_failures",
        (json_int_t)stats.refresh_failures, "refreshes_forced", (json_int_t)stats.refreshes_forced,
        "adoptions", (json_int_t)stats.adoptions, "generation", (json_int_t)stats.generation,
        "expires_in_s", (json_int_t)stats.expires_in_s, "refresh_due_in_s",
        (json_int_t)stats.refresh_due_in_s, "last_error", tacit_status_name(stats.last_error));
    json_object_set_new(answer, "slides", json_integer((json_int_t)stats.slides));
    json_object_set_new(answer, "events", events_of(account));
    json_object_set_new(answer, "event_error", event_error_of(account));
    if (account->load != NULL) app_load_count(account->load, answer);
    return answer;
}

/* ------------------------------------------------------------------ the load */

static json_t *start(const app_command *command) {
    app_account *account = command->account;

    app_load_free(account->load);
    account->load = app_load_start(account, number(command, 1, 1), number(command, 2, 10));
    return account->load != NULL ? json_pack("{s:s}", "status", tacit_status_name(TACIT_OK))
                                 : refused("no threads");
}

static json_t *stop(const app_command *command) {
    app_load_stop(command->account->load);
    return status(command);
}

static json_t *run(const app_command *command) {
    int ms = number(command, 3, 1000);
    struct timespec a_while = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    json_decref(start(command));
    nanosleep(&a_while, NULL);
    return stop(command);
}

/* ------------------------------------------------------------------ faults */

/* PLAIN_CALLS: no such call, or no plain store. */
static plain_call store_call(const app_command *command) {
    static const char *const names[] = {"load", "save", "erase"};

    for (int i = 0; command->program->plain != NULL && i < PLAIN_CALLS; i++)
        if (strcmp(word(command, 1), names[i]) == 0) return (plain_call)i;
    return PLAIN_CALLS;
}

static json_t *set_fault(const app_command *command) {
    plain_call call = store_call(command);

    if (call == PLAIN_CALLS) return refused("no plain store, or no such call");
    if (strcmp(word(command, 0), "fail") == 0)
        plain_store_fail(command->program->plain, call, (tacit_status)number(command, 2, 0));
    else
        plain_store_hold(command->program->plain, call, strcmp(word(command, 0), "hold") == 0);
    return json_pack("{s:s}", "status", tacit_status_name(TACIT_OK));
}

bool app_mark(long call, bool torn) {
    void (*arm)(long, bool) = (void (*)(long, bool))dlsym(RTLD_DEFAULT, "die_shim_arm");

    if (arm != NULL) arm(call, torn);
    return arm != NULL;
}

static json_t *mark(const app_command *command) {
    if (!app_mark(number(command, 1, 0), strcmp(word(command, 2), "torn") == 0))
        return refused("die_shim is not loaded");
    return json_pack("{s:s}", "status", tacit_status_name(TACIT_OK));
}

static json_t *unmark(const app_command *command) {
    long (*disarm)(void) = (long (*)(void))dlsym(RTLD_DEFAULT, "die_shim_disarm");

    (void)command;
    if (disarm == NULL) return refused("die_shim is not loaded");
    return json_pack("{s:s,s:I}", "status", tacit_status_name(TACIT_OK), "calls",
                     (json_int_t)disarm());
}

/* ------------------------------------------------------------------ all of them */

static const struct {
    const char *name;
    json_t *(*run)(const app_command *command);
} commands[] = {{"sign-in", sign_in},
                {"sign-out", sign_out},
                {"load", load},
                {"get", get},
                {"refresh", refresh},
                {"status", status},
                {"start", start},
                {"stop", stop},
                {"run", run},
                {"fail", set_fault},
                {"hold", set_fault},
                {"free", set_fault},
                {"mark", mark},
                {"unmark", unmark},
                {"claims", claims},
                {"sign-in-self", sign_in_self},
                {"sign-in-with", sign_in_with}};

void app_command_run(const app_command *command) {
    json_t *answer = NULL;

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(word(command, 0), commands[i].name) == 0) answer = commands[i].run(command);
    if (answer == NULL) answer = refused("no such command");
    json_object_set_new(answer, "number", json_integer(command->number));
    app_answer(answer);
}
