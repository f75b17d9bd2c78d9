/* Sessions with their sign-in in the kernel's keyring, where it may end at any time. */
#include "support/apps.h"
#include "support/kernel_keys.h"
#include "support/unit.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ------------------------------------------------------------------ one process */

static char application[64]; /* of this run */

static void forget_all(void) {
    kernel_keys_forget(application);
}

static int set_up(void **state) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_store *store = tacit_store_kernel_keyring(application, NULL);

    assert_non_null(store);
    client.application_id = application;
    *state = world_new(&(world_options){.client = client, .store = store});
    tacit_store_unref(store);
    world_sign_in(*state);
    return 0;
}

static int tear_down(void **state) {
    world_free(*state);
    kernel_keys_forget(application);
    return 0;
}

static tacit_session_state state_at_next_start(world *w) {
    tacit_session_state found;
    tacit_error error;

    world_restart(w);
    if (tacit_session_load(world_session(w), WORLD_PATIENCE_MS, &found, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    return found;
}

static void is_saved_again(world *w) {
    tacit_error error;

    assert_int_equal(world_get(w, "/api/x"), 200);
    if (tacit_session_refresh(world_session(w), WORLD_PATIENCE_MS, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    assert_true(kernel_key_only(application) >= 0);

    assert_int_equal(state_at_next_start(w), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
}

static void what_expired_is_saved_again_by_who_holds_it(void **state) {
    kernel_key_expire(kernel_key_only(application));

    is_saved_again(*state);
}

static void what_was_revoked_is_saved_again_by_who_holds_it(void **state) {
    kernel_key_revoke(kernel_key_only(application));

    is_saved_again(*state);
}

static void what_ended_before_the_start_is_signed_out(void **state) {
    world *w = *state;

    kernel_key_revoke(kernel_key_only(application));
    assert_int_equal(state_at_next_start(w), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);

    world_sign_in(w);
    assert_int_equal(state_at_next_start(w), TACIT_STATE_SIGNED_IN);
}

static void a_sign_out_leaves_no_key(void **state) {
    world *w = *state;

    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(kernel_key_only(application), -1);
}

/* ------------------------------------------------------------------ two processes */

static const char *const in_the_kernel[] = {"--store", "kernel", NULL};

static void what_one_obtained_the_other_adopts(void **state) {
    apps p = apps_new(NULL, in_the_kernel);

    (void)state;
    server_revoke_access_tokens(p.server);
    ask_user(p.a, "alice");
    ask_user(p.b, "alice");
    for (int i = 0; i < 4; i++) ask_ok(i % 2 == 0 ? p.a : p.b, "refresh");

    assert_int_equal(server_counters(p.server).refreshes_ok, 5);
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_int_equal(stat_of(p.b, "generation"), 6);
    kernel_keys_forget(p.directory);
    apps_free(&p);
}

static void what_was_lost_is_saved_again_for_both(void **state) {
    apps p = apps_new(NULL, in_the_kernel);

    (void)state;
    kernel_keys_forget(p.directory);
    ask_ok(p.a, "refresh");
    assert_true(kernel_key_only(p.directory) >= 0);
    ask_ok(p.b, "refresh");

    assert_state(p.a, "signed_in");
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    kernel_keys_forget(p.directory);
    apps_free(&p);
}

static void one_sign_out_ends_both(void **state) {
    apps p = apps_new(NULL, in_the_kernel);

    (void)state;
    ask_ok(p.a, "sign-out");
    json_decref(ask_error(p.b, "get /api/x", "TACIT_ERR_SIGNED_OUT"));

    assert_state(p.b, "signed_out");
    assert_int_equal(kernel_key_only(p.directory), -1);
    apps_free(&p);
}

/* ------------------------------------------------------------------ */

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static bool is_unsupported(void) {
    tacit_error error;

    tacit_store_unref(tacit_store_kernel_keyring(application, &error));
    if (error.status == TACIT_ERR_UNSUPPORTED) printf("skip: %s\n", error.message);
    return error.status == TACIT_ERR_UNSUPPORTED;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_expired_is_saved_again_by_who_holds_it),
        CASE(what_was_revoked_is_saved_again_by_who_holds_it),
        CASE(what_ended_before_the_start_is_signed_out),
        CASE(a_sign_out_leaves_no_key),
        cmocka_unit_test(what_one_obtained_the_other_adopts),
        cmocka_unit_test(what_was_lost_is_saved_again_for_both),
        cmocka_unit_test(one_sign_out_ends_both),
    };

    snprintf(application, sizeof application, "org.example.Tacit-%d", (int)getpid());
    if (is_unsupported()) return 0;
    kernel_keys_enter_session();
    atexit(forget_all);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
