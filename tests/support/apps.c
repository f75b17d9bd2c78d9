#include "support/apps.h"

#include "support/fixture.h"
#include "support/plain_store.h"
#include "support/unit.h"

#ifdef TS_WITH_REDIS
#include "platform/store_redis_record.h"
#include "support/redis.h"
#endif

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENT_MS = 300, ARGUMENTS_MAX = 24 };

/* ------------------------------------------------------------------ where the record is */

#ifdef TS_WITH_REDIS
static ts_redis *start_redis(void) {
    const char *store = getenv("TS_STORE");

    return store != NULL && strcmp(store, "redis") == 0 ? redis_start(NULL) : NULL;
}

/* NULL: there is none. */
static char *record_in_redis(ts_redis *redis) {
    unsigned char key[32];
    redisReply *sealed;
    char *name, *record = NULL;
    size_t size;

    if (redis_count(redis, "*:record") == 0) return NULL;
    name = redis_find(redis, "*:record");
    sealed = redis_ask(redis, "HGET %s bytes", name);
    *strrchr(name, ':') = '\0';
    redis_key(NULL, key);
    assert_int_equal(
        ti_redis_record_open(key, name, sealed->str, sealed->len, &record, &size, NULL), TACIT_OK);
    record = realloc(record, size + 1);
    record[size] = '\0';
    freeReplyObject(sealed);
    free(name);
    return record;
}

static const char *url_of(const apps *apps) {
    return redis_url(apps->redis);
}
#else
static struct ts_redis *start_redis(void) {
    return NULL;
}
static char *record_in_redis(struct ts_redis *redis) {
    (void)redis;
    return NULL;
}
static const char *url_of(const apps *apps) {
    (void)apps;
    return NULL;
}
static void redis_free(struct ts_redis *redis) {
    (void)redis;
}
#endif

/* Yours. NULL: there is none. */
static char *record_of(const apps *apps) {
    return apps->redis != NULL ? record_in_redis(apps->redis) : plain_store_record(apps->directory);
}

/* ------------------------------------------------------------------ starting */

app *apps_start(apps *apps, const char *const *arguments) {
    const char *all[ARGUMENTS_MAX] = {NULL};
    app_options options = {.server = apps->server, .directory = apps->directory, .arguments = all};
    int count = 0;
    app *app;

    for (; arguments != NULL && *arguments != NULL; arguments++) {
        assert_true(count < ARGUMENTS_MAX - 3);
        all[count++] = *arguments;
    }
    if (apps->redis != NULL) {
        options.store = "redis";
        all[count++] = "--redis";
        all[count++] = url_of(apps);
    }
    app = app_start(&options);
    assert_non_null(app);
    return app;
}

apps apps_new(const ts_options *options, const char *const *arguments) {
    ts_options any_user = TS_OPTIONS_INIT;
    apps apps = {.directory = fixture_directory_new(), .redis = start_redis()};

    if (options != NULL) any_user = *options;
    any_user.username = any_user.password = NULL;
    apps.server = server_start(&any_user);
    assert_true(apps.server != NULL && apps.directory != NULL);
    apps.a = apps_start(&apps, arguments);
    ask_ok(apps.a, "sign-in alice");
    apps.b = apps_start(&apps, arguments);
    ask_ok(apps.b, "load");
    assert_state(apps.b, "signed_in");
    return apps;
}

void apps_free(apps *apps) {
    for (int part = 0; part < TS_PARTS; part++) server_gate_open(apps->server, (ts_part)part);
    assert_true(app_free(apps->a));
    assert_true(app_free(apps->b));
    server_stop(apps->server);
    redis_free(apps->redis);
    fixture_directory_free(apps->directory);
}

/* ------------------------------------------------------------------ asking */

static json_t *checked(json_t *answer, const char *command, const char *status) {
    if (answer == NULL) fail_msg("%s: no answer", command);
    if (!answer_is(answer, status))
        fail_msg("%s: %s %s, not %s", command, answer_text(answer, "status"),
                 answer_text(answer, "message"), status);
    return answer;
}

void ask_ok(app *app, const char *command) {
    json_decref(checked(app_ask(app, "%s", command), command, "TACIT_OK"));
}

json_t *ask_error(app *app, const char *command, const char *status) {
    return checked(app_ask(app, "%s", command), command, status);
}

/* Longer than a store is looked at before it is believed (R7). */
json_t *ask_patiently(app *app, const char *command) {
    for (int tries = 0; tries < 2 * APPS_PATIENCE_MS / MOMENT_MS; tries++) {
        json_t *answer = app_ask(app, "%s", command);

        assert_non_null(answer);
        if (!answer_flag(answer, "retryable")) return answer;
        json_decref(answer);
        a_moment();
    }
    fail_msg("%s: it may be tried again and again", command);
    return NULL;
}

void ask_user(app *app, const char *user) {
    json_t *answer = checked(app_ask(app, "get /api/whoami"), "get", "TACIT_OK");
    json_t *body = json_loads(answer_text(answer, "body"), 0, NULL);

    assert_int_equal(answer_number(answer, "answer"), 200);
    assert_string_equal(answer_text(body, "user"), user);
    json_decref(body);
    json_decref(answer);
}

json_t *await_answer(app *app, long number) {
    json_t *answer = app_answer_to(app, number, APPS_PATIENCE_MS);

    assert_non_null(answer);
    return answer;
}

void await_ok(app *app, long number) {
    json_decref(checked(await_answer(app, number), "the command", "TACIT_OK"));
}

/* ------------------------------------------------------------------ looking */

void assert_state(app *app, const char *state) {
    json_t *answer = checked(app_ask(app, "status"), "status", "TACIT_OK");

    assert_string_equal(answer_text(answer, "state"), state);
    json_decref(answer);
}

long stat_of(app *app, const char *path) {
    json_t *answer = checked(app_ask(app, "status"), "status", "TACIT_OK");
    long number = answer_number(answer, path);

    json_decref(answer);
    return number;
}

void await_stat(app *app, const char *path, long n) {
    if (!app_wait_number(app, "default", path, n, APPS_PATIENCE_MS))
        fail_msg("%s did not come to %ld", path, n);
}

void assert_retryable(const json_t *answer) {
    if (!answer_flag(answer, "retryable") || answer_flag(answer, "sign_in_required"))
        fail_msg("this is not retryable: %s %s", answer_text(answer, "status"),
                 answer_text(answer, "message"));
}

void assert_answer_lost(app *app, const json_t *answer) {
    json_t *status;

    if (!answer_flag(answer, "sign_in_required") || answer_flag(answer, "retryable"))
        fail_msg("the sign-in is not over: %s %s", answer_text(answer, "status"),
                 answer_text(answer, "message"));
    await_stat(app, "events.sign_in_required", 1);
    status = checked(app_ask(app, "status"), "status", "TACIT_OK");
    if (!answer_flag(status, "event_error.outcome_unknown"))
        fail_msg("this does not say that an answer was lost: %s",
                 answer_text(status, "event_error.message"));
    json_decref(status);
}

bool apps_have_record(const apps *apps) {
    char *record = record_of(apps);

    free(record);
    return record != NULL;
}

bool apps_have_live_record(const apps *apps) {
    char *text = record_of(apps);
    json_t *record = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *token = answer_text(record, "refresh_token");
    bool live = token != NULL && server_refresh_token_is_live(apps->server, token);

    json_decref(record);
    free(text);
    return live;
}

void await_record(const apps *apps, bool is_there) {
    for (int waited = 0; waited < APPS_PATIENCE_MS; waited += 10) {
        if (apps_have_record(apps) == is_there) return;
        poll(NULL, 0, 10);
    }
    fail_msg("the record %s", is_there ? "did not come" : "stays");
}

void await_one_refresh_token(const apps *apps) {
    for (int waited = 0; waited < APPS_PATIENCE_MS; waited += 10) {
        if (server_counters(apps->server).live_refresh_tokens == 1) return;
        poll(NULL, 0, 10);
    }
    fail_msg("%ld refresh tokens live", server_counters(apps->server).live_refresh_tokens);
}

void a_moment(void) {
    poll(NULL, 0, MOMENT_MS);
}
