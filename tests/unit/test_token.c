#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "support/allocator.h"

/* The file under test, watched at calloc() and free(). */
#define calloc(count, size) allocator_calloc(count, size)
static void *allocator_calloc(size_t count, size_t size);
#include "session/token.c"
#undef calloc
#undef malloc
#undef realloc
#undef free

static void *allocator_calloc(size_t count, size_t size) {
    return allocator_grants() ? calloc(count, size) : NULL;
}

#define VALUE "ey.abc-._~+/123"

static atomic_llong now;

static int64_t boot_ms(void *data) {
    (void)data;
    return atomic_load(&now);
}

static const tacit_clock hand_clock = {.struct_size = sizeof(tacit_clock), .boot_ms = boot_ms};

static ti_context *new_context(void) {
    ti_context *context = ti_context_new(&(tacit_client_options){.clock = &hand_clock});

    assert_non_null(context);
    return context;
}

static tacit_token *new_token(ti_context *context, int64_t issued_boot_ms, int64_t lifetime_ms) {
    ti_secret *value = ti_secret_from_string(VALUE);
    tacit_token *token = ti_token_new(context, &(ti_token_facts){.value = value,
                                                                 .generation = 3,
                                                                 .sign_in_id = {{9}},
                                                                 .issued_boot_ms = issued_boot_ms,
                                                                 .lifetime_ms = lifetime_ms});

    ti_secret_unref(value);
    return token;
}

static void token_has_its_header_line_ready(void **state) {
    ti_context *context = new_context();
    tacit_token *token = new_token(context, 0, 1000);

    (void)state;
    assert_string_equal(ti_token_line(token), "Authorization: Bearer " VALUE);
    assert_string_equal(tacit_token_authorization(token), "Bearer " VALUE);
    assert_string_equal(tacit_token_value(token), VALUE);
    assert_string_equal(tacit_token_type(token), "Bearer");
    assert_int_equal(tacit_token_generation(token), 3);
    tacit_token_unref(token);
    ti_context_unref(context);
}

static void ids_are_unique_and_never_0(void **state) {
    ti_context *context = new_context();
    tacit_token *a = new_token(context, 0, 1), *b = new_token(context, 0, 1);

    (void)state;
    assert_true(a->id > 0 && b->id > a->id);
    tacit_token_unref(a);
    tacit_token_unref(b);
    ti_context_unref(context);
}

static void no_token_is_an_answer_too(void **state) {
    (void)state;
    assert_null(tacit_token_value(NULL));
    assert_null(tacit_token_type(NULL));
    assert_null(tacit_token_authorization(NULL));
    assert_int_equal(tacit_token_expires_in_s(NULL), -1);
    assert_int_equal(tacit_token_generation(NULL), 0);
    assert_null(tacit_token_ref(NULL));
    tacit_token_unref(NULL);
}

typedef struct lives_case {
    int64_t issued_ms, lifetime_ms, now_ms;
    int min_valid_s;
    bool expected;
    const char *why;
} lives_case;

static void tokens_live_until_their_end(void **state) {
    static const lives_case cases[] = {
        {0, 1000, 999, 0, true, "the last millisecond"},
        {0, 1000, 1000, 0, false, "over"},
        {500, 1000, 1499, 0, true, "counted from sending the grant"},
        {-5000, 1000, 0, 0, false, "over before the boot"},
        {0, 0, 0, 0, false, "no life at all"},
        {0, 100000, 39999, 60, true, "a minute and more is left"},
        {0, 100000, 40000, 60, true, "more than half its lifetime cannot be asked for"},
        {0, 100000, 49999, INT32_MAX, true, "... whatever is asked for"},
        {0, 100000, 50000, INT32_MAX, false, "... but half can"},
        {0, 200000, 139999, 60, true, "just long enough"},
        {0, 200000, 140000, 60, false, "just too short"},
        {0, -1, INT64_MAX, INT32_MAX, true, "unknown: until a 401"},
        {1000, INT64_MAX, INT64_MAX - 1, INT32_MAX, true, "beyond all numbers: never over"},
    };
    ti_context *context = new_context();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tacit_token *token = new_token(context, cases[i].issued_ms, cases[i].lifetime_ms);

        if (ti_token_lives(token, cases[i].now_ms, cases[i].min_valid_s) != cases[i].expected)
            fail_msg("%s", cases[i].why);
        tacit_token_unref(token);
    }
    ti_context_unref(context);
}

static void expiry_is_told_in_whole_seconds_and_never_below_0(void **state) {
    ti_context *context = new_context();
    tacit_token *token = new_token(context, 0, 2500), *unknown = new_token(context, 0, -1);

    (void)state;
    atomic_store(&now, 0);
    assert_int_equal(tacit_token_expires_in_s(token), 2);
    assert_int_equal(tacit_token_expires_in_s(unknown), -1);
    atomic_store(&now, 2499);
    assert_int_equal(tacit_token_expires_in_s(token), 0);
    atomic_store(&now, 99999);
    assert_int_equal(tacit_token_expires_in_s(token), 0);
    tacit_token_unref(unknown);
    tacit_token_unref(token);
    ti_context_unref(context);
}

/* R12 */
static void line_is_wiped_with_the_last_reference(void **state) {
    ti_context *context = new_context();
    tacit_token *token;

    (void)state;
    allocator_reset();
    token = new_token(context, 0, 1000);
    allocator_watch(token, offsetof(tacit_token, line) + token->line_size);
    assert_ptr_equal(tacit_token_ref(token), token);
    tacit_token_unref(token);
    assert_false(allocator.gone);
    assert_string_equal(tacit_token_value(token), VALUE);
    tacit_token_unref(token);

    assert_true(allocator.gone);
    for (size_t i = offsetof(tacit_token, line); i < allocator.watched_size; i++)
        assert_int_equal(allocator.last[i], 0);
    ti_context_unref(context);
}

static void token_outlives_whoever_made_its_context(void **state) {
    ti_context *context = new_context();
    tacit_token *token = new_token(context, 0, 1000);

    (void)state;
    ti_context_unref(context);
    atomic_store(&now, 0);
    assert_int_equal(tacit_token_expires_in_s(token), 1);
    tacit_token_unref(token);
}

static void no_memory_is_no_token(void **state) {
    ti_context *context = new_context();

    (void)state;
    allocator_reset();
    allocator.left = 0;
    assert_null(new_token(context, 0, 1000));
    allocator_reset();
    ti_context_unref(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_has_its_header_line_ready),
        cmocka_unit_test(ids_are_unique_and_never_0),
        cmocka_unit_test(no_token_is_an_answer_too),
        cmocka_unit_test(tokens_live_until_their_end),
        cmocka_unit_test(expiry_is_told_in_whole_seconds_and_never_below_0),
        cmocka_unit_test(line_is_wiped_with_the_last_reference),
        cmocka_unit_test(token_outlives_whoever_made_its_context),
        cmocka_unit_test(no_memory_is_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
