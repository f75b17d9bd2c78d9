/* When a token that came with an answer replaces the current one, and what the header may say. */
#include "session/slide.h"

#include "base/clock.h"
#include "oauth/sliding.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000)
#define MIN_MS (60 * S)
#define DAY_MS (24 * 60 * MIN_MS)

typedef struct worth_case {
    int64_t issued_ms, current_ms, lifetime_ms;
    int64_t expected;
    const char *why;
} worth_case;

static void a_token_is_replaced_where_the_other_lives_a_tenth_longer(void **state) {
    static const worth_case cases[] = {
        {0, 11 * S, 11 * S, 1 * S, "the same lifetime: 10 s are left, and 11 to come"},
        {500, 11 * S, 11 * S, 500 + 1 * S, "counted from sending"},
        {-DAY_MS, 11 * S, 11 * S, S - DAY_MS, "of a record: issued before the boot"},
        {0, 12, 12, 2, "10 ms are left, and 12 to come"},
        {0, 30 * MIN_MS, 30 * MIN_MS, 163637, "half an hour"},
        {0, 7 * DAY_MS, 7 * DAY_MS, 54981819, "a week: 15 hours"},
        {0, 10 * S, 11 * S, 0, "just a tenth longer: at once"},
        {0, 10 * S, 10999, 1, "a little less than that"},
        {0, 10 * S, DAY_MS, 0, "far longer: at once, and never before the current one was issued"},
        {0, DAY_MS, 11 * S, DAY_MS - 10 * S, "shorter: only near the end"},
        {0, 0, 0, 0, "neither lives"},
        {0, -1, -1, 60 * S, "both unknown: a minute"},
        {0, -1, DAY_MS, 60 * S, "the current one's unknown"},
        {0, DAY_MS, -1, 60 * S, "the other's unknown"},
        {0, 40 * S, -1, 20 * S, "... and the current one does not live so long: half its life"},
        {7, -1, -1, 60 * S + 7, "unknown, counted from sending"},
        {TI_NEVER - 1, -1, -1, TI_NEVER, "the end of time"},
        {0, INT64_MAX, INT64_MAX, INT64_MAX - INT64_MAX / 11 * 10 - 6, "the longest lifetimes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const worth_case *c = &cases[i];
        int64_t worth_from = ti_slide_worth_from(c->issued_ms, c->current_ms, c->lifetime_ms);

        if (worth_from != c->expected)
            fail_msg("%s: %lld instead of %lld", c->why, (long long)worth_from,
                     (long long)c->expected);
    }
}

/* Whatever the order: of two with one lifetime, neither replaces the other and is replaced by it. */
static void no_two_tokens_take_turns(void **state) {
    (void)state;
    for (int64_t lifetime_ms = 1; lifetime_ms < 1000; lifetime_ms++)
        for (int64_t between_ms = 1; between_ms < 1000; between_ms += 7)
            if (ti_slide_worth_from(between_ms, lifetime_ms, lifetime_ms) <= 0)
                fail_msg("%lld ms, %lld ms apart", (long long)lifetime_ms, (long long)between_ms);
}

typedef struct header_case {
    const char *value, *token; /* NULL: none */
} header_case;

static void a_header_may_say_bearer_or_nothing_before_the_token(void **state) {
    static const header_case cases[] = {
        {"Bearer abc", "abc"},
        {"bearer abc", "abc"},
        {"BEARER \t abc", "abc"},
        {"abc", "abc"},
        {"eyJ.eyJ.c2ln", "eyJ.eyJ.c2ln"},
        {"Bearerabc", "Bearerabc"},
        {"bear", "bear"},
        {"~!", "~!"},
        {"", NULL},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Basic YTpi", NULL},
        {"Bearer abc def", NULL},
        {"Bearer abc, Bearer def", NULL},
        {"Bearer abc\x01", NULL},
        {"Bearer \xC3\xA4", NULL},
        {"abc\x7F", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const header_case *c = &cases[i];
        ti_http_answer answer = TI_HTTP_ANSWER_INIT;
        const char *token;

        ti_buffer_append_string(&answer.head, "x-token: ");
        ti_buffer_append(&answer.head, c->value, strlen(c->value) + 1);
        token = ti_sliding_token(&answer, "X-Token");
        if (ti_sliding_is_token(token) != (c->token != NULL)) fail_msg("\"%s\"", c->value);
        if (c->token != NULL) assert_string_equal(token, c->token);
        assert_null(ti_sliding_token(&answer, "Token"));
        ti_http_answer_free(&answer);
    }
}

static void a_token_has_at_most_64_kib(void **state) {
    enum { MOST = 64 << 10 };
    char *value = malloc(MOST + 2);

    (void)state;
    assert_non_null(value);
    memset(value, 'a', MOST + 1);
    value[MOST] = '\0';
    assert_true(ti_sliding_is_token(value));

    value[MOST] = 'a';
    value[MOST + 1] = '\0';
    assert_false(ti_sliding_is_token(value));
    free(value);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_replaced_where_the_other_lives_a_tenth_longer),
        cmocka_unit_test(no_two_tokens_take_turns),
        cmocka_unit_test(a_header_may_say_bearer_or_nothing_before_the_token),
        cmocka_unit_test(a_token_has_at_most_64_kib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
