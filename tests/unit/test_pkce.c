#include "oauth/pkce.h"

#include "tests/support/unit.h"

#include <string.h>

/* RFC 7636 appendix B */
static void the_challenge_is_the_rfcs(void **state) {
    char challenge[TI_PKCE_SIZE];

    (void)state;
    assert_true(ti_pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));

    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

/* RFC 7636 section 4.1: 43 characters of what needs no encoding anywhere. */
static void what_is_drawn_is_a_verifier(void **state) {
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char value[TI_PKCE_SIZE];

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_true(ti_pkce_draw(value));

        assert_int_equal(strspn(value, unreserved), 43);
        assert_int_equal(value[43], '\0');
    }
}

static void no_two_are_alike(void **state) {
    char values[100][TI_PKCE_SIZE];

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(ti_pkce_draw(values[i]));
        for (int j = 0; j < i; j++) assert_string_not_equal(values[i], values[j]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_challenge_is_the_rfcs),
        cmocka_unit_test(what_is_drawn_is_a_verifier),
        cmocka_unit_test(no_two_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
