/* A session whose keyring is locked, gone, restarted or hangs: nobody is signed out by it, and nothing is lost. */
#include "tests/support/keyring.h"
#include "tests/support/keyring_proxy.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORD "the keyring's password"
#define APPLICATION "org.example.TacitTest"

enum {
    PATIENCE_MS = WORLD_PATIENCE_MS,
    IMPATIENCE_MS = 1000, /* of a client whose keyring is held: many times what a call takes */
};

static world *new_world(int store_timeout_ms) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_error error;
    tacit_store *store = tacit_store_keyring(APPLICATION, &error);
    world *w;

    if (store == NULL) fail_msg("%s", error.message);
    client.application_id = APPLICATION;
    client.store_timeout_ms = store_timeout_ms;
    w = world_new(&(world_options){.client = client, .store = store});
    tacit_store_unref(store);
    return w;
}

static int set_up(void **state) {
    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(PASSWORD);
    *state = new_world(0);
    world_sign_in(*state);
    return 0;
}

static int set_up_proxy(void **state) {
    keyring_home_make();
    keyring_bus_start();
    keyring_proxy_start(PASSWORD);
    *state = new_world(IMPATIENCE_MS);
    world_sign_in(*state);
    return 0;
}

static int tear_down(void **state) {
    world_free(*state);
    keyring_proxy_stop();
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return 0;
}

static void lock(void) {
    keyring_service_stop();
    keyring_service_start("the wrong password");
}

static void unlock(void) {
    keyring_service_stop();
    keyring_service_start(PASSWORD);
}

/* The next try may be minutes away: whatever ends backoff brings it now. */
static void unlock_and_go_on(world *w) {
    unlock();
    tacit_client_network_changed(world_client(w));
}

static tacit_status refresh(world *w, tacit_error *error) {
    return tacit_session_refresh(world_session(w), PATIENCE_MS, error);
}

static tacit_status load(world *w, tacit_session_state *found, tacit_error *error) {
    return tacit_session_load(world_session(w), PATIENCE_MS, found, error);
}

static uint64_t generation(world *w) {
    tacit_token *token = world_token(w);
    uint64_t number;

    assert_non_null(token);
    number = tacit_token_generation(token);
    tacit_token_unref(token);
    return number;
}

/* At the next start the store has what this one obtained. */
static void assert_next_start_has(world *w, uint64_t expected) {
    tacit_session_state found;
    tacit_error error;

    world_restart(w);
    if (load(w, &found, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(found, TACIT_STATE_SIGNED_IN);
    assert_int_equal(generation(w), expected);
    assert_int_equal(world_get(w, "/api/x"), 200);
    if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
}

static void locked_at_the_start_is_not_signed_out(void **state) {
    world *w = *state;
    uint64_t before = generation(w);
    tacit_session_state found;
    tacit_error error;

    lock();
    world_restart(w);
    assert_int_equal(load(w, &found, &error), TACIT_ERR_STORE_LOCKED);
    assert_int_equal(found, TACIT_STATE_UNKNOWN);
    assert_true(error.retryable);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_STORE_LOCKED);
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    unlock_and_go_on(w);
    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_int_equal(generation(w), before);
    assert_next_start_has(w, before);
}

static void trouble_while_signed_in(world *w, void (*break_it)(void)) {
    tacit_error error;

    break_it();
    if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    unlock_and_go_on(w);
    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_next_start_has(w, 2);
}

static void locked_meanwhile_is_saved_when_it_is_unlocked(void **state) {
    trouble_while_signed_in(*state, lock);
}

static void gone_meanwhile_is_saved_when_it_is_back(void **state) {
    trouble_while_signed_in(*state, keyring_service_stop);
}

static void restarted_meanwhile_is_no_matter(void **state) {
    world *w = *state;
    tacit_error error;

    unlock();
    if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(world_event_count(w, TACIT_EVENT_STORE_FAILED), 0);
    assert_next_start_has(w, 2);
}

/* The mark is what counts; the record goes when it can. */
static void sign_out_while_it_is_locked_lasts(void **state) {
    world *w = *state;
    tacit_session_state found;
    tacit_error error;

    lock();
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_ERR_STORE_LOCKED);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(server_counters(world_server(w)).revocations, 2); /* both tokens */
    unlock();
    world_restart(w);
    if (load(w, &found, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
    world_sign_in(w);
    assert_next_start_has(w, 1);
}

/* Without an answer, and without an end. */
static void service_that_never_answers_holds_nobody_up(void **state) {
    world *w = *state;
    tacit_error error;

    keyring_service_stop();
    keyring_hanging_service_start();
    if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    unlock_and_go_on(w);
    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_next_start_has(w, 2);
}

/* From here on a service that goes on when it is told to: KeePassXC blocks a search for 25 s while it is locked, KWallet whatever comes
 * first, until its dialog is answered. */
static void hold(const char *member) {
    keyring_proxy_fault(member, KEYRING_PROXY_HOLD, KEYRING_PROXY_ALWAYS);
}

static void go_on(world *w) {
    keyring_proxy_heal();
    tacit_client_network_changed(world_client(w));
}

static void search_that_blocks_at_the_start_signs_nobody_out(void **state) {
    world *w = *state;
    uint64_t before = generation(w);
    tacit_session_state found;
    tacit_error error;

    hold("SearchItems");
    world_restart(w);
    assert_int_equal(load(w, &found, &error), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(found, TACIT_STATE_UNKNOWN);
    assert_true(error.retryable);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_STORE_UNAVAILABLE);
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    assert_true(keyring_proxy_calls("SearchItems") > 0);
    go_on(w);
    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_int_equal(generation(w), before);
    assert_next_start_has(w, before);
}

/* The call that was left behind ends after a newer token came, and is not the last. */
static void blocks_meanwhile(world *w, const char *member) {
    tacit_error error;

    hold(member);
    for (int i = 0; i < 2; i++) {
        if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
        assert_int_equal(world_get(w, "/api/x"), 200);
    }
    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    assert_int_equal(keyring_proxy_calls(member), 1);
    assert_int_equal(world_event_count(w, TACIT_EVENT_STORE_RECOVERED), 0);
    go_on(w);
    world_wait_event(w, TACIT_EVENT_STORE_RECOVERED, 1);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_next_start_has(w, 3);
}

static void search_that_blocks_meanwhile_loses_nothing(void **state) {
    blocks_meanwhile(*state, "SearchItems");
}

static void write_that_blocks_meanwhile_overwrites_nothing_newer(void **state) {
    blocks_meanwhile(*state, "SetSecret");
}

static void refresh_while_held(world *w, const char *member) {
    tacit_error error;

    hold(member);
    if (refresh(w, &error) != TACIT_OK) fail_msg("%s", error.message);
}

static void session_closed_while_a_search_blocks_is_saved_afterwards(void **state) {
    world *w = *state;

    refresh_while_held(w, "SearchItems");
    assert_int_equal(world_close(w, 10), TACIT_ERR_TIMEOUT);
    assert_int_equal(keyring_proxy_calls("SearchItems"), 1);
    keyring_proxy_heal();
    assert_next_start_has(w, 2);
}

static void shut_down_while_held(world *w, const char *member) {
    tacit_error error;

    assert_int_equal(world_close(w, 10), TACIT_ERR_TIMEOUT);
    assert_int_equal(tacit_client_shutdown(world_client(w), 10, &error), TACIT_ERR_TIMEOUT);
    assert_int_equal(keyring_proxy_calls(member), 1);
    keyring_proxy_heal();
}

static void client_shut_down_while_a_search_blocks_waits_for_nothing(void **state) {
    world *w = *state;

    hold("SearchItems");
    world_restart(w);
    keyring_proxy_wait("SearchItems");
    shut_down_while_held(w, "SearchItems");
    assert_next_start_has(w, 1);
}

static void client_shut_down_while_a_write_blocks_waits_for_nothing(void **state) {
    world *w = *state;

    refresh_while_held(w, "SetSecret");
    shut_down_while_held(w, "SetSecret");
    assert_next_start_has(w, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define PROXY_CASE(name) cmocka_unit_test_setup_teardown(name, set_up_proxy, tear_down)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        CASE(locked_at_the_start_is_not_signed_out),
        CASE(locked_meanwhile_is_saved_when_it_is_unlocked),
        CASE(gone_meanwhile_is_saved_when_it_is_back),
        CASE(restarted_meanwhile_is_no_matter),
        CASE(sign_out_while_it_is_locked_lasts),
        CASE(service_that_never_answers_holds_nobody_up),
    };
    const struct CMUnitTest held[] = {
        PROXY_CASE(search_that_blocks_at_the_start_signs_nobody_out),
        PROXY_CASE(search_that_blocks_meanwhile_loses_nothing),
        PROXY_CASE(write_that_blocks_meanwhile_overwrites_nothing_newer),
        PROXY_CASE(session_closed_while_a_search_blocks_is_saved_afterwards),
        PROXY_CASE(client_shut_down_while_a_search_blocks_waits_for_nothing),
        PROXY_CASE(client_shut_down_while_a_write_blocks_waits_for_nothing),
    };
    tacit_error error;
    int failed;

    keyring_hanging_service_main(argc, argv);
    tacit_store_unref(tacit_store_keyring(APPLICATION, &error));
    if (error.status == TACIT_ERR_UNSUPPORTED) return 0; /* built without libsecret */
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return keyring_proxy_there() ? failed + cmocka_run_group_tests(held, NULL, NULL) : failed;
}
