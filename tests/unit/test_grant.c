#include "grant_fixture.h"

static void a_refresh_is_a_form_on_a_fresh_connection(void **state) {
    (void)state;

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(fake.method, "POST");
    assert_string_equal(fake.url, "https://as.example.com/token");
    assert_string_equal(fake.headers, "Accept: application/json\n"
                                      "Content-Type: application/x-www-form-urlencoded\n");
    assert_string_equal(fake.form, "grant_type=refresh_token&refresh_token=r%2Bt%2F0+%26%3D&"
                                   "client_id=my+app%3A1");
    assert_int_equal(fake.kind, TI_HANDLE_FRESH);
    assert_false(fake.basic);
    assert_true(fake.accept_encoding);
    assert_true(fake.answer_is_secret);
    assert_int_equal(fake.response_bytes_max, 1 << 20);
    assert_int_equal(fake.deadline_boot_ms, 4711);
    assert_int_equal(with.error.status, TACIT_OK);
    assert_true(with.sent);
    assert_string_equal(ti_secret_data(with.response.access_token), "at");
    assert_int_equal(with.response.lifetime_s, 60);
}

static void a_password_grant_sends_user_and_password(void **state) {
    (void)state;
    with.grant =
        (ti_grant){.type = TI_GRANT_PASSWORD, .username = "j\xC3\xBCrg", .password = with.password};

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(fake.form, "grant_type=password&username=j%C3%BCrg&"
                                   "password=p%C3%A4ss+word&client_id=my+app%3A1");
}

static void a_code_goes_with_its_verifier_and_without_a_scope(void **state) {
    (void)state;
    ti_secret *code = ti_secret_from_string("c/1");
    with.grant = (ti_grant){.type = TI_GRANT_AUTHORIZATION_CODE,
                            .code = code,
                            .redirect_uri = "http://127.0.0.1:1/",
                            .code_verifier = "v",
                            .scope = "openid"};

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(fake.form, "grant_type=authorization_code&code=c%2F1&"
                                   "redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&code_verifier=v&"
                                   "client_id=my+app%3A1");
    ti_secret_unref(code);
}

static void a_device_polls_with_its_code(void **state) {
    (void)state;
    ti_secret *code = ti_secret_from_string("d");
    with.grant = (ti_grant){.type = TI_GRANT_DEVICE_CODE, .code = code};

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(fake.form,
                        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&"
                        "device_code=d&client_id=my+app%3A1");
    ti_secret_unref(code);
}

static void a_machine_asks_for_itself(void **state) {
    (void)state;
    with.client.client_secret = with.client_secret;
    with.grant = (ti_grant){.type = TI_GRANT_CLIENT_CREDENTIALS, .scope = "a"};

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_true(fake.basic);
    assert_string_equal(fake.form, "grant_type=client_credentials&scope=a");
}

static void a_secret_that_the_server_takes_in_no_known_way_is_not_sent(void **state) {
    (void)state;
    use_provider("{\"token_endpoint\":\"https://as.example.com/token\","
                 "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}");
    with.client.client_secret = with.client_secret;

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_int_equal(with.error.status, TACIT_ERR_UNSUPPORTED);
    assert_int_equal(fake.sends, 0);
}

static void scope_resource_params_and_headers_are_added(void **state) {
    (void)state;
    static const char *const token_params[] = {"audience=https://api.example.com/", "flag", NULL};
    static const char *const params[] = {"a b=c=d", "scope=again", NULL};
    static const char *const headers[] = {"X-Key: 1", "X-Other: 2", NULL};
    with.client.token_params = token_params;
    with.client.token_headers = headers;
    with.grant.params = params;
    with.grant.scope = "a b";
    with.grant.resource = "urn:x";

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(fake.form,
                        "grant_type=refresh_token&refresh_token=r%2Bt%2F0+%26%3D&scope=a+b&"
                        "resource=urn%3Ax&client_id=my+app%3A1&"
                        "audience=https%3A%2F%2Fapi.example.com%2F&flag=&a+b=c%3Dd&scope=again");
    assert_string_equal(fake.headers, "Accept: application/json\n"
                                      "Content-Type: application/x-www-form-urlencoded\n"
                                      "X-Key: 1\nX-Other: 2\n");
}

static void basic_encodes_both_and_leaves_the_body_alone(void **state) {
    (void)state;
    with.client.client_secret = with.client_secret;

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_true(fake.basic);
    assert_string_equal(fake.username, "my+app%3A1");
    assert_string_equal(fake.password, "s%3Aecret%25");
    assert_string_equal(fake.form, "grant_type=refresh_token&refresh_token=r%2Bt%2F0+%26%3D");
}

static void post_puts_the_secret_into_the_body(void **state) {
    (void)state;
    use_provider("{\"token_endpoint\":\"https://as.example.com/token\","
                 "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}");
    with.client.client_secret = with.client_secret;

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_false(fake.basic);
    assert_string_equal(fake.form, "grant_type=refresh_token&refresh_token=r%2Bt%2F0+%26%3D&"
                                   "client_id=my+app%3A1&client_secret=s%3Aecret%25");
}

static void a_date_counts_from_the_clock(void **state) {
    (void)state;
    fake.body = "{\"access_token\":\"at\",\"expires_at\":1767225660}";

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_int_equal(with.response.lifetime_s, 60);
}

static void a_refusal_is_a_refusal(void **state) {
    (void)state;
    fake.http_status = 400;
    fake.body = "{\"error\":\"invalid_grant\"}";

    assert_int_equal(send_grant(), TI_VERDICT_REFUSED);

    assert_int_equal(with.error.status, TACIT_ERR_OAUTH);
    assert_string_equal(with.error.oauth_error, "invalid_grant");
    assert_int_equal(fake.sends, 1);
}

static void nothing_sent_says_nothing_about_the_grant(void **state) {
    (void)state;
    fake.send_status = TACIT_ERR_NETWORK;
    fake.sent = false;

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_false(with.sent);
    assert_int_equal(with.error.status, TACIT_ERR_NETWORK);
    assert_false(with.error.outcome_unknown);
    assert_null(with.response.access_token);
}

static void sent_without_an_answer_is_unknown(void **state) {
    (void)state;
    static const tacit_status statuses[] = {TACIT_ERR_NETWORK, TACIT_ERR_TIMEOUT,
                                            TACIT_ERR_TOO_LARGE, TACIT_ERR_NO_MEMORY};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fake.send_status = statuses[i];

        assert_int_equal(send_grant(), TI_VERDICT_UNKNOWN);

        assert_true(with.sent);
        assert_int_equal(with.error.status, statuses[i]);
        assert_true(with.error.outcome_unknown);
        assert_null(with.response.access_token);
    }
}

static void a_redirect_is_not_followed(void **state) {
    (void)state;
    fake.http_status = 307;
    fake.body = "";

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_int_equal(with.error.status, TACIT_ERR_PROTOCOL);
    assert_int_equal(fake.sends, 1);
}

static void without_a_handle_nothing_is_sent(void **state) {
    (void)state;
    fake.no_memory = true;

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);
    assert_int_equal(with.error.status, TACIT_ERR_NO_MEMORY);
    assert_false(with.error.outcome_unknown);
    assert_false(with.sent);

    assert_int_equal(revoke(), TACIT_ERR_NO_MEMORY);
    assert_int_equal(fake.sends, 0);
}

static void sent_and_error_may_be_null(void **state) {
    (void)state;

    assert_int_equal(
        ti_grant_send(NULL, &with.client, &with.grant, &test_clock, 0, &with.response, NULL, NULL),
        TI_VERDICT_TOKEN);
    assert_int_equal(
        ti_grant_revoke(NULL, &with.client,
                        &(ti_grant_end){.token = with.refresh_token, .hint = "refresh_token"}, 0,
                        NULL),
        TACIT_OK);
}

static void a_secret_that_the_server_quotes_is_masked(void **state) {
    (void)state;
    ti_secret *token = ti_secret_from_string("0123456789abcdef-and-a-long-tail");
    with.grant.refresh_token = token;
    fake.http_status = 400;
    fake.body = "{\"error\":\"invalid_grant\",\"error_description\":"
                "\"Refresh token invalid: 0123456789abcdef-and-a-long-tail\"}";

    assert_int_equal(send_grant(), TI_VERDICT_REFUSED);
    assert_string_equal(with.error.oauth_error_description, "Refresh token invalid: ***");
    assert_string_equal(with.error.oauth_error, "invalid_grant");

    fake.body = "{\"error\":\"0123456789abcdef-and-a-long-tail\"}";
    assert_int_equal(send_grant(), TI_VERDICT_ERROR);
    assert_string_equal(with.error.oauth_error, "***");
    assert_null(strstr(with.error.message, "0123456789abcdef"));
    ti_secret_unref(token);
}

static void a_revocation_is_a_form_with_a_hint(void **state) {
    (void)state;
    static const char *const params[] = {"audience=x", NULL};
    static const char *const headers[] = {"X-Key: 1", NULL};
    with.client.token_params = params;
    with.client.token_headers = headers;
    with.client.client_secret = with.client_secret;
    fake.body = "";

    assert_int_equal(revoke(), TACIT_OK);

    assert_string_equal(fake.url, "https://as.example.com/revoke");
    assert_string_equal(fake.form, "token=r%2Bt%2F0+%26%3D&token_type_hint=refresh_token");
    assert_non_null(strstr(fake.headers, "X-Key: 1\n"));
    assert_string_equal(fake.username, "my+app%3A1");
    assert_int_equal(fake.kind, TI_HANDLE_FRESH);
    assert_int_equal(fake.deadline_boot_ms, 4711);
}

static void answers_to_a_revocation(void **state) {
    (void)state;
    static const struct {
        int http_status, retry_after_s;
        const char *body;
        tacit_status status;
    } rows[] = {
        {200, 0, "", TACIT_OK},
        {204, 0, "", TACIT_OK},
        {200, 0, "whatever", TACIT_OK},
        {400, 0, "{\"error\":\"invalid_token\"}", TACIT_OK},
        {400, 0, "{\"error\":\"unsupported_token_type\"}", TACIT_ERR_UNSUPPORTED},
        {401, 0, "{\"error\":\"invalid_client\"}", TACIT_ERR_OAUTH},
        {404, 0, "<html>", TACIT_ERR_PROTOCOL},
        {302, 0, "", TACIT_ERR_PROTOCOL},
        {503, 30, "", TACIT_ERR_SERVER},
        {429, 30, "{\"error\":\"invalid_token\"}", TACIT_ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.http_status = rows[i].http_status;
        fake.retry_after_s = rows[i].retry_after_s;
        fake.body = rows[i].body;

        assert_int_equal(revoke(), rows[i].status);

        assert_int_equal(with.error.status, rows[i].status);
        assert_int_equal(with.error.retry_after_s, rows[i].retry_after_s);
        if (rows[i].status == TACIT_ERR_UNSUPPORTED) assert_false(with.error.retryable);
    }
}

static void a_revocation_that_fails_on_the_way_says_so(void **state) {
    (void)state;
    fake.send_status = TACIT_ERR_TLS;

    assert_int_equal(revoke(), TACIT_ERR_TLS);

    assert_int_equal(with.error.status, TACIT_ERR_TLS);
}

static void without_an_endpoint_there_is_nothing_to_revoke(void **state) {
    (void)state;
    use_provider("{\"token_endpoint\":\"https://as.example.com/token\"}");
    with.error.status = TACIT_ERR_NETWORK;

    assert_int_equal(revoke(), TACIT_OK);

    assert_int_equal(with.error.status, TACIT_OK);
    assert_int_equal(fake.sends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_refresh_is_a_form_on_a_fresh_connection),
        TEST(a_password_grant_sends_user_and_password),
        TEST(a_code_goes_with_its_verifier_and_without_a_scope),
        TEST(a_device_polls_with_its_code),
        TEST(a_machine_asks_for_itself),
        TEST(a_secret_that_the_server_takes_in_no_known_way_is_not_sent),
        TEST(scope_resource_params_and_headers_are_added),
        TEST(basic_encodes_both_and_leaves_the_body_alone),
        TEST(post_puts_the_secret_into_the_body),
        TEST(a_date_counts_from_the_clock),
        TEST(a_refusal_is_a_refusal),
        TEST(nothing_sent_says_nothing_about_the_grant),
        TEST(sent_without_an_answer_is_unknown),
        TEST(a_redirect_is_not_followed),
        TEST(without_a_handle_nothing_is_sent),
        TEST(sent_and_error_may_be_null),
        TEST(a_secret_that_the_server_quotes_is_masked),
        TEST(a_revocation_is_a_form_with_a_hint),
        TEST(answers_to_a_revocation),
        TEST(a_revocation_that_fails_on_the_way_says_so),
        TEST(without_an_endpoint_there_is_nothing_to_revoke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
