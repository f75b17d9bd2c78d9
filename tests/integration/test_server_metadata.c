/* The test server: metadata, and its ETag. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENID "/.well-known/openid-configuration"
#define OAUTH "/.well-known/oauth-authorization-server"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(metadata_names_what_there_is, stop_server),
        cmocka_unit_test_teardown(unchanged_metadata_is_not_sent_again, stop_server),
        cmocka_unit_test_teardown(metadata_is_what_the_options_make_of_it, stop_server),
        cmocka_unit_test_teardown(issuer_with_a_path_has_metadata_of_its_own, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
