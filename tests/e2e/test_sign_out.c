/* The end of a sign-in, as a real authorization server sees it. */
#include "e2e/native_app.h"
#include "support/fake_store.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <stdlib.h>

static void both_tokens_are_revoked(void **state) {
    fake_store *store = fake_store_new();
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "leaves", .store = fake_store_handle(store)});
    char *record = fake_store_record(store), *refresh_token = fake_record_refresh_token(record);
    tacit_token *token = NULL;
    tacit_error error;

    assert_int_equal(tacit_session_token(app->session, 0, PATIENCE_MS, &token, NULL), TACIT_OK);
    assert_true(real_server_knows(*state, refresh_token));
    assert_true(real_server_knows(*state, tacit_token_value(token)));
    tacit_sign_out(app->session, PATIENCE_MS, &error);

    assert_string_equal(error.message, "");
    assert_false(real_server_knows(*state, refresh_token));
    assert_false(real_server_knows(*state, tacit_token_value(token)));
    assert_status(real_server_replay(*state, refresh_token), 400);
    assert_null(fake_store_record(store));
    tacit_token_unref(token);
    native_app_stop(app);
    free(refresh_token);
    free(record);
    fake_store_free(store);
}

/* What the server says where it must not ask: a native app needs the person's consent each time, and
 * before that it has to know who the person is. */
static void assert_silent_sign_in(native_app *app, person *person, const char *oauth_error) {
    static const char *const silent[] = {"prompt=none", NULL};
    tacit_error error;

    assert_int_equal(native_app_sign_in(app, person, silent, &error), TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, oauth_error);
}

static void the_end_session_url_ends_it_in_the_browser_too(void **state) {
    static const char *const consent[] = {"prompt=consent", NULL};
    native_app *app = native_app_start(*state, &(native_app_options){.name = "ends"});
    char *jar = fixture_path(real_server_directory(*state), "jar"), *url;
    person alice = {.server = *state, .jar = jar};

    assert_int_equal(native_app_sign_in(app, &alice, consent, NULL), TACIT_OK);
    assert_silent_sign_in(app, &alice, "interaction_required");
    url = tacit_session_end_session_url(app->session, NULL, NULL);
    assert_non_null(url);
    assert_int_equal(tacit_sign_out(app->session, PATIENCE_MS, NULL), TACIT_OK);
    assert_true(person_open_url(url, &alice));
    person_join(&alice);

    assert_silent_sign_in(app, &alice, "login_required");
    native_app_stop(app);
    tacit_free(url);
    free(jar);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_tokens_are_revoked),
        cmocka_unit_test(the_end_session_url_ends_it_in_the_browser_too),
    };

    return cmocka_run_group_tests(tests, real_server_start, real_server_stop);
}
