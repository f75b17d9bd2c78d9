#include "support/crash.h"

#include "support/fixture.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES_MAX = 32, PROOF_MS = 60000, EVENT_MS = 5000 };

/* ------------------------------------------------------------------ lanes */

typedef struct thread {
    pthread_t id;
    crash_lane *lane;
    void (*body)(crash_lane *lane);
} thread;

static ts_server *start_server(const crash_lane *lane) {
    ts_options options = TS_OPTIONS_INIT;

    options.grace_ms = lane->grace_ms;
    options.access_lifetime_ms = 1000; /* the shortest that a server can grant */
    options.record_limit = 0;
    options.username = options.password = NULL; /* any */
    return server_start(&options);
}

static void *run_lane(void *data) {
    thread *t = data;
    crash_lane *lane = t->lane;

    lane->server = start_server(lane);
    if (crash_check(lane, lane->server != NULL, "no server") && crash_clean(lane)) t->body(lane);
    server_stop(lane->server);
    fixture_directory_free(lane->directory);
    return NULL;
}

void crash_run(crash_lane *lanes, int count, void (*body)(crash_lane *lane)) {
    thread threads[LANES_MAX];
    int broken = 0;

    assert_in_range(count, 1, LANES_MAX);
    for (int i = 0; i < count; i++) {
        threads[i] = (thread){.lane = &lanes[i], .body = body};
        assert_int_equal(pthread_create(&threads[i].id, NULL, run_lane, &threads[i]), 0);
    }
    for (int i = 0; i < count; i++) pthread_join(threads[i].id, NULL);
    for (int i = 0; i < count; i++) {
        if (lanes[i].problem[0] == '\0') continue;
        broken++;
        print_error("%s store, %d ms grace, lane %d, run %ld: %s\n", lanes[i].store,
                    lanes[i].grace_ms, lanes[i].index, lanes[i].runs, lanes[i].problem);
    }
    assert_int_equal(broken, 0);
}

bool crash_check(crash_lane *lane, bool ok, const char *format, ...) {
    va_list arguments;

    if (ok || lane->problem[0] != '\0') return ok;
    va_start(arguments, format);
    vsnprintf(lane->problem, sizeof lane->problem, format, arguments);
    va_end(arguments);
    return false;
}

bool crash_clean(crash_lane *lane) {
    fixture_directory_free(lane->directory);
    lane->directory = fixture_directory_new();
    return crash_check(lane, lane->directory != NULL, "no directory");
}

app *crash_app(crash_lane *lane, bool with_die_shim) {
    app *app = app_start(&(app_options){.server = lane->server,
                                        .directory = lane->directory,
                                        .store = lane->store,
                                        .with_die_shim = with_die_shim});

    crash_check(lane, app != NULL, "no app");
    return app;
}

bool crash_must(crash_lane *lane, app *app, const char *command) {
    json_t *answer = app_ask(app, "%s", command);
    bool ok = crash_check(lane, answer_is(answer, "TACIT_OK"), "%s: %s %s", command,
                          answer ? answer_text(answer, "status") : "no answer",
                          answer ? answer_text(answer, "message") : "");

    json_decref(answer);
    return ok;
}

/* ------------------------------------------------------------------ after a kill */

void crash_settle(crash_lane *lane) {
    for (int waited = 0; waited < 5000; waited++) {
        if (server_counters(lane->server).concurrent_grants == 0) return;
        poll(NULL, 0, 1);
    }
    crash_check(lane, false, "the server is not through with a grant");
}

bool crash_record_is_live(crash_lane *lane) {
    char *text = plain_store_record(lane->directory);
    json_t *record = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *token = answer_text(record, "refresh_token");
    bool live = token != NULL && server_refresh_token_is_live(lane->server, token);

    crash_check(lane, token != NULL, "the record is not whole: %.300s", text ? text : "none");
    json_decref(record);
    free(text);
    return live;
}

/* ------------------------------------------------------------------ going on */

static bool is_plain(const crash_lane *lane) {
    return strcmp(lane->store, "plain") == 0;
}

/* Whether the app has what the server would take next. */
static bool is_current(crash_lane *lane, app *app) {
    json_t *status;
    bool current;

    if (is_plain(lane)) return crash_record_is_live(lane);
    status =
        app_ask(app, "status"); /* another store cannot be looked into, but a refresh proves it */
    current = answer_number(status, "refreshes") > 0;
    json_decref(status);
    return current;
}

/* The sign-in is over, and the app was told why: by this answer, or by the event of a refresh in the background. */
static bool is_honest(app *app, const json_t *answer) {
    json_t *status;
    bool honest = answer_flag(answer, "outcome_unknown");

    if (honest) return true;
    app_wait_number(app, "default", "events.sign_in_required", 1, EVENT_MS);
    status = app_ask(app, "status");
    honest = answer_flag(status, "event_error.outcome_unknown");
    json_decref(status);
    return honest;
}

static bool take_loss(crash_lane *lane, app *app, const json_t *answer, bool may_lose) {
    ts_counters counters = server_counters(lane->server);

    crash_check(lane, may_lose, "the sign-in was lost: %s (grace %ld, reuses %ld, refused %ld)",
                answer_text(answer, "message"), counters.grace_uses, counters.reuse_detections,
                counters.refreshes_refused);
    crash_check(lane, is_honest(app, answer), "the error does not say that an answer was lost: %s",
                answer_text(answer, "message"));
    lane->lost++;
    return lane->problem[0] == '\0' && crash_must(lane, app, "sign-in alice");
}

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void give_up(crash_lane *lane, app *app, const json_t *answer) {
    json_t *status = app_ask(app, "status");
    char *facts = json_dumps(status, JSON_COMPACT);

    crash_check(lane, false, "it does not go on: %s %s; %ld grants are out; %.450s",
                answer_text(answer, "status"), answer_text(answer, "message"),
                server_counters(lane->server).concurrent_grants, facts != NULL ? facts : "");
    free(facts);
    json_decref(status);
}

bool crash_prove(crash_lane *lane, app *app, const char *command) {
    int64_t deadline_ms = now_ms() + PROOF_MS;
    bool may_lose = lane->grace_ms == 0 && is_plain(lane) && !crash_record_is_live(lane);

    while (lane->problem[0] == '\0') {
        json_t *answer = app_ask(app, "%s", command);
        /* A token of a second may be over when a busy machine comes to look at it. */
        bool ok = answer_is(answer, "TACIT_OK") && answer_number(answer, "answer") != 401;
        bool over = answer_flag(answer, "sign_in_required");

        if (crash_check(lane, answer != NULL, "no answer") && now_ms() > deadline_ms)
            give_up(lane, app, answer);
        else if (over)
            take_loss(lane, app, answer, may_lose);
        else if (!ok)
            crash_check(lane,
                        answer_flag(answer, "retryable") || answer_number(answer, "answer") == 401,
                        "%s: %s", answer_text(answer, "status"), answer_text(answer, "message"));
        json_decref(answer);
        if (over || (ok && is_current(lane, app))) break;
        poll(NULL, 0, 20);
    }
    return lane->problem[0] == '\0';
}
