#include "support/unit.h"

#include "transport/transport.h"

static const struct {
    int status;
    const char *method, *expected;
    bool keep_body;
    const char *why;
} cases[] = {
    {301, "GET", "GET", true, "a GET stays"},
    {301, "POST", "GET", false, "historical, RFC 9110 section 15.4.2"},
    {302, "POST", "GET", false, "historical, RFC 9110 section 15.4.3"},
    {301, "PUT", "PUT", true, "only POST changes"},
    {302, "HEAD", "HEAD", true, "only POST changes"},
    {303, "PUT", "GET", false, "see other"},
    {303, "HEAD", "HEAD", false, "see other, without a body"},
    {307, "POST", "POST", true, "temporary, as it is"},
    {308, "POST", "POST", true, "permanent, as it is"},
    {307, NULL, "GET", true, "no method is GET"},
    {300, "GET", NULL, true, "a choice for the user"},
    {304, "GET", NULL, true, "not modified"},
    {305, "GET", NULL, true, "a proxy of the server's choice"},
    {306, "GET", NULL, true, "unused"},
    {200, "GET", NULL, true, "no redirect"},
    {401, "GET", NULL, true, "no redirect"},
};

static void method_after_a_redirect(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool keep_body = false;

        const char *method = ti_redirect_method(cases[i].status, cases[i].method, &keep_body);

        if (!cases[i].expected) {
            assert_null(method);
            continue;
        }
        if (!method) fail_msg("no redirect: %s", cases[i].why);
        assert_string_equal(method, cases[i].expected);
        if (keep_body != cases[i].keep_body) fail_msg("body: %s", cases[i].why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(method_after_a_redirect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
