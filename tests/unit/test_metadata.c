/* Authorization server metadata as a server sends it. What an app may write is in test_provider.c. */
#include "oauth/metadata.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define ISSUER "https://as.example.com"
#define NAMED "\"issuer\":\"" ISSUER "\","
#define TOKEN "\"token_endpoint\":\"https://as.example.com/token\""

static ti_metadata *parse(const char *json, const char *issuer, tacit_error *error) {
    return ti_metadata_parse(json, strlen(json), issuer, error);
}

/* RFC 8414 section 3.3: the same text, not the same URL. */
static void only_the_wanted_issuer_is_taken(void **state) {
    (void)state;
    static const struct {
        const char *json, *wanted;
        tacit_status status;
    } rows[] = {
        {"{" NAMED TOKEN "}", ISSUER, TACIT_OK},
        {"{" NAMED TOKEN "}", NULL, TACIT_OK},
        {"{" TOKEN "}", NULL, TACIT_OK},
        {"{" TOKEN "}", ISSUER, TACIT_ERR_PROTOCOL},
        {"{\"issuer\":null," TOKEN "}", ISSUER, TACIT_ERR_PROTOCOL},
        {"{" NAMED TOKEN "}", ISSUER "/", TACIT_ERR_PROTOCOL},
        {"{\"issuer\":\"" ISSUER "/\"," TOKEN "}", ISSUER, TACIT_ERR_PROTOCOL},
        {"{" NAMED TOKEN "}", "https://AS.example.com", TACIT_ERR_PROTOCOL},
        {"{" NAMED TOKEN "}", "https://as.example.com:443", TACIT_ERR_PROTOCOL},
        {"{\"issuer\":\"" ISSUER "\\u0000.evil\"," TOKEN "}", ISSUER, TACIT_ERR_INVALID_ARGUMENT},
        {"{\"issuer\":7," TOKEN "}", ISSUER, TACIT_ERR_INVALID_ARGUMENT},
        {"{\"issuer\":\"\"," TOKEN "}", NULL, TACIT_ERR_INVALID_ARGUMENT},
        {"{" NAMED "\"issuer\":\"https://b.example\"," TOKEN "}", ISSUER,
         TACIT_ERR_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error = {.status = TACIT_ERR_NETWORK};

        ti_metadata *metadata = parse(rows[i].json, rows[i].wanted, &error);

        if (error.status != rows[i].status) {
            fail_msg("%s as %s: %s %s", rows[i].json, rows[i].wanted ? rows[i].wanted : "any",
                     tacit_status_name(error.status), error.message);
        }
        assert_int_equal(metadata != NULL, rows[i].status == TACIT_OK);
        ti_metadata_unref(metadata);
    }
}

static void a_slash_too_many_or_too_few_is_named(void **state) {
    (void)state;
    static const struct {
        const char *json, *wanted, *message; /* its end */
    } rows[] = {
        {"{\"issuer\":\"" ISSUER "/\"," TOKEN "}", ISSUER,
         "another issuer: with a slash at its end."},
        {"{" NAMED TOKEN "}", ISSUER "/", "another issuer: without a slash at its end."},
        {"{" NAMED TOKEN "}", ISSUER "//", "another issuer."},
        {"{" NAMED TOKEN "}", ISSUER "/x", "another issuer."},
        {"{" NAMED TOKEN "}", "https://as.example.org/", "another issuer."},
        {"{" TOKEN "}", ISSUER, "names no issuer."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error;
        size_t size = strlen(rows[i].message);

        assert_null(parse(rows[i].json, rows[i].wanted, &error));

        assert_true(strlen(error.message) > size);
        assert_string_equal(error.message + strlen(error.message) - size, rows[i].message);
    }
}

static void each_endpoint_has_to_be_a_url(void **state) {
    (void)state;
    static const char *const names[] = {"token_endpoint", "authorization_endpoint",
                                        "device_authorization_endpoint", "revocation_endpoint",
                                        "end_session_endpoint"};
    static const struct {
        const char *value;
        tacit_status status;
    } rows[] = {{"\"\"", TACIT_ERR_INVALID_ARGUMENT},
                {"7", TACIT_ERR_INVALID_ARGUMENT},
                {"[\"https://a.example\"]", TACIT_ERR_INVALID_ARGUMENT},
                {"\"/relative\"", TACIT_ERR_INVALID_ARGUMENT},
                {"\"javascript:alert(1)\"", TACIT_ERR_INVALID_ARGUMENT},
                {"\"https://user:pw@a.example/\"", TACIT_ERR_INVALID_ARGUMENT},
                {"\"https://a.example/\\n\"", TACIT_ERR_INVALID_ARGUMENT},
                {"\"http://a.example/\"", TACIT_ERR_INSECURE_URL}};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char json[256];
            tacit_error error;
            snprintf(json, sizeof json, "{%s\"%s\":%s}", n == 0 ? "" : TOKEN ",", names[n],
                     rows[i].value);

            assert_null(parse(json, NULL, &error));

            if (error.status != rows[i].status || !strstr(error.message, names[n])) {
                fail_msg("%s: %s %s", json, tacit_status_name(error.status), error.message);
            }
        }
    }
}

static void only_true_promises_iss(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool sends;
    } rows[] = {
        {"{" TOKEN "}", false},
        {"{" TOKEN ",\"authorization_response_iss_parameter_supported\":true}", true},
        {"{" TOKEN ",\"authorization_response_iss_parameter_supported\":false}", false},
        {"{" TOKEN ",\"authorization_response_iss_parameter_supported\":\"true\"}", false},
        {"{" TOKEN ",\"authorization_response_iss_parameter_supported\":1}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_metadata *metadata = parse(rows[i].json, NULL, NULL);

        assert_non_null(metadata);
        assert_int_equal(ti_metadata_sends_iss(metadata), rows[i].sends);
        ti_metadata_unref(metadata);
    }
}

static void each_member_makes_a_difference(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{" TOKEN "}",
        "{" NAMED TOKEN "}",
        "{\"token_endpoint\":\"https://as.example.com/other\"}",
        "{" TOKEN ",\"authorization_endpoint\":\"https://as.example.com/a\"}",
        "{" TOKEN ",\"device_authorization_endpoint\":\"https://as.example.com/a\"}",
        "{" TOKEN ",\"revocation_endpoint\":\"https://as.example.com/a\"}",
        "{" TOKEN ",\"end_session_endpoint\":\"https://as.example.com/a\"}",
        "{" TOKEN ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}",
        "{" TOKEN ",\"token_endpoint_auth_methods_supported\":[\"none\"]}",
        "{" TOKEN ",\"authorization_response_iss_parameter_supported\":true}",
        "{" TOKEN ",\"dialect\":{}}",
        "{" TOKEN ",\"dialect\":{\"sliding_header\":\"X-Token\"}}",
    };
    const size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++) {
        ti_metadata *a = parse(texts[i], NULL, NULL);
        assert_non_null(a);
        for (size_t j = 0; j < count; j++) {
            ti_metadata *b = parse(texts[j], NULL, NULL);
            assert_int_equal(ti_metadata_equal(a, b), i == j);
            ti_metadata_unref(b);
        }
        ti_metadata_unref(a);
    }
}

/* A server that could send one would say where tokens go, and how. */
static void a_dialect_is_the_apps_word_only(void **state) {
    (void)state;
    static const char *const dialects[] = {
        "{\"sign_in\":{\"url\":\"https://evil.example/\"}}",
        "{\"refresh\":{\"send\":\"query\",\"allow_refresh_token_in_url\":true}}",
        "{\"sliding_header\":\"X-Token\"}", "\"nonsense\"", "{}"};
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        char json[256];
        tacit_error error;
        snprintf(json, sizeof json, "{" NAMED TOKEN ",\"dialect\":%s}", dialects[i]);

        ti_metadata *metadata = parse(json, ISSUER, &error);

        if (!metadata) fail_msg("%s: %s", json, error.message);
        assert_null(ti_metadata_dialect(metadata));
        ti_metadata_unref(metadata);
    }
    assert_null(parse("{" NAMED "\"dialect\":{\"sliding_header\":\"X-Token\"}}", ISSUER, NULL));
}

/* The text need not end with a NUL, and may hold more than the metadata's size says. */
static void the_size_is_what_counts(void **state) {
    (void)state;
    static const char text[] = "{" NAMED TOKEN "} trailing";

    ti_metadata *metadata =
        ti_metadata_parse(text, strlen(text) - strlen(" trailing"), ISSUER, NULL);

    assert_non_null(metadata);
    assert_null(ti_metadata_parse(text, strlen(text), ISSUER, NULL));
    ti_metadata_unref(metadata);
}

static void lives_as_long_as_a_reference(void **state) {
    (void)state;
    ti_metadata *metadata = parse("{" NAMED TOKEN "}", ISSUER, NULL);

    assert_ptr_equal(ti_metadata_ref(metadata), metadata);
    ti_metadata_unref(metadata);

    assert_string_equal(ti_metadata_issuer(metadata), ISSUER);
    ti_metadata_unref(metadata);
    ti_metadata_unref(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_wanted_issuer_is_taken),
        cmocka_unit_test(a_slash_too_many_or_too_few_is_named),
        cmocka_unit_test(each_endpoint_has_to_be_a_url),
        cmocka_unit_test(only_true_promises_iss),
        cmocka_unit_test(each_member_makes_a_difference),
        cmocka_unit_test(a_dialect_is_the_apps_word_only),
        cmocka_unit_test(the_size_is_what_counts),
        cmocka_unit_test(lives_as_long_as_a_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
