#include "support/unit.h"

#include "transport/url_parts.h"

#include <string.h>
#include <strings.h>

/* expected: the text, or NULL and the status. */
static const struct {
    const char *text, *expected;
    tacit_status status;
    bool loopback;
    const char *why;
} parsed[] = {
    {"https://api.example.com/v1/a?b=c", "https://api.example.com/v1/a?b=c", 0, false, "as it is"},
    {"https://api.example.com", "https://api.example.com/", 0, false, "an empty path is /"},
    {"https://api.example.com?x=1", "https://api.example.com/?x=1", 0, false, "query only"},
    {"HTTPS://API.Example.COM/A", "https://api.example.com/A", 0, false, "case of scheme and host"},
    {"https://api.example.com:443/a", "https://api.example.com/a", 0, false, "default port"},
    {"https://api.example.com:8443/a", "https://api.example.com:8443/a", 0, false, "other port"},
    {"https://api.example.com/a#secret", "https://api.example.com/a", 0, false, "no fragment"},
    {"https://api.example.com/a/../b/./c", "https://api.example.com/b/c", 0, false, "dot segments"},
    {"https://api.example.com/a?b=/../c", "https://api.example.com/a?b=/../c", 0, false,
     "dots in a query"},
    {"https://api.example.com/\xc3\xa4", "https://api.example.com/%c3%a4", 0, false,
     "bytes above ASCII"},
    {"http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a", 0, true, "loopback"},
    {"http://127.9.9.9/", "http://127.9.9.9/", 0, true, "all of 127.0.0.0/8"},
    {"https://127.0.0.1/", "https://127.0.0.1/", 0, true, "loopback with TLS"},
    {"http://[::1]:8080/a", "http://[::1]:8080/a", 0, true, "IPv6 loopback"},
    {"https://[2001:db8::1]/", "https://[2001:db8::1]/", 0, false, "IPv6"},
    {"http://api.example.com/", NULL, TACIT_ERR_INSECURE_URL, false, "http beyond loopback"},
    {"http://128.0.0.1/", NULL, TACIT_ERR_INSECURE_URL, false, "beyond 127.0.0.0/8"},
    {"http://0.0.0.0/", NULL, TACIT_ERR_INSECURE_URL, false, "any address is no loopback"},
    {"http://[::]/", NULL, TACIT_ERR_INSECURE_URL, false, "any IPv6 address neither"},
    {"http://[::ffff:127.0.0.1]/", NULL, TACIT_ERR_INSECURE_URL, false, "mapped"},
    {"http://127.0.0.1.example.com/", NULL, TACIT_ERR_INSECURE_URL, false, "a name"},
    {"http://localhost.example.com/", NULL, TACIT_ERR_INSECURE_URL, false, "another name"},
    {"http://localhost./", NULL, TACIT_ERR_INSECURE_URL, false, "a resolver would be asked"},
    {"https://user@api.example.com/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "user"},
    {"https://user:word@api.example.com/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "password"},
    {"https://:word@api.example.com/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "password only"},
    {"http://127.0.0.1@evil.example/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "a user like that"},
    {"http://evil.example\\@127.0.0.1/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "backslash"},
    {"https://a%2fb.example/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "a slash in a host"},
    {"/v1/a", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "relative"},
    {"api.example.com/a", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "no scheme"},
    {"//api.example.com/a", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "no scheme"},
    {"ftp://api.example.com/a", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "scheme"},
    {"file:///etc/passwd", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "scheme"},
    {"https://", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "no host"},
    {"https:///", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "no host"},
    {"https://api.example.com:99999/", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "port"},
    {"https://api.example.com/a b", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "space"},
    {"https://api.example.com/a\r\nX: y", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "line break"},
    {"https://api.example.com/\x7f", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "control"},
    {"", NULL, TACIT_ERR_INVALID_ARGUMENT, false, "empty"},
};

static void parsing_normalises_or_refuses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof parsed / sizeof *parsed; i++) {
        tacit_error error;

        ti_url *url = ti_url_parse(parsed[i].text, "options->url", &error);

        if (parsed[i].expected) {
            if (!url) fail_msg("%s (%s): %s", parsed[i].text, parsed[i].why, error.message);
            if (strcasecmp(ti_url_text(url), parsed[i].expected) != 0 ||
                ti_url_is_loopback(url) != parsed[i].loopback) {
                fail_msg("%s (%s): became %s", parsed[i].text, parsed[i].why, ti_url_text(url));
            }
        } else {
            if (url || error.status != parsed[i].status) {
                fail_msg("%s (%s): %s", parsed[i].text, parsed[i].why,
                         url ? ti_url_text(url) : error.message);
            }
            assert_non_null(strstr(error.message, "options->url"));
        }
        ti_url_free(url);
    }
}

/* Either it is loopback for this library and for libcurl, in that spelling, or it is refused. */
static void odd_spellings_of_loopback_are_what_libcurl_makes_of_them(void **state) {
    (void)state;
    const char *const spellings[] = {"http://127.1/", "http://0177.0.0.1/", "http://0x7f000001/",
                                     "http://2130706433/", "http://127.0.0.1.:80/"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        tacit_error error;

        ti_url *url = ti_url_parse(spellings[i], "url", &error);

        if (url) {
            assert_string_equal(ti_url_text(url), "http://127.0.0.1/");
        } else {
            assert_int_equal(error.status, TACIT_ERR_INSECURE_URL);
        }
        ti_url_free(url);
    }
}

static void localhost_is_loopback_where_libcurl_resolves_it(void **state) {
    (void)state;
    tacit_error error;

    ti_url *url = ti_url_parse("http://LocalHost:8080/", "url", &error);

    if (curl_version_info(CURLVERSION_NOW)->version_num >= 0x074d00) {
        assert_non_null(url);
        assert_true(ti_url_is_loopback(url));
    } else {
        assert_null(url);
        assert_non_null(strstr(error.message, "127.0.0.1"));
    }
    ti_url_free(url);
}

static void null_is_refused(void **state) {
    (void)state;
    tacit_error error;

    assert_null(ti_url_parse(NULL, "request->url", &error));

    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "request->url"));
}

static const struct {
    const char *location, *expected;
    tacit_status status;
} resolved[] = {
    {"/b", "https://a.example/b", 0},
    {"b?c", "https://a.example/x/b?c", 0},
    {"?c", "https://a.example/x/y?c", 0},
    {"../b", "https://a.example/b", 0},
    {"//b.example/c", "https://b.example/c", 0},
    {"https://b.example:444/c#d", "https://b.example:444/c", 0},
    {"http://127.0.0.1/", NULL, TACIT_ERR_INSECURE_URL},
    {"http://a.example/", NULL, TACIT_ERR_INSECURE_URL},
    {"https://user@b.example/", NULL, TACIT_ERR_INVALID_ARGUMENT},
    {"file:///etc/passwd", NULL, TACIT_ERR_INVALID_ARGUMENT},
    {"javascript:alert(1)", NULL, TACIT_ERR_INVALID_ARGUMENT},
};

static void a_location_is_resolved_against_its_url(void **state) {
    (void)state;
    ti_url *base = ti_url_parse("https://a.example/x/y?q", "url", NULL);
    assert_non_null(base);
    for (size_t i = 0; i < sizeof resolved / sizeof *resolved; i++) {
        tacit_error error;

        ti_url *url = ti_url_resolve(base, resolved[i].location, &error);

        if (!resolved[i].expected) {
            assert_null(url);
            assert_int_equal(error.status, resolved[i].status);
            continue;
        }
        if (!url) fail_msg("%s: %s", resolved[i].location, error.message);
        assert_string_equal(ti_url_text(url), resolved[i].expected);
        ti_url_free(url);
    }
    ti_url_free(base);
}

static const struct {
    const char *from, *to;
    ti_url_change change;
    const char *why;
} changes[] = {
    {"https://a.example/x", "https://a.example/x", TI_URL_SAME, "the same"},
    {"https://a.example/x", "https://a.example/y?z=1", TI_URL_PATH, "another path"},
    {"https://a.example/x", "https://a.example/a/much/longer/path", TI_URL_PATH, "it grows"},
    {"https://a.example/x", "https://a.example/", TI_URL_PATH, "it shrinks"},
    {"http://127.0.0.1:80/x", "http://127.0.0.1/y", TI_URL_PATH, "normalised before"},
    {"https://a.example/x", "https://a.example", TI_URL_OTHER, "no slash"},
    {"https://a.example/x", "https://a.example?y", TI_URL_OTHER, "no slash"},
    {"https://a.example/x", "https://a.example.evil/x", TI_URL_OTHER, "a longer host"},
    {"https://a.example/x", "https://a.example:444/x", TI_URL_OTHER, "a port"},
    {"https://a.example/x", "https://a.example@evil/x", TI_URL_OTHER, "a user"},
    {"https://a.example/x", "https://a.example\\@evil/x", TI_URL_OTHER, "a backslash"},
    {"https://a.example/x", "https://a.example#@evil/x", TI_URL_OTHER, "a fragment"},
    {"https://a.example/x", "https://A.example/x", TI_URL_OTHER, "case is for the parser"},
    {"https://a.example/x", "http://a.example/x", TI_URL_OTHER, "another scheme"},
    {"https://a.example/x", "https://a.example/y/../z", TI_URL_OTHER, "dot segments"},
    {"https://a.example/x", "https://a.example/%2e%2e/z", TI_URL_OTHER, "dots in disguise"},
    {"https://a.example/x", "https://a.example/y#z", TI_URL_OTHER, "a fragment"},
    {"https://a.example/x", "https://a.example/y z", TI_URL_OTHER, "a space"},
    {"https://a.example/x", "https://a.example/y\r\nX: z", TI_URL_OTHER, "a line break"},
    {"https://a.example/x", "https://a.example/\xc3\xa4", TI_URL_OTHER, "bytes above ASCII"},
    {"https://a.example/x", "", TI_URL_OTHER, "empty"},
};

static void only_plain_paths_on_the_same_origin_change_without_parsing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ti_url *url = ti_url_parse(changes[i].from, "url", NULL);
        assert_non_null(url);

        ti_url_change change = ti_url_change_to(url, changes[i].to);

        if (change != changes[i].change) fail_msg("%s: %s", changes[i].to, changes[i].why);
        if (change == TI_URL_OTHER) {
            ti_url *before = ti_url_parse(changes[i].from, "url", NULL);
            assert_string_equal(ti_url_text(url), ti_url_text(before));
            ti_url_free(before);
        } else {
            assert_string_equal(ti_url_text(url), changes[i].to);
        }
        ti_url_free(url);
    }
}

static void origins_are_found_by_scheme_host_and_port(void **state) {
    (void)state;
    const char *const list[] = {"https://API.example.com:443", "https://b.example:8443/",
                                "http://127.0.0.1:8080", NULL};
    const struct {
        const char *url;
        int place;
    } cases[] = {{"https://api.example.com/x", 0},   {"https://api.EXAMPLE.com:443/x", 0},
                 {"https://b.example:8443/", 1},     {"https://b.example/", -1},
                 {"http://127.0.0.1:8080/y", 2},     {"http://127.0.0.1/y", -1},
                 {"https://127.0.0.1:8080/y", -1},   {"https://api.example.com.evil/", -1},
                 {"https://x.api.example.com/x", -1}};
    ti_origins *origins = ti_origins_new(list, NULL);
    assert_non_null(origins);
    assert_int_equal(ti_origins_count(origins), 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_url *url = ti_url_parse(cases[i].url, "url", NULL);
        assert_non_null(url);

        assert_int_equal(ti_origins_find(origins, url), cases[i].place);

        ti_url_free(url);
    }
    ti_origins_free(origins);
}

static void url_of_an_origin_shares_what_was_parsed(void **state) {
    (void)state;
    const char *const list[] = {"https://api.example.com", "https://b.example:8443", NULL};
    const struct {
        const char *text, *expected;
        bool shares;
    } cases[] = {
        {"https://b.example:8443/x?y=z", "https://b.example:8443/x?y=z", true},
        {"https://api.example.com/", "https://api.example.com/", true},
        /* what has to be parsed */
        {"https://api.example.com", "https://api.example.com/", false},
        {"https://API.example.com/x", "https://api.example.com/x", false},
        {"https://api.example.com:443/x", "https://api.example.com/x", false},
        {"https://api.example.com/a/../x", "https://api.example.com/x", false},
        {"https://api.example.com/x#y", "https://api.example.com/x", false},
        {"https://api.example.com.evil.example/x", "https://api.example.com.evil.example/x", false},
        {"https://b.example:84433/x", NULL, false},
        {"https://api.example.com@evil.example/x", NULL, false},
        {NULL, NULL, false},
    };
    ti_origins *origins = ti_origins_new(list, NULL);
    assert_non_null(origins);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tacit_error error;

        ti_url *a = ti_origins_url(origins, cases[i].text, "url", &error);
        ti_url *b = ti_origins_url(origins, cases[i].text, "url", NULL);

        if (!cases[i].expected) {
            assert_null(a);
            assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
        } else {
            assert_non_null(a);
            assert_non_null(b);
            assert_int_equal(error.status, TACIT_OK);
            assert_string_equal(ti_url_text(a), cases[i].expected);
            assert_int_equal(a->origin == b->origin, cases[i].shares);
        }
        ti_url_free(a);
        ti_url_free(b);
    }
    ti_origins_free(origins);
}

static void url_outlives_the_origins_that_it_came_from(void **state) {
    (void)state;
    const char *const list[] = {"https://api.example.com", NULL};
    ti_origins *origins = ti_origins_new(list, NULL);
    assert_non_null(origins);
    ti_url *url = ti_origins_url(origins, "https://api.example.com/x", "url", NULL);
    assert_non_null(url);

    ti_origins_free(origins);

    ti_url *resolved = ti_url_resolve(url, "y", NULL);
    assert_string_equal(ti_url_text(resolved), "https://api.example.com/y");
    assert_true(ti_url_same_origin(url, resolved));
    ti_url_free(resolved);
    ti_url_free(url);
}

static void origins_with_more_than_an_origin_are_refused(void **state) {
    (void)state;
    const char *const wrong[] = {
        "https://a.example/v1",   "https://a.example/?", "https://a.example/#x",
        "https://u@a.example",    "a.example",           "http://a.example",
        "https://a.example/?x=1", "https://a.example//"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const list[] = {"https://fine.example", wrong[i], NULL};
        tacit_error error;

        ti_origins *origins = ti_origins_new(list, &error);

        if (origins) fail_msg("%s was taken", wrong[i]);
        assert_non_null(strstr(error.message, "options->origins"));
    }
}

static void query_is_added_to_the_one_that_is_there(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"https://a.example/x", "https://a.example/x?n=v"},
        {"https://a.example/x?", "https://a.example/x?n=v"},
        {"https://a.example/x?a=b", "https://a.example/x?a=b&n=v"},
        {"https://a.example/x?a=b&", "https://a.example/x?a=b&n=v"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_buffer text = TI_BUFFER_INIT, query = TI_BUFFER_INIT;
        ti_buffer_append_form(&query, "n", "v", 1);

        ti_url_append_query(&text, cases[i][0], &query);

        assert_string_equal(text.data, cases[i][1]);
        query.failed = true; /* what is not whole is not taken for it */
        ti_url_append_query(&text, cases[i][0], &query);
        assert_true(text.failed);
        ti_buffer_free(&query);
        ti_buffer_free(&text);
    }
}

static void no_origins_are_none(void **state) {
    (void)state;
    ti_origins *origins = ti_origins_new(NULL, NULL);
    ti_url *url = ti_url_parse("https://a.example/", "url", NULL);
    assert_non_null(origins);

    assert_int_equal(ti_origins_count(origins), 0);
    assert_int_equal(ti_origins_find(origins, url), -1);

    ti_url_free(url);
    ti_origins_free(origins);
}

/* application/x-www-form-urlencoded, as RFC 6749 appendix B has it. */
static void values_of_a_query_are_decoded(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
        size_t size; /* of expected */
    } rows[] = {
        {"", "", 0},           {"plain", "plain", 5},     {"a+b%20c", "a b c", 5},
        {"%2B%2b+", "++ ", 3}, {"%41%zz%4", "A%zz%4", 6}, {"a%00b", "a\0b", 3},
        {"+++", "   ", 3},     {"%C3%A4", "\xc3\xa4", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_secret *decoded = ti_url_decode(rows[i].text, strlen(rows[i].text));
        assert_non_null(decoded);
        assert_int_equal(ti_secret_size(decoded), rows[i].size);
        assert_memory_equal(ti_secret_data(decoded), rows[i].expected, rows[i].size);
        ti_secret_unref(decoded);
    }
    ti_secret *part = ti_url_decode("a+b&c", 3); /* what follows is not looked at */
    assert_string_equal(ti_secret_data(part), "a b");
    ti_secret_unref(part);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_normalises_or_refuses),
        cmocka_unit_test(odd_spellings_of_loopback_are_what_libcurl_makes_of_them),
        cmocka_unit_test(localhost_is_loopback_where_libcurl_resolves_it),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(a_location_is_resolved_against_its_url),
        cmocka_unit_test(only_plain_paths_on_the_same_origin_change_without_parsing),
        cmocka_unit_test(origins_are_found_by_scheme_host_and_port),
        cmocka_unit_test(url_of_an_origin_shares_what_was_parsed),
        cmocka_unit_test(url_outlives_the_origins_that_it_came_from),
        cmocka_unit_test(origins_with_more_than_an_origin_are_refused),
        cmocka_unit_test(query_is_added_to_the_one_that_is_there),
        cmocka_unit_test(no_origins_are_none),
        cmocka_unit_test(values_of_a_query_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
