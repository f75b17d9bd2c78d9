#include "oauth/id_token.h"

#include "tests/support/jwt.h"
#include "tests/support/unit.h"

#include <tacit/client.h>

#include <stdio.h>

#define NOW_MS INT64_C(1767225600000) /* 2026 */
#define HEADER "{\"alg\":\"RS256\"}"

#define ISS "\"iss\":\"https://login.example\","
#define SUB "\"sub\":\"alice\","
#define AUD "\"aud\":\"app\","
#define EXP "\"exp\":1767229200"
#define WHOLE "{" ISS SUB AUD EXP "}"
#define NONCE ",\"nonce\":\"n-0S6_WzA2Mj\""
#define WITH_NONCE "{" ISS SUB AUD EXP NONCE "}"

static ti_secret *id_token(const char *claims) {
    ti_secret *token = jwt_secret(HEADER, claims, strlen(claims), ".c2ln");

    assert_non_null(token);
    return token;
}

static ti_id_token_wanted wanted(void) {
    return (ti_id_token_wanted){
        .issuer = "https://login.example", .client_id = "app", .wall_ms = NOW_MS};
}

static tacit_status check(const char *claims, const ti_id_token_wanted *wanted,
                          tacit_error *error) {
    ti_secret *token = id_token(claims);
    tacit_status status = ti_id_token_check(token, wanted, error);

    assert_int_equal(error->status, status);
    ti_secret_unref(token);
    return status;
}

/* named: what the message must say; NULL: it passes. */
static void expect(const char *claims, const ti_id_token_wanted *wanted, const char *named,
                   const char *why) {
    tacit_error error;
    tacit_status status = check(claims, wanted, &error);

    if (status != (named ? TACIT_ERR_PROTOCOL : TACIT_OK))
        fail_msg("%s: %s: %s", why, tacit_status_name(status), error.message);
    if (named && !strstr(error.message, named)) fail_msg("%s: %s", why, error.message);
}

/* ------------------------------------------------------------------ the claims */

static void each_claim_is_checked(void **state) {
    static const struct {
        const char *claims;
        const char *named;
        const char *why;
    } rows[] = {
        {WHOLE, NULL, "whole"},
        {WITH_NONCE, NULL, "a nonce that nobody sent"},
        {"{" SUB AUD EXP "}", "iss", "no issuer"},
        {"{\"iss\":\"https://login.example/\"," SUB AUD EXP "}", "iss", "a slash more"},
        {"{\"iss\":\"https://LOGIN.example\"," SUB AUD EXP "}", "iss", "another case"},
        {"{\"iss\":\"https://login.example\\u0000x\"," SUB AUD EXP "}", "iss", "a NUL behind it"},
        {"{\"iss\":[\"https://login.example\"]," SUB AUD EXP "}", "iss", "an array"},
        {"{" ISS AUD EXP "}", "sub", "no subject"},
        {"{" ISS "\"sub\":\"\"," AUD EXP "}", "sub", "an empty subject"},
        {"{" ISS "\"sub\":7," AUD EXP "}", "sub", "a number for a subject"},
        {"{" ISS SUB EXP "}", "aud", "no audience"},
        {"{" ISS SUB "\"aud\":\"another\"," EXP "}", "aud", "another audience"},
        {"{" ISS SUB "\"aud\":\"app\\u0000x\"," EXP "}", "aud", "a NUL behind the audience"},
        {"{" ISS SUB "\"aud\":null," EXP "}", "aud", "null"},
        {"{" ISS SUB "\"aud\":{\"app\":\"app\"}," EXP "}", "aud", "an object"},
        {"{" ISS SUB "\"aud\":[]," EXP "}", "aud", "nobody"},
        {"{" ISS SUB "\"aud\":[\"app\"]," EXP "}", NULL, "an array of one"},
        {"{" ISS SUB "\"aud\":[\"api\"]," EXP "}", "aud", "an array without it"},
        {"{" ISS SUB "\"aud\":[\"api\",\"app\"]," EXP "}", "audience", "two, and no azp"},
        {"{" ISS SUB "\"aud\":[\"app\",7]," EXP "}", "audience", "two, one of them odd"},
        {"{" ISS SUB "\"aud\":[\"api\",\"app\"],\"azp\":\"app\"," EXP "}", NULL, "two and azp"},
        {"{" ISS SUB "\"aud\":[\"api\",\"app\"],\"azp\":\"api\"," EXP "}", "azp", "the other's"},
        {"{" ISS SUB AUD "\"azp\":\"app\"," EXP "}", NULL, "azp where it need not be"},
        {"{" ISS SUB AUD "\"azp\":\"another\"," EXP "}", "azp", "issued to another"},
        {"{" ISS SUB AUD "\"azp\":[\"app\"]," EXP "}", "azp", "an array for azp"},
        {"{" ISS SUB AUD "\"iat\":1767225600}", "exp", "no end"},
        {"{" ISS SUB AUD "\"exp\":\"soon\"}", "exp", "no number"},
        {"{" ISS SUB AUD "\"exp\":1767225600}", NULL, "over now, within the leeway"},
        {"{" ISS SUB AUD "\"exp\":1767225301}", NULL, "just within the leeway"},
        {"{" ISS SUB AUD "\"exp\":1767225300}", "exp", "over for 5 min"},
        {"{" ISS SUB AUD "\"exp\":-1e300}", "exp", "long over"},
        {"{" ISS SUB AUD "\"exp\":1e300}", NULL, "for ever"},
        {"{" ISS SUB AUD EXP ",\"sub\":\"mallory\"}", "signed JWT", "a subject twice"},
        {"[" EXP "]", "signed JWT", "no JSON"},
        {"[1]", "signed JWT", "no object"},
        {"", "signed JWT", "nothing"},
    };
    ti_id_token_wanted w = wanted();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].claims, &w, rows[i].named, rows[i].why);
}

static void any_issuer_will_do_where_none_is_known(void **state) {
    ti_id_token_wanted w = wanted();

    (void)state;
    w.issuer = NULL;
    expect("{\"iss\":\"https://elsewhere\"," SUB AUD EXP "}", &w, NULL, "not known");
    expect("{" SUB AUD EXP "}", &w, "iss", "but there has to be one");
}

static void nonce_that_was_sent_must_come_back(void **state) {
    ti_id_token_wanted w = wanted();

    (void)state;
    w.nonce = "n-0S6_WzA2Mj";
    expect(WITH_NONCE, &w, NULL, "the same");
    expect(WHOLE, &w, "nonce", "none");
    expect("{" ISS SUB AUD EXP ",\"nonce\":\"n-0S6_WzA2M\"}", &w, "nonce", "cut");
    expect("{" ISS SUB AUD EXP ",\"nonce\":\"N-0S6_WzA2Mj\"}", &w, "nonce", "another case");
    expect("{" ISS SUB AUD EXP ",\"nonce\":[\"n-0S6_WzA2Mj\"]}", &w, "nonce", "an array");
}

static void device_without_time_does_not_compare_exp(void **state) {
    ti_id_token_wanted w = wanted();

    (void)state;
    w.wall_ms = INT64_C(1577836799999);
    expect("{" ISS SUB AUD "\"exp\":1}", &w, NULL, "in 2019");
    expect("{" ISS SUB AUD "\"iat\":1}", &w, "exp", "but there has to be one");
    w.wall_ms = INT64_C(1577836800000);
    expect("{" ISS SUB AUD "\"exp\":1}", &w, "exp", "in 2020");
}

/* ------------------------------------------------------------------ after a refresh */

static void refreshed_one_is_of_the_same_sign_in(void **state) {
    static const struct {
        const char *earlier, *claims;
        const char *named;
        const char *why;
    } rows[] = {
        {WHOLE, WHOLE, NULL, "the same"},
        {WHOLE, "{" ISS SUB AUD "\"exp\":1767239200}", NULL, "newer"},
        {"{" ISS SUB AUD "\"exp\":1}", WHOLE, NULL, "the earlier one is over"},
        {"{" ISS SUB "\"aud\":[\"app\"]," EXP "}", WHOLE, NULL, "the same audience, in an array"},
        {WITH_NONCE, WITH_NONCE, NULL, "the same nonce"},
        {WITH_NONCE, WHOLE, NULL, "a nonce need not come again"},
        {WHOLE, WITH_NONCE, NULL, "nothing to compare it with"},
        {WITH_NONCE, "{" ISS SUB AUD EXP ",\"nonce\":\"x\"}", "nonce", "another nonce"},
        {"{\"iss\":\"https://i\"," SUB AUD EXP "}", WHOLE, "iss", "another issuer"},
        {"{" ISS "\"sub\":\"bob\"," AUD EXP "}", WHOLE, "sub", "another user"},
        {"{" ISS "\"sub\":\"Alice\"," AUD EXP "}", WHOLE, "sub", "case counts"},
        {"{" ISS SUB "\"aud\":[\"app\",\"api\"],\"azp\":\"app\"," EXP "}", WHOLE, "aud",
         "an audience less"},
        {WHOLE, "{" ISS SUB "\"aud\":[\"app\",\"api\"],\"azp\":\"app\"," EXP "}", "aud",
         "an audience more"},
        {"{" ISS SUB "\"aud\":[\"app\",\"api\"],\"azp\":\"app\"," EXP "}",
         "{" ISS SUB "\"aud\":[\"api\",\"app\"],\"azp\":\"app\"," EXP "}", NULL, "another order"},
        {"[]", WHOLE, NULL, "an earlier one that is none says nothing"},
        {"{}", WHOLE, "iss", "one without claims is like no other"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_secret *earlier = id_token(rows[i].earlier);
        ti_id_token_wanted w = wanted();

        w.earlier = earlier;
        expect(rows[i].claims, &w, rows[i].named, rows[i].why);
        ti_secret_unref(earlier);
    }
}

/* ------------------------------------------------------------------ what is no JWT */

static void what_is_no_signed_jwt_is_refused(void **state) {
    ti_id_token_wanted w = wanted();
    ti_secret *tokens[] = {
        NULL,
        ti_secret_from_string(""),
        ti_secret_from_string("opaque"),
        ti_secret_from_string(".."),
        jwt_secret(HEADER, WHOLE, strlen(WHOLE), ""),
        jwt_secret(HEADER, WHOLE, strlen(WHOLE), ".a.b.c"),
        jwt_secret("{\"enc\":\"A128GCM\"}", WHOLE, strlen(WHOLE), ".a"),
        jwt_secret(HEADER, WHOLE, strlen(WHOLE), "=.a"),
    };
    tacit_error error;

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        char *claims = (char *)"";

        assert_int_equal(ti_id_token_check(tokens[i], &w, &error), TACIT_ERR_PROTOCOL);
        assert_true(ti_id_token_claims(tokens[i], &claims));
        assert_null(claims);
        ti_secret_unref(tokens[i]);
    }
}

static void messages_never_have_a_value_in_them(void **state) {
    static const char *const rows[] = {
        "{\"iss\":\"SECRET\"," SUB AUD EXP "}",        "{" ISS SUB "\"aud\":\"SECRET\"," EXP "}",
        "{" ISS SUB AUD "\"azp\":\"SECRET\"," EXP "}", "{" ISS SUB AUD "\"exp\":\"SECRET\"}",
        "{" ISS SUB AUD EXP ",\"nonce\":\"SECRET\"}",  "SECRET",
    };
    ti_id_token_wanted w = wanted();
    tacit_error error;

    (void)state;
    w.nonce = "WANTED";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(check(rows[i], &w, &error), TACIT_ERR_PROTOCOL);
        assert_null(strstr(error.message, "SECRET"));
        assert_null(strstr(error.message, "WANTED"));
    }
}

/* ------------------------------------------------------------------ for show */

static void claims_are_told_as_they_came(void **state) {
    static const char text[] = "{ \"sub\":\"alice\", \"n\":12345678901234567890, \"\\u00e9\":[] }";
    ti_secret *token = id_token(text);
    char *claims;

    (void)state;
    assert_true(ti_id_token_claims(token, &claims));
    assert_string_equal(claims, text);
    tacit_free(claims);
    ti_secret_unref(token);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_claim_is_checked),
        cmocka_unit_test(any_issuer_will_do_where_none_is_known),
        cmocka_unit_test(nonce_that_was_sent_must_come_back),
        cmocka_unit_test(device_without_time_does_not_compare_exp),
        cmocka_unit_test(refreshed_one_is_of_the_same_sign_in),
        cmocka_unit_test(what_is_no_signed_jwt_is_refused),
        cmocka_unit_test(messages_never_have_a_value_in_them),
        cmocka_unit_test(claims_are_told_as_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
