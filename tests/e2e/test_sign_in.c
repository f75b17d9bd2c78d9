/* The first tokens from a real authorization server, by each way there is. */
#include "e2e/native_app.h"
#include "support/unit.h"

#include <jansson.h>

#include <string.h>

/* offline_access is only granted where the user is asked (OpenID Connect Core section 11). */
static const char *const consent[] = {"prompt=consent", NULL};

/* A string claim of the id_token must be so. */
static void assert_claim(native_app *app, const char *name, const char *value) {
    char *claims = tacit_session_claims_json(app->session, NULL);
    char *claim;

    assert_non_null(claims);
    claim = json_member(claims, name);
    assert_non_null(claim);
    assert_string_equal(claim, value);
    free(claim);
    tacit_free(claims);
}

static void assert_signed_in_as_alice(native_app *app) {
    assert_int_equal(native_app_get(app), 200);
    assert_claim(app, "sub", "alice");
    assert_claim(app, "iss", real_server_issuer(app->server));
}

static void a_browser_sign_in_takes_three_requests_with_discovery(void **state) {
    native_app *app = native_app_start(*state, &(native_app_options){.name = "discovers"});
    person alice = {.server = *state};
    tacit_error error;

    native_app_sign_in(app, &alice, consent, &error);

    assert_string_equal(error.message, "");
    assert_in_range(native_app_requests(app, NULL), 1, 3);
    assert_int_equal(native_app_requests(app, "/.well-known/openid-configuration"), 1);
    assert_int_equal(native_app_requests(app, "/token"), 1);
    assert_signed_in_as_alice(app);
    assert_claim(app, "name", "User alice");
    native_app_stop(app);
}

static void a_browser_sign_in_takes_one_request_with_given_endpoints(void **state) {
    native_app *app =
        native_app_start(*state, &(native_app_options){.name = "knows", .knows_endpoints = true});
    person alice = {.server = *state};
    tacit_error error;

    native_app_sign_in(app, &alice, consent, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(native_app_requests(app, NULL), 1);
    assert_signed_in_as_alice(app);
    native_app_stop(app);
}

static void a_person_clicks_through_chromium(void **state) {
    native_app *app = native_app_start(*state, &(native_app_options){.name = "clicks"});
    person alice = {.server = *state, .has_chromium = true};
    tacit_error error;

    native_app_sign_in(app, &alice, consent, &error);

    assert_string_equal(error.message, "");
    assert_signed_in_as_alice(app);
    native_app_stop(app);
}

static void who_says_no_in_the_browser_is_heard(void **state) {
    native_app *app = native_app_start(*state, &(native_app_options){.name = "refused"});
    person alice = {.server = *state, .denies = true};
    tacit_error error;

    native_app_sign_in(app, &alice, consent, &error);

    assert_int_equal(error.status, TACIT_ERR_ACCESS_DENIED);
    assert_int_equal(native_app_requests(app, "/token"), 0);
    assert_int_equal(tacit_session_get_state(app->session), TACIT_STATE_SIGNED_OUT);
    native_app_stop(app);
}

static void a_device_signs_in_by_its_code(void **state) {
    native_app *app = native_app_start(*state, &(native_app_options){.name = "device"});
    person alice = {.server = *state, .knows_code = true};
    tacit_error error;

    native_app_sign_in_on_device(app, &alice, &error);

    assert_string_equal(error.message, "");
    assert_signed_in_as_alice(app);
    native_app_stop(app);
}

static void who_says_no_to_a_device_is_heard(void **state) {
    native_app *app = native_app_start(*state, &(native_app_options){.name = "refused-device"});
    person alice = {.server = *state, .denies = true};
    tacit_error error;

    native_app_sign_in_on_device(app, &alice, &error);

    assert_int_equal(error.status, TACIT_ERR_ACCESS_DENIED);
    assert_int_equal(tacit_session_get_state(app->session), TACIT_STATE_SIGNED_OUT);
    native_app_stop(app);
}

static void a_program_signs_in_with_its_own_secret(void **state) {
    native_app *app = native_app_start(
        *state, &(native_app_options){
                    .name = "program", .client_id = "svc", .client_secret = "svc-secret"});
    tacit_error error;

    tacit_sign_in_with_client_credentials(app->session, NULL, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(native_app_get(app), 200);
    assert_null(tacit_session_claims_json(app->session, NULL));
    native_app_stop(app);
}

static void a_wrong_secret_is_the_servers_refusal(void **state) {
    native_app *app = native_app_start(
        *state, &(native_app_options){
                    .name = "impostor", .client_id = "svc", .client_secret = "not-the-secret"});
    tacit_error error;

    tacit_sign_in_with_client_credentials(app->session, NULL, &error);

    assert_int_equal(error.status, TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, "invalid_client");
    native_app_stop(app);
}

static size_t dots_in(const char *text) {
    size_t count = 0;

    for (; *text; text++) count += *text == '.';
    return count;
}

static void a_resource_gets_a_token_of_its_own_kind(void **state) {
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "resource", .resource = "https://api.example.test/"});
    tacit_token *first = NULL, *second = NULL;

    assert_int_equal(tacit_session_token(app->session, 0, PATIENCE_MS, &first, NULL), TACIT_OK);
    assert_int_equal(tacit_session_refresh(app->session, PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_session_token(app->session, 0, PATIENCE_MS, &second, NULL), TACIT_OK);

    assert_int_equal(dots_in(tacit_token_value(first)), 2); /* a JWT */
    assert_int_equal(dots_in(tacit_token_value(second)), 2);
    assert_string_not_equal(tacit_token_value(first), tacit_token_value(second));
    tacit_token_unref(first);
    tacit_token_unref(second);
    native_app_stop(app);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_browser_sign_in_takes_three_requests_with_discovery),
        cmocka_unit_test(a_browser_sign_in_takes_one_request_with_given_endpoints),
        cmocka_unit_test(a_person_clicks_through_chromium),
        cmocka_unit_test(who_says_no_in_the_browser_is_heard),
        cmocka_unit_test(a_device_signs_in_by_its_code),
        cmocka_unit_test(who_says_no_to_a_device_is_heard),
        cmocka_unit_test(a_program_signs_in_with_its_own_secret),
        cmocka_unit_test(a_wrong_secret_is_the_servers_refusal),
        cmocka_unit_test(a_resource_gets_a_token_of_its_own_kind),
    };

    return cmocka_run_group_tests(tests, real_server_start, real_server_stop);
}
