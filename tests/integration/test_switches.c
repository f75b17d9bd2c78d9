/*
 * A build without one of its parts has the functions all the same, and they say which switch left it out. TS_WITH_<PART> is 1 where the
 * build has the part: what is asked for here is refused there too, but for another reason.
 */
#include "support/unit.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>

static void assert_refused(bool is_there, const char *part, const tacit_error *error) {
    char words[64];
    bool says;

    snprintf(words, sizeof words, "TACIT_WITH_%s=OFF", part);
    says = error->status == TACIT_ERR_UNSUPPORTED && strstr(error->message, words) != NULL;
    if (error->status == TACIT_OK || says == is_there)
        fail_msg("%s %s: %d \"%s\"", is_there ? "with" : "without", part, error->status,
                 error->message);
}

static void never_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                       void *user_data) {
    (void)call, (void)response, (void)error, (void)user_data;
    fail_msg("done was called");
}

static void never_there(tacit_call *call, tacit_token *token, const tacit_error *error,
                        void *user_data) {
    (void)call, (void)token, (void)error, (void)user_data;
    fail_msg("done was called");
}

static void asynchronous_requests(void **state) {
    world *w = world_new(NULL);
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;

    (void)state;

    assert_null(tacit_send_async(world_session(w), &request, never_done, NULL, &error));
    assert_refused(TS_WITH_ASYNC, "ASYNC", &error);
    assert_null(
        tacit_session_token_async(world_session(w), NULL, -1, 0, never_there, NULL, &error));
    assert_refused(TS_WITH_ASYNC, "ASYNC", &error);
    world_free(w);
}

static void sign_in_by_browser(void **state) {
    world *w = world_new(NULL);
    tacit_session *session = world_session(w);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;

    (void)state;
    o.redirect_uri = "nowhere";

    tacit_sign_in_with_browser(session, &o, &error);
    assert_refused(TS_WITH_BROWSER, "BROWSER", &error);
    assert_null(tacit_sign_in_browser_begin(session, &o, &error));
    assert_refused(TS_WITH_BROWSER, "BROWSER", &error);
    tacit_sign_in_browser_finish(session, "app:/?code=1", 0, &error);
    assert_refused(TS_WITH_BROWSER, "BROWSER", &error);
    assert_null(tacit_sign_in_async(session, TACIT_GRANT_BROWSER, &o, never_done, NULL, &error));
    assert_refused(TS_WITH_BROWSER, "BROWSER", &error);
    world_free(w);
}

static void sign_in_by_device_code(void **state) {
    world *w = world_new(NULL);
    tacit_session *session = world_session(w);
    tacit_error error;

    (void)state;

    tacit_sign_in_with_device_code(session, NULL, &error);
    assert_refused(TS_WITH_DEVICE_CODE, "DEVICE_CODE", &error);
    assert_null(
        tacit_sign_in_async(session, TACIT_GRANT_DEVICE_CODE, NULL, never_done, NULL, &error));
    assert_refused(TS_WITH_DEVICE_CODE, "DEVICE_CODE", &error);
    world_free(w);
}

static void servers_that_are_not_quite_oauth(void **state) {
    static const char json[] = "{\"token_endpoint\": \"https://id.example.com/token\","
                               " \"dialect\": {\"unheard of\": 1}}";
    tacit_provider *unasked = tacit_provider_from_issuer("https://id.example.com", NULL);
    tacit_error error;

    (void)state;

    assert_null(tacit_provider_from_json(json, &error));
    assert_refused(TS_WITH_DIALECTS, "DIALECTS", &error);
    assert_null(tacit_provider_read_answer(unasked, TACIT_ANSWER_SIGN_IN, "", 0, &error));
    assert_refused(TS_WITH_DIALECTS, "DIALECTS", &error);
    tacit_provider_unref(unasked);
}

static void encrypted_files(void **state) {
    tacit_store_file_options o = TACIT_STORE_FILE_OPTIONS_INIT;
    tacit_error error;

    (void)state;

    assert_null(tacit_store_file(&o, &error));
    assert_refused(TS_WITH_FILE_STORE, "FILE_STORE", &error);
}

static void the_kernels_keyring(void **state) {
    tacit_error error;
    tacit_store *store = tacit_store_kernel_keyring("org.example.TacitTest", &error);

    (void)state;

    if (store == NULL) assert_refused(TS_WITH_KEYCTL, "KEYCTL", &error);
    if (store != NULL) assert_true(TS_WITH_KEYCTL);
    tacit_store_unref(store);
}

/* What is left still does what it is there for. */
static void sign_in_by_password_and_requests(void **state) {
    world *w = world_new(NULL);

    (void)state;

    world_sign_in(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asynchronous_requests),
        cmocka_unit_test(sign_in_by_browser),
        cmocka_unit_test(sign_in_by_device_code),
        cmocka_unit_test(servers_that_are_not_quite_oauth),
        cmocka_unit_test(encrypted_files),
        cmocka_unit_test(the_kernels_keyring),
        cmocka_unit_test(sign_in_by_password_and_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
