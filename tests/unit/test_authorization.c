#include "oauth/authorization.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://as.example"
#define REDIRECT "http://127.0.0.1:5555/back"

typedef struct scene {
    ti_metadata *metadata;
    ti_authorization authorization;
} scene;

static ti_metadata *metadata_with(const char *members) {
    char json[512];
    tacit_error error;
    ti_metadata *metadata;

    snprintf(json, sizeof json, "{\"token_endpoint\":\"https://as.example/token\"%s}", members);
    metadata = ti_metadata_parse(json, strlen(json), NULL, &error);
    if (metadata == NULL) fail_msg("%s", error.message);
    return metadata;
}

static scene begin(const char *members) {
    scene s = {.metadata = metadata_with(members)};

    assert_true(ti_authorization_begin(&s.authorization, s.metadata, REDIRECT, NULL));
    return s;
}

static void end(scene *s) {
    ti_authorization_end(&s->authorization);
    ti_metadata_unref(s->metadata);
}

/* --- the request --- */

#define AT(url) ",\"authorization_endpoint\":\"" url "\""

/* The value of the parameter as it stands in the URL, or NULL. */
static const char *value_of(const char *url, const char *name) {
    static char value[512];
    char marked[80];
    const char *found;

    snprintf(marked, sizeof marked, "%s=", name);
    for (found = strpbrk(url, "?&"); found != NULL; found = strpbrk(found + 1, "?&")) {
        if (strncmp(found + 1, marked, strlen(marked)) != 0) continue;
        found += 1 + strlen(marked);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(found, "&"), found);
        return value;
    }
    return NULL;
}

static void assert_value(const char *url, const char *name, const char *expected) {
    const char *value = value_of(url, name);

    if (value == NULL || strcmp(value, expected) != 0)
        fail_msg("%s is %s, not %s", name, value != NULL ? value : "missing", expected);
}

static void the_url_has_what_the_server_needs(void **state) {
    static const char *const params[] = {"prompt=consent", "audience=https://api", "empty=", NULL};
    scene s = begin(AT("https://as.example/authorize"));
    ti_authorization_request request = {.client_id = "the client",
                                        .scope = "openid a:b",
                                        .resource = "https://api.example/",
                                        .params = params};
    char challenge[TI_PKCE_SIZE], *url;

    (void)state;
    url = ti_authorization_url(&s.authorization, s.metadata, &request, NULL);
    assert_non_null(url);
    assert_true(ti_pkce_challenge(s.authorization.verifier, challenge));

    assert_memory_equal(url, "https://as.example/authorize?", 29);
    assert_value(url, "response_type", "code");
    assert_value(url, "client_id", "the+client");
    assert_value(url, "redirect_uri", "http%3A%2F%2F127.0.0.1%3A5555%2Fback");
    assert_value(url, "scope", "openid+a%3Ab");
    assert_value(url, "state", s.authorization.state);
    assert_value(url, "nonce", s.authorization.nonce);
    assert_value(url, "code_challenge", challenge);
    assert_value(url, "code_challenge_method", "S256");
    assert_value(url, "resource", "https%3A%2F%2Fapi.example%2F");
    assert_value(url, "prompt", "consent");
    assert_value(url, "audience", "https%3A%2F%2Fapi");
    assert_value(url, "empty", "");
    assert_null(strstr(url, s.authorization.verifier));
    free(url);
    end(&s);
}

static void what_was_not_asked_for_is_left_out(void **state) {
    scene s = begin(AT("https://as.example/authorize"));
    ti_authorization_request request = {.client_id = "c"};
    char *url = ti_authorization_url(&s.authorization, s.metadata, &request, NULL);

    (void)state;
    assert_non_null(url);
    assert_null(value_of(url, "scope"));
    assert_null(value_of(url, "nonce"));
    assert_null(value_of(url, "resource"));
    free(url);
    end(&s);
}

static void the_nonce_goes_with_openid_alone(void **state) {
    static const struct {
        const char *scope;
        bool openid;
    } rows[] = {{"openid", true},
                {"a openid", true},
                {"openid a", true},
                {"a  openid b", true},
                {"a", false},
                {"", false},
                {"openid2", false},
                {"openidopenid", false},
                {"xopenid openi", false},
                {NULL, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ti_authorization_is_openid(rows[i].scope) != rows[i].openid)
            fail_msg("\"%s\"", rows[i].scope);
}

/* RFC 6749 section 3.1 */
static void the_endpoints_own_query_stays(void **state) {
    static const struct {
        const char *members, *start;
    } rows[] = {
        {AT("https://as.example/a?tenant=x"), "https://as.example/a?tenant=x&response_type="},
        {AT("https://as.example/a?tenant=x&"), "https://as.example/a?tenant=x&response_type="},
        {AT("https://as.example/a?"), "https://as.example/a?response_type="},
        {AT("https://as.example/a#f"), "https://as.example/a?response_type="},
        {AT("https://as.example"), "https://as.example/?response_type="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s = begin(rows[i].members);
        ti_authorization_request request = {.client_id = "c"};
        char *url = ti_authorization_url(&s.authorization, s.metadata, &request, NULL);

        if (strncmp(url, rows[i].start, strlen(rows[i].start)) != 0) fail_msg("%s", url);
        free(url);
        end(&s);
    }
}

static void without_an_endpoint_there_is_no_url(void **state) {
    scene s = begin("");
    ti_authorization_request request = {.client_id = "c"};
    tacit_error error;

    (void)state;
    assert_null(ti_authorization_url(&s.authorization, s.metadata, &request, &error));
    assert_int_equal(error.status, TACIT_ERR_UNSUPPORTED);
    end(&s);
}

static void each_sign_in_draws_its_own_values(void **state) {
    scene a = begin(""), b = begin("");

    (void)state;
    assert_string_not_equal(a.authorization.state, b.authorization.state);
    assert_string_not_equal(a.authorization.verifier, b.authorization.verifier);
    assert_string_not_equal(a.authorization.nonce, b.authorization.nonce);
    assert_string_not_equal(a.authorization.nonce, a.authorization.state);
    assert_string_not_equal(a.authorization.verifier, a.authorization.state);
    end(&a);
    end(&b);
}

/* --- what comes back --- */

/* %S is the state. */
static ti_callback read_callback(const scene *s, const char *format, ti_secret **code,
                                 tacit_error *error) {
    char query[2048];
    size_t used = 0;

    for (const char *c = format; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 'S') {
            used +=
                (size_t)snprintf(query + used, sizeof query - used, "%s", s->authorization.state);
            c++;
        } else {
            query[used++] = *c;
        }
    }
    return ti_authorization_read(&s->authorization, query, used, code, error);
}

#define NAMED ",\"issuer\":\"" ISSUER "\""
#define PROMISED NAMED ",\"authorization_response_iss_parameter_supported\":true"
#define ISS "&iss=https%3A%2F%2Fas.example"

static void callbacks_are_told_apart(void **state) {
    static const struct {
        const char *members, *query;
        ti_callback expected;
        tacit_status status;
        const char *why;
    } rows[] = {
        {"", "code=abc&state=%S", TI_CALLBACK_CODE, TACIT_OK, "as it should be"},
        {"", "state=%S&code=abc&session_state=x&x=1&x=2", TI_CALLBACK_CODE, TACIT_OK,
         "unknown parameters, even twice"},
        {"", "&&state=%S&&code=abc&", TI_CALLBACK_CODE, TACIT_OK, "empty pairs"},
        {"", "%73tate=%S&c%6fde=abc", TI_CALLBACK_CODE, TACIT_OK, "encoded names"},
        {NAMED, "code=abc&state=%S", TI_CALLBACK_CODE, TACIT_OK, "no iss, and none was promised"},
        {NAMED, "code=abc&state=%S" ISS, TI_CALLBACK_CODE, TACIT_OK, "the right iss"},
        {PROMISED, "code=abc&state=%S" ISS, TI_CALLBACK_CODE, TACIT_OK, "the promised iss"},
        {"", "code=abc&state=%S" ISS, TI_CALLBACK_CODE, TACIT_OK, "nothing to compare iss with"},

        {"", "", TI_CALLBACK_OTHER, TACIT_OK, "nothing"},
        {"", "code=abc", TI_CALLBACK_OTHER, TACIT_OK, "no state"},
        {"", "code=abc&state=", TI_CALLBACK_OTHER, TACIT_OK, "an empty state"},
        {"", "code=abc&state", TI_CALLBACK_OTHER, TACIT_OK, "a state without a value"},
        {"", "code=abc&state=%Sx", TI_CALLBACK_OTHER, TACIT_OK, "more than the state"},
        {"", "code=abc&state=x%S", TI_CALLBACK_OTHER, TACIT_OK, "another state"},
        {"", "code=abc&STATE=%S", TI_CALLBACK_OTHER, TACIT_OK, "another parameter"},
        {"", "code=abc&state=%S%00", TI_CALLBACK_OTHER, TACIT_OK, "a NUL behind the state"},
        {"", "code=abc&state=%S&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "state twice"},
        {"", "code=abc&code=abc&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "code twice"},
        {"", "error=a&error=b&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "error twice"},
        {NAMED, "code=abc&state=%S" ISS ISS, TI_CALLBACK_OTHER, TACIT_OK, "iss twice"},
        {"", "state=%S", TI_CALLBACK_OTHER, TACIT_OK, "no code"},
        {"", "code=&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "an empty code"},
        {"", "code=a%0Ab&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "a code with a line end"},
        {"", "code=a%00b&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "a code with a NUL"},
        {"", "code=%C3%A4&state=%S", TI_CALLBACK_OTHER, TACIT_OK, "a code beyond ASCII"},
        {"", "error=access_denied&state=x", TI_CALLBACK_OTHER, TACIT_OK, "another's refusal"},

        {"", "error=access_denied&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_ACCESS_DENIED,
         "the user said no"},
        {"", "error=invalid_scope&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_OAUTH, "an error"},
        {"", "error=&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_OAUTH, "an error without a code"},
        {"", "error=x&code=abc&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_OAUTH, "both"},
        {PROMISED, "code=abc&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_PROTOCOL, "no iss"},
        {PROMISED, "error=access_denied&state=%S", TI_CALLBACK_REFUSED, TACIT_ERR_PROTOCOL,
         "a refusal without iss"},
        {NAMED, "code=abc&state=%S&iss=https%3A%2F%2Fevil.example", TI_CALLBACK_REFUSED,
         TACIT_ERR_PROTOCOL, "another's iss"},
        {NAMED, "code=abc&state=%S&iss=https%3A%2F%2Fas.example%2F", TI_CALLBACK_REFUSED,
         TACIT_ERR_PROTOCOL, "an iss with a slash more"},
        {NAMED, "code=abc&state=%S&iss=", TI_CALLBACK_REFUSED, TACIT_ERR_PROTOCOL, "an empty iss"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s = begin(rows[i].members);
        tacit_error error = TACIT_ERROR_INIT;
        ti_secret *code;
        ti_callback callback = read_callback(&s, rows[i].query, &code, &error);

        if (callback != rows[i].expected || error.status != rows[i].status)
            fail_msg("%s: %d %s", rows[i].why, callback, tacit_status_name(error.status));
        if (callback == TI_CALLBACK_CODE)
            assert_string_equal(ti_secret_data(code), "abc");
        else
            assert_null(code);
        ti_secret_unref(code);
        end(&s);
    }
}

static void a_code_is_decoded(void **state) {
    scene s = begin("");
    ti_secret *code;

    (void)state;
    assert_int_equal(read_callback(&s, "code=4%2F0A-+%zz%&state=%S", &code, NULL),
                     TI_CALLBACK_CODE);
    assert_string_equal(ti_secret_data(code), "4/0A- %zz%");
    ti_secret_unref(code);
    end(&s);
}

/* Nothing that a terminal obeys, and never more than fits. */
static void a_servers_words_are_cleaned(void **state) {
    scene s = begin("");
    tacit_error error;
    ti_secret *code;
    char query[1024] = "state=%S&error_description=%1B%5B2J%0D%0Aline+two%C2%9B&error=";

    (void)state;
    memset(query + strlen(query), 'e', 300);
    assert_int_equal(read_callback(&s, query, &code, &error), TI_CALLBACK_REFUSED);

    assert_string_equal(error.oauth_error_description, " [2J  line two  ");
    assert_int_equal(strlen(error.oauth_error), sizeof error.oauth_error - 1);
    assert_int_equal(error.status, TACIT_ERR_OAUTH);
    end(&s);
}

static void trouble_that_passes_can_be_tried_again(void **state) {
    scene s = begin("");
    tacit_error error;
    ti_secret *code;

    (void)state;
    read_callback(&s, "state=%S&error=temporarily_unavailable", &code, &error);
    assert_true(error.retryable);
    read_callback(&s, "state=%S&error=invalid_request", &code, &error);
    assert_false(error.retryable);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_url_has_what_the_server_needs),
        cmocka_unit_test(what_was_not_asked_for_is_left_out),
        cmocka_unit_test(the_nonce_goes_with_openid_alone),
        cmocka_unit_test(the_endpoints_own_query_stays),
        cmocka_unit_test(without_an_endpoint_there_is_no_url),
        cmocka_unit_test(each_sign_in_draws_its_own_values),
        cmocka_unit_test(callbacks_are_told_apart),
        cmocka_unit_test(a_code_is_decoded),
        cmocka_unit_test(a_servers_words_are_cleaned),
        cmocka_unit_test(trouble_that_passes_can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
