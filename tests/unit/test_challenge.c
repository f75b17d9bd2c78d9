#include "oauth/challenge.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "scheme", "scheme:token68" or "scheme{name=value|name=value}", one behind the other. */
static void describe(const ti_challenges *challenges, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
#define SAY(...) used += (size_t)snprintf(text + used, size - used, __VA_ARGS__)
    for (size_t i = 0; i < challenges->count; i++) {
        const ti_challenge *challenge = &challenges->items[i];
        SAY("%s%s", i > 0 ? " " : "", challenge->scheme);
        if (challenge->token68) SAY(":%s", challenge->token68);
        for (size_t j = 0; j < challenge->param_count; j++) {
            SAY("%s%s=%s", j > 0 ? "|" : "{", challenge->params[j].name,
                challenge->params[j].value);
        }
        if (challenge->param_count > 0) SAY("}");
    }
#undef SAY
}

static void reads_the_grammar(void **state) {
    (void)state;
    static const struct {
        const char *value;
        const char *expected;
    } rows[] = {
        {"", ""},
        {"Bearer", "bearer"},
        {"Bearer realm=\"api\"", "bearer{realm=api}"},
        {"BEARER Realm=api, ERROR=\"invalid_token\"", "bearer{realm=api|error=invalid_token}"},
        {"Bearer realm = \"a\" ,\terror\t=\t\"b\"", "bearer{realm=a|error=b}"},
        {"Bearer realm=\"say \\\"hi\\\", \\\\ you\"", "bearer{realm=say \"hi\", \\ you}"},
        {"Bearer realm=\"\"", "bearer{realm=}"},
        {"Bearer realm=\"a, Basic realm=b\"", "bearer{realm=a, Basic realm=b}"},
        {"Negotiate", "negotiate"},
        {"Negotiate oYGAAA==", "negotiate:oYGAAA=="},
        {"Negotiate a.b-c_d~e+f/g=", "negotiate:a.b-c_d~e+f/g="},
        {"Negotiate abc, Bearer error=x", "negotiate:abc bearer{error=x}"},
        {"Basic realm=\"x\", Bearer realm=\"y\", error=\"z\"",
         "basic{realm=x} bearer{realm=y|error=z}"},
        {"Basic, Negotiate, Bearer", "basic negotiate bearer"},
        {"Bearer a=1, Bearer a=2", "bearer{a=1} bearer{a=2}"},
        {"Bearer a=1, a=2", "bearer{a=1|a=2}"},
        {",, , Bearer ,, a=1 , ,b=2,,", "bearer{a=1|b=2}"},
        {"Bearer    a=1", "bearer{a=1}"},
        {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
         "newauth{realm=apps|type=1|title=Login to \"apps\"} basic{realm=simple}"},
        /* what is not the grammar */
        {"Bearer realm=\"a\" error=\"b\"", "bearer{realm=a|error=b}"},
        {"Bearer realm=\"a\" Basic realm=\"b\"", "bearer{realm=a} basic{realm=b}"},
        {"realm=\"a\", Bearer error=b", "bearer{error=b}"},
        {"Bearer realm=\"open", "bearer"},
        {"Bearer error=a, realm=\"open, error=b", "bearer{error=a}"},
        {"Bearer realm=\"open\\", "bearer"},
        {"Bearer =x, Basic error=a", "basic{error=a}"},
        {"Bearer a=, error=b", "bearer:a={error=b}"},
        {"Bearer abc def, Basic realm=x", "bearer basic{realm=x}"},
        {"@@@ \"quoted, comma\", Bearer", "bearer"},
        {"Bearer: realm=x, Basic realm=y", "basic{realm=y}"},
        {"Bearer error=\xC3\xA4, scope=b", "bearer{scope=b}"},
        {"\"", ""},
        {"=", ""},
        {"Bearer \"", "bearer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_challenges challenges = {.items = NULL};
        char text[512];

        assert_true(ti_challenges_parse(&challenges, rows[i].value));

        describe(&challenges, text, sizeof text);
        if (strcmp(text, rows[i].expected) != 0) fail_msg("%s reads as %s", rows[i].value, text);
        ti_challenges_free(&challenges);
        assert_int_equal(challenges.count, 0);
    }
}

static void several_header_values_add_up(void **state) {
    (void)state;
    ti_challenges challenges = {.items = NULL};
    char text[128];

    assert_true(ti_challenges_parse(&challenges, "Basic realm=a"));
    assert_true(ti_challenges_parse(&challenges, "error=\"of no challenge\""));
    assert_true(ti_challenges_parse(&challenges, "Bearer error=invalid_token"));

    describe(&challenges, text, sizeof text);
    assert_string_equal(text, "basic{realm=a} bearer{error=invalid_token}");
    assert_string_equal(ti_challenge_param_value(&challenges.items[1], "error"), "invalid_token");
    assert_null(ti_challenge_param_value(&challenges.items[1], "realm"));
    ti_challenges_free(&challenges);
}

/* With quadratic work on any of these the test runs into its time limit. */
static void hostile_input_takes_linear_time(void **state) {
    (void)state;
    static const char *const pieces[] = {"\"", "a=\"", "a=\"\\", "a ",   "a,",   "a=b,", "=,",
                                         ",",  "a \"", "a b c,", "\\\"", "a=b ", "a  =", "a68=="};
    size_t size = 1 << 20;
    char *value = malloc(size + 16);
    assert_non_null(value);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t length = strlen(pieces[i]), used = 0;
        ti_challenges challenges = {.items = NULL};
        for (; used < size; used += length) memcpy(value + used, pieces[i], length + 1);

        assert_true(ti_challenges_parse(&challenges, value));

        ti_challenges_free(&challenges);
    }
    free(value);
}

static void says_whether_a_newer_token_may_help(void **state) {
    (void)state;
    static const struct {
        int http_status;
        const char *values[3];
        bool refuses;
    } rows[] = {
        {401, {NULL}, true},
        {401, {"Bearer"}, true},
        {401, {"Bearer realm=\"api\""}, true},
        {401, {"Bearer error=\"invalid_token\""}, true},
        {401, {"bearer ERROR=invalid_token"}, true},
        {401, {"DPoP algs=\"ES256\""}, true},
        {401, {"DPoP error=\"invalid_token\""}, true},
        {401, {"Basic realm=x, Bearer error=\"invalid_token\""}, true},
        {401, {"Negotiate", "Bearer"}, true},
        {401, {"Bearer error=\"insufficient_scope\"", "Bearer error=\"invalid_token\""}, true},
        {401, {"Bearer error=\"insufficient_scope\""}, false},
        {401, {"Bearer error=\"invalid_request\""}, false},
        {401, {"DPoP error=\"use_dpop_nonce\""}, false},
        {401, {"Basic realm=\"x\""}, false},
        {401, {"Negotiate", "NTLM"}, false},
        {401, {"Basic error=\"invalid_token\""}, false},
        {400, {"Bearer error=\"invalid_token\""}, true},
        {403, {"Bearer error=\"invalid_token\""}, true},
        {403, {"Bearer error=\"insufficient_scope\""}, false},
        {403, {"Bearer"}, false},
        {403, {NULL}, false},
        {400, {NULL}, false},
        {200, {"Bearer error=\"invalid_token\""}, false},
        {407, {"Bearer error=\"invalid_token\""}, false},
        {500, {"Bearer error=\"invalid_token\""}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_challenges challenges = {.items = NULL};
        for (size_t j = 0; rows[i].values[j]; j++) {
            assert_true(ti_challenges_parse(&challenges, rows[i].values[j]));
        }

        bool refuses = ti_challenges_refuse_token(&challenges, rows[i].http_status);

        if (refuses != rows[i].refuses) {
            fail_msg("%d %s", rows[i].http_status, rows[i].values[0] ? rows[i].values[0] : "");
        }
        ti_challenges_free(&challenges);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_grammar),
        cmocka_unit_test(several_header_values_add_up),
        cmocka_unit_test(hostile_input_takes_linear_time),
        cmocka_unit_test(says_whether_a_newer_token_may_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
