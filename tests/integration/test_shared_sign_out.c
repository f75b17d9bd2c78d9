/* Sign-out in one process is sign-out in all, and lasts, whatever the store does. */
#include "support/apps.h"
#include "support/unit.h"

static void assert_signed_out(app *app) {
    assert_state(app, "signed_out");
    json_decref(ask_error(app, "get /api/x", "TACIT_ERR_SIGN_IN_REQUIRED"));
}

static void the_other_is_signed_out_at_its_next_need(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_user(p.b, "alice");
    ask_ok(p.a, "sign-out");
    json_decref(ask_error(p.b, "get /api/x", "TACIT_ERR_SIGNED_OUT"));

    assert_signed_out(p.b);
    await_stat(p.b, "events.signed_out", 1);
    a_moment();
    assert_false(apps_have_record(&p));
    assert_int_equal(server_counters(p.server).refresh_grants, 0);
    apps_free(&p);
}

static void a_later_process_finds_nobody_signed_in(void **state) {
    apps p = apps_new(NULL, NULL);
    app *later;

    (void)state;
    ask_ok(p.a, "sign-out");
    later = apps_start(&p, NULL);
    ask_ok(later, "load");

    assert_signed_out(later);
    ask_ok(later, "sign-in bob");
    ask_user(later, "bob");
    assert_true(app_free(later));
    apps_free(&p);
}

/* The keyring is locked: the record stays, but it is not believed any more, and whoever can erases it. */
static void it_lasts_though_the_record_cannot_be_erased(void **state) {
    apps p = apps_new(NULL, NULL);
    app *later;

    (void)state;
    ask_ok(p.a, "fail erase 61");
    json_decref(ask_error(p.a, "sign-out", "TACIT_ERR_STORE_LOCKED"));
    app_kill(p.a);
    assert_true(apps_have_record(&p));
    later = apps_start(&p, NULL);
    ask_ok(later, "load");

    assert_signed_out(later);
    json_decref(
        app_ask(p.b, "get /api/x")); /* b has the turn, finds the mark, and a store that works */
    assert_signed_out(p.b);
    await_record(&p, false);
    assert_int_equal(server_counters(p.server).refresh_grants, 0);
    assert_true(app_free(later));
    apps_free(&p);
}

/* b's newer record was never saved, and must not be saved any more. */
static void nobody_writes_the_record_back(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_ok(p.b, "fail save 62");
    ask_ok(p.b, "refresh");
    await_stat(p.b, "events.store_failed", 1);
    ask_ok(p.a, "sign-out");
    ask_ok(p.b, "fail save 0");
    await_stat(p.b, "events.signed_out", 1);
    a_moment();

    assert_false(apps_have_record(&p));
    assert_signed_out(p.b);
    assert_int_equal(server_counters(p.server).live_refresh_tokens, 0);
    apps_free(&p);
}

/* The refresh under way goes to its end, and what it brings is revoked with the rest. */
static void a_refresh_under_way_in_the_other_does_not_survive_it(void **state) {
    apps p = apps_new(NULL, NULL);
    long refresh, sign_out;

    (void)state;
    server_gate_close(p.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(p.b, "refresh");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    sign_out = app_send(p.a, "sign-out");
    a_moment();
    assert_state(p.a, "signed_out"); /* at once */
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    await_ok(p.b, refresh);
    await_ok(p.a, sign_out);
    json_decref(app_ask(p.b, "get /api/x"));

    assert_signed_out(p.b);
    assert_false(apps_have_record(&p));
    assert_int_equal(server_counters(p.server).live_refresh_tokens, 0);
    apps_free(&p);
}

/* b signed in anew meanwhile: a's sign-out is of the sign-in before. */
static void it_leaves_a_newer_sign_in_alone(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    ask_ok(p.b, "sign-in bob");
    ask_ok(p.a, "sign-out");

    ask_user(p.b, "bob");
    ask_ok(p.b, "refresh");
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_is_signed_out_at_its_next_need),
        cmocka_unit_test(a_later_process_finds_nobody_signed_in),
        cmocka_unit_test(it_lasts_though_the_record_cannot_be_erased),
        cmocka_unit_test(nobody_writes_the_record_back),
        cmocka_unit_test(a_refresh_under_way_in_the_other_does_not_survive_it),
        cmocka_unit_test(it_leaves_a_newer_sign_in_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
