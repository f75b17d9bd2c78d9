#include "oauth/provider.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "\"token_endpoint\":\"https://as.example.com/token\""

static void reads_what_is_used_and_ignores_the_rest(void **state) {
    (void)state;
    tacit_error error = {.status = TACIT_ERR_NETWORK};

    tacit_provider *provider = tacit_provider_from_json(
        "{\"issuer\":\"https://as.example.com\"," TOKEN
        ",\"authorization_endpoint\":\"https://as.example.com/authorize\""
        ",\"device_authorization_endpoint\":\"https://as.example.com/device\""
        ",\"revocation_endpoint\":\"https://as.example.com/revoke\""
        ",\"end_session_endpoint\":\"https://as.example.com/logout\""
        ",\"authorization_response_iss_parameter_supported\":true,"
        "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
        "\"jwks_uri\":1,\"huge\":123456789012345678901234567890,\"nul\":\"\\u0000\"}",
        &error);

    assert_non_null(provider);
    assert_int_equal(error.status, TACIT_OK);
    assert_string_equal(ti_provider_issuer(provider), "https://as.example.com");
    assert_true(ti_provider_is_fresh(provider, INT64_MAX - 1));
    ti_metadata *metadata = ti_provider_metadata(provider);
    tacit_provider_unref(provider);
    assert_string_equal(ti_metadata_issuer(metadata), "https://as.example.com");
    assert_string_equal(ti_metadata_token_endpoint(metadata), "https://as.example.com/token");
    assert_string_equal(ti_metadata_authorization_endpoint(metadata),
                        "https://as.example.com/authorize");
    assert_string_equal(ti_metadata_device_authorization_endpoint(metadata),
                        "https://as.example.com/device");
    assert_string_equal(ti_metadata_revocation_endpoint(metadata), "https://as.example.com/revoke");
    assert_string_equal(ti_metadata_end_session_endpoint(metadata),
                        "https://as.example.com/logout");
    assert_true(ti_metadata_sends_iss(metadata));
    ti_metadata_unref(metadata);
}

static void the_token_endpoint_is_enough(void **state) {
    (void)state;

    tacit_provider *provider =
        tacit_provider_from_json("\xEF\xBB\xBF {" TOKEN ",\"revocation_endpoint\":null}", NULL);

    assert_non_null(provider);
    assert_string_equal(ti_provider_issuer(provider), "https://as.example.com/token");
    ti_metadata *metadata = ti_provider_metadata(provider);
    assert_null(ti_metadata_issuer(metadata));
    assert_null(ti_metadata_revocation_endpoint(metadata));
    assert_false(ti_metadata_sends_iss(metadata));
    ti_metadata_unref(metadata);
    tacit_provider_unref(provider);
}

/* A sign-in that the answers to its requests renew has no use for one. */
static void a_sliding_dialect_needs_no_token_endpoint(void **state) {
    (void)state;
    static const struct {
        const char *json, *name;
    } rows[] = {
        {"{\"issuer\":\"shop\",\"dialect\":{\"sliding_header\":\"Authorization\"}}", "shop"},
        {"{\"dialect\":{\"sliding_header\":\"Authorization\","
         "\"sign_in\":{\"url\":\"https://shop.example/login\"}}}",
         "https://shop.example/login"},
        {"{\"issuer\":\"shop\",\"dialect\":{\"sliding_header\":\"Authorization\","
         "\"sign_in\":{\"url\":\"https://shop.example/login\"}}}",
         "shop"},
        {"{" TOKEN ",\"dialect\":{\"sliding_header\":\"Authorization\","
         "\"sign_in\":{\"url\":\"https://shop.example/login\"}}}",
         "https://as.example.com/token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error;

        tacit_provider *provider = tacit_provider_from_json(rows[i].json, &error);

        if (!provider) fail_msg("%s: %s", rows[i].json, error.message);
        assert_string_equal(ti_provider_issuer(provider), rows[i].name);
        ti_metadata *metadata = ti_provider_metadata(provider);
        assert_string_equal(ti_metadata_dialect(metadata)->sliding_header, "Authorization");
        ti_metadata_unref(metadata);
        tacit_provider_unref(provider);
    }
}

static void lives_as_long_as_a_reference(void **state) {
    (void)state;
    tacit_provider *provider = tacit_provider_from_json("{" TOKEN "}", NULL);

    assert_ptr_equal(ti_provider_ref(provider), provider);
    tacit_provider_unref(provider);

    assert_non_null(strstr(ti_provider_issuer(provider), "/token"));
    tacit_provider_unref(provider);
    tacit_provider_unref(NULL);
}

static void says_what_is_wrong_and_where(void **state) {
    (void)state;
    static const struct {
        const char *json;
        tacit_status status;
        const char *message; /* a part of it */
    } rows[] = {
        {NULL, TACIT_ERR_INVALID_ARGUMENT, "json is NULL"},
        {"", TACIT_ERR_INVALID_ARGUMENT, "json: line 1, column 0"},
        {"{\n\"issuer\": \"x\",\n  oops}", TACIT_ERR_INVALID_ARGUMENT, "json: line 3, column 6"},
        {"{" TOKEN "} trailing", TACIT_ERR_INVALID_ARGUMENT, "json: line 1"},
        {"{" TOKEN "," TOKEN "}", TACIT_ERR_INVALID_ARGUMENT, "duplicate object key"},
        {"[]", TACIT_ERR_INVALID_ARGUMENT, "json is not an object"},
        {"\"text\"", TACIT_ERR_INVALID_ARGUMENT, "json is not an object"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", TACIT_ERR_INVALID_ARGUMENT, "nested deeper than 32"},
        {"{}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint: is missing"},
        {"{\"token_endpoint\":null}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint: is missing"},
        {"{\"token_endpoint\":7}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint: is not a string"},
        {"{\"token_endpoint\":\"https://a.example/\\u0000\"}", TACIT_ERR_INVALID_ARGUMENT,
         "/token_endpoint:"},
        {"{\"token_endpoint\":\"\"}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint:"},
        {"{\"token_endpoint\":\"/token\"}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint:"},
        {"{\"token_endpoint\":\"ftp://a.example/\"}", TACIT_ERR_INVALID_ARGUMENT,
         "/token_endpoint:"},
        {"{\"token_endpoint\":\"http://a.example/\"}", TACIT_ERR_INSECURE_URL, "/token_endpoint:"},
        {"{" TOKEN ",\"revocation_endpoint\":[]}", TACIT_ERR_INVALID_ARGUMENT,
         "/revocation_endpoint: is not a string"},
        {"{" TOKEN ",\"revocation_endpoint\":\"http://a.example/\"}", TACIT_ERR_INSECURE_URL,
         "/revocation_endpoint:"},
        {"{" TOKEN ",\"issuer\":\"\"}", TACIT_ERR_INVALID_ARGUMENT, "/issuer:"},
        {"{" TOKEN ",\"issuer\":{}}", TACIT_ERR_INVALID_ARGUMENT, "/issuer:"},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":\"none\"}",
         TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint_auth_methods_supported: is not an array"},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":[\"none\",1]}",
         TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint_auth_methods_supported/1: is not a string"},
        {"{" TOKEN ",\"dialect\":\"tiktok\"}", TACIT_ERR_INVALID_ARGUMENT,
         "/dialect: is not an object"},
        {"{" TOKEN ",\"dialect\":{\"tiktok\":1}}", TACIT_ERR_INVALID_ARGUMENT,
         "/dialect/tiktok: is not known"},
        {"{" TOKEN ",\"dialect\":{\"sign_in\":{\"url\":\"http://a.example/\"}}}",
         TACIT_ERR_INSECURE_URL, "/dialect/sign_in/url:"},
        {"{\"dialect\":{}}", TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint: is missing"},
        {"{\"dialect\":{\"sliding_header\":\"X-Token\"}}", TACIT_ERR_INVALID_ARGUMENT,
         "/issuer: is missing"},
        {"{\"dialect\":{\"sign_in\":{\"url\":\"https://a.example/\"}}}", TACIT_ERR_INVALID_ARGUMENT,
         "/token_endpoint: is missing"},
        {"{\"issuer\":\"shop\",\"dialect\":{\"sliding_header\":\"X-Token\",\"refresh\":{}}}",
         TACIT_ERR_INVALID_ARGUMENT, "/token_endpoint: is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *json = rows[i].json ? rows[i].json : "NULL";
        tacit_error error = {.status = TACIT_OK};

        assert_null(tacit_provider_from_json(rows[i].json, &error));

        if (error.status != rows[i].status) {
            fail_msg("%s: %s", json, tacit_status_name(error.status));
        }
        if (!strstr(error.message, rows[i].message)) fail_msg("%s: %s", json, error.message);
    }
}

static void loopback_may_be_plain_http(void **state) {
    (void)state;
    static const char *const texts[] = {"{\"token_endpoint\":\"http://127.0.0.1:8080/t\"}",
                                        "{\"token_endpoint\":\"http://[::1]/t\"}",
                                        "{\"token_endpoint\":\"http://localhost/t\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tacit_provider *provider = tacit_provider_from_json(texts[i], NULL);
        assert_non_null(provider);
        tacit_provider_unref(provider);
    }
}

static void a_syntax_error_does_not_quote_the_text(void **state) {
    (void)state;
    tacit_error error;

    assert_null(tacit_provider_from_json("{\"client_secret\": hunter2}", &error));

    assert_null(strstr(error.message, "hunter2"));
}

static void chooses_how_the_client_authenticates(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool possible;
        ti_client_auth with_secret;
    } rows[] = {
        {"{" TOKEN "}", true, TI_CLIENT_AUTH_BASIC},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":[]}", true, TI_CLIENT_AUTH_BASIC},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":"
         "[\"client_secret_post\",\"client_secret_basic\"]}",
         true, TI_CLIENT_AUTH_BASIC},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_post\"]}",
         true, TI_CLIENT_AUTH_POST},
        {"{" TOKEN ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}", false,
         TI_CLIENT_AUTH_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_metadata *metadata = ti_metadata_parse(rows[i].json, strlen(rows[i].json), NULL, NULL);
        ti_client_auth auth;
        assert_non_null(metadata);

        assert_int_equal(ti_metadata_client_auth(metadata, true, &auth), rows[i].possible);
        assert_int_equal(auth, rows[i].with_secret);
        assert_true(ti_metadata_client_auth(metadata, false, &auth));
        assert_int_equal(auth, TI_CLIENT_AUTH_NONE);

        ti_metadata_unref(metadata);
    }
}

/* --- named by its issuer --- */

#define ISSUER "https://as.example.com/tenant/"

static ti_metadata *metadata_at(const char *token_endpoint) {
    char json[256];
    snprintf(json, sizeof json, "{\"token_endpoint\":\"%s\"}", token_endpoint);
    ti_metadata *metadata = ti_metadata_parse(json, strlen(json), NULL, NULL);
    assert_non_null(metadata);
    return metadata;
}

static void find_at(tacit_provider *provider, const char *token_endpoint, int64_t fetched_wall_ms) {
    ti_metadata *metadata = metadata_at(token_endpoint);
    assert_true(ti_provider_found(provider, metadata, fetched_wall_ms));
    ti_metadata_unref(metadata);
}

static void an_issuer_is_kept_as_it_was_given(void **state) {
    (void)state;
    tacit_error error = {.status = TACIT_ERR_NETWORK};

    tacit_provider *provider = tacit_provider_from_issuer(ISSUER, &error);

    assert_non_null(provider);
    assert_int_equal(error.status, TACIT_OK);
    assert_string_equal(ti_provider_issuer(provider), ISSUER);
    assert_null(ti_provider_metadata(provider));
    assert_false(ti_provider_is_fresh(provider, 0));
    tacit_provider_unref(provider);
}

/* R13: a wall clock that stands at 1970, or was set back, keeps nothing fresh. */
static void what_was_found_is_fresh_for_a_day(void **state) {
    (void)state;
    static const struct {
        int64_t wall_ms;
        bool fresh;
    } rows[] = {{1767225600000, true},
                {1767225600000 + 86399999, true},
                {1767225600000 + 86400000, false},
                {INT64_MAX, false},
                {1767225600000 - 1, false},
                {0, false},
                {-1, false}};
    tacit_provider *provider = tacit_provider_from_issuer(ISSUER, NULL);
    find_at(provider, "https://as.example.com/token", 1767225600000);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (ti_provider_is_fresh(provider, rows[i].wall_ms) != rows[i].fresh) {
            fail_msg("at %lld", (long long)rows[i].wall_ms);
        }
    }
    find_at(provider, "https://as.example.com/token", 5);
    assert_true(ti_provider_is_fresh(provider, 5));
    tacit_provider_unref(provider);
}

static void what_was_found_last_counts_and_the_earlier_stays_readable(void **state) {
    (void)state;
    tacit_provider *provider = tacit_provider_from_issuer(ISSUER, NULL);
    find_at(provider, "https://as.example.com/old", 1);
    ti_metadata *before = ti_provider_metadata(provider);

    find_at(provider, "https://as.example.com/new", 2);

    ti_metadata *after = ti_provider_metadata(provider);
    assert_string_equal(ti_metadata_token_endpoint(after), "https://as.example.com/new");
    assert_string_equal(ti_metadata_token_endpoint(before), "https://as.example.com/old");
    ti_metadata_unref(after);
    tacit_provider_unref(provider);
    assert_string_equal(ti_metadata_token_endpoint(before), "https://as.example.com/old");
    ti_metadata_unref(before);
}

/* An app that runs for years asks every day. */
static void the_same_metadata_again_takes_no_memory(void **state) {
    (void)state;
    tacit_provider *provider = tacit_provider_from_issuer(ISSUER, NULL);
    find_at(provider, "https://as.example.com/token", 1);
    ti_metadata *before = ti_provider_metadata(provider);

    find_at(provider, "https://as.example.com/token", 2);

    ti_metadata *after = ti_provider_metadata(provider);
    assert_ptr_equal(after, before);
    ti_metadata_unref(before);
    ti_metadata_unref(after);
    tacit_provider_unref(provider);
}

static void a_rest_ends(void **state) {
    (void)state;
    tacit_provider *provider = tacit_provider_from_issuer(ISSUER, NULL);
    assert_false(ti_provider_rests(provider, 0));

    ti_provider_rest(provider, 1000);

    assert_true(ti_provider_rests(provider, 999));
    assert_false(ti_provider_rests(provider, 1000));
    tacit_provider_unref(provider);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_used_and_ignores_the_rest),
        cmocka_unit_test(the_token_endpoint_is_enough),
        cmocka_unit_test(a_sliding_dialect_needs_no_token_endpoint),
        cmocka_unit_test(lives_as_long_as_a_reference),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(loopback_may_be_plain_http),
        cmocka_unit_test(a_syntax_error_does_not_quote_the_text),
        cmocka_unit_test(chooses_how_the_client_authenticates),
        cmocka_unit_test(an_issuer_is_kept_as_it_was_given),
        cmocka_unit_test(what_was_found_is_fresh_for_a_day),
        cmocka_unit_test(what_was_found_last_counts_and_the_earlier_stays_readable),
        cmocka_unit_test(the_same_metadata_again_takes_no_memory),
        cmocka_unit_test(a_rest_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
