/* KWallet and libsecret misread one session's key in a hundred, which shows here and there: a load and a save are made once more on
 * a visit of their own, once only, and only then. */
#include "support/keyring.h"
#include "support/keyring_proxy.h"
#include "support/store_user.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define NO_SESSION "org.freedesktop.Secret.Error.NoSession" /* "Can't find session" */
#define NO_REPLY "org.freedesktop.DBus.Error.NoReply"
#define ALWAYS KEYRING_PROXY_ALWAYS
#define KEPT "a record that takes more than one block of a cipher"

static int set_up(void **state) {
    store_user *user = calloc(1, sizeof *user);

    assert_non_null(user);
    keyring_home_make();
    keyring_bus_start();
    keyring_proxy_start(KEYRING_PASSWORD);
    store_user_open(user, tacit_store_keyring("com.example.again", NULL));
    assert_int_equal(store_user_save(user, "kept", KEPT, strlen(KEPT)), TACIT_OK);
    *state = user;
    return 0;
}

static int tear_down(void **state) {
    store_user_close(*state);
    keyring_proxy_stop();
    keyring_bus_stop();
    keyring_home_remove();
    free(*state);
    return 0;
}

static tacit_status load(store_user *user, const char *key) {
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_status status = store_user_load(user, key, &record);

    ti_buffer_free(&record);
    return status;
}

static tacit_status save(store_user *user, const char *key) {
    return store_user_save(user, key, "saved meanwhile", strlen("saved meanwhile"));
}

/* Where a session's key may show that it was misread. A visit opens one session; only the first that does not open is opened again
 * on the same. */
typedef struct place {
    const char *member, *what;
    tacit_status (*call)(store_user *user, const char *key);
    const char *key;
    tacit_status when_always;
} place;

static const place places[] = {
    {"OpenSession", NO_SESSION, load, "kept", TACIT_ERR_STORE_UNAVAILABLE},
    {"OpenSession", NO_SESSION, save, "kept", TACIT_ERR_STORE_UNAVAILABLE},
    {"GetSecret", KEYRING_PROXY_GARBLE, load, "kept", TACIT_ERR_STORE_FAILED},
    {"GetSecret", NO_SESSION, load, "kept", TACIT_ERR_STORE_FAILED},
    {"SetSecret", NO_SESSION, save, "kept", TACIT_ERR_STORE_FAILED},
    {"CreateItem", NO_SESSION, save, "new", TACIT_ERR_STORE_FAILED},
};
enum { PLACES = sizeof places / sizeof *places };

static void expect(store_user *user, const place *place, unsigned times, tacit_status expected) {
    tacit_status status;

    keyring_proxy_fault(place->member, place->what, times);
    status = place->call(user, place->key);
    if (status != expected)
        fail_msg("%s, %s, %u: %d", place->member, place->what, times, (int)status);
    if (keyring_proxy_calls(place->member) != 2 || keyring_proxy_calls("OpenSession") != 2)
        fail_msg("%s, %s, %u: %d calls in %d sessions", place->member, place->what, times,
                 keyring_proxy_calls(place->member), keyring_proxy_calls("OpenSession"));
}

static void a_misread_key_is_drawn_again(void **state) {
    store_user *user = *state;

    for (int i = 0; i < PLACES; i++) {
        expect(user, &places[i], 1, TACIT_OK);
        keyring_proxy_heal();
        assert_stored_text(user, places[i].key, places[i].call == save ? "saved meanwhile" : KEPT);
        assert_int_equal(store_user_erase(user, "new"), TACIT_OK);
        assert_int_equal(store_user_save(user, "kept", KEPT, strlen(KEPT)), TACIT_OK);
    }
}

static void what_always_fails_is_tried_twice(void **state) {
    store_user *user = *state;

    for (int i = 0; i < PLACES; i++) {
        expect(user, &places[i], ALWAYS, places[i].when_always);
        keyring_proxy_heal();
        assert_stored_text(user, "kept", KEPT);
        assert_not_stored(user, "new");
    }
}

static void assert_one_session(store_user *user, tacit_status (*call)(store_user *, const char *),
                               const char *key, const char *member, const char *what,
                               tacit_status expected) {
    keyring_proxy_fault(member, what, ALWAYS);
    assert_int_equal(call(user, key), expected);
    assert_int_equal(keyring_proxy_calls("OpenSession"), 1);
}

static void what_another_key_does_not_help_is_tried_once(void **state) {
    store_user *user = *state;

    assert_one_session(user, load, "never", "", "", TACIT_ERR_STORE_NOT_FOUND);
    assert_one_session(user, load, "kept", "SearchItems", NO_REPLY, TACIT_ERR_STORE_UNAVAILABLE);
    assert_one_session(user, save, "kept", "SearchItems", NO_REPLY, TACIT_ERR_STORE_UNAVAILABLE);
    assert_one_session(user, load, "kept", "OpenSession", NO_REPLY, TACIT_ERR_STORE_UNAVAILABLE);
    keyring_proxy_stop();
    keyring_proxy_start("the wrong password");
    assert_one_session(user, load, "kept", "", "", TACIT_ERR_STORE_LOCKED);
    assert_one_session(user, save, "kept", "", "", TACIT_ERR_STORE_LOCKED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_misread_key_is_drawn_again),
        CASE(what_always_fails_is_tried_twice),
        CASE(what_another_key_does_not_help_is_tried_once),
    };

    if (!keyring_proxy_there()) return 0; /* nor the store, without libsecret */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
