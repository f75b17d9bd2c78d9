/* Redis starts again while two apps work with it: with what it had, or with nothing. */
#include "support/apps.h"
#include "support/fixture.h"
#include "support/redis.h"
#include "support/unit.h"

#include <stdlib.h>

static app *start_at(const apps *p) {
    const char *const arguments[] = {"--redis", redis_url(p->redis), NULL};
    app *app = app_start(&(app_options){
        .server = p->server, .directory = p->directory, .store = "redis", .arguments = arguments});

    assert_non_null(app);
    return app;
}

static apps apps_at(const char *const *redis_arguments) {
    ts_options options = TS_OPTIONS_INIT; /* no grace */
    apps p = {.directory = fixture_directory_new()};

    options.username = options.password = NULL;
    options.refresh_ends_older_access = true;
    p.server = server_start(&options);
    assert_non_null(p.server);
    p.redis = redis_start(redis_arguments);
    p.a = start_at(&p);
    ask_ok(p.a, "sign-in alice");
    p.b = start_at(&p);
    ask_ok(p.b, "load");
    return p;
}

static void assert_ok(json_t *answer) {
    if (!answer_is(answer, "TACIT_OK"))
        fail_msg("%s %s", answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
}

static void with_its_data_all_go_on(void **state) {
    apps p = apps_at((const char *const[]){"--appendonly", "yes", "--appendfsync", "always", NULL});
    app *later;

    (void)state;
    ask_ok(p.a, "refresh");
    redis_kill(p.redis);
    ask_user(p.a, "alice"); /* from memory */
    json_decref(ask_error(p.b, "get /api/x 2000", "TACIT_ERR_STORE_UNAVAILABLE"));
    redis_restart(p.redis);
    assert_ok(ask_patiently(p.b, "get /api/x"));
    assert_ok(ask_patiently(p.a, "refresh"));
    assert_ok(ask_patiently(p.b, "get /api/x"));
    later = start_at(&p);
    ask_user(later, "alice");
    assert_true(app_free(later));
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

/* Redis starts again while a refresh token is under way: what is answered is saved when Redis is back. */
static void during_a_flight_the_answer_is_kept_until_it_can_be_saved(void **state) {
    apps p = apps_at((const char *const[]){"--appendonly", "yes", "--appendfsync", "always", NULL});
    long refresh;

    (void)state;
    server_gate_close(p.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(p.a, "refresh 20000");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    redis_kill(p.redis);
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    json_decref(await_answer(p.a, refresh));
    redis_restart(p.redis);
    assert_ok(ask_patiently(p.a, "get /api/x"));
    assert_ok(ask_patiently(p.b, "get /api/x"));
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

static void without_its_data_a_running_app_puts_the_newest_tokens_back(void **state) {
    apps p = apps_at(NULL);

    (void)state;
    ask_ok(p.a, "refresh");
    redis_kill(p.redis);
    redis_restart(p.redis);
    assert_false(apps_have_record(&p));
    assert_ok(ask_patiently(p.a, "refresh"));
    assert_ok(ask_patiently(p.b, "get /api/x"));
    assert_true(apps_have_live_record(&p));
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_its_data_all_go_on),
        cmocka_unit_test(during_a_flight_the_answer_is_kept_until_it_can_be_saved),
        cmocka_unit_test(without_its_data_a_running_app_puts_the_newest_tokens_back),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
