/*
 * A refresh over a Redis that loses one command, or the reply to one, each of them in turn: it is done in the end, the refresh token was
 * sent once, and another machine goes on with what it brought.
 */
#include "support/apps.h"
#include "support/fixture.h"
#include "support/redis.h"
#include "support/redis_proxy.h"
#include "support/unit.h"

#include <stdlib.h>

enum { COMMANDS_MAX = 20 };

typedef struct lossy {
    apps apps;
    redis_proxy *proxy; /* between a and Redis */
} lossy;

static app *start_at(const lossy *self, const char *url) {
    app *app = app_start(&(app_options){.server = self->apps.server,
                                        .directory = self->apps.directory,
                                        .store = "redis",
                                        .arguments = (const char *const[]){"--redis", url, NULL}});

    assert_non_null(app);
    return app;
}

static lossy lossy_new(void) {
    ts_options options = TS_OPTIONS_INIT; /* no grace */
    lossy self = {.apps.directory = fixture_directory_new()};

    options.username = options.password = NULL;
    options.refresh_ends_older_access = true;
    self.apps.server = server_start(&options);
    assert_non_null(self.apps.server);
    self.apps.redis = redis_start(NULL);
    self.proxy = redis_proxy_start(self.apps.redis);
    self.apps.a = start_at(&self, redis_proxy_url(self.proxy));
    ask_ok(self.apps.a, "sign-in alice");
    self.apps.b = start_at(&self, redis_url(self.apps.redis));
    ask_ok(self.apps.b, "load");
    return self;
}

static void lossy_free(lossy *self) {
    redis_proxy_free(self->proxy);
    apps_free(&self->apps);
}

static void assert_ok(json_t *answer, int n) {
    if (!answer_is(answer, "TACIT_OK"))
        fail_msg("%d: %s %s", n, answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
}

static void assert_done(lossy *self, int n) {
    apps *p = &self->apps;

    assert_ok(ask_patiently(p->a, "refresh"), n);
    assert_ok(ask_patiently(p->a, "get /api/whoami"), n);
    assert_ok(ask_patiently(p->b, "get /api/whoami"), n);
    assert_int_equal(server_counters(p->server).reuse_detections, 0);
    assert_int_equal(server_counters(p->server).refreshes_ok,
                     server_counters(p->server).refresh_grants);
    assert_true(apps_have_live_record(p));
}

static int count_commands(void) {
    lossy self = lossy_new();
    int commands;

    redis_proxy_lose(self.proxy, 0, REDIS_PROXY_COMMAND);
    assert_done(&self, 0);
    commands = redis_proxy_commands(self.proxy);
    assert_in_range(commands, 6, COMMANDS_MAX);
    lossy_free(&self);
    return commands;
}

/* All at once, since most of it is waiting: a session does not try again at once. */
static void lose_each(redis_proxy_loss loss) {
    lossy each[COMMANDS_MAX];
    int commands = count_commands();

    for (int i = 0; i < commands; i++) {
        each[i] = lossy_new();
        redis_proxy_lose(each[i].proxy, i + 1, loss);
        app_send(each[i].apps.a, "refresh");
    }
    for (int i = 0; i < commands; i++) {
        assert_done(&each[i], i + 1);
        lossy_free(&each[i]);
    }
}

static void commands_that_are_lost(void **state) {
    (void)state;
    lose_each(REDIS_PROXY_COMMAND);
}

static void replies_that_are_lost(void **state) {
    (void)state;
    lose_each(REDIS_PROXY_REPLY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_that_are_lost),
        cmocka_unit_test(replies_that_are_lost),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
