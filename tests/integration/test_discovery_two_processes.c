/* Processes that name their provider by its issuer share what they find, and none waits for another. */
#include "support/apps.h"
#include "support/fixture.h"
#include "support/unit.h"

/* Two that have not signed in, each with an account of its own. */
static apps start(void) {
    ts_options any_user = TS_OPTIONS_INIT;
    apps p = {.directory = fixture_directory_new()};
    const char *issuer;

    any_user.username = any_user.password = NULL;
    p.server = server_start(&any_user);
    assert_true(p.server != NULL && p.directory != NULL);
    issuer = server_url(p.server, "");
    p.a = apps_start(&p, (const char *const[]){"--issuer", issuer, "--account", "a", NULL});
    p.b = apps_start(&p, (const char *const[]){"--issuer", issuer, "--account", "b", NULL});
    return p;
}

static long metadata_requests(apps *p) {
    return server_counters(p->server).metadata_requests;
}

static void what_one_found_the_other_uses(void **state) {
    apps p = start();

    (void)state;
    ask_ok(p.a, "sign-in alice");
    assert_int_equal(metadata_requests(&p), 1);

    ask_ok(p.b, "sign-in bob");
    ask_ok(p.b, "refresh");

    assert_int_equal(metadata_requests(&p), 1);
    ask_user(p.a, "alice");
    ask_user(p.b, "bob");
    apps_free(&p);
}

static void both_may_ask_at_once_and_leave_a_whole_file(void **state) {
    apps p = start();
    long first, second;
    app *third;

    (void)state;
    server_gate_close(p.server, TS_METADATA, TS_BEFORE_ANSWER);
    first = app_send(p.a, "sign-in alice");
    second = app_send(p.b, "sign-in bob");
    assert_true(server_gate_waiters(p.server, TS_METADATA, 2, APPS_PATIENCE_MS));
    server_gate_open(p.server, TS_METADATA);
    await_ok(p.a, first);
    await_ok(p.b, second);
    assert_int_equal(metadata_requests(&p), 2);

    third = apps_start(
        &p, (const char *const[]){"--issuer", server_url(p.server, ""), "--account", "a", NULL});
    ask_ok(third, "refresh");
    assert_int_equal(metadata_requests(&p), 2);
    assert_true(app_free(third));
    apps_free(&p);
}

/* Nobody has a lock while he asks, so nobody's death holds another up. */
static void one_that_dies_while_it_asks_holds_nobody_up(void **state) {
    apps p = start();
    long second;

    (void)state;
    server_gate_close(p.server, TS_METADATA, TS_BEFORE_ANSWER);
    assert_true(app_send(p.a, "sign-in alice") > 0);
    assert_true(server_gate_waiters(p.server, TS_METADATA, 1, APPS_PATIENCE_MS));
    second = app_send(p.b, "sign-in bob");
    assert_true(server_gate_waiters(p.server, TS_METADATA, 2, APPS_PATIENCE_MS));

    app_kill(p.a);
    server_gate_open(p.server, TS_METADATA);

    await_ok(p.b, second);
    ask_user(p.b, "bob");
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_found_the_other_uses),
        cmocka_unit_test(both_may_ask_at_once_and_leave_a_whole_file),
        cmocka_unit_test(one_that_dies_while_it_asks_holds_nobody_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
