#include "sign_in/callback_page.h"
#include "sign_in/callback_request.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ti_callback_address at_5555 = {"127.0.0.1", "/back", 5555};

#define HOST "Host: 127.0.0.1:5555\r\n"
#define END "\r\n"

static void requests_are_told_apart(void **state) {
    static const struct {
        const char *head;
        ti_callback_request expected;
        const char *query, *why;
    } rows[] = {
        {"GET /back?code=1&state=2 HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_GET,
         "code=1&state=2", "as browsers send it"},
        {"GET /back HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_GET, "", "no query"},
        {"GET /back? HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_GET, "", "an empty query"},
        {"GET /back?a?b HTTP/1.0\r\nA:\r\n" HOST "Cookie: \xc3\xa4 x: y\r\n" END,
         TI_CALLBACK_REQUEST_GET, "a?b", "other fields, HTTP/1.0"},
        {"GET /back?q HTTP/1.1\r\nhOsT:127.0.0.1:5555 \t\r\n" END, TI_CALLBACK_REQUEST_GET, "q",
         "blanks and case"},

        {"GET / HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_FOUND, "", "another path"},
        {"GET /back/?code=1 HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "a longer one"},
        {"GET /BACK HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_FOUND, "", "other letters"},
        {"GET /x/../back HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_FOUND, "", "a way around"},
        {"GET http://127.0.0.1:5555/back HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "as to a proxy"},
        {"GET /back?q HTTP/1.1\r\nHost: evil.example:5555\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND,
         "", "DNS rebinding"},
        {"GET /back?q HTTP/1.1\r\nHost: localhost:5555\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "another name of the same"},
        {"GET /back?q HTTP/1.1\r\nHost: 127.0.0.1:5556\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "another port"},
        {"GET /back?q HTTP/1.1\r\nHost: 127.0.0.1\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "no port"},
        {"GET /back?q HTTP/1.1\r\nHost:\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "an empty Host"},
        {"POST /back?q HTTP/1.1\r\nHost: evil.example\r\n" END, TI_CALLBACK_REQUEST_NOT_FOUND, "",
         "a strange Host comes first"},

        {"POST /back HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_ALLOWED, "", "POST"},
        {"HEAD /back?code=1 HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_ALLOWED, "", "HEAD"},
        {"OPTIONS * HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_ALLOWED, "", "OPTIONS"},
        {"get /back HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_NOT_ALLOWED, "", "get"},

        {"GET /back?q HTTP/1.1\r\n" END, TI_CALLBACK_REQUEST_MALFORMED, "", "no Host"},
        {"GET /back?q HTTP/1.1\r\n" HOST HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "two"},
        {"GET /back?q HTTP/1.1\r\nHost : 127.0.0.1:5555\r\n" END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "a blank before the colon"},
        {"GET /back?q HTTP/1.1\r\n" HOST " evil.example\r\n" END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "a folded line"},
        {"GET /back?q HTTP/1.1\r\n" HOST "no colon\r\n" END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "a line that is no field"},
        {"GET /back?q HTTP/1.1\r\n" HOST ": x\r\n" END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "a field without a name"},
        {"GET /back?q\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "HTTP/0.9"},
        {"GET /back?q HTTP/2.0\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "HTTP/2"},
        {"GET  /back?q HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "two spaces"},
        {"GET /back?q HTTP/1.1 \r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "one at the end"},
        {" GET /back?q HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "one before"},
        {"GET /back?q HTTP/1.1\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "a bare line feed"},
        {"GET /back?q\rx HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "a bare return"},
        {"GET /back?\x7f HTTP/1.1\r\n" HOST END, TI_CALLBACK_REQUEST_MALFORMED, "", "DEL"},
        {"GET /back?q HTTP/1.1\r\n" HOST END "x" END END, TI_CALLBACK_REQUEST_MALFORMED, "",
         "something behind the empty line"},
        {"GET /back?q HTTP/1.1\r\n" HOST, TI_CALLBACK_REQUEST_MALFORMED, "", "no empty line"},
        {"\r\n\r\n", TI_CALLBACK_REQUEST_MALFORMED, "", "nothing"},
        {"", TI_CALLBACK_REQUEST_MALFORMED, "", "less than nothing"},
        {"\x16\x03\x01\x02\r\n\r\n", TI_CALLBACK_REQUEST_MALFORMED, "", "TLS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *query;
        size_t size;
        ti_callback_request is =
            ti_callback_request_read(&at_5555, rows[i].head, strlen(rows[i].head), &query, &size);

        if (is != rows[i].expected || size != strlen(rows[i].query) ||
            (size > 0 && memcmp(query, rows[i].query, size) != 0))
            fail_msg("%s: %d", rows[i].why, is);
    }
}

static void a_nul_is_no_end(void **state) {
    static const char head[] = "GET /back?q\0 HTTP/1.1\r\n" HOST END;
    const char *query;
    size_t size;

    (void)state;
    assert_int_equal(ti_callback_request_read(&at_5555, head, sizeof head - 1, &query, &size),
                     TI_CALLBACK_REQUEST_MALFORMED);
}

static ti_callback_request ask(const char *host, const char *path, uint16_t port,
                               const char *head) {
    const ti_callback_address address = {host, path, port};
    const char *query;
    size_t size;

    return ti_callback_request_read(&address, head, strlen(head), &query, &size);
}

static void the_host_is_the_one_that_was_registered(void **state) {
    (void)state;
    assert_int_equal(ask("[::1]", "/", 80, "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
                     TI_CALLBACK_REQUEST_GET);
    assert_int_equal(ask("[::1]", "/", 80, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
                     TI_CALLBACK_REQUEST_GET);
    assert_int_equal(ask("localhost", "", 81, "GET /?x HTTP/1.1\r\nHost: LOCALHOST:81\r\n\r\n"),
                     TI_CALLBACK_REQUEST_GET);
    assert_int_equal(ask("localhost", "/", 81, "GET / HTTP/1.1\r\nHost: 127.0.0.1:81\r\n\r\n"),
                     TI_CALLBACK_REQUEST_NOT_FOUND);
}

/* --- pages --- */

static char *page_text(ti_callback_page page, const char *success_html) {
    ti_buffer buffer = TI_BUFFER_INIT;

    ti_callback_page_append(&buffer, page, success_html);
    assert_false(buffer.failed);
    return buffer.data;
}

static void assert_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) fail_msg("no %s in\n%s", part, text);
}

/* Content-Length is what follows the head. */
static void assert_whole(const char *text) {
    const char *length = strstr(text, "Content-Length: "), *body = strstr(text, "\r\n\r\n");

    assert_non_null(length);
    assert_non_null(body);
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body + 4));
}

static void every_answer_keeps_the_code_here(void **state) {
    (void)state;
    for (ti_callback_page page = TI_CALLBACK_PAGE_SUCCESS; page <= TI_CALLBACK_PAGE_MALFORMED;
         page++) {
        char *text = page_text(page, NULL);

        assert_has(text, "\r\nCache-Control: no-store\r\n");
        assert_has(text, "\r\nReferrer-Policy: no-referrer\r\n");
        assert_has(text, "\r\nContent-Security-Policy: default-src 'none';");
        assert_has(text, "\r\nConnection: close\r\n");
        assert_null(strstr(text, "<script"));
        assert_null(strstr(text, "http://"));
        assert_null(strstr(text, "https://"));
        assert_whole(text);
        free(text);
    }
}

static void each_page_says_what_happened(void **state) {
    static const struct {
        ti_callback_page page;
        const char *status, *says;
    } rows[] = {
        {TI_CALLBACK_PAGE_SUCCESS, "HTTP/1.1 200 OK\r\n", "go back to the app"},
        {TI_CALLBACK_PAGE_DECLINED, "HTTP/1.1 200 OK\r\n", "declined"},
        {TI_CALLBACK_PAGE_FAILED, "HTTP/1.1 200 OK\r\n", "did not work"},
        {TI_CALLBACK_PAGE_NOT_FOUND, "HTTP/1.1 404 Not Found\r\n", "Nothing is here"},
        {TI_CALLBACK_PAGE_NOT_ALLOWED, "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET\r\n"},
        {TI_CALLBACK_PAGE_MALFORMED, "HTTP/1.1 400 Bad Request\r\n", "Content-Length: 0\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = page_text(rows[i].page, NULL);

        assert_memory_equal(text, rows[i].status, strlen(rows[i].status));
        assert_has(text, rows[i].says);
        free(text);
    }
}

static void the_apps_page_replaces_the_page_of_success_alone(void **state) {
    char *success = page_text(TI_CALLBACK_PAGE_SUCCESS, "<p>mine</p>");
    char *failed = page_text(TI_CALLBACK_PAGE_FAILED, "<p>mine</p>");

    (void)state;
    assert_string_equal(strstr(success, "\r\n\r\n") + 4, "<p>mine</p>");
    assert_whole(success);
    assert_null(strstr(failed, "mine"));
    free(success);
    free(failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_told_apart),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(the_host_is_the_one_that_was_registered),
        cmocka_unit_test(every_answer_keeps_the_code_here),
        cmocka_unit_test(each_page_says_what_happened),
        cmocka_unit_test(the_apps_page_replaces_the_page_of_success_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
