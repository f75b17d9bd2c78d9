/* The test server: tokens, rotation and revocation. What it promises is what all other tests build on. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void api_wants_a_live_token(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);

    reply ok = ask(server, "/api/things", tokens.access, NULL);
    reply without = ask(server, "/api/things", NULL, NULL);
    reply wrong = ask(server, "/api/things", "nonsense", NULL);
    reply refresh_token = ask(server, "/api/things", tokens.refresh, NULL);

    assert_string_equal(ok.body, "{\"ok\":true}");
    assert_status(ok, 200);
    assert_null(strstr(without.headers, "error="));
    assert_header(without, 401, "WWW-Authenticate: Bearer realm=\"api\"");
    assert_header(wrong, 401, "error=\"invalid_token\"");
    assert_status(refresh_token, 401);
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.api_requests, 4);
    assert_true(server_wait_counter(server, TS_COUNTER(api_401), 3, PATIENCE_MS));
    assert_int_equal(counters.password_grants, 1);
    assert_int_equal(counters.live_access_tokens, 1);
    tokens_free(&tokens);
}

static void access_token_ends_with_its_lifetime(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.access_lifetime_ms = 0;
    ts_server *server = start_server(state, &options);
    char *access;
    char *refresh = server_sign_in(server, "alice", NULL, &access);

    assert_status(ask(server, "/api/x", access, NULL), 401);
    assert_int_equal(server_counters(server).live_access_tokens, 0);
    assert_true(server_refresh_token_is_live(server, refresh));
    free(access);
    free(refresh);
}

static void refresh_rotates_and_both_access_tokens_live(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens first = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_non_null(second.refresh);
    assert_string_not_equal(second.refresh, first.refresh);
    assert_string_not_equal(second.access, first.access);
    assert_status(ask(server, "/api/x", first.access, NULL), 200);
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    assert_false(server_refresh_token_is_live(server, first.refresh));
    assert_true(server_refresh_token_is_live(server, second.refresh));
    char *newest = server_newest_refresh_token(server);
    assert_string_equal(newest, second.refresh);
    free(newest);
    tokens_free(&first);
    tokens_free(&second);
}

static void reuse_of_a_spent_token_revokes_the_family(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens first = sign_in(server), other = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    reply reused = ask_refresh(server, first.refresh);

    assert_string_equal(reused.body, "{\"error\":\"invalid_grant\"}");
    assert_status(reused, 400);
    assert_status(ask_refresh(server, second.refresh), 400);
    assert_status(ask(server, "/api/x", second.access, NULL), 401);
    assert_status(ask(server, "/api/x", other.access, NULL), 200);
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.reuse_detections, 1);
    assert_int_equal(counters.refreshes_ok, 1);
    assert_int_equal(counters.refreshes_refused, 2);
    assert_int_equal(counters.refresh_grants, 3);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&other);
}

static void without_reuse_detection_the_family_lives_on(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.detect_reuse = false;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_status(ask_refresh(server, first.refresh), 400);
    assert_status(ask_refresh(server, second.refresh), 200);
    tokens_free(&first);
    tokens_free(&second);
}

static void grace_gives_the_same_successor_until_that_is_spent(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 60000;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    tokens again = tokens_of(ask_refresh(server, first.refresh));

    assert_string_equal(again.refresh, second.refresh);
    assert_string_not_equal(again.access, second.access);
    assert_int_equal(server_counters(server).grace_uses, 1);
    assert_status(ask_refresh(server, second.refresh), 200);
    assert_status(ask_refresh(server, first.refresh), 400);
    assert_int_equal(server_counters(server).reuse_detections, 1);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&again);
}

static void grace_can_give_a_fresh_successor(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 60000;
    options.grace_same_successor = false;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    tokens again = tokens_of(ask_refresh(server, first.refresh));

    assert_string_not_equal(again.refresh, second.refresh);
    assert_true(server_refresh_token_is_live(server, again.refresh));
    assert_true(server_refresh_token_is_live(server, second.refresh));
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&again);
}

static void grace_ends(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 1;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    int64_t spent_by_ms = now_ms();

    while (now_ms() <= spent_by_ms + 1) continue;

    assert_status(ask_refresh(server, first.refresh), 400);
    tokens_free(&first);
    tokens_free(&second);
}

static void without_rotation_the_refresh_token_stays(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.rotate = false;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));
    options.repeat_refresh_token = true;
    server_configure(server, &options);
    tokens third = tokens_of(ask_refresh(server, first.refresh));

    assert_null(second.refresh);
    assert_string_equal(third.refresh, first.refresh);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&third);
}

static void refresh_can_end_older_access_tokens(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.refresh_ends_older_access = true;
    ts_server *server = start_server(state, &options);
    tokens first = sign_in(server), other = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_status(ask(server, "/api/x", first.access, NULL), 401);
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    assert_status(ask(server, "/api/x", other.access, NULL), 200);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&other);
}

static void token_answer_follows_the_options(void **state) {
    static const struct {
        const char *expires_in, *extra;
        int lifetime_ms;
        const char *expected; /* in the body; NULL: no expires_in there */
    } cases[] = {
        {NULL, NULL, 60000, "\"expires_in\":60"},
        {NULL, NULL, 1500, "\"expires_in\":2"},
        {"", NULL, 60000, NULL},
        {"\"3600\"", NULL, 60000, "\"expires_in\":\"3600\""},
        {"59.5", NULL, 60000, "\"expires_in\":59.5"},
        {NULL, "{\"refresh_in\":7}", 60000, "\"refresh_in\":7"},
        {NULL, "{\"token_type\":\"bearer\"}", 60000, "\"token_type\":\"bearer\""},
    };
    ts_server *server = start_server(state, NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.expires_in = cases[i].expires_in;
        options.extra_members = cases[i].extra;
        options.access_lifetime_ms = cases[i].lifetime_ms;
        server_configure(server, &options);
        reply reply = ask(server, "/token", NULL,
                          "grant_type=client_credentials&client_id=test-client&scope=a+b%21");
        assert_non_null(strstr(reply.body, "\"scope\":\"a b!\""));
        assert_null(strstr(reply.body, "refresh_token"));
        if (cases[i].expected)
            assert_non_null(strstr(reply.body, cases[i].expected));
        else
            assert_null(strstr(reply.body, "expires_in"));
        assert_status(reply, 200);
    }
    assert_int_equal(server_counters(server).client_credentials_grants, 7);
}

static void tokens_have_the_size_and_shape_asked_for(void **state) {
    static const size_t sizes[] = {64, 1024, 16384};
    ts_options options = TS_OPTIONS_INIT;
    options.token_size = 16384; /* the largest, when it starts: it sets the size of buffers */
    ts_server *server = start_server(state, &options);

    for (size_t i = 0; i < 2 * (sizeof sizes / sizeof *sizes); i++) {
        options.token_size = sizes[i / 2];
        options.jwt = i % 2;
        server_configure(server, &options);
        tokens tokens = sign_in(server);
        const char *dot = strchr(tokens.access, '.');
        assert_int_equal(strlen(tokens.refresh), sizes[i / 2]);
        if (options.jwt)
            assert_true(dot && strchr(dot + 1, '.') && !strchr(tokens.access, '='));
        else
            assert_null(dot);
        if (!options.jwt || sizes[i / 2] > 512) {
            assert_int_equal(strlen(tokens.access), sizes[i / 2]);
        }
        assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
        tokens_free(&tokens);
    }
}

static void client_authentication_is_checked(void **state) {
    static const char post[] = "grant_type=client_credentials&client_id=test-client"
                               "&client_secret=test-secret";
    static const char none[] = "grant_type=client_credentials&client_id=test-client";
    ts_options options = TS_OPTIONS_INIT;
    options.client_auth = TS_CLIENT_AUTH_POST;
    ts_server *server = start_server(state, &options);

    assert_status(ask(server, "/token", NULL, post), 200);
    assert_status(ask(server, "/token", NULL, none), 401);
    options.client_auth = TS_CLIENT_AUTH_BASIC;
    options.client_secret = "s:e c";
    server_configure(server, &options);
    reply refused = ask(server, "/token", NULL, post);
    assert_string_equal(refused.body, "{\"error\":\"invalid_client\"}");
    assert_header(refused, 401, "WWW-Authenticate: Basic");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_USERPWD, "test-client:s%3Ae+c");
    assert_status(ask_with(curl, server_url(server, "/token"), NULL, none), 200);
    curl_easy_setopt(curl, CURLOPT_USERPWD, "test-client:wrong");
    assert_status(ask_with(curl, server_url(server, "/token"), NULL, none), 401);
    curl_easy_cleanup(curl);
}

static void token_endpoint_refuses_what_it_does_not_know(void **state) {
    static const struct {
        const char *form, *error;
    } cases[] = {
        {"client_id=test-client", "invalid_request"},
        {"client_id=test-client&grant_type=magic", "unsupported_grant_type"},
        {"client_id=test-client&grant_type=refresh_token", "invalid_request"},
        {"client_id=test-client&grant_type=refresh_token&refresh_token=x", "invalid_grant"},
        {"client_id=test-client&grant_type=password&username=alice&password=x", "invalid_grant"},
        {"client_id=other&grant_type=client_credentials", "invalid_client"},
        {"grant_type=client_credentials", "invalid_client"},
    };
    ts_server *server = start_server(state, NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply reply = ask(server, "/token", NULL, cases[i].form);
        char *error = json_member(reply.body, "error");
        assert_string_equal(error, cases[i].error);
        free(error);
        assert_true(reply.status == 400 || reply.status == 401);
        reply_free(&reply);
    }
    assert_status(ask(server, "/token", NULL, NULL), 405);
}

static void revocation_ends_a_family_or_one_access_token(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens tokens = sign_in(server);
    tokens_free(&tokens);
    tokens = sign_in(server);
    char form[256];

    snprintf(form, sizeof form, "client_id=test-client&token=%s", tokens.access);
    assert_status(ask(server, "/revoke", NULL, form), 200);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 401);
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    snprintf(form, sizeof form, "client_id=test-client&token=%s", tokens.refresh);
    assert_status(ask(server, "/revoke", NULL, form), 200);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    assert_status(ask(server, "/revoke", NULL, "client_id=test-client&token=unknown"), 200);
    assert_int_equal(server_counters(server).revocations, 2);
    assert_int_equal(server_counters(server).revocation_requests, 3);
    assert_int_equal(server_counters(server).reuse_detections, 0);
    assert_int_equal(server_counters(server).live_access_tokens, 1);
    assert_int_equal(server_counters(server).live_refresh_tokens, 1);
    tokens_free(&tokens);
}

static void revocation_on_command(void **state) {
    ts_server *server = start_server(state, NULL);
    tokens first = sign_in(server);

    server_revoke_access_tokens(server);
    assert_status(ask(server, "/api/x", first.access, NULL), 401);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    server_revoke_family(server);
    assert_status(ask(server, "/api/x", second.access, NULL), 401);
    assert_status(ask_refresh(server, second.refresh), 400);
    tokens_free(&first);
    tokens_free(&second);
}

static void metadata_names_the_endpoints(void **state) {
    ts_server *server = start_server(state, NULL);

    reply reply = ask(server, "/.well-known/oauth-authorization-server", NULL, NULL);
    char *endpoint = json_member(reply.body, "token_endpoint");

    assert_string_equal(reply.body, server_provider_json(server));
    assert_string_equal(endpoint, server_url(server, "/token"));
    free(endpoint);
    assert_status(reply, 200);
    assert_status(ask(server, "/elsewhere", NULL, NULL), 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(api_wants_a_live_token, stop_server),
        cmocka_unit_test_teardown(access_token_ends_with_its_lifetime, stop_server),
        cmocka_unit_test_teardown(refresh_rotates_and_both_access_tokens_live, stop_server),
        cmocka_unit_test_teardown(reuse_of_a_spent_token_revokes_the_family, stop_server),
        cmocka_unit_test_teardown(without_reuse_detection_the_family_lives_on, stop_server),
        cmocka_unit_test_teardown(grace_gives_the_same_successor_until_that_is_spent, stop_server),
        cmocka_unit_test_teardown(grace_can_give_a_fresh_successor, stop_server),
        cmocka_unit_test_teardown(grace_ends, stop_server),
        cmocka_unit_test_teardown(without_rotation_the_refresh_token_stays, stop_server),
        cmocka_unit_test_teardown(refresh_can_end_older_access_tokens, stop_server),
        cmocka_unit_test_teardown(token_answer_follows_the_options, stop_server),
        cmocka_unit_test_teardown(tokens_have_the_size_and_shape_asked_for, stop_server),
        cmocka_unit_test_teardown(client_authentication_is_checked, stop_server),
        cmocka_unit_test_teardown(token_endpoint_refuses_what_it_does_not_know, stop_server),
        cmocka_unit_test_teardown(revocation_ends_a_family_or_one_access_token, stop_server),
        cmocka_unit_test_teardown(revocation_on_command, stop_server),
        cmocka_unit_test_teardown(metadata_names_the_endpoints, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
