/* tacit_provider_read_answer(): what tacit shows of an answer is what it reads of it. */
#include <tacit/tacit.h>

#include "support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {"alg":"none"} . {"iat":1767225600,"exp":4102444800} . nothing */
#define JWT "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3NjcyMjU2MDAsImV4cCI6NDEwMjQ0NDgwMH0."
#define JWT_LIFETIME_S 315360000 /* ten years: it is clamped */

static const char plain[] = "{\"token_endpoint\":\"https://as.example/token\"}";
static const char by_dialect[] =
    "{\"token_endpoint\":\"https://shop.example/refresh\",\"dialect\":{"
    "\"sign_in\":{\"url\":\"https://shop.example/login\",\"fields\":{\"u\":\"{username}\"}},"
    "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\"},"
    "\"response\":{\"access_token\":\"/data/token\",\"expires_in\":\"/data/ttl\"},"
    "\"signed_out_statuses\":[401],\"sliding_header\":\"X-New-Token\"}}";

/* The object that is shown; the caller's. */
static json_t *read_answer(const char *provider_json, tacit_answer_kind kind, const char *answer) {
    tacit_error error;
    tacit_provider *provider = tacit_provider_from_json(provider_json, &error);
    if (!provider) fail_msg("%s", error.message);
    size_t size = strlen(answer);
    char *exact = malloc(size + (size == 0)); /* without a NUL: it is not promised */
    assert_non_null(exact);
    memcpy(exact, answer, size);

    char *text = tacit_provider_read_answer(provider, kind, exact, size, &error);

    if (!text) fail_msg("%s", error.message);
    assert_int_equal(error.status, TACIT_OK);
    json_t *shown = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(shown);
    tacit_free(text);
    free(exact);
    tacit_provider_unref(provider);
    return shown;
}

static void assert_shown(json_t *shown, const char *expected) {
    json_t *wanted = json_loads(expected, 0, NULL);
    assert_non_null(wanted);
    if (!json_equal(shown, wanted)) {
        char *text = json_dumps(shown, JSON_COMPACT);
        fail_msg("%s instead of %s", text, expected);
    }
    json_decref(wanted);
    json_decref(shown);
}

static void a_body_alone_counts_as_200(void **state) {
    (void)state;
    assert_shown(
        read_answer(plain, TACIT_ANSWER_SIGN_IN,
                    "{\"access_token\":\"0123456789abcdef\",\"refresh_token\":\"fedcba9876543210\","
                    "\"expires_in\":60,\"refresh_expires_in\":\"7200\",\"scope\":\"a b\"}"),
        "{\"http_status\":200,\"verdict\":\"token\",\"access_token\":\"0123***\","
        "\"refresh_token\":\"fedc***\",\"token_type\":\"Bearer\",\"scope\":\"a b\","
        "\"expires_in\":60,\"refresh_expires_in\":7200}");
}

static void a_short_token_shows_nothing_of_itself(void **state) {
    (void)state;
    assert_shown(read_answer(plain, TACIT_ANSWER_REFRESH, "access_token=hunter2"),
                 "{\"http_status\":200,\"verdict\":\"token\",\"access_token\":\"***\","
                 "\"token_type\":\"Bearer\"}");
}

static void of_several_heads_the_last_counts(void **state) {
    (void)state;
    assert_shown(read_answer(plain, TACIT_ANSWER_REFRESH,
                             "HTTP/1.1 200 Connection established\r\n\r\n"
                             "HTTP/1.1 100 Continue\r\n\r\n"
                             "HTTP/1.1 302 Found\r\nLocation: /b\r\nRetry-After: 7\r\n\r\n"
                             "HTTP/2 503 \r\nretry-after: 30\r\n\r\nout of order"),
                 "{\"http_status\":503,\"verdict\":\"error\",\"retry_after\":30,"
                 "\"message\":\"The authorization server has trouble of its own (503).\"}");
}

static void lines_may_end_without_cr_and_the_body_may_look_like_a_head(void **state) {
    (void)state;
    assert_shown(
        read_answer(plain, TACIT_ANSWER_REFRESH,
                    "\nHTTP/1.0 400\nX: y\n\nHTTP/ is no head and no JSON"),
        "{\"http_status\":400,\"verdict\":\"error\",\"message\":\"The authorization server "
        "answered 400 with something that is not an OAuth error response.\"}");
}

static void a_head_without_a_body_is_an_answer(void **state) {
    (void)state;
    static const char *const answers[] = {"HTTP/2 204", "HTTP/2 204 \r\n",
                                          "HTTP/1.1 204 No Content\r\nX: y",
                                          "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        assert_shown(read_answer(plain, TACIT_ANSWER_REFRESH, answers[i]),
                     "{\"http_status\":204,\"verdict\":\"unknown\",\"message\":\"The authorization "
                     "server answered 204 with an empty body.\"}");
    }
}

static void a_refusal_is_called_by_its_name(void **state) {
    (void)state;
    assert_shown(
        read_answer(plain, TACIT_ANSWER_REFRESH,
                    "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"invalid_grant\","
                    "\"error_description\":\"over\"}"),
        "{\"http_status\":400,\"verdict\":\"signed out\",\"error\":\"invalid_grant\","
        "\"error_description\":\"over\",\"message\":\"The authorization server refused the "
        "request: invalid_grant.\"}");
}

static void a_dialect_reads_as_on_the_real_path(void **state) {
    (void)state;
    assert_shown(
        read_answer(by_dialect, TACIT_ANSWER_SIGN_IN,
                    "HTTP/1.1 201 Created\r\n"
                    "Set-Cookie: rt=0123456789abcdef; Path=/refresh; Max-Age=604800; HttpOnly\r\n"
                    "Set-Cookie: other=fedcba9876543210\r\n\r\n"
                    "{\"data\":{\"token\":\"abcdefghijklmnop\",\"ttl\":\"900\"}}"),
        "{\"http_status\":201,\"verdict\":\"token\",\"access_token\":\"abcd***\","
        "\"refresh_token\":\"0123***\",\"token_type\":\"Bearer\",\"expires_in\":900,"
        "\"refresh_expires_in\":604800}");
    assert_shown(read_answer(by_dialect, TACIT_ANSWER_REFRESH,
                             "HTTP/1.1 401 Unauthorized\r\n\r\n"
                             "{\"statusCode\":401,\"message\":\"jwt expired\"}"),
                 "{\"http_status\":401,\"verdict\":\"signed out\",\"error\":\"invalid_grant\","
                 "\"error_description\":\"jwt expired\","
                 "\"message\":\"The server says that the sign-in is over (401).\"}");
    assert_shown(read_answer(by_dialect, TACIT_ANSWER_SIGN_IN,
                             "HTTP/1.1 422 Unprocessable Entity\r\n\r\n"
                             "{\"statusCode\":422,\"message\":[\"no such user\",\"x\"]}"),
                 "{\"http_status\":422,\"verdict\":\"error\",\"error\":\"invalid_grant\","
                 "\"error_description\":\"no such user\","
                 "\"message\":\"The server refused the sign-in (422).\"}");
}

static void a_sentence_for_a_code_ends_with_one_period(void **state) {
    (void)state;
    assert_shown(
        read_answer(plain, TACIT_ANSWER_SIGN_IN,
                    "HTTP/1.1 401 Unauthorized\r\n\r\n{\"error\":\"Invalid password.\"}"),
        "{\"http_status\":401,\"verdict\":\"error\",\"error\":\"Invalid password.\",\"message\":"
        "\"The authorization server refused the request: Invalid password.\"}");
}

/* Or a kept answer would be read otherwise every day. */
static void an_answer_is_as_old_as_its_date(void **state) {
    (void)state;
    assert_shown(read_answer(plain, TACIT_ANSWER_REFRESH,
                             "HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2020 12:00:00 GMT\r\n\r\n"
                             "{\"access_token\":\"abcdefghijklmnop\","
                             "\"expires_at\":\"2020-03-01T12:15:00Z\"}"),
                 "{\"http_status\":200,\"verdict\":\"token\",\"access_token\":\"abcd***\","
                 "\"token_type\":\"Bearer\",\"expires_in\":900}");
    assert_shown(read_answer(plain, TACIT_ANSWER_REFRESH,
                             "HTTP/1.1 503 Later\r\nDate: Sun, 01 Mar 2020 12:00:00 GMT\r\n"
                             "Retry-After: Sun, 01 Mar 2020 12:00:30 GMT\r\n\r\n"),
                 "{\"http_status\":503,\"verdict\":\"error\",\"retry_after\":30,"
                 "\"message\":\"The authorization server has trouble of its own (503).\"}");
}

/* {"code": 200, "message": "ok", "data": ...} */
static void a_code_of_success_is_no_error(void **state) {
    static const char by_code[] =
        "{\"token_endpoint\":\"https://shop.example/refresh\",\"dialect\":{"
        "\"refresh\":{\"send\":\"json\"},"
        "\"response\":{\"access_token\":\"/data/token\",\"error\":\"/code\"},"
        "\"signed_out_errors\":[\"401\",\"A0230\"]}}";
    static const struct {
        const char *code, *verdict;
    } rows[] = {{"0", "token"},      {"200", "token"},        {"201", "token"},
                {"\"0\"", "token"},  {"\"00000\"", "token"},  {"\"200\"", "token"},
                {"1", "unknown"},    {"199", "unknown"},      {"300", "unknown"},
                {"-200", "unknown"}, {"\"A0230\"", "unknown"}};
    char answer[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(answer, sizeof answer, "{\"code\":%s,\"data\":{\"token\":\"abcdefghijklmnop\"}}",
                 rows[i].code);
        json_t *shown = read_answer(by_code, TACIT_ANSWER_REFRESH, answer);
        assert_string_equal(json_string_value(json_object_get(shown, "verdict")), rows[i].verdict);
        json_decref(shown);
    }
    json_t *over = read_answer(by_code, TACIT_ANSWER_REFRESH, "{\"code\":401,\"data\":null}");
    assert_string_equal(json_string_value(json_object_get(over, "verdict")), "signed out");
    json_decref(over);
}

static void an_api_answer_shows_whether_it_is_about_the_token(void **state) {
    (void)state;
    assert_shown(read_answer(plain, TACIT_ANSWER_API, "HTTP/1.1 401 Unauthorized\r\n\r\n"),
                 "{\"http_status\":401,\"refuses_token\":true}");
    assert_shown(
        read_answer(plain, TACIT_ANSWER_API,
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n\r\n"),
        "{\"http_status\":401,\"refuses_token\":false}");
    assert_shown(read_answer(plain, TACIT_ANSWER_API,
                             "HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Basic realm=x\r\n"
                             "www-authenticate: Bearer error=\"invalid_token\"\r\n\r\n"),
                 "{\"http_status\":403,\"refuses_token\":true}");
}

static void an_api_answer_shows_the_token_that_slides(void **state) {
    (void)state;
    json_t *shown = read_answer(by_dialect, TACIT_ANSWER_API,
                                "HTTP/1.1 200 OK\r\nx-new-token: Bearer " JWT "\r\n\r\n{}");
    assert_int_equal(json_integer_value(json_object_get(shown, "expires_in")), JWT_LIFETIME_S);
    json_object_del(shown, "expires_in");
    assert_shown(shown,
                 "{\"http_status\":200,\"refuses_token\":false,\"access_token\":\"eyJh***\"}");

    assert_shown(read_answer(by_dialect, TACIT_ANSWER_API,
                             "HTTP/1.1 401 Unauthorized\r\nX-New-Token: " JWT "\r\n\r\n"),
                 "{\"http_status\":401,\"refuses_token\":true}");
}

/* Adopted it would become part of a header. */
static void what_no_token_is_made_of_does_not_slide(void **state) {
    (void)state;
    assert_shown(read_answer(by_dialect, TACIT_ANSWER_API,
                             "HTTP/1.1 200 OK\r\nX-New-Token: a token of several words\r\n\r\n"),
                 "{\"http_status\":200,\"refuses_token\":false}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_alone_counts_as_200),
        cmocka_unit_test(a_short_token_shows_nothing_of_itself),
        cmocka_unit_test(of_several_heads_the_last_counts),
        cmocka_unit_test(lines_may_end_without_cr_and_the_body_may_look_like_a_head),
        cmocka_unit_test(a_head_without_a_body_is_an_answer),
        cmocka_unit_test(a_refusal_is_called_by_its_name),
        cmocka_unit_test(a_dialect_reads_as_on_the_real_path),
        cmocka_unit_test(a_sentence_for_a_code_ends_with_one_period),
        cmocka_unit_test(an_answer_is_as_old_as_its_date),
        cmocka_unit_test(a_code_of_success_is_no_error),
        cmocka_unit_test(an_api_answer_shows_whether_it_is_about_the_token),
        cmocka_unit_test(an_api_answer_shows_the_token_that_slides),
        cmocka_unit_test(what_no_token_is_made_of_does_not_slide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
