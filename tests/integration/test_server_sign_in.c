/* The test server: metadata, authorization codes, device codes and ID tokens. */
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
#define AUTHORIZE                                                                                  \
    "/authorize?response_type=code&client_id=test-client&redirect_uri=" ESCAPED_URI                \
    "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define DEVICE_GRANT "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
#define OPENID "/.well-known/openid-configuration"
#define OAUTH "/.well-known/oauth-authorization-server"

/* The form is what it begins with, and the value at its end. */
static reply ask_form(ts_server *server, const char *path, const char *begin, const char *value) {
    char form[1024];

    assert_in_range(snprintf(form, sizeof form, "%s%s", begin, value), 0, sizeof form - 1);
    return ask(server, path, NULL, form);
}

static void assert_error(reply reply, const char *error) {
    char *given = json_member(reply.body, "error");

    assert_non_null(given);
    assert_string_equal(given, error);
    free(given);
    assert_status(reply, 400);
}

/* ------------------------------------------------------------------ metadata */

static void assert_member(const char *json, const char *name, const char *value) {
    char *given = json_member(json, name);

    if (!given || strcmp(given, value) != 0) fail_msg("%s is %s", name, given ? given : "(none)");
    free(given);
}

static void metadata_names_what_there_is(void **state) {
    ts_server *server = start_server(state, NULL);

    reply openid = ask(server, OPENID, NULL, NULL), oauth = ask(server, OAUTH, NULL, NULL);

    assert_string_equal(openid.body, oauth.body);
    assert_string_equal(openid.body, server_provider_json(server));
    assert_member(openid.body, "issuer", server_url(server, ""));
    assert_member(openid.body, "authorization_endpoint", server_url(server, "/authorize"));
    assert_member(openid.body, "token_endpoint", server_url(server, "/token"));
    assert_member(openid.body, "device_authorization_endpoint", server_url(server, "/device"));
    assert_member(openid.body, "revocation_endpoint", server_url(server, "/revoke"));
    assert_member(openid.body, "end_session_endpoint", server_url(server, "/logout"));
    assert_non_null(strstr(openid.body, "\"authorization_response_iss_parameter_supported\":true"));
    assert_non_null(strstr(openid.body, "\"code_challenge_methods_supported\":[\"S256\"]"));
    assert_header(openid, 200, "Content-Type: application/json");
    assert_status(oauth, 200);
    assert_int_equal(server_counters(server).metadata_requests, 2);
    assert_int_equal(server_record_count(server, TS_METADATA), 2);
}

static reply ask_if_none_match(ts_server *server, const char *etag) {
    CURL *curl = curl_easy_init();
    char line[128];

    snprintf(line, sizeof line, "If-None-Match: %s", etag);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    reply reply = {.body = calloc(1, 1), .headers = calloc(1, 1)};
    curl_easy_setopt(curl, CURLOPT_URL, server_url(server, OPENID));
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, NULL);
    FILE *nowhere = fopen("/dev/null", "w");
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, nowhere);
    reply.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_off_t size = -1;
    curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &size);
    reply.body_size = (size_t)size;
    fclose(nowhere);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

static void unchanged_metadata_is_not_sent_again(void **state) {
    ts_server *server = start_server(state, NULL);
    reply first = ask(server, OPENID, NULL, NULL);
    char etag[64];
    const char *header = strstr(first.headers, "ETag: ");

    assert_non_null(header);
    assert_int_equal(sscanf(header, "ETag: %63s", etag), 1);
    reply_free(&first);

    reply same = ask_if_none_match(server, etag);
    assert_int_equal(same.body_size, 0);
    assert_status(same, 304);
    assert_status(ask_if_none_match(server, "\"other\""), 200);
    ts_options options = server_options(server);
    options.metadata_members = "{\"token_endpoint\":\"https://elsewhere.example/\"}";
    server_configure(server, &options);
    assert_status(ask_if_none_match(server, etag), 200);
    assert_int_equal(server_counters(server).metadata_unchanged, 1);
}

static void metadata_is_what_the_options_make_of_it(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.no_openid_configuration = true;
    options.no_callback_iss = true;
    options.metadata_members = "{\"device_authorization_endpoint\":null,\"extra\":\"more\"}";
    ts_server *server = start_server(state, &options);

    reply oauth = ask(server, OAUTH, NULL, NULL);

    assert_null(strstr(oauth.body, "device_authorization_endpoint"));
    assert_null(strstr(oauth.body, "iss_parameter"));
    assert_member(oauth.body, "extra", "more");
    assert_status(oauth, 200);
    assert_status(ask(server, OPENID, NULL, NULL), 404);
    assert_status(ask(server, OAUTH, NULL, "a=b"), 405);
    options.no_openid_configuration = false;
    options.no_oauth_metadata = true;
    server_configure(server, &options);
    assert_status(ask(server, OPENID, NULL, NULL), 200);
    assert_status(ask(server, OAUTH, NULL, NULL), 404);
}

static void issuer_with_a_path_has_metadata_of_its_own(void **state) {
    ts_server *server = start_server(state, NULL);

    assert_status(ask(server, "/tenant" OPENID, NULL, NULL), 404);
    assert_status(ask(server, OAUTH "/tenant", NULL, NULL), 404);
    ts_options options = server_options(server);
    options.issuer = server_url(server, "/tenant");
    server_configure(server, &options);

    reply openid = ask(server, "/tenant" OPENID, NULL, NULL);
    assert_member(openid.body, "issuer", server_url(server, "/tenant"));
    assert_status(openid, 200);
    assert_status(ask(server, OAUTH "/tenant", NULL, NULL), 200);
    assert_status(ask(server, OAUTH "/other", NULL, NULL), 404);
    assert_status(ask(server, "/other" OPENID, NULL, NULL), 404);
}

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
    json_t *claims = json_loadb(plain, strlen(plain), JSON_DISABLE_EOF_CHECK, NULL);
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

/* ------------------------------------------------------------------ devices */

/* The device code; yours. */
static char *begin_device(ts_server *server) {
    reply reply = ask(server, "/device", NULL, "client_id=test-client&scope=openid");
    char *code = json_member(reply.body, "device_code");

    assert_status(reply, 200);
    assert_non_null(code);
    return code;
}

static reply poll(ts_server *server, const char *device_code) {
    return ask_form(server, "/token",
                    DEVICE_GRANT "&client_id=test-client&device_code=", device_code);
}

/* So that polls one after the other are not too fast. */
static ts_options without_interval(void) {
    ts_options options = TS_OPTIONS_INIT;
    options.device_interval = "0";
    return options;
}

static void device_signs_in_when_its_user_has_said_yes(void **state) {
    ts_options options = without_interval();
    ts_server *server = start_server(state, &options);
    char *code = begin_device(server), *user_code = server_newest_user_code(server);

    assert_error(poll(server, code), "authorization_pending");
    assert_true(server_device_approve(server, user_code));
    json_t *claims = claims_of(poll(server, code));
    assert_string_equal(claim(claims, "sub"), "alice");
    assert_error(poll(server, code), "invalid_grant");
    assert_false(server_device_approve(server, user_code));
    assert_false(server_device_approve(server, "none"));
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.device_polls, 3);
    assert_int_equal(counters.device_polls_too_fast, 0);
    assert_int_equal(counters.device_grants, 1);
    assert_int_equal(counters.live_refresh_tokens, 1);
    json_decref(claims);
    free(user_code);
    free(code);
}

static void device_answer_is_that_of_the_rfc(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    ts_server *server = start_server(state, &options);
    char complete[256];

    reply reply = ask(server, "/device", NULL, "client_id=test-client");
    char *user_code = server_newest_user_code(server);

    snprintf(complete, sizeof complete, "%s?user_code=%s", server_url(server, "/activate"),
             user_code);
    assert_member(reply.body, "user_code", user_code);
    assert_member(reply.body, "verification_uri", server_url(server, "/activate"));
    assert_member(reply.body, "verification_uri_complete", complete);
    assert_non_null(strstr(reply.body, "\"expires_in\":600"));
    assert_non_null(strstr(reply.body, "\"interval\":5"));
    assert_status(reply, 200);
    assert_status(ask(server, "/device", NULL, "client_id=other"), 401);
    assert_status(ask(server, "/device", NULL, NULL), 405);
    options.device_interval = "\"junk\"";
    options.device_members = "{\"verification_uri_complete\":null,\"verification_url\":\"u\"}";
    server_configure(server, &options);
    reply = ask(server, "/device", NULL, "client_id=test-client");
    assert_non_null(strstr(reply.body, "\"interval\":\"junk\""));
    assert_null(strstr(reply.body, "complete"));
    assert_member(reply.body, "verification_url", "u");
    assert_status(reply, 200);
    options.device_interval = "";
    server_configure(server, &options);
    reply = ask(server, "/device", NULL, "client_id=test-client");
    assert_null(strstr(reply.body, "interval"));
    assert_status(reply, 200);
    free(user_code);
}

static void denied_and_expired_devices_are_told_so(void **state) {
    ts_options options = without_interval();
    ts_server *server = start_server(state, &options);
    char *denied = begin_device(server), *user_code = server_newest_user_code(server);

    assert_true(server_device_deny(server, user_code));
    assert_error(poll(server, denied), "access_denied");
    options.device_expires_in_s = -1;
    server_configure(server, &options);
    char *expired = begin_device(server);
    assert_error(poll(server, expired), "expired_token");
    assert_error(poll(server, "unknown"), "invalid_grant");
    assert_int_equal(server_counters(server).live_access_tokens, 0);
    free(expired);
    free(user_code);
    free(denied);
}

static void polls_too_fast_are_slowed_down(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.device_interval = "60";
    ts_server *server = start_server(state, &options);
    char *code = begin_device(server), *user_code = server_newest_user_code(server);

    assert_error(poll(server, code), "authorization_pending");
    assert_true(server_device_approve(server, user_code));
    assert_error(poll(server, code), "slow_down");
    assert_error(poll(server, code), "slow_down");
    assert_int_equal(server_counters(server).device_polls_too_fast, 2);
    free(user_code);
    free(code);
}

/* With an interval of 0 only what the slow_down added makes the next poll too fast. */
static void slow_down_makes_the_interval_longer(void **state) {
    ts_options options = without_interval();
    ts_server *server = start_server(state, &options);
    char *code = begin_device(server);

    assert_error(poll(server, code), "authorization_pending");
    server_device_slow_down(server, 1);
    assert_error(poll(server, code), "slow_down");
    assert_int_equal(server_counters(server).device_polls_too_fast, 0);
    assert_error(poll(server, code), "slow_down");
    assert_int_equal(server_counters(server).device_polls_too_fast, 1);
    free(code);
}

/* ------------------------------------------------------------------ the rest */

static void logout_says_what_it_was_asked(void **state) {
    ts_server *server = start_server(state, NULL);

    reply reply = ask(server, "/logout?id_token_hint=a.b.c&post_logout_redirect_uri=app%3A%2Fout",
                      NULL, NULL);

    assert_member(reply.body, "id_token_hint", "a.b.c");
    assert_member(reply.body, "post_logout_redirect_uri", "app:/out");
    assert_status(reply, 200);
    assert_int_equal(server_record_count(server, TS_OTHER), 1);
}

static void other_processes_are_the_user_too(void **state) {
    ts_server *server = start_server(state, NULL);
    char *code, *user_code, approve[64];

    assert_status(ask(server, "/__control", NULL,
                      "{\"options\":{\"device_interval\":\"0\",\"no_id_token\":true},"
                      "\"device_slow_down\":1}"),
                  200);
    code = begin_device(server);
    user_code = server_newest_user_code(server);
    assert_error(poll(server, code), "slow_down");
    assert_error(ask(server, "/__control", NULL, "{\"device_deny\":\"nobody's\"}"), "device_deny");
    snprintf(approve, sizeof approve, "{\"device_approve\":\"%s\"}", user_code);
    assert_status(ask(server, "/__control", NULL, approve), 200);
    reply counters = ask(server, "/__control", NULL, NULL);
    assert_non_null(strstr(counters.body, "\"device_polls\":1"));
    assert_status(counters, 200);
    assert_status(ask(server, "/__control", NULL,
                      "{\"fault\":{\"part\":\"device\",\"kind\":\"answer\",\"status\":502}}"),
                  200);
    assert_status(ask(server, "/device", NULL, "client_id=test-client"), 502);
    free(user_code);
    free(code);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, stop_server)
        TEST(metadata_names_what_there_is),
        TEST(unchanged_metadata_is_not_sent_again),
        TEST(metadata_is_what_the_options_make_of_it),
        TEST(issuer_with_a_path_has_metadata_of_its_own),
        TEST(new_parts_have_faults_and_gates),
        TEST(callback_has_code_state_and_issuer),
        TEST(callback_is_what_the_options_make_of_it),
        TEST(wrong_authorization_requests_are_refused),
        TEST(code_is_redeemed_once),
        TEST(code_is_for_one_client_address_and_verifier),
        TEST(code_gives_an_id_token_with_its_nonce),
        TEST(refresh_gives_an_id_token_without_nonce),
        TEST(id_token_needs_openid_and_a_user),
        TEST(id_token_is_what_the_options_make_of_it),
        TEST(device_signs_in_when_its_user_has_said_yes),
        TEST(device_answer_is_that_of_the_rfc),
        TEST(denied_and_expired_devices_are_told_so),
        TEST(polls_too_fast_are_slowed_down),
        TEST(slow_down_makes_the_interval_longer),
        TEST(logout_says_what_it_was_asked),
        TEST(other_processes_are_the_user_too),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
