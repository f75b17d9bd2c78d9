#include "call/response.h"

#include "tests/support/unit.h"

#include <string.h>

static tacit_response *response_from(const char *text) {
    ti_url *url = ti_url_parse(text, "url", NULL);
    tacit_response *response;

    assert_non_null(url);
    response = ti_response_new(url);
    ti_url_free(url); /* the response keeps a copy */
    assert_non_null(response);
    return response;
}

static void add_header(tacit_response *response, const char *line) {
    assert_true(ti_buffer_append(&response->answer.head, line, strlen(line) + 1));
}

static void null_has_nothing(void **state) {
    (void)state;

    assert_int_equal(tacit_response_status(NULL), 0);
    assert_null(tacit_response_header(NULL, "a"));
    assert_null(tacit_response_header_at(NULL, "a", 0));
    assert_null(tacit_response_header_line(NULL, 0));
    assert_null(tacit_response_body(NULL));
    assert_int_equal(tacit_response_body_size(NULL), 0);
    assert_null(tacit_response_url(NULL));
    assert_int_equal(tacit_response_attempts(NULL), 0);
    tacit_response_free(NULL);
}

static void a_new_one_is_empty(void **state) {
    (void)state;
    tacit_response *response = response_from("https://api.example.com/a?b=c");

    assert_int_equal(tacit_response_status(response), 0);
    assert_string_equal(tacit_response_body(response), "");
    assert_int_equal(tacit_response_body_size(response), 0);
    assert_null(tacit_response_header(response, "Date"));
    assert_null(tacit_response_header_line(response, 0));
    assert_int_equal(tacit_response_attempts(response), 0);
    assert_string_equal(tacit_response_url(response), "https://api.example.com/a?b=c");
    tacit_response_free(response);
}

static void headers_are_found_without_case(void **state) {
    (void)state;
    tacit_response *response = response_from("https://api.example.com/");

    add_header(response, "Content-Type: text/plain");
    add_header(response, "set-cookie: a=1");
    add_header(response, "Set-Cookie:b=2");
    add_header(response, "X-Empty:");

    assert_string_equal(tacit_response_header(response, "content-type"), "text/plain");
    assert_string_equal(tacit_response_header(response, "SET-COOKIE"), "a=1");
    assert_string_equal(tacit_response_header_at(response, "Set-Cookie", 1), "b=2");
    assert_null(tacit_response_header_at(response, "Set-Cookie", 2));
    assert_string_equal(tacit_response_header(response, "X-Empty"), "");
    assert_null(tacit_response_header(response, "Content"));
    assert_null(tacit_response_header(response, NULL));
    tacit_response_free(response);
}

static void header_lines_are_there_as_they_came(void **state) {
    (void)state;
    tacit_response *response = response_from("https://api.example.com/");

    add_header(response, "X-Empty:");
    add_header(response, "Set-Cookie: b=2");

    assert_string_equal(tacit_response_header_line(response, 0), "X-Empty:");
    assert_string_equal(tacit_response_header_line(response, 1), "Set-Cookie: b=2");
    assert_null(tacit_response_header_line(response, 2));
    assert_null(tacit_response_header_line(response, SIZE_MAX));
    tacit_response_free(response);
}

static void the_url_is_where_redirects_led(void **state) {
    (void)state;
    tacit_response *response = response_from("https://api.example.com/first");

    response->redirected = ti_url_parse("https://api.example.com/second", "url", NULL);

    assert_string_equal(tacit_response_url(response), "https://api.example.com/second");
    tacit_response_free(response);
}

static void a_body_is_its_bytes(void **state) {
    (void)state;
    tacit_response *response = response_from("https://api.example.com/");

    assert_true(ti_buffer_append(&response->answer.body, "a\0b", 3));

    assert_int_equal(tacit_response_body_size(response), 3);
    assert_memory_equal(tacit_response_body(response), "a\0b", 4);
    tacit_response_free(response);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_has_nothing),
        cmocka_unit_test(a_new_one_is_empty),
        cmocka_unit_test(headers_are_found_without_case),
        cmocka_unit_test(header_lines_are_there_as_they_came),
        cmocka_unit_test(the_url_is_where_redirects_led),
        cmocka_unit_test(a_body_is_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
