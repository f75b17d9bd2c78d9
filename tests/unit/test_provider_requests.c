/* What goes to the servers of examples/providers, as their documents ask for it. */
#include "oauth/grant_request.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const entra_params[] = {"client_info=1", NULL};

static struct {
    tacit_provider *provider;
    ti_metadata *metadata;
    ti_secret *refresh_token, *access_token, *client_secret;
    ti_token_request request;
    const char *url;
} with;

static int setup(void **state) {
    (void)state;
    memset(&with, 0, sizeof with);
    with.refresh_token = ti_secret_from_string("REFRESH");
    with.access_token = ti_secret_from_string("ACCESS");
    with.client_secret = ti_secret_from_string("SECRET");
    with.request = (ti_token_request)TI_TOKEN_REQUEST_INIT;
    return with.refresh_token && with.access_token && with.client_secret ? 0 : -1;
}

static void forget(void) {
    ti_token_request_free(&with.request);
    with.request = (ti_token_request)TI_TOKEN_REQUEST_INIT;
    ti_metadata_unref(with.metadata);
    with.metadata = NULL;
    tacit_provider_unref(with.provider);
    with.provider = NULL;
}

static int teardown(void **state) {
    (void)state;
    forget();
    ti_secret_unref(with.refresh_token);
    ti_secret_unref(with.access_token);
    ti_secret_unref(with.client_secret);
    return 0;
}

static void load(const char *name) {
    char path[512], json[8192] = "";
    tacit_error error;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.json", TS_PROVIDERS, name);
    file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    assert_in_range(fread(json, 1, sizeof json - 1, file), 1, sizeof json - 2);
    fclose(file);
    with.provider = tacit_provider_from_json(json, &error);
    if (with.provider == NULL) fail_msg("%s: %s", path, error.message);
    with.metadata = ti_provider_metadata(with.provider);
}

static ti_grant_client client_of(bool has_secret, const char *const *params) {
    return (ti_grant_client){.provider = with.provider,
                             .client_id = "APP",
                             .client_secret = has_secret ? with.client_secret : NULL,
                             .token_params = params};
}

#define GRANT "grant_type=refresh_token&refresh_token=REFRESH"

static void a_refresh_is_what_the_server_asks_for(void **state) {
    (void)state;
    static const struct {
        const char *provider;
        bool has_secret;
        const char *resource;
        const char *const *params;
        const char *url, *form;
    } rows[] = {
        {"slack", true, NULL, NULL, "https://slack.com/api/oauth.v2.access",
         GRANT "&client_id=APP&client_secret=SECRET"},
        {"github_apps", true, NULL, NULL, "https://github.com/login/oauth/access_token",
         GRANT "&client_id=APP&client_secret=SECRET"},
        {"github_apps", false, NULL, NULL, "https://github.com/login/oauth/access_token",
         GRANT "&client_id=APP"},
        {"salesforce", false, NULL, NULL, "https://login.salesforce.com/services/oauth2/token",
         GRANT "&client_id=APP"},
        {"entra_v1", false, "https://api.example/", NULL,
         "https://login.microsoftonline.com/YOUR_TENANT_ID/oauth2/token",
         GRANT "&resource=https%3A%2F%2Fapi.example%2F&client_id=APP"},
        {"entra_v2", false, NULL, entra_params,
         "https://login.microsoftonline.com/YOUR_TENANT_ID/oauth2/v2.0/token",
         GRANT "&client_id=APP&client_info=1"},
        {"linkedin", true, NULL, NULL, "https://www.linkedin.com/oauth/v2/accessToken",
         GRANT "&client_id=APP&client_secret=SECRET"},
        {"tiktok", true, NULL, NULL, "https://open.tiktokapis.com/v2/oauth/token/",
         GRANT "&client_id=APP&client_secret=SECRET&client_key=APP"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error;
        load(rows[i].provider);
        const ti_grant_client client = client_of(rows[i].has_secret, rows[i].params);
        const ti_grant grant = {.type = TI_GRANT_REFRESH_TOKEN,
                                .refresh_token = with.refresh_token,
                                .resource = rows[i].resource};

        assert_int_equal(
            ti_grant_request(&with.request, &client, &grant, with.metadata, &with.url, &error),
            TACIT_OK);

        assert_string_equal(with.url, rows[i].url);
        assert_string_equal(with.request.method, "POST");
        assert_int_equal(with.request.fields_in, TI_SEND_FORM);
        assert_string_equal(with.request.form.data, rows[i].form);
        forget();
    }
}

static void end(const char *hint, const ti_secret *token) {
    const ti_grant_client client = client_of(true, NULL);
    const ti_grant_end ending = {.token = token, .hint = hint};
    tacit_error error;

    assert_int_equal(
        ti_grant_end_request(&with.request, &client, &ending, with.metadata, &with.url, &error),
        TACIT_OK);
}

static void slack_revokes_the_token_that_asks(void **state) {
    (void)state;
    load("slack");

    end("refresh_token", with.refresh_token);
    assert_null(with.url);
    end("access_token", with.access_token);

    assert_string_equal(with.url, "https://slack.com/api/auth.revoke");
    assert_non_null(strstr(with.request.token_line.data, "Bearer ACCESS"));
    assert_int_equal(with.request.form.size, 0);
}

static void tiktok_revokes_with_its_own_name_for_the_client(void **state) {
    (void)state;
    load("tiktok");

    end("access_token", with.access_token);

    assert_string_equal(with.url, "https://open.tiktokapis.com/v2/oauth/revoke/");
    assert_string_equal(with.request.form.data, "token=ACCESS&client_key=APP&client_secret=SECRET");
}

static void the_others_revoke_as_rfc_7009_has_it(void **state) {
    (void)state;
    static const char *const providers[] = {"salesforce", "google", "linkedin",
                                            "keycloak",   "auth0",  "okta"};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        static const char form[] = "token=REFRESH&token_type_hint=refresh_token";
        load(providers[i]);

        end("refresh_token", with.refresh_token);

        assert_non_null(strstr(with.url, "revoke"));
        assert_memory_equal(with.request.form.data, form, sizeof form - 1);
        forget();
    }
}

static tacit_status ask(ti_grant_type type, tacit_error *error) {
    const ti_grant_client client = client_of(false, NULL);
    const ti_grant grant = {.type = type,
                            .refresh_token = with.refresh_token,
                            .username = "ada",
                            .password = with.client_secret};

    return ti_grant_request(&with.request, &client, &grant, with.metadata, &with.url, error);
}

/* A sign-in that the answers to its requests renew: there is nothing to refresh or revoke at. */
static void a_sliding_server_is_asked_for_the_sign_in_only(void **state) {
    static const ti_grant_type others[] = {TI_GRANT_REFRESH_TOKEN, TI_GRANT_CLIENT_CREDENTIALS,
                                           TI_GRANT_AUTHORIZATION_CODE, TI_GRANT_DEVICE_CODE};
    tacit_error error;
    (void)state;
    load("express_sliding");

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(ask(others[i], &error), TACIT_ERR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "no token endpoint"));
    }
    end("access_token", with.access_token);
    assert_null(with.url);

    assert_int_equal(ask(TI_GRANT_PASSWORD, &error), TACIT_OK);
    assert_string_equal(with.url, ti_metadata_dialect(with.metadata)->sign_in->url);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_refresh_is_what_the_server_asks_for),
        TEST(slack_revokes_the_token_that_asks),
        TEST(tiktok_revokes_with_its_own_name_for_the_client),
        TEST(the_others_revoke_as_rfc_7009_has_it),
        TEST(a_sliding_server_is_asked_for_the_sign_in_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
