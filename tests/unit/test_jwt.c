#include "oauth/jwt.h"

#include "oauth/lifetime.h"
#include "tests/support/jwt.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1767225600000)
#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"

static ti_secret *make_token(const char *header, const char *claims, const char *rest) {
    ti_secret *token = jwt_secret(header, claims, strlen(claims), rest);
    assert_non_null(token);
    return token;
}

static void reads_the_lifetime_from_the_claims(void **state) {
    (void)state;
    static const struct {
        const char *claims;
        int64_t expected_s; /* -1: unknown */
        const char *why;
    } rows[] = {
        {"{\"iat\":1767225600,\"exp\":1767229200}", 3600, "exp - iat"},
        {"{\"iat\":1767220000,\"exp\":1767229200}", 9200, "whatever the local clock says"},
        {"{\"exp\":1767229200}", 3600, "exp - now"},
        {"{\"exp\":\"1767229200\"}", 3600, "a string"},
        {"{\"exp\":1767229200.5,\"iat\":1767225600.0}", 3600, "reals"},
        {"{\"iat\":0,\"exp\":1767229200}", 3600, "an iat that was never set"},
        {"{\"iat\":1767229300,\"exp\":1767229200}", 3600, "an iat behind exp"},
        {"{\"iat\":1,\"exp\":1767229200}", 3600, "an iat in 1970"},
        {"{\"iat\":1767225600,\"exp\":1767225600}", -1, "over now"},
        {"{\"iat\":1767222000,\"exp\":1767225599}", -1, "over already"},
        {"{\"exp\":1e300}", TI_LIFETIME_MAX_S, "huge"},
        {"{\"exp\":-1e300}", -1, "long over"},
        {"{\"iat\":1767225600}", -1, "no exp"},
        {"{\"exp\":null}", -1, "null"},
        {"{\"exp\":[1767229200]}", -1, "no number"},
        {"{}", -1, "no claims"},
        {"[1767229200]", -1, "no object"},
        {"not json", -1, "no JSON"},
        {"", -1, "nothing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_secret *token = make_token(HEADER, rows[i].claims, ".c2ln");
        int64_t lifetime_s = -1;

        bool known = ti_jwt_lifetime_s(token, NOW_MS, &lifetime_s);

        if (known != (rows[i].expected_s > 0) || (known && lifetime_s != rows[i].expected_s)) {
            fail_msg("%s: %s is %lld", rows[i].why, rows[i].claims, (long long)lifetime_s);
        }
        ti_secret_unref(token);
    }
}

static void every_length_of_claims_decodes(void **state) {
    (void)state;
    for (int padding = 0; padding < 5; padding++) {
        char claims[64];
        int64_t lifetime_s;
        snprintf(claims, sizeof claims, "{\"exp\":1767229200%*s}", padding, "");
        ti_secret *token = make_token(HEADER, claims, ".");

        assert_true(ti_jwt_lifetime_s(token, NOW_MS, &lifetime_s));

        assert_int_equal(lifetime_s, 3600);
        ti_secret_unref(token);
    }
}

static void what_is_not_a_signed_jwt_says_nothing(void **state) {
    (void)state;
    static const char claims[] = "{\"exp\":1767229200}";
    static const char *const texts[] = {"",      ".",     "..",         "...",    "opaque",
                                        "a.b.c", "*.*.*", "e30.e30=.x", "e30.A.x"};
    int64_t lifetime_s;
    ti_secret *tokens[] = {
        make_token(HEADER, claims, ""),             /* two parts */
        make_token(HEADER, claims, ".a.b.c"),       /* encrypted: five parts */
        make_token("{\"enc\":\"A\"}", claims, "."), /* encrypted, says the header */
        make_token("\"text\"", claims, "."),        /* a header that is no object */
        make_token(HEADER, claims, "=."),           /* padding, which a JWT has not */
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        assert_false(ti_jwt_lifetime_s(tokens[i], NOW_MS, &lifetime_s));
        ti_secret_unref(tokens[i]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ti_secret *token = ti_secret_from_string(texts[i]);
        assert_false(ti_jwt_lifetime_s(token, NOW_MS, &lifetime_s));
        ti_secret_unref(token);
    }
    assert_false(ti_jwt_lifetime_s(NULL, NOW_MS, &lifetime_s));
}

static void a_token_over_64_kib_is_not_looked_at(void **state) {
    (void)state;
    static const char claims[] = "{\"exp\":1767229200}";
    size_t limit = 64 * 1024;
    int64_t lifetime_s;
    char *text = calloc(1, limit + 2);
    assert_non_null(text);
    size_t used = jwt_append(text, 0, HEADER, strlen(HEADER));
    text[used++] = '.';
    used = jwt_append(text, used, claims, strlen(claims));
    text[used++] = '.';
    memset(text + used, 'A', limit + 1 - used);

    ti_secret *largest = ti_secret_new(text, limit);
    ti_secret *larger = ti_secret_new(text, limit + 1);

    assert_true(ti_jwt_lifetime_s(largest, NOW_MS, &lifetime_s));
    assert_false(ti_jwt_lifetime_s(larger, NOW_MS, &lifetime_s));
    ti_secret_unref(largest);
    ti_secret_unref(larger);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_lifetime_from_the_claims),
        cmocka_unit_test(every_length_of_claims_decodes),
        cmocka_unit_test(what_is_not_a_signed_jwt_says_nothing),
        cmocka_unit_test(a_token_over_64_kib_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
