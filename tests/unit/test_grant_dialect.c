/* What a grant sends to a server that is not quite OAuth, byte for byte. */
#include "grant_fixture.h"

#include "base/strings.h"

#include <stdio.h>

#define SHOP "https://shop.example"

/* A provider whose dialect has these members. */
static void use_dialect(const char *members) {
    char json[2048];
    int size = snprintf(json, sizeof json,
                        "{\"token_endpoint\":\"" SHOP "/refresh\",\"dialect\":{%s}}", members);
    assert_in_range(size, 0, sizeof json - 1);
    use_provider(json);
}

static void use_tokens(const char *refresh_token) {
    ti_secret_unref(with.refresh_token);
    with.refresh_token = ti_secret_from_string(refresh_token);
    with.grant.refresh_token = with.refresh_token;
}

static void sign_in_as(const char *username) {
    with.grant =
        (ti_grant){.type = TI_GRANT_PASSWORD, .username = username, .password = with.password};
}

static void assert_sent(const char *method, const char *url, const char *headers,
                        const char *body) {
    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);
    assert_int_equal(fake.sends, 1);
    assert_string_equal(fake.method, method);
    assert_string_equal(fake.url, url);
    assert_string_equal(fake.headers, headers);
    if (body) assert_string_equal(fake.form, body);
    assert_int_equal(fake.has_body, body != NULL);
    assert_int_equal(fake.kind, TI_HANDLE_FRESH);
    assert_false(fake.basic);
    assert_true(fake.answer_is_secret);
}

/* --- signing in --- */

#define LOGIN "\"sign_in\":{\"url\":\"" SHOP "/login\","

static void a_sign_in_is_json(void **state) {
    (void)state;
    use_dialect(LOGIN "\"body\":\"json\",\"fields\":{\"username\":\"{username}\","
                      "\"password\":\"{password}\",\"device\":\"d1\"}}");
    sign_in_as("j\xC3\xBCrg \"x\"");

    assert_sent("POST", SHOP "/login", "Accept: application/json\nContent-Type: application/json\n",
                "{\"username\":\"j\xC3\xBCrg \\\"x\\\"\",\"password\":\"p\xC3\xA4ss word\","
                "\"device\":\"d1\"}");
}

static void json_may_nest_and_holds_more_than_strings(void **state) {
    (void)state;
    use_dialect(LOGIN
                "\"body\":\"json\",\"fields\":{\"user\":{\"email\":\"{username}\",\"secrets\":"
                "[\"{password}\",\"{client_id}\",1,2.5,true,null]},\"text\":\"a {password}\"}}");
    sign_in_as("a");

    assert_sent("POST", SHOP "/login", "Accept: application/json\nContent-Type: application/json\n",
                "{\"user\":{\"email\":\"a\",\"secrets\":[\"p\xC3\xA4ss word\",\"my app:1\",1,2.5,"
                "true,null]},\"text\":\"a {password}\"}");
}

static void a_sign_in_is_a_form(void **state) {
    (void)state;
    static const char *const token_params[] = {"audience=https://api", NULL};
    static const char *const params[] = {"otp=123456", "flag", NULL};
    use_dialect(LOGIN "\"body\":\"form\",\"fields\":{\"u\":\"{username}\",\"p\":\"{password}\","
                      "\"scope\":\"{scope}\"}}");
    sign_in_as("a b");
    with.grant.scope = "x y";
    with.grant.params = params;
    with.client.token_params = token_params;

    assert_sent("POST", SHOP "/login",
                "Accept: application/json\nContent-Type: application/x-www-form-urlencoded\n",
                "u=a+b&p=p%C3%A4ss+word&scope=x+y&audience=https%3A%2F%2Fapi&otp=123456&flag=");
}

static void parameters_of_the_app_are_members_and_replace(void **state) {
    (void)state;
    static const char *const token_params[] = {"device=mine", "n=1", NULL};
    static const char *const params[] = {"n=2", NULL};
    use_dialect(LOGIN "\"body\":\"json\",\"fields\":{\"device\":\"theirs\"}}");
    sign_in_as("a");
    with.grant.params = params;
    with.client.token_params = token_params;

    assert_sent("POST", SHOP "/login", "Accept: application/json\nContent-Type: application/json\n",
                "{\"device\":\"mine\",\"n\":\"2\"}");
}

static void a_sign_in_is_a_query(void **state) {
    (void)state;
    use_dialect("\"sign_in\":{\"url\":\"" SHOP "/login?v=2\",\"method\":\"GET\",\"body\":\"query\","
                "\"fields\":{\"user\":\"{username}\"}}");
    sign_in_as("a&b");

    assert_sent("GET", SHOP "/login?v=2&user=a%26b", "Accept: application/json\n", NULL);
}

static void a_value_that_json_cannot_hold_is_not_sent(void **state) {
    (void)state;
    use_dialect(LOGIN "\"body\":\"json\",\"fields\":{\"username\":\"{username}\"}}");
    sign_in_as("j\xFCrg");

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_int_equal(with.error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(with.error.message, "UTF-8"));
    assert_int_equal(fake.sends, 0);
    assert_false(with.sent);
}

/* --- refreshing --- */

static void a_refresh_token_is_a_member(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"method\":\"PUT\",\"send\":\"json\",\"field\":\"refreshToken\","
                "\"fields\":{\"old\":\"{access_token}\",\"client\":\"{client_id}\"}}");
    use_tokens("r+t");
    ti_secret *access_token = ti_secret_from_string("at.old");
    with.grant.access_token = access_token;

    assert_sent("PUT", SHOP "/refresh",
                "Accept: application/json\nContent-Type: application/json\n",
                "{\"refreshToken\":\"r+t\",\"old\":\"at.old\",\"client\":\"my app:1\"}");
    ti_secret_unref(access_token);
}

static void a_refresh_token_is_a_bearer(void **state) {
    (void)state;
    static const char *const token_headers[] = {"Authorization: Basic eA==", "X-Tenant: 7", NULL};
    use_dialect("\"refresh\":{\"send\":\"bearer\",\"headers\":[\"X-Device: 7f3a\"]}");
    use_tokens("r+t");
    with.client.token_headers = token_headers;

    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nX-Device: 7f3a\nAuthorization: Bearer r+t\n"
                "X-Tenant: 7\n",
                "");
}

static void fields_beside_a_bearer_are_a_body_of_their_own(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"send\":\"bearer\",\"fields\":{\"deviceId\":\"d 1\"}}");
    use_tokens("rt");
    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nContent-Type: application/json\n"
                "Authorization: Bearer rt\n",
                "{\"deviceId\":\"d 1\"}");

    fake.sends = 0;
    ti_token_response_free(&with.response);
    use_dialect("\"refresh\":{\"send\":\"bearer\",\"body\":\"form\",\"fields\":{\"deviceId\":"
                "\"d 1\"}}");
    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nContent-Type: application/x-www-form-urlencoded\n"
                "Authorization: Bearer rt\n",
                "deviceId=d+1");

    fake.sends = 0;
    ti_token_response_free(&with.response);
    use_dialect("\"refresh\":{\"method\":\"GET\",\"send\":\"bearer\",\"fields\":{\"deviceId\":"
                "\"d 1\"}}");
    assert_sent("GET", SHOP "/refresh?deviceId=d+1",
                "Accept: application/json\nAuthorization: Bearer rt\n", NULL);
}

static void a_refresh_token_is_a_cookie_as_it_came(void **state) {
    (void)state;
    static const char *const token_headers[] = {"cookie: theme=dark", NULL};
    use_dialect("\"refresh\":{\"send\":\"cookie\",\"field\":\"__Host-rt\"}");
    use_tokens("\"a=b%20+c\"");
    with.client.token_headers = token_headers;

    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nCookie: __Host-rt=\"a=b%20+c\"\n", "");
}

/* R11: whoever wrote the record, or handed the token over. */
static void a_token_that_would_end_its_line_is_not_sent(void **state) {
    (void)state;
    static const struct {
        const char *dialect, *token;
        size_t size;
    } rows[] = {
        {"\"send\":\"bearer\"", "rt\r\nX-Evil: 1", 13},
        {"\"send\":\"bearer\"", "rt\n", 3},
        {"\"send\":\"bearer\"", "rt\0half", 7},
        {"\"send\":\"bearer\"", "rt\x7F", 3},
        {"\"send\":\"cookie\",\"field\":\"rt\"", "rt\r\nX-Evil: 1", 13},
        {"\"send\":\"cookie\",\"field\":\"rt\"", "rt; role=admin", 14},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char members[128];
        snprintf(members, sizeof members, "\"refresh\":{%s}", rows[i].dialect);
        use_dialect(members);
        ti_secret_unref(with.refresh_token);
        with.refresh_token = ti_secret_new(rows[i].token, rows[i].size);
        with.grant.refresh_token = with.refresh_token;

        assert_int_equal(send_grant(), TI_VERDICT_ERROR);

        assert_int_equal(with.error.status, TACIT_ERR_INVALID_ARGUMENT);
        assert_null(strstr(with.error.message, "rt;"));
        assert_null(strstr(with.error.message, "Evil"));
        assert_int_equal(fake.sends, 0);
        assert_false(with.sent);
    }
}

static void a_refresh_token_is_in_the_url_where_that_is_allowed(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"method\":\"GET\",\"send\":\"query\",\"field\":\"refresh_token\","
                "\"allow_refresh_token_in_url\":true,\"fields\":{\"v\":\"1\"}}");
    use_tokens("r+t/=");

    assert_sent("GET", SHOP "/refresh?refresh_token=r%2Bt%2F%3D&v=1", "Accept: application/json\n",
                NULL);
}

static void a_form_keeps_what_the_rfc_has_and_fields_replace_it(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"send\":\"form\",\"field\":\"refreshToken\",\"fields\":{"
                "\"grant_type\":\"renew\",\"client_id\":\"{client_id}!\",\"tenant\":\"7\"}}");
    use_tokens("rt");
    with.grant.scope = "a";

    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nContent-Type: application/x-www-form-urlencoded\n",
                "refreshToken=rt&scope=a&grant_type=renew&client_id=%7Bclient_id%7D%21&tenant=7");
}

static void what_the_dialect_says_nothing_of_is_as_the_rfc_has_it(void **state) {
    (void)state;
    use_dialect("\"signed_out_statuses\":[401]");
    use_tokens("rt");
    assert_sent("POST", SHOP "/refresh",
                "Accept: application/json\nContent-Type: application/x-www-form-urlencoded\n",
                "grant_type=refresh_token&refresh_token=rt&client_id=my+app%3A1");
}

static void a_provider_that_slides_has_no_other_grant(void **state) {
    (void)state;
    use_provider("{\"dialect\":{" LOGIN "\"fields\":{\"u\":\"{username}\"}},"
                 "\"sliding_header\":\"Authorization\"}}");

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_int_equal(with.error.status, TACIT_ERR_UNSUPPORTED);
    assert_int_equal(fake.sends, 0);
}

/* --- headers --- */

static void a_later_header_of_a_name_replaces_an_earlier_one(void **state) {
    (void)state;
    static const char *const token_headers[] = {"x-device: mine", "ACCEPT: text/x", NULL};
    static const char *const fingerprint[] = {"accept: frozen", "User-Agent: old/1",
                                              "X-None:", NULL};
    use_dialect("\"refresh\":{\"send\":\"bearer\",\"headers\":[\"X-Device: theirs\",\"X-None: "
                "1\"]}");
    use_tokens("rt");
    with.client.token_headers = token_headers;
    with.grant.fingerprint = fingerprint;

    assert_sent("POST", SHOP "/refresh",
                "accept: frozen\nx-device: mine\nX-None:\nUser-Agent: old/1\n"
                "Authorization: Bearer rt\n",
                "");
}

#define PRINTS                                                                                     \
    "\"fingerprint\":[\"User-Agent\",\"Accept\",\"accept-encoding\",\"Accept-Language\",\"sec-ch-" \
    "ua\",\"X-Absent\"]"

static void a_fingerprint_is_what_a_grant_sends_now(void **state) {
    (void)state;
    static const char *const token_headers[] = {"Accept-Language: de", NULL};
    char **lines;
    use_dialect(
        LOGIN "\"fields\":{\"u\":\"{username}\"},\"headers\":[\"sec-ch-ua: \\\"x\\\"\"]}," PRINTS);
    fake.user_agent = "app/2";
    with.client.token_headers = token_headers;

    assert_true(ti_grant_fingerprint(NULL, &with.client, &lines));

    static const char *const expected[] = {
        "User-Agent: app/2",   "Accept: application/json", "Accept-Encoding: deflate, gzip",
        "Accept-Language: de", "sec-ch-ua: \"x\"",         "X-Absent:"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_string_equal(lines[i], expected[i]);
    }
    assert_null(lines[6]);
    ti_strings_free(lines);
}

/* Else the sign-in would be sent with what libcurl has by itself, and the next version's refresh with what it had before. */
static void a_sign_in_sends_the_fingerprint_that_is_kept(void **state) {
    (void)state;
    char **lines, sent[sizeof fake.headers];
    use_dialect(LOGIN "\"fields\":{\"u\":\"{username}\"}}," PRINTS);
    fake.user_agent = "app/2";
    sign_in_as("a");
    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);
    memcpy(sent, fake.headers, sizeof sent);
    assert_true(ti_grant_fingerprint(NULL, &with.client, &lines));

    for (size_t i = 0; lines[i]; i++) {
        assert_non_null(strstr(sent, lines[i]));
    }

    ti_token_response_free(&with.response);
    use_tokens("rt");
    fake.user_agent = "app/3";
    with.grant = (ti_grant){.type = TI_GRANT_REFRESH_TOKEN,
                            .refresh_token = with.refresh_token,
                            .fingerprint = (const char *const *)lines};
    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);
    for (size_t i = 0; lines[i]; i++) {
        assert_non_null(strstr(fake.headers, lines[i]));
    }
    ti_strings_free(lines);
}

static void without_names_there_is_no_fingerprint(void **state) {
    (void)state;
    char **lines = (char **)&fake;

    assert_true(ti_grant_fingerprint(NULL, &with.client, &lines));

    assert_null(lines);
}

/* --- the end of a sign-in --- */

static void a_sign_out_is_sent_for_the_token_that_it_takes(void **state) {
    (void)state;
    use_dialect("\"sign_out\":{\"url\":\"" SHOP "/logout\",\"send\":\"bearer\",\"token\":"
                "\"access_token\",\"fields\":{\"refreshToken\":\"{refresh_token}\"}}");
    use_tokens("rt");
    ti_secret *access_token = ti_secret_from_string("at");
    const ti_grant_end refresh_end = {.token = with.refresh_token, .hint = "refresh_token"};
    const ti_grant_end access_end = {
        .token = access_token, .hint = "access_token", .other = with.refresh_token};
    fake.http_status = 204;
    fake.body = "";

    assert_int_equal(ti_grant_revoke(NULL, &with.client, &refresh_end, 4711, &with.error),
                     TACIT_OK);
    assert_int_equal(fake.sends, 0);
    assert_int_equal(ti_grant_revoke(NULL, &with.client, &access_end, 4711, &with.error), TACIT_OK);

    assert_int_equal(fake.sends, 1);
    assert_string_equal(fake.url, SHOP "/logout");
    assert_string_equal(fake.headers, "Accept: application/json\nContent-Type: application/json\n"
                                      "Authorization: Bearer at\n");
    assert_string_equal(fake.form, "{\"refreshToken\":\"rt\"}");
    ti_secret_unref(access_token);
}

static void a_token_that_is_over_already_is_signed_out(void **state) {
    (void)state;
    use_dialect("\"sign_out\":{\"url\":\"" SHOP "/logout\",\"send\":\"cookie\",\"field\":\"rt\"},"
                "\"signed_out_statuses\":[401]");
    use_tokens("a=b");
    fake.http_status = 401;
    fake.body = "Unauthorized";

    assert_int_equal(revoke(), TACIT_OK);

    assert_string_equal(fake.headers, "Accept: application/json\nCookie: rt=a=b\n");
    fake.http_status = 403;
    assert_int_equal(revoke(), TACIT_ERR_PROTOCOL);
}

/* --- secrets --- */

static char said[1024];

static void say(tacit_log_level level, const char *message, void *data) {
    (void)level;
    (void)data;
    snprintf(said, sizeof said, "%s", message);
}

/* R11 */
static void a_token_in_a_url_shows_in_no_log_line(void **state) {
    (void)state;
    assert_true(ti_log_init(&fake_log, say, NULL, TACIT_LOG_DEBUG));
    use_dialect("\"refresh\":{\"method\":\"GET\",\"send\":\"query\",\"field\":\"t\","
                "\"allow_refresh_token_in_url\":true}");
    use_tokens("0123+4567/89ab cdef");
    fake.log_line = "GET /refresh?t=0123%2B4567%2F89ab+cdef of 0123+4567/89ab cdef";

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(said, "GET /refresh?t=*** of ***");
    ti_log_write(&fake_log, TACIT_LOG_ERROR, "0123+4567/89ab cdef"); /* only while it lasts */
    assert_string_equal(said, "0123+4567/89ab cdef");
    ti_log_destroy(&fake_log);
    memset(&fake_log, 0, sizeof fake_log);
}

static void a_token_that_is_quoted_as_it_was_sent_is_cut(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"method\":\"GET\",\"send\":\"query\",\"field\":\"t\","
                "\"allow_refresh_token_in_url\":true}");
    use_tokens("ab+cdefghijklmnopqrstuvwxyz");
    fake.http_status = 404;
    fake.body =
        "{\"error\":\"NotFound\",\"message\":\"Cannot GET /refresh?t=ab%2Bcdefghijklmnop\"}";

    assert_int_equal(send_grant(), TI_VERDICT_ERROR);

    assert_string_equal(with.error.oauth_error_description, "Cannot GET /refresh?t=***");
}

static void an_answer_is_read_by_the_dialect(void **state) {
    (void)state;
    use_dialect("\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\"},"
                "\"response\":{\"access_token\":\"/d/0\"}");
    fake.head = "Content-Type: application/json\nSet-Cookie: rt=new; Max-Age=60\n";
    fake.body = "{\"d\":[\"at2\"]}";

    assert_int_equal(send_grant(), TI_VERDICT_TOKEN);

    assert_string_equal(ti_secret_data(with.response.access_token), "at2");
    assert_string_equal(ti_secret_data(with.response.refresh_token), "new");
    assert_int_equal(with.response.refresh_lifetime_s, 60);
}

#define GRANT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        GRANT_TEST(a_sign_in_is_json),
        GRANT_TEST(json_may_nest_and_holds_more_than_strings),
        GRANT_TEST(a_sign_in_is_a_form),
        GRANT_TEST(parameters_of_the_app_are_members_and_replace),
        GRANT_TEST(a_sign_in_is_a_query),
        GRANT_TEST(a_value_that_json_cannot_hold_is_not_sent),
        GRANT_TEST(a_refresh_token_is_a_member),
        GRANT_TEST(a_refresh_token_is_a_bearer),
        GRANT_TEST(fields_beside_a_bearer_are_a_body_of_their_own),
        GRANT_TEST(a_refresh_token_is_a_cookie_as_it_came),
        GRANT_TEST(a_token_that_would_end_its_line_is_not_sent),
        GRANT_TEST(a_refresh_token_is_in_the_url_where_that_is_allowed),
        GRANT_TEST(a_form_keeps_what_the_rfc_has_and_fields_replace_it),
        GRANT_TEST(what_the_dialect_says_nothing_of_is_as_the_rfc_has_it),
        GRANT_TEST(a_provider_that_slides_has_no_other_grant),
        GRANT_TEST(a_later_header_of_a_name_replaces_an_earlier_one),
        GRANT_TEST(a_fingerprint_is_what_a_grant_sends_now),
        GRANT_TEST(a_sign_in_sends_the_fingerprint_that_is_kept),
        GRANT_TEST(without_names_there_is_no_fingerprint),
        GRANT_TEST(a_sign_out_is_sent_for_the_token_that_it_takes),
        GRANT_TEST(a_token_that_is_over_already_is_signed_out),
        GRANT_TEST(a_token_in_a_url_shows_in_no_log_line),
        GRANT_TEST(a_token_that_is_quoted_as_it_was_sent_is_cut),
        GRANT_TEST(an_answer_is_read_by_the_dialect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
