/* Express: a refresh token counts where the headers are those of the sign-in, and only the newest one. */
#include "e2e/backend_story.h"
#include "support/fake_store.h"
#include "support/unit.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

static const backend_plan plan = {
    .name = "express_fingerprint",
    .environment =
        (const char *const[]){"ACCESS_SECRET=for half an hour", "REFRESH_SECRET=for a fortnight",
                              "FINGERPRINT_SECRET=for ever", NULL},
    .has_database = true,
    .sign_up = "/users",
    .api = "/api/me",
    .refresh = "POST /api/auth/refresh",
    .new_key = "ACCESS_SECRET=another one",
    .wrong_password = "WRONG_PASSWORD",
};

static int start(void **state) {
    return backend_site_start(state, &plan);
}

/* An app, and what became of it with the next update. */
static backend_app_options first_version(tacit_store *store, tacit_provider *provider) {
    static const char *const german[] = {"Accept-Language: de", NULL};

    return (backend_app_options){
        .store = store, .provider = provider, .user_agent = "shop/1.0", .token_headers = german};
}

static backend_app_options second_version(tacit_store *store, tacit_provider *provider) {
    static const char *const english[] = {"Accept-Language: en", "Sec-CH-UA: \"Shop\";v=\"2\"",
                                          NULL};

    return (backend_app_options){.store = store,
                                 .provider = provider,
                                 .user_agent = "shop/2.0 (faster)",
                                 .token_headers = english};
}

/* Signed in by the first version, then refreshed by the second. */
static tacit_status refresh_after_update(backend *backend, tacit_provider *provider) {
    fake_store *store = fake_store_new();
    backend_app_options options = first_version(fake_store_handle(store), provider);
    backend_app *app = backend_app_open_signed_in(backend, &options);
    tacit_status status;

    backend_app_close(app);
    options = second_version(fake_store_handle(store), provider);
    app = backend_app_open(backend, &options);
    status = tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL);
    if (status == TACIT_OK) /* and once more, with what was saved now */
        status = tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL);
    backend_app_close(app);
    fake_store_free(store);
    return status;
}

static void an_updated_app_sends_what_the_sign_in_sent(void **state) {
    backend *backend = backend_shared(*state);

    assert_int_equal(refresh_after_update(backend, NULL), TACIT_OK);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 200"), 2);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 403"), 0);
}

static tacit_provider *provider_without_fingerprint(const backend *backend) {
    char *example = backend_provider_json(backend), *changed;
    json_t *json = json_loads(example, 0, NULL);
    tacit_provider *provider;

    assert_int_equal(json_object_del(json_object_get(json, "dialect"), "fingerprint"), 0);
    changed = json_dumps(json, 0);
    provider = tacit_provider_from_json(changed, NULL);
    assert_non_null(provider);
    free(changed);
    json_decref(json);
    free(example);
    return provider;
}

/* So it matters, what the test above sees. */
static void without_a_fingerprint_an_update_would_end_the_sign_in(void **state) {
    backend *backend = backend_shared(*state);
    tacit_provider *provider = provider_without_fingerprint(backend);

    assert_int_equal(refresh_after_update(backend, provider), TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 403"), 1);
    tacit_provider_unref(provider);
}

static void only_the_newest_refresh_token_counts(void **state) {
    backend *backend = backend_shared(*state);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        backend, &(backend_app_options){.store = fake_store_handle(store)});
    char *first = fake_store_record(store);
    tacit_error error;

    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    backend_app_close(app);
    fake_store_put(store, first); /* a backup, say */
    app = backend_app_open(backend, &(backend_app_options){.store = fake_store_handle(store)});
    tacit_session_refresh(backend_app_session(app), PATIENCE_MS, &error);

    assert_int_equal(error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    assert_string_equal(error.oauth_error, "SUPERSEDED");
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 401"), 1);
    backend_app_close(app);
    fake_store_free(store);
    free(first);
}

static void a_sign_in_elsewhere_ends_this_one_once(void **state) {
    backend *backend = backend_start(*state, NULL);
    backend_app *here = backend_app_open_signed_in(backend, NULL);
    backend_app *elsewhere = backend_app_open_signed_in(backend, NULL);

    backend_restart(backend, plan.new_key);
    assert_int_equal(crowd_ask(here, -TACIT_ERR_SIGN_IN_REQUIRED), CROWD);

    backend_app_wait_event(here, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(crowd_ask(elsewhere, 200), CROWD);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 401"), 1);
    assert_int_equal(backend_count(backend, "POST /api/auth/refresh 200"), 1);
    assert_int_equal(backend_app_events(here, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_int_equal(backend_app_anomalies(here, TACIT_ANOMALY_REFUSED_EARLY), 1);
    backend_app_close(here);
    backend_app_close(elsewhere);
    backend_stop(backend);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BACKEND_STORY,
        cmocka_unit_test(an_updated_app_sends_what_the_sign_in_sent),
        cmocka_unit_test(without_a_fingerprint_an_update_would_end_the_sign_in),
        cmocka_unit_test(only_the_newest_refresh_token_counts),
        cmocka_unit_test(a_sign_in_elsewhere_ends_this_one_once),
    };

    return cmocka_run_group_tests(tests, start, backend_site_stop);
}
