/* NestJS with two JWTs: the refresh token goes into the query of a GET, and both come anew. */
#include "e2e/backend_story.h"
#include "support/fake_store.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static const backend_plan plan = {
    .name = "nest_two_tokens",
    .environment = (const char *const[]){"JWT_ACCESS_SECRET=kept by the guards",
                                         "JWT_REFRESH_SECRET=kept by the user service", NULL},
    .has_database = true,
    .sign_up = "/user/register",
    .api = "/order/list",
    .refresh = "GET /user/refresh",
    .new_key = "JWT_ACCESS_SECRET=another one",
};

static int start(void **state) {
    return backend_site_start(state, &plan);
}

static void a_401_of_the_refresh_route_ends_the_sign_in_once(void **state) {
    backend *backend = backend_start(*state, NULL);
    backend_app *app = backend_app_open_signed_in(backend, NULL);

    backend_restart(backend, "JWT_REFRESH_SECRET=so nobody is signed in any more");
    assert_int_equal(backend_app_get(app), 200); /* the access token still goes */
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);

    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(crowd_ask(app, -TACIT_ERR_SIGN_IN_REQUIRED), CROWD);
    assert_int_equal(backend_count(backend, "GET /user/refresh 401"), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_int_equal(backend_app_anomalies(app, TACIT_ANOMALY_REFUSED_EARLY), 1);
    backend_app_close(app);
    backend_stop(backend);
}

static void a_refresh_token_in_a_url_wants_to_be_allowed(void **state) {
    static const char allowed[] = "\"allow_refresh_token_in_url\": true";
    backend *backend = backend_shared(*state);
    char *json = backend_provider_json(backend), *found = strstr(json, allowed);
    tacit_error error;

    assert_non_null(found);
    memcpy(found + strlen(allowed) - strlen(" true"), "false", strlen("false"));
    assert_null(tacit_provider_from_json(json, &error));

    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "allow_refresh_token_in_url"));
    free(json);
}

static void the_log_never_shows_a_token_of_a_url(void **state) {
    backend *backend = backend_shared(*state);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        backend, &(backend_app_options){.store = fake_store_handle(store), .logs = true});
    char *record = fake_store_record(store), *token = fake_record_refresh_token(record), *log;

    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);

    log = backend_app_log(app);
    assert_non_null(strstr(log, "HTTP/1.1 200 OK")); /* the refresh's answer */
    assert_null(strstr(log, token));
    assert_null(strstr(log, strrchr(token, '.') + 1)); /* the signature, which makes it one */
    assert_null(strstr(log, BACKEND_PASSWORD));
    free(log);
    free(token);
    free(record);
    backend_app_close(app);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BACKEND_STORY,
        cmocka_unit_test(a_401_of_the_refresh_route_ends_the_sign_in_once),
        cmocka_unit_test(a_refresh_token_in_a_url_wants_to_be_allowed),
        cmocka_unit_test(the_log_never_shows_a_token_of_a_url),
    };

    return cmocka_run_group_tests(tests, start, backend_site_stop);
}
