/* The test server: authorization codes and ID tokens. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT_URI "http://127.0.0.1:9/callback"
#define ESCAPED_URI "http%3A%2F%2F127.0.0.1%3A9%2Fcallback"
#define OPENID "/.well-known/openid-configuration"
#define AUTHORIZE                                                                                  \
    "/authorize?response_type=code&client_id=test-client&redirect_uri=" ESCAPED_URI                \
    "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

/* ------------------------------------------------------------------ codes */

/* Of the Location header; yours, decoded. NULL: none. */
static char *location_param(const char *headers, const char *name) {
    const char *location = strstr(headers, "Location: "), *end = location;
    char wanted[64];
    int size = 0;

    assert_non_null(location);
    while (*end && *end != '\r') end++;
    snprintf(wanted, sizeof wanted, "%s=", name);
    for (const char *at = location; at && at < end; at = strpbrk(at + 1, "?&")) {
        if (strncmp(at + 1, wanted, strlen(wanted)) != 0) continue;
        at += 1 + strlen(wanted);
        char *decoded = curl_easy_unescape(NULL, at, (int)strcspn(at, "&\r"), &size);
        char *copy = strdup(decoded);
        curl_free(decoded);
        return copy;
    }
    return NULL;
}

static void assert_callback(reply reply, const char *name, const char *value) {
    char *given = location_param(reply.headers, name);

    if (value) {
        assert_non_null(given);
        assert_string_equal(given, value);
    } else {
        assert_null(given);
    }
    free(given);
    assert_status(reply, 302);
}

static char *new_code(ts_server *server, const char *more) {
    char path[1024];

    snprintf(path, sizeof path, "%s%s", AUTHORIZE, more);
    reply reply = ask(server, path, NULL, NULL);
    char *code = location_param(reply.headers, "code");
    assert_status(reply, 302);
    assert_non_null(code);
    return code;
}

#define REDEEM                                                                                     \
    "grant_type=authorization_code&client_id=test-client&redirect_uri=" ESCAPED_URI                \
    "&code_verifier=" VERIFIER "&code="

static void callback_has_code_state_and_issuer(void **state) {
    ts_server *server = start_server(state, NULL);

    assert_callback(ask(server, AUTHORIZE "&state=a%26b", NULL, NULL), "state", "a&b");
    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "iss", server_url(server, ""));
    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "state", NULL);
    reply reply = ask(server, AUTHORIZE, NULL, NULL);
    assert_non_null(strstr(reply.headers, "Location: " REDIRECT_URI "?code="));
    assert_status(reply, 302);
    ts_record record;
    assert_true(server_record(server, TS_AUTHORIZE, 0, &record));
    assert_non_null(strstr(record.query, "state=a&b\n"));
    server_record_free(&record);
}

static void callback_is_what_the_options_make_of_it(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.no_callback_iss = true;
    options.callback_params = "&state=wrong";
    ts_server *server = start_server(state, &options);

    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "iss", NULL);
    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "state", "wrong");
    options.authorize_error = "access_denied";
    server_configure(server, &options);
    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "error", "access_denied");
    assert_callback(ask(server, AUTHORIZE, NULL, NULL), "code", NULL);
}

static void wrong_authorization_requests_are_refused(void **state) {
    static const struct {
        const char *path, *error; /* error NULL: no redirect */
    } wrong[] = {
        {"/authorize?response_type=code&redirect_uri=" ESCAPED_URI, NULL},
        {"/authorize?response_type=code&client_id=other&redirect_uri=" ESCAPED_URI, NULL},
        {"/authorize?response_type=code&client_id=test-client", NULL},
        {"/authorize?response_type=code&client_id=test-client&redirect_uri=nowhere", NULL},
        {"/authorize?response_type=token&client_id=test-client&redirect_uri=" ESCAPED_URI,
         "unsupported_response_type"},
        {"/authorize?response_type=code&client_id=test-client&redirect_uri=" ESCAPED_URI,
         "invalid_request"},
        {"/authorize?response_type=code&client_id=test-client&redirect_uri=" ESCAPED_URI
         "&code_challenge=" CHALLENGE "&code_challenge_method=plain",
         "invalid_request"},
        {"/authorize?response_type=code&client_id=test-client&redirect_uri=" ESCAPED_URI
         "&code_challenge=short&code_challenge_method=S256",
         "invalid_request"},
    };
    ts_server *server = start_server(state, NULL);

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        reply reply = ask(server, wrong[i].path, NULL, NULL);
        if (wrong[i].error)
            assert_callback(reply, "error", wrong[i].error);
        else
            assert_error(reply, "invalid_request");
    }
}

static void code_is_redeemed_once(void **state) {
    ts_server *server = start_server(state, NULL);
    char *code = new_code(server, "&scope=read");

    tokens tokens = tokens_of(ask_form(server, "/token", REDEEM, code));

    assert_non_null(tokens.refresh);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_int_equal(server_counters(server).code_grants, 1);
    assert_error(ask_form(server, "/token", REDEEM, code), "invalid_grant");
    assert_status(ask(server, "/api/x", tokens.access, NULL), 401);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).code_replays, 1);
    assert_int_equal(server_counters(server).code_grants, 1);
    tokens_free(&tokens);
    free(code);
}

static void code_is_for_one_client_address_and_verifier(void **state) {
    static const char *const wrong[] = {
        "grant_type=authorization_code&client_id=test-client&code_verifier=" VERIFIER "&code=",
        "grant_type=authorization_code&client_id=test-client&redirect_uri=" ESCAPED_URI "&code=",
        "grant_type=authorization_code&client_id=test-client&redirect_uri=" ESCAPED_URI
        "%2F&code_verifier=" VERIFIER "&code=",
        "grant_type=authorization_code&client_id=test-client&redirect_uri=" ESCAPED_URI
        "&code_verifier=x" VERIFIER "&code=",
        "grant_type=authorization_code&client_id=test-client&redirect_uri=" ESCAPED_URI
        "&code_verifier=" VERIFIER "&code=x",
        "grant_type=authorization_code&client_id=other&redirect_uri=" ESCAPED_URI
        "&code_verifier=" VERIFIER "&code=",
    };
    ts_options options = TS_OPTIONS_INIT;
    options.client_id = NULL;
    ts_server *server = start_server(state, &options);
    char *code = new_code(server, "");

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_error(ask_form(server, "/token", wrong[i], code), "invalid_grant");
    }
    assert_error(ask(server, "/token", NULL, "grant_type=authorization_code&client_id=test-client"),
                 "invalid_request");
    assert_int_equal(server_counters(server).live_access_tokens, 0);
    assert_status(ask_form(server, "/token", REDEEM, code), 200);
    free(code);
}

/* ------------------------------------------------------------------ ID tokens */

/* The claims, yours; NULL: no ID token. Frees the reply. */
static json_t *claims_of(reply reply) {
    char *token = json_member(reply.body, "id_token");

    assert_status(reply, 200);
    if (!token) return NULL;
    char *payload = strchr(token, '.') + 1;
    payload[strcspn(payload, ".")] = '\0';
    char padded[2048], plain[2048];
    for (char *c = payload; *c; c++) *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    size_t size = (size_t)snprintf(padded, sizeof padded, "%s", payload);
    while (size % 4) padded[size++] = '=';
    int decoded = EVP_DecodeBlock((unsigned char *)plain, (unsigned char *)padded, (int)size);
    assert_true(decoded > 0);
    json_t *claims = json_loadb(plain, (size_t)decoded, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(claims);
    free(token);
    return claims;
}

static const char *claim(const json_t *claims, const char *name) {
    const char *text = json_string_value(json_object_get(claims, name));
    return text ? text : "";
}

static void code_gives_an_id_token_with_its_nonce(void **state) {
    ts_server *server = start_server(state, NULL);
    char *code = new_code(server, "&scope=read%20openid&nonce=n-1");
    json_int_t now_s = (json_int_t)time(NULL);

    json_t *claims = claims_of(ask_form(server, "/token", REDEEM, code));

    assert_non_null(claims);
    assert_string_equal(claim(claims, "iss"), server_url(server, ""));
    assert_string_equal(claim(claims, "sub"), "alice");
    assert_string_equal(claim(claims, "name"), "alice");
    assert_string_equal(claim(claims, "aud"), "test-client");
    assert_string_equal(claim(claims, "nonce"), "n-1");
    assert_in_range(json_integer_value(json_object_get(claims, "iat")), now_s, now_s + 20);
    assert_in_range(json_integer_value(json_object_get(claims, "exp")), now_s + 3600, now_s + 3620);
    json_decref(claims);
    free(code);
}

static reply ask_password(ts_server *server, const char *scope) {
    return ask_form(server, "/token",
                    "grant_type=password&client_id=test-client&username=alice"
                    "&password=wonderland&scope=",
                    scope);
}

static void refresh_gives_an_id_token_without_nonce(void **state) {
    ts_server *server = start_server(state, NULL);
    char *code = new_code(server, "&scope=openid&nonce=n-1");
    tokens tokens = tokens_of(ask_form(server, "/token", REDEEM, code));

    json_t *claims = claims_of(ask_refresh(server, tokens.refresh));

    assert_string_equal(claim(claims, "sub"), "alice");
    assert_null(json_object_get(claims, "nonce"));
    json_decref(claims);
    tokens_free(&tokens);
    free(code);
}

static void id_token_needs_openid_and_a_user(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    ts_server *server = start_server(state, &options);

    json_t *claims = claims_of(ask_password(server, "read%20openid"));
    assert_non_null(claims);
    json_decref(claims);
    assert_null(claims_of(ask_password(server, "openid2")));
    reply machine =
        ask(server, "/token", NULL,
            "grant_type=client_credentials&client_id=test-client&scope=openid%20offline_access");
    assert_null(strstr(machine.body, "refresh_token"));
    assert_null(claims_of(machine));
    options.no_id_token = true;
    server_configure(server, &options);
    assert_null(claims_of(ask_password(server, "openid")));
}

static void id_token_is_what_the_options_make_of_it(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.id_token_members = "{\"iss\":\"https://other.example\",\"exp\":null,\"azp\":\"b\"}";
    ts_server *server = start_server(state, &options);

    json_t *claims = claims_of(ask_password(server, "openid"));

    assert_string_equal(claim(claims, "iss"), "https://other.example");
    assert_string_equal(claim(claims, "azp"), "b");
    assert_null(json_object_get(claims, "exp"));
    json_decref(claims);
}

/* ------------------------------------------------------------------ the rest */

static void new_parts_have_faults_and_gates(void **state) {
    ts_server *server = start_server(state, NULL);
    background job = {.server = server, .path = OPENID};

    server_fail(server, TS_METADATA, 1, 500);
    server_captive_portal(server, TS_DEVICE, 1);
    server_close_connections(server, TS_AUTHORIZE, 1, false);
    assert_status(ask(server, OPENID, NULL, NULL), 500);
    assert_header(ask(server, "/device", NULL, "client_id=test-client"), 200, "text/html");
    assert_fails(ask(server, AUTHORIZE, NULL, NULL), CURLE_GOT_NOTHING);
    server_gate_close(server, TS_METADATA, TS_BEFORE_ANSWER);
    begin_request(&job);
    assert_true(server_gate_waiters(server, TS_METADATA, 1, PATIENCE_MS));
    server_gate_open(server, TS_METADATA);
    assert_status(finish_request(&job), 200);
    assert_status(ask(server, "/device", NULL, "client_id=test-client"), 200);
    assert_status(ask(server, AUTHORIZE, NULL, NULL), 302);
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.device_requests, 2);
    assert_int_equal(counters.authorize_requests, 2);
    assert_int_equal(counters.metadata_requests, 2);
}

static void logout_says_what_it_was_asked(void **state) {
    ts_server *server = start_server(state, NULL);

    reply reply = ask(server, "/logout?id_token_hint=a.b.c&post_logout_redirect_uri=app%3A%2Fout",
                      NULL, NULL);

    assert_member(reply.body, "id_token_hint", "a.b.c");
    assert_member(reply.body, "post_logout_redirect_uri", "app:/out");
    assert_status(reply, 200);
    assert_int_equal(server_record_count(server, TS_OTHER), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(callback_has_code_state_and_issuer, stop_server),
        cmocka_unit_test_teardown(callback_is_what_the_options_make_of_it, stop_server),
        cmocka_unit_test_teardown(wrong_authorization_requests_are_refused, stop_server),
        cmocka_unit_test_teardown(code_is_redeemed_once, stop_server),
        cmocka_unit_test_teardown(code_is_for_one_client_address_and_verifier, stop_server),
        cmocka_unit_test_teardown(code_gives_an_id_token_with_its_nonce, stop_server),
        cmocka_unit_test_teardown(refresh_gives_an_id_token_without_nonce, stop_server),
        cmocka_unit_test_teardown(id_token_needs_openid_and_a_user, stop_server),
        cmocka_unit_test_teardown(id_token_is_what_the_options_make_of_it, stop_server),
        cmocka_unit_test_teardown(new_parts_have_faults_and_gates, stop_server),
        cmocka_unit_test_teardown(logout_says_what_it_was_asked, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
