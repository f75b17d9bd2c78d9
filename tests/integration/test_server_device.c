/* The test server: device codes, and what their user does. */
#include "support/plain_client.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_GRANT "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"

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
    tokens tokens = tokens_of(poll(server, code));
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_error(poll(server, code), "invalid_grant");
    assert_false(server_device_approve(server, user_code));
    assert_false(server_device_approve(server, "none"));
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.device_polls, 3);
    assert_int_equal(counters.device_polls_too_fast, 0);
    assert_int_equal(counters.device_grants, 1);
    assert_int_equal(counters.live_refresh_tokens, 1);
    tokens_free(&tokens);
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
        cmocka_unit_test_teardown(device_signs_in_when_its_user_has_said_yes, stop_server),
        cmocka_unit_test_teardown(device_answer_is_that_of_the_rfc, stop_server),
        cmocka_unit_test_teardown(denied_and_expired_devices_are_told_so, stop_server),
        cmocka_unit_test_teardown(polls_too_fast_are_slowed_down, stop_server),
        cmocka_unit_test_teardown(slow_down_makes_the_interval_longer, stop_server),
        cmocka_unit_test_teardown(other_processes_are_the_user_too, stop_server),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
