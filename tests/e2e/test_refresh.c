/* Renewal with a real authorization server, which takes each refresh token once. */
#include "e2e/native_app.h"
#include "support/fake_store.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static void each_refresh_replaces_both_tokens(void **state) {
    fake_store *store = fake_store_new();
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "rotates", .store = fake_store_handle(store)});
    char *before = fake_store_record(store), *after, *spent, *fresh;

    assert_int_equal(tacit_session_refresh(app->session, PATIENCE_MS, NULL), TACIT_OK);
    after = fake_store_record(store);

    spent = fake_record_refresh_token(before);
    fresh = fake_record_refresh_token(after);
    assert_string_not_equal(spent, fresh);
    assert_int_equal(fake_record_generation(after), 2);
    assert_int_equal(native_app_get(app), 200);
    native_app_stop(app);
    free(spent);
    free(fresh);
    free(before);
    free(after);
    fake_store_free(store);
}

static void a_stolen_refresh_token_ends_the_sign_in_once(void **state) {
    fake_store *store = fake_store_new();
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "robbed", .store = fake_store_handle(store)});
    char *record = fake_store_record(store), *stolen = fake_record_refresh_token(record);
    tacit_error error;
    long asked;

    assert_int_equal(tacit_session_refresh(app->session, PATIENCE_MS, NULL), TACIT_OK);
    assert_status(real_server_replay(*state, stolen), 400);   /* the thief comes too late ... */
    tacit_session_refresh(app->session, PATIENCE_MS, &error); /* ... and the owner is warned */

    assert_int_equal(error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(error.sign_in_required);
    native_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    asked = native_app_requests(app, "/token");
    assert_int_equal(native_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(native_app_requests(app, "/token"), asked);
    assert_int_equal(native_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    native_app_stop(app);
    free(stolen);
    free(record);
    fake_store_free(store);
}

enum { THREADS = 20, LIFETIME_MS = 3000, GENERATIONS = 6 };

/* Requests without a pause, until the last of the generations has come. */
static void *request_on_and_on(void *data) {
    native_app *app = data;
    int64_t deadline_ms = now_ms() + 20L * LIFETIME_MS;
    long failed = 0;

    while (native_app_stats(app).generation < GENERATIONS && now_ms() < deadline_ms)
        failed += native_app_get(app) != 200;
    return (void *)failed;
}

static void twenty_threads_live_on_short_tokens(void **state) {
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "busy", .client_id = "hasty"});
    int64_t began_ms = now_ms(), took_ms;
    pthread_t threads[THREADS];
    tacit_session_stats stats;
    void *failed;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, request_on_and_on, app), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }

    took_ms = now_ms() - began_ms;
    stats = native_app_stats(app);
    assert_true(stats.generation >= GENERATIONS);
    assert_int_equal(stats.refreshes, stats.generation - 1);
    assert_int_equal(native_app_requests(app, "/token"), 1 + (long)stats.refreshes);
    /* Such a token is due at half of its life, and not a moment before. */
    assert_true((int64_t)stats.refreshes <= took_ms / (LIFETIME_MS / 2) + 1);
    native_app_stop(app);
}

static void a_restart_goes_on_from_the_file(void **state) {
    tacit_store *store = fixture_store_file(real_server_directory(*state));
    native_app *app = native_app_start_signed_in(
        *state, &(native_app_options){.name = "before", .state = "restarted", .store = store});
    tacit_session_state loaded;
    char *claims;

    assert_int_equal(tacit_session_refresh(app->session, PATIENCE_MS, NULL), TACIT_OK);
    native_app_stop(app);
    tacit_store_unref(store);
    store = fixture_store_file(real_server_directory(*state));
    app = native_app_start(
        *state, &(native_app_options){.name = "after", .state = "restarted", .store = store});

    assert_int_equal(tacit_session_load(app->session, PATIENCE_MS, &loaded, NULL), TACIT_OK);
    assert_int_equal(loaded, TACIT_STATE_SIGNED_IN);
    assert_int_equal(native_app_get(app), 200);
    assert_int_equal(native_app_requests(app, NULL), 1); /* that one: it knows the rest */
    claims = tacit_session_claims_json(app->session, NULL);
    assert_non_null(strstr(claims, "alice"));
    tacit_free(claims);
    assert_int_equal(tacit_session_refresh(app->session, PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(native_app_get(app), 200);
    native_app_stop(app);
    tacit_store_unref(store);
}

static void a_program_fetches_its_token_again(void **state) {
    native_app *app =
        native_app_start(*state, &(native_app_options){.name = "hasty-program",
                                                       .client_id = "hasty-svc",
                                                       .client_secret = "hasty-svc-secret"});

    assert_int_equal(tacit_sign_in_with_client_credentials(app->session, NULL, NULL), TACIT_OK);
    native_app_wait_event(app, TACIT_EVENT_REFRESHED,
                          3); /* by itself, past the first token's end */

    assert_int_equal(native_app_get(app), 200);
    assert_int_equal(native_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    native_app_stop(app);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refresh_replaces_both_tokens),
        cmocka_unit_test(a_stolen_refresh_token_ends_the_sign_in_once),
        cmocka_unit_test(twenty_threads_live_on_short_tokens),
        cmocka_unit_test(a_restart_goes_on_from_the_file),
        cmocka_unit_test(a_program_fetches_its_token_again),
    };

    return cmocka_run_group_tests(tests, real_server_start, real_server_stop);
}
