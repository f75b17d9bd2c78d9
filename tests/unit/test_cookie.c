/* Set-Cookie as the user agents of RFC 6265 read it. */
#include "oauth/cookie.h"

#include "support/unit.h"

#include "oauth/lifetime.h"

#include <stdlib.h>
#include <string.h>

/* 2026-01-01T00:00:00Z */
#define NOW_S INT64_C(1767225600)
#define HOUR_LATER "Thu, 01 Jan 2026 01:00:00 GMT"
#define HOUR_AGO "Wed, 31 Dec 2025 23:00:00 GMT"

typedef struct row {
    const char *line;
    const char *value; /* NULL: no such cookie */
    int64_t lifetime_s;
    const char *why;
} row;

static const row rows[] = {
    /* section 5.2: name and value */
    {"rt=abc", "abc", -1, "a cookie of the session, which lives on here"},
    {"rt=abc;", "abc", -1, "nothing behind the semicolon"},
    {" \trt \t=\t abc \t; Path=/", "abc", -1, "blanks around both are not theirs"},
    {"rt=a b", "a b", -1, "a blank inside is"},
    {"rt=a=b==", "a=b==", -1, "the first = ends the name"},
    {"rt=\"abc\"", "\"abc\"", -1, "quotes are part of it"},
    {"rt=%20+a", "%20+a", -1, "nothing is decoded"},
    {"rt=a,b", "a,b", -1, "a comma does not end it"},
    {"RT=abc", NULL, -1, "names differ by case"},
    {"rtx=abc", NULL, -1, "another name"},
    {"r=abc", NULL, -1, "another name"},
    {"rt", NULL, -1, "no ="},
    {"", NULL, -1, "nothing"},
    {";rt=abc", NULL, -1, "an attribute of that name is no cookie"},
    {"other=1; rt=abc", NULL, -1, "an attribute of that name is no cookie"},
    {"rt=", NULL, -1, "empty"},
    {"rt=;Max-Age=60", NULL, -1, "empty, whatever it says"},
    /* section 5.2.2: Max-Age */
    {"rt=abc; Max-Age=60", "abc", 60, "seconds"},
    {"rt=abc;max-AGE = 60 ", "abc", 60, "attributes know no case"},
    {"rt=abc; Max-Age=0", NULL, -1, "zero ends it"},
    {"rt=abc; Max-Age=-1", NULL, -1, "a past one ends it"},
    {"rt=abc; Max-Age=-", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=60s", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=+60", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=1.5", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=\"60\"", "abc", -1, "not a number: ignored"},
    {"rt=abc; Max-Age=99999999999999999999999999", "abc", TI_LIFETIME_MAX_S, "for ever"},
    {"rt=abc; Max-Age=5; Max-Age=7", "abc", 7, "the last counts"},
    /* section 5.2.1: Expires */
    {"rt=abc; Expires=" HOUR_LATER, "abc", 3600, "a date"},
    {"rt=abc; expires=Thu, 01-Jan-26 01:00:00 GMT", "abc", 3600, "a date of RFC 850"},
    {"rt=abc; Expires=Thu Jan  1 01:00:00 2026", "abc", 3600, "a date of asctime()"},
    {"rt=abc; Expires=" HOUR_AGO, NULL, -1, "over"},
    {"rt=abc; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NULL, -1, "the usual way to delete it"},
    {"rt=abc; Expires=tomorrow", "abc", -1, "not a date: ignored"},
    {"rt=abc; Expires=0", "abc", -1, "not a date: ignored"},
    {"rt=abc; Expires=Thu, 01 Jan 2026 01:00:00 GMT                                          x",
     "abc", -1, "longer than a date: ignored"},
    /* section 5.3: which wins */
    {"rt=abc; Expires=" HOUR_AGO "; Max-Age=60", "abc", 60, "Max-Age, whatever comes first"},
    {"rt=abc; Max-Age=60; Expires=" HOUR_AGO, "abc", 60, "Max-Age, whatever comes first"},
    {"rt=abc; Max-Age=0; Expires=" HOUR_LATER, NULL, -1, "Max-Age, also where it ends it"},
    {"rt=abc; Max-Age=x; Expires=" HOUR_LATER, "abc", 3600, "not a Max-Age that is ignored"},
    /* what servers write */
    {"rt=abc; HttpOnly; Secure; SameSite=Strict; Path=/auth; Max-Age=604800", "abc", 604800,
     "unknown attributes are nobody's business"},
    {"rt=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/", NULL, -1,
     "a framework's way to delete it"},
};

/* What the lines leave of the cookie rt. */
static ti_cookie read_lines(const char *const *lines) {
    ti_cookie cookie = TI_COOKIE_INIT;
    for (; *lines; lines++) ti_cookie_read(&cookie, *lines, "rt", NOW_S);
    return cookie;
}

static void assert_value(const ti_cookie *cookie, const char *expected, const char *why) {
    size_t size = expected ? strlen(expected) : 0;
    if (cookie->value.size != size ||
        (size > 0 && memcmp(cookie->value.data, expected, size) != 0)) {
        fail_msg("%s: %.*s", why, (int)cookie->value.size,
                 cookie->value.data ? cookie->value.data : "");
    }
}

static void reads_a_line_as_user_agents_do(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_cookie cookie = read_lines((const char *const[]){rows[i].line, NULL});

        assert_value(&cookie, rows[i].value, rows[i].line);
        if (cookie.lifetime_s != rows[i].lifetime_s || cookie.is_faulty) {
            fail_msg("%s (%s): %lld", rows[i].line, rows[i].why, (long long)cookie.lifetime_s);
        }
    }
}

static void the_last_line_counts(void **state) {
    (void)state;
    ti_cookie cookie =
        read_lines((const char *const[]){"rt=first; Max-Age=60", "x=y", "rt=second", NULL});

    assert_value(&cookie, "second", "replaced");
    assert_int_equal(cookie.lifetime_s, -1);
}

static void a_cookie_is_taken_away_again(void **state) {
    (void)state;
    ti_cookie cookie =
        read_lines((const char *const[]){"rt=first; Path=/auth", "rt=; Path=/auth", NULL});

    assert_value(&cookie, NULL, "taken away");
}

/* A server that moved its cookie deletes the old one beside the new one. */
static void the_same_name_elsewhere_is_another_cookie(void **state) {
    (void)state;
    static const char *const lines[][3] = {
        {"rt=new; Path=/auth", "rt=; Path=/; Max-Age=0", NULL},
        {"rt=; Path=/; Max-Age=0", "rt=new; Path=/auth", NULL},
        {"rt=new; Domain=a.example", "rt=x; Max-Age=0", NULL},
        {"rt=new", "rt=x; Path=/; Max-Age=0", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ti_cookie cookie = read_lines(lines[i]);
        assert_value(&cookie, "new", lines[i][0]);
    }
}

static void what_cannot_be_sent_as_it_came_is_faulty(void **state) {
    (void)state;
    static const char *const lines[] = {"rt=a\tb", "rt=a\x01", "rt=a\x7F", "rt=\xC3\xA4",
                                        "rt=a\rb"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_true(read_lines((const char *const[]){lines[i], NULL}).is_faulty);
    }
    ti_cookie cookie = read_lines((const char *const[]){"rt=a\x01", "rt=b", NULL});
    assert_false(cookie.is_faulty);
}

static void a_value_over_64_kib_is_faulty(void **state) {
    (void)state;
    char *line = malloc(TI_COOKIE_SIZE_MAX + 8);
    assert_non_null(line);
    for (size_t over = 0; over <= 1; over++) {
        memcpy(line, "rt=", 3);
        memset(line + 3, 'a', TI_COOKIE_SIZE_MAX + over);
        line[3 + TI_COOKIE_SIZE_MAX + over] = '\0';

        ti_cookie cookie = read_lines((const char *const[]){line, NULL});

        assert_int_equal(cookie.value.size, TI_COOKIE_SIZE_MAX + over);
        assert_int_equal(cookie.is_faulty, over);
    }
    free(line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_line_as_user_agents_do),
        cmocka_unit_test(the_last_line_counts),
        cmocka_unit_test(a_cookie_is_taken_away_again),
        cmocka_unit_test(the_same_name_elsewhere_is_another_cookie),
        cmocka_unit_test(what_cannot_be_sent_as_it_came_is_faulty),
        cmocka_unit_test(a_value_over_64_kib_is_faulty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
