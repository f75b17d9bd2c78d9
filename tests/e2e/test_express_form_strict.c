/* Standard forms, and a server that ends a sign-in at every irregularity. */
#include "e2e/askers.h"
#include "e2e/backend_story.h"
#include "support/fake_store.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define DEVICE "X-Device-Id: 7f3a"

/* What somebody else gets for a refresh token, who says to be this program. */
static reply replay(backend *bank, const char *refresh_token, const char *user_agent) {
    CURL *curl = curl_easy_init();
    struct curl_slist *lines = curl_slist_append(NULL, DEVICE);
    char *url = backend_url(bank, "/oauth/token"), *form = NULL;
    reply reply;

    assert_true(asprintf(&form, "grant_type=refresh_token&client_id=app&refresh_token=%s",
                         refresh_token) > 0);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, user_agent);
    reply = ask_with_lines(curl, url, lines, form);
    curl_easy_cleanup(curl);
    curl_slist_free_all(lines);
    free(form);
    free(url);
    return reply;
}

static char *stored_refresh_token(fake_store *store) {
    char *record = fake_store_record(store), *token = fake_record_refresh_token(record);

    free(record);
    return token;
}

/* The app has learned it from the server, and says it once. */
static void must_have_ended(backend_app *app, const tacit_error *error, const char *code,
                            const char *words) {
    assert_int_equal(error->status, TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(error->sign_in_required);
    assert_string_equal(error->oauth_error, code);
    assert_string_equal(error->oauth_error_description, words);
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
}

static void a_thief_ends_the_family_and_the_owner_is_told(void **state) {
    backend *bank = backend_start(*state, NULL);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        bank, &(backend_app_options){.user_agent = "bank/1", .store = fake_store_handle(store)});
    char *stolen = stored_refresh_token(store);
    tokens thief = tokens_of(replay(bank, stolen, "bank/1")); /* he is the first */
    tacit_error error;

    assert_non_null(thief.refresh);
    tacit_session_refresh(backend_app_session(app), PATIENCE_MS, &error);

    must_have_ended(app, &error, "token_replayed",
                    "A spent refresh token came back: sign in again.");
    assert_int_equal(backend_app_anomalies(app, TACIT_ANOMALY_REUSE), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_ANOMALY), 1);
    assert_status(replay(bank, thief.refresh, "bank/1"), 400); /* and has nothing of it */
    assert_int_equal(backend_count(bank, "ALARM token_replayed"), 1);
    tokens_free(&thief);
    free(stolen);
    backend_app_close(app);
    fake_store_free(store);
    backend_stop(bank);
}

static void a_token_on_another_device_ends_the_sign_in_early(void **state) {
    backend *bank = backend_start(*state, NULL);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        bank, &(backend_app_options){.user_agent = "bank/1", .store = fake_store_handle(store)});
    char *stolen = stored_refresh_token(store);
    tacit_error error;

    assert_status(replay(bank, stolen, "thief/1"), 400);
    tacit_session_refresh(backend_app_session(app), PATIENCE_MS, &error);

    must_have_ended(app, &error, "device_changed", "The device has changed: sign in again.");
    assert_int_equal(backend_app_anomalies(app, TACIT_ANOMALY_REFUSED_EARLY), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_ANOMALY), 1);
    free(stolen);
    backend_app_close(app);
    fake_store_free(store);
    backend_stop(bank);
}

static void an_update_of_the_app_is_the_same_device(void **state) {
    backend *bank = backend_start(*state, NULL);
    char *directory = fixture_directory_new();
    tacit_store *store = fixture_store_file(directory);
    backend_app *app = backend_app_open_signed_in(
        bank, &(backend_app_options){.user_agent = "bank/1", .store = store});

    backend_app_close(app);
    tacit_store_unref(store);
    for (int version = 2; version <= 3; version++) { /* also after what a refresh has saved */
        char user_agent[16];

        snprintf(user_agent, sizeof user_agent, "bank/%d", version);
        store = fixture_store_file(directory);
        app = backend_app_open(bank,
                               &(backend_app_options){.user_agent = user_agent, .store = store});
        assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL),
                         TACIT_OK);
        assert_int_equal(backend_app_get(app), 200);
        backend_app_close(app);
        tacit_store_unref(store);
    }

    assert_int_equal(backend_count(bank, "ALARM"), 0);
    assert_int_equal(backend_count(bank, "GRANT password 200"), 1);
    assert_int_equal(backend_count(bank, "GRANT refresh_token 200"), 2);
    fixture_directory_free(directory);
    backend_stop(bank);
}

/* The server revokes the access token, through the session that it belongs to. */
static tacit_status end_access_tokens(backend_app *app) {
    tacit_request request = TACIT_REQUEST_INIT;
    char *url = backend_url(backend_app_backend(app), "/api/end-access-tokens");
    tacit_response *response = NULL;
    tacit_status status;

    request.method = "POST";
    request.url = url;
    status = tacit_send(backend_app_session(app), &request, &response, NULL);
    tacit_response_free(response);
    free(url);
    return status;
}

static void tokens_revoked_again_and_again_do_not_raise_the_alarm(void **state) {
    enum { REVOCATIONS = 30, REFRESHES_MAX = 10 };
    backend *bank = backend_start(*state, NULL);
    backend_app *app = backend_app_open_signed_in(bank, NULL);
    int stormy = 0;

    for (int i = 0; i < REVOCATIONS; i++) {
        end_access_tokens(app);
        stormy += backend_app_get(app) == -TACIT_ERR_REFRESH_STORM;
    }

    assert_true(stormy > 0);
    assert_int_equal(backend_count(bank, "ALARM"), 0);
    assert_in_range(backend_count(bank, "GRANT refresh_token 200"), 1, REFRESHES_MAX - 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_true(backend_app_events(app, TACIT_EVENT_REFRESH_STORM) >= 1);
    assert_int_equal(tacit_session_get_state(backend_app_session(app)), TACIT_STATE_SIGNED_IN);
    backend_app_close(app);
    backend_stop(bank);
}

/* Their short life asks for more than the server takes in an hour: it is the client that stops. */
static void tokens_of_seconds_do_not_raise_the_alarm(void **state) {
    enum { REFRESHES_MAX = 10 };
    backend *bank = backend_start(*state, (const char *const[]){"ACCESS_TTL=2", NULL});
    backend_app *app = backend_app_open_signed_in(bank, NULL);
    askers_tally tally = askers_join(askers_start(app, CROWD, now_ms() + 2L * PATIENCE_MS));
    tacit_error error;

    assert_int_equal(tally.others, CROWD);
    assert_int_equal(tally.other, -TACIT_ERR_REFRESH_STORM);
    assert_int_equal(backend_count(bank, "GRANT refresh_token 200"), REFRESHES_MAX - 1);
    assert_int_equal(backend_count(bank, "ALARM"), 0);
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, &error),
                     TACIT_ERR_REFRESH_STORM);
    assert_true(error.retry_after_s > 3000); /* an hour after the first of them */
    assert_int_equal(backend_count(bank, "GRANT refresh_token"), REFRESHES_MAX - 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(tacit_session_get_state(backend_app_session(app)), TACIT_STATE_SIGNED_IN);
    backend_app_close(app);
    backend_stop(bank);
}

/* This server takes fewer than its provider says. */
static void an_alarm_is_told_in_the_servers_words(void **state) {
    backend *bank = backend_start(*state, (const char *const[]){"REFRESHES_MAX=2", NULL});
    backend_app *app = backend_app_open_signed_in(bank, NULL);
    tacit_session *session = backend_app_session(app);
    tacit_error error;

    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_OK);
    tacit_session_refresh(session, PATIENCE_MS, &error);

    must_have_ended(app, &error, "too_many_refreshes",
                    "Too many refreshes in an hour: sign in again.");
    assert_int_equal(backend_app_anomalies(app, TACIT_ANOMALY_REFUSED_EARLY), 1);
    backend_app_close(app);
    backend_stop(bank);
}

static void signing_out_ends_the_family(void **state) {
    backend *bank = backend_start(*state, NULL);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        bank, &(backend_app_options){.user_agent = "bank/1", .store = fake_store_handle(store)});
    char *kept = stored_refresh_token(store);

    assert_int_equal(tacit_sign_out(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);

    assert_true(backend_count(bank, "POST /oauth/revoke 200") >= 1); /* the access token, too */
    assert_status(replay(bank, kept, "bank/1"), 400);
    free(kept);
    backend_app_close(app);
    fake_store_free(store);
    backend_stop(bank);
}

static int start_site(void **state) {
    static const char *const environment[] = {"JWT_SECRET=a secret of the bank", NULL};
    static const char *const device[] = {DEVICE, NULL};
    static const backend_plan plan = {.name = "express_form_strict",
                                      .environment = environment,
                                      .has_database = true,
                                      .has_redis = true,
                                      .sign_up = "/users",
                                      .api = "/api/hello",
                                      .refresh = "GRANT refresh_token",
                                      .new_key = "JWT_SECRET=a new one",
                                      .token_headers = device};

    return backend_site_start(state, &plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BACKEND_STORY,
        cmocka_unit_test(a_thief_ends_the_family_and_the_owner_is_told),
        cmocka_unit_test(a_token_on_another_device_ends_the_sign_in_early),
        cmocka_unit_test(an_update_of_the_app_is_the_same_device),
        cmocka_unit_test(tokens_revoked_again_and_again_do_not_raise_the_alarm),
        cmocka_unit_test(tokens_of_seconds_do_not_raise_the_alarm),
        cmocka_unit_test(an_alarm_is_told_in_the_servers_words),
        cmocka_unit_test(signing_out_ends_the_family),
    };

    return cmocka_run_group_tests(tests, start_site, backend_site_stop);
}
