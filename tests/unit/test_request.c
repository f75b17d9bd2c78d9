#include "call/headers.h"
#include "request_fixture.h"

#include <stdlib.h>
#include <string.h>

#define URL "https://api.example.com/"

static size_t read_nothing(char *buffer, size_t capacity, void *read_data) {
    (void)buffer;
    (void)capacity;
    (void)read_data;
    return 0;
}

static bool rewind_it(void *read_data) {
    (void)read_data;
    return true;
}

static void the_method_follows_from_the_body(void **state) {
    (void)state;
    static const struct {
        const char *method;
        const void *body;
        tacit_read_fn read;
        const char *expected;
    } rows[] = {
        {NULL, NULL, NULL, "GET"},          {NULL, "", NULL, "POST"},
        {NULL, NULL, read_nothing, "POST"}, {"PUT", "x", NULL, "PUT"},
        {"DELETE", NULL, NULL, "DELETE"},   {"X-MY.METHOD!", NULL, NULL, "X-MY.METHOD!"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_request checked, request = request_to(URL);

        request.method = rows[i].method;
        request.body = rows[i].body;
        request.read = rows[i].read;
        assert_int_equal(ti_request_read(&checked, &request, NULL), TACIT_OK);
        assert_string_equal(checked.method, rows[i].expected);
    }
}

static void methods_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const methods[] = {"",          "GE T",    "GET\r\nX: y", "GET\n",
                                          "M\xc3\xa9", "(GET)",   "A:B",         "\x7f",
                                          "TRACE",     "CONNECT", "GET "};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        tacit_request request = request_to(URL);

        request.method = methods[i];
        expect_refused(&request, "request->method");
    }
}

static void bodies_that_contradict_themselves_are_refused(void **state) {
    (void)state;
    tacit_request both = request_to(URL), missing = request_to(URL), head = request_to(URL);

    both.body = "x";
    both.read = read_nothing;
    expect_refused(&both, "request->read");

    missing.body_size = 1;
    expect_refused(&missing, "request->body");

    head.method = "HEAD";
    head.body = "x";
    head.body_size = 1;
    expect_refused(&head, "request->method");
}

static void numbers_out_of_range_are_refused(void **state) {
    (void)state;
    tacit_request timeout = request_to(URL), min_valid = request_to(URL);

    timeout.timeout_ms = -2;
    expect_refused(&timeout, "request->timeout_ms");
    min_valid.min_valid_s = -1;
    expect_refused(&min_valid, "request->min_valid_s");
}

static void a_missing_url_is_refused(void **state) {
    (void)state;
    tacit_request request = request_to(NULL);

    expect_refused(&request, "request->url");
    assert_int_equal(ti_request_read(&request, NULL, NULL), TACIT_ERR_INVALID_ARGUMENT);
}

static void the_default_timeout_has_two_names(void **state) {
    (void)state;
    static const struct {
        int asked, expected;
    } rows[] = {{0, TACIT_TIMEOUT_DEFAULT}, {-1, TACIT_TIMEOUT_DEFAULT}, {1, 1}, {250, 250}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_request checked, request = request_to(URL);

        request.timeout_ms = rows[i].asked;
        assert_int_equal(ti_request_read(&checked, &request, NULL), TACIT_OK);
        assert_int_equal(checked.timeout_ms, rows[i].expected);
    }
}

/* A program compiled against an older header: what it does not know is zero. */
static void nothing_beyond_struct_size_is_read(void **state) {
    (void)state;
    tacit_request checked, request = request_to(URL);

    memset(&request.body, 0xff, sizeof request - offsetof(tacit_request, body));
    request.struct_size = offsetof(tacit_request, body);

    assert_int_equal(ti_request_read(&checked, &request, NULL), TACIT_OK);
    assert_null(checked.body);
    assert_null(checked.read);
    assert_false(checked.no_redirects);
    assert_int_equal(checked.min_valid_s, 0);

    request.struct_size = 0;
    expect_refused(&request, "TACIT_REQUEST_INIT");
}

static void the_plan_says_what_the_exchange_needs(void **state) {
    (void)state;
    tacit_request checked, request = request_to(URL);
    ti_exchange_plan plan;

    request.read = read_nothing;
    request.rewind = rewind_it;
    request.no_redirects = true;
    request.min_valid_s = 70;
    assert_int_equal(ti_request_read(&checked, &request, NULL), TACIT_OK);
    plan = ti_request_plan(&checked);

    assert_string_equal(plan.method, "POST");
    assert_true(plan.body);
    assert_true(plan.streamed);
    assert_true(plan.rewindable);
    assert_true(plan.no_redirects);
    assert_int_equal(plan.min_valid_s, 70);
}

static void header_lines_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool good;
    } rows[] = {
        {"Accept: text/plain", true},
        {"X-Empty:", true},
        {"X-Tab:\ta", true},
        {"X-Latin: caf\xc3\xa9", true},
        {"authorization-hint: x", true},
        {"", false},
        {":", false},
        {": x", false},
        {"NoColon", false},
        {"No Colon: x", false},
        {"Name : x", false},
        {" Name: x", false},
        {"X: a\r\nAuthorization: Bearer y", false},
        {"X: a\n", false},
        {"X: a\r", false},
        {"X\n: a", false},
        {"X: \x01", false},
        {"X: \x7f", false},
        {"X;", false},
        {"Authorization: Bearer x", false},
        {"AUTHORIZATION:x", false},
        {"Proxy-Authorization: Basic x", false},
        {"host: evil.example", false},
        {"Content-Length: 0", false},
        {"Transfer-Encoding: chunked", false},
        {"Connection: close", false},
        {"Upgrade: websocket", false},
        {"te: trailers", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *lines[] = {"X-First: 1", rows[i].line, NULL};
        tacit_error error = TACIT_ERROR_INIT;
        tacit_status expected = rows[i].good ? TACIT_OK : TACIT_ERR_INVALID_ARGUMENT;

        if (ti_headers_check(lines, &error) != expected) fail_msg("\"%s\"", rows[i].line);
        if (!rows[i].good) assert_non_null(strstr(error.message, "request->headers"));
    }
    assert_int_equal(ti_headers_check(NULL, NULL), TACIT_OK);
}

/* What a header holds may be a secret: an error must not repeat it. */
static void a_refused_header_does_not_show_its_value(void **state) {
    (void)state;
    static const char *const lines[] = {"Authorization: Bearer hunter2", NULL};
    tacit_error error = TACIT_ERROR_INIT;

    assert_int_equal(ti_headers_check(lines, &error), TACIT_ERR_INVALID_ARGUMENT);

    assert_null(strstr(error.message, "hunter2"));
    assert_non_null(strstr(error.message, "Authorization"));
}

static void redirects_take_what_does_not_belong_there(void **state) {
    (void)state;
    static const char *const lines[] = {
        "Accept: */*",       "Cookie: a=b",     "X-Api-Key: k",         "x-auth-TOKEN: t",
        "Content-Type: a/b", "Range: bytes=0-", "Content-Language: de", NULL,
    };
    static const struct {
        ti_headers_keep keep;
        const char *expected[8];
    } rows[] = {
        {{.credentials = true, .content = false},
         {"Accept: */*", "Cookie: a=b", "X-Api-Key: k", "x-auth-TOKEN: t", "Range: bytes=0-"}},
        {{.credentials = false, .content = true},
         {"Accept: */*", "Content-Type: a/b", "Range: bytes=0-", "Content-Language: de"}},
        {{.credentials = false, .content = false}, {"Accept: */*", "Range: bytes=0-"}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char **list = ti_headers_filter(lines, rows[i].keep);
        size_t n = 0;

        assert_non_null(list);
        for (; rows[i].expected[n] != NULL; n++) assert_string_equal(list[n], rows[i].expected[n]);
        assert_null(list[n]);
        free(list);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_method_follows_from_the_body),
        cmocka_unit_test(methods_that_are_none_are_refused),
        cmocka_unit_test(bodies_that_contradict_themselves_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(a_missing_url_is_refused),
        cmocka_unit_test(the_default_timeout_has_two_names),
        cmocka_unit_test(nothing_beyond_struct_size_is_read),
        cmocka_unit_test(the_plan_says_what_the_exchange_needs),
        cmocka_unit_test(header_lines_are_checked),
        cmocka_unit_test(a_refused_header_does_not_show_its_value),
        cmocka_unit_test(redirects_take_what_does_not_belong_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
