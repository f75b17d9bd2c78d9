#include "sign_in/redirect_uri.h"

#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#define LOOPBACK 0x7f000001u

static void what_a_listener_can_serve_is_read(void **state) {
    static const struct {
        const char *text, *host;
        uint32_t ipv4;
        bool ipv6;
        uint16_t port;
        const char *path, *filled;
    } rows[] = {
        {NULL, "127.0.0.1", LOOPBACK, false, 0, "/", "http://127.0.0.1:4711/"},
        {"http://127.0.0.1", "127.0.0.1", LOOPBACK, false, 0, "", "http://127.0.0.1:4711"},
        {"http://127.0.0.1:0/cb", "127.0.0.1", LOOPBACK, false, 0, "/cb",
         "http://127.0.0.1:4711/cb"},
        {"http://127.0.0.1:/cb", "127.0.0.1", LOOPBACK, false, 0, "/cb",
         "http://127.0.0.1:4711/cb"},
        {"http://127.0.0.1:8000/a/b;c=%20", "127.0.0.1", LOOPBACK, false, 8000, "/a/b;c=%20",
         "http://127.0.0.1:8000/a/b;c=%20"},
        {"http://127.0.0.1:65535", "127.0.0.1", LOOPBACK, false, 65535, "",
         "http://127.0.0.1:65535"},
        {"http://127.1.2.3/", "127.1.2.3", 0x7f010203u, false, 0, "/", "http://127.1.2.3:4711/"},
        {"http://[::1]/x", "[::1]", 0, true, 0, "/x", "http://[::1]:4711/x"},
        {"http://[::1]:81/x", "[::1]", 0, true, 81, "/x", "http://[::1]:81/x"},
        {"HTTP://LocalHost/x", "localhost", LOOPBACK, true, 0, "/x", "HTTP://LocalHost:4711/x"},
        {"http://localhost:3000/", "localhost", LOOPBACK, true, 3000, "/",
         "http://localhost:3000/"},
        {"http://localhost:80/", "localhost", LOOPBACK, true, 80, "/", "http://localhost:80/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_redirect_uri uri;
        tacit_error error;
        char *filled;

        if (!ti_redirect_uri_read(&uri, rows[i].text, &error))
            fail_msg("%s: %s", rows[i].text, error.message);
        filled = ti_redirect_uri_text(&uri, 4711);
        assert_string_equal(uri.host, rows[i].host);
        assert_int_equal(uri.ipv4, rows[i].ipv4);
        assert_int_equal(uri.ipv6, rows[i].ipv6);
        assert_int_equal(uri.port, rows[i].port);
        assert_string_equal(uri.path, rows[i].path);
        assert_string_equal(filled, rows[i].filled);
        free(filled);
    }
}

static void what_no_listener_can_serve_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "/cb",
        "127.0.0.1:8000",
        "https://127.0.0.1/",
        "com.example.app:/cb",
        "http://",
        "http:///cb",
        "http://example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://128.0.0.1/",
        "http://0.0.0.0/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://[::]/",
        "http://[::1",
        "http://[::1]x/",
        "http://[::2]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://::1/",
        "http://user@127.0.0.1/",
        "http://user:pw@localhost:1/",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:1a/",
        "http://127.0.0.1:123456/",
        "http://127.0.0.1:80:80/",
        "http://127.0.0.1/?x=1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1?x",
        "http://127.0.0.1#",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\xc3\xa4",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/a/../b",
        "http://127.0.0.1/./b",
        "http://127.0.0.1\\@evil.example/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ti_redirect_uri uri;
        tacit_error error;

        if (ti_redirect_uri_read(&uri, texts[i], &error)) fail_msg("%s was taken", texts[i]);
        assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "options->redirect_uri"));
    }
}

static void any_absolute_uri_can_be_handed_over(void **state) {
    static const char *const good[] = {"com.example.app:/signed-in", "com.example.app:x",
                                       "x-y+z.1://host/path?q=1", "https://app.example/cb"};
    static const char *const bad[] = {"",     ":",       "/cb",      "no-scheme", "1a:/x",  "a b:",
                                      "app:", "app:/#f", "app:/a b", "app:/\n",   "\xc3:/x"};
    tacit_error error;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!ti_redirect_uri_check(good[i], &error)) fail_msg("%s: %s", good[i], error.message);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ti_redirect_uri_check(bad[i], &error)) fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(error.message, "options->redirect_uri"));
    }
    assert_false(ti_redirect_uri_check(NULL, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_listener_can_serve_is_read),
        cmocka_unit_test(what_no_listener_can_serve_is_refused),
        cmocka_unit_test(any_absolute_uri_can_be_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
