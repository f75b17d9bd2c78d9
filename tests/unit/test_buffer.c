#include "support/unit.h"

#include "support/allocator.h"

#include "base/buffer.c"

static int reset(void **state) {
    (void)state;
    allocator_reset();
    return 0;
}

static void grows_and_stays_terminated(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;

    for (int i = 0; i < 1000; i++) {
        assert_true(ti_buffer_append(&buffer, "0123456789", 10));
        assert_int_equal(strlen(buffer.data), buffer.size);
    }

    assert_int_equal(buffer.size, 10000);
    assert_memory_equal(buffer.data + 9990, "0123456789", 11);
    ti_buffer_free(&buffer);
}

static void capacity_doubles(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;

    for (int i = 0; i < 65536; i++) assert_true(ti_buffer_append(&buffer, "x", 1));

    assert_in_range(allocator.made, 1, 12);
    ti_buffer_free(&buffer);
}

static void appending_nothing_makes_an_empty_string(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;

    assert_true(ti_buffer_append(&buffer, NULL, 0));

    assert_string_equal(buffer.data, "");
    assert_int_equal(buffer.size, 0);
    ti_buffer_free(&buffer);
}

static void zero_bytes_are_bytes(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;

    assert_true(ti_buffer_append(&buffer, "a\0b", 3));

    assert_int_equal(buffer.size, 3);
    assert_memory_equal(buffer.data, "a\0b", 4);
    ti_buffer_free(&buffer);
}

static void failed_append_leaves_the_buffer_as_it_was(void **state) {
    (void)state;
    for (int secret = 0; secret <= 1; secret++) {
        ti_buffer buffer = {.secret = secret};
        char more[1000] = "";
        assert_true(ti_buffer_append_string(&buffer, "kept"));
        size_t capacity = buffer.capacity;
        allocator.left = 0;

        assert_false(ti_buffer_append(&buffer, more, sizeof more));

        assert_true(buffer.failed);
        assert_string_equal(buffer.data, "kept");
        assert_int_equal(buffer.size, 4);
        assert_int_equal(buffer.capacity, capacity);
        allocator.left = SIZE_MAX;
        ti_buffer_free(&buffer);
    }
}

static void after_a_failure_nothing_is_appended_until_cleared(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;
    allocator.left = 0;
    assert_false(ti_buffer_append_string(&buffer, "a"));
    allocator.left = SIZE_MAX;

    assert_false(ti_buffer_append_string(&buffer, "b"));
    assert_false(ti_buffer_append_form(&buffer, "c", "d", 1));
    ti_buffer_clear(&buffer);
    assert_true(ti_buffer_append_string(&buffer, "e"));

    assert_string_equal(buffer.data, "e");
    assert_false(buffer.failed);
    ti_buffer_free(&buffer);
}

static void impossible_sizes_are_refused_without_asking(void **state) {
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX - 5};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ti_buffer buffer = TI_BUFFER_INIT;
        assert_true(ti_buffer_append_string(&buffer, "12345"));
        allocator_reset();

        assert_false(ti_buffer_reserve(&buffer, sizes[i]));

        assert_true(buffer.failed);
        assert_int_equal(allocator.made, 0);
        assert_string_equal(buffer.data, "12345");
        ti_buffer_free(&buffer);
    }
}

static void doubling_a_huge_capacity_does_not_overflow(void **state) {
    (void)state;
    ti_buffer buffer = {.size = SIZE_MAX / 2 + 10, .capacity = SIZE_MAX / 2 + 10};
    allocator.left = 0; /* such a buffer cannot be made: only the arithmetic is looked at */

    assert_false(ti_buffer_reserve(&buffer, 1));

    assert_true(buffer.failed);
    assert_int_equal(buffer.capacity, SIZE_MAX / 2 + 10);
}

static void growing_a_secret_wipes_the_old_block(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_SECRET;
    char more[1000];
    memset(more, 'm', sizeof more);
    assert_true(ti_buffer_append_string(&buffer, "a secret"));
    allocator_watch(buffer.data, buffer.capacity);

    assert_true(ti_buffer_append(&buffer, more, sizeof more));

    assert_true(allocator_saw_wiped());
    assert_memory_equal(buffer.data, "a secret", 8);
    assert_memory_equal(buffer.data + 8, more, sizeof more);
    ti_buffer_free(&buffer);
}

static void freeing_a_secret_wipes_it_and_keeps_it_one(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_SECRET;
    assert_true(ti_buffer_append_string(&buffer, "a secret"));
    allocator_watch(buffer.data, buffer.capacity);

    ti_buffer_free(&buffer);

    assert_true(allocator_saw_wiped());
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.capacity, 0);
    assert_true(buffer.secret);
}

static void clearing_a_secret_wipes_it_and_keeps_the_memory(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_SECRET;
    assert_true(ti_buffer_append_string(&buffer, "a secret"));
    const char *data = buffer.data;

    ti_buffer_clear(&buffer);

    assert_ptr_equal(buffer.data, data);
    assert_int_equal(buffer.size, 0);
    for (size_t i = 0; i < buffer.capacity; i++) assert_int_equal(buffer.data[i], 0);
    ti_buffer_free(&buffer);
}

static void empty_buffers_can_be_cleared_and_freed(void **state) {
    (void)state;
    ti_buffer plain = TI_BUFFER_INIT, secret = TI_BUFFER_SECRET;

    ti_buffer_clear(&plain);
    ti_buffer_clear(&secret);
    ti_buffer_free(&plain);
    ti_buffer_free(&secret);
    ti_buffer_free(&secret);
    ti_buffer_free(NULL);

    assert_null(plain.data);
    assert_null(secret.data);
}

static void form_encoding_follows_rfc_6749_appendix_b(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *expected, *why;
    } cases[] = {
        {"", 0, "", "nothing"},
        {"azAZ09", 6, "azAZ09", "letters and digits stay"},
        {"*-._", 4, "*-._", "the four marks that stay"},
        {"~!'()", 5, "%7E%21%27%28%29", "others that URLs leave alone do not"},
        {"a b", 3, "a+b", "a space is a plus"},
        {"a+b", 3, "a%2Bb", "so a plus is not"},
        {"&=%;/?", 6, "%26%3D%25%3B%2F%3F", "delimiters"},
        {"\xC3\xA9\xE2\x82\xAC", 5, "%C3%A9%E2%82%AC", "bytes of UTF-8 (the RFC's own example)"},
        {"\0\xFF\r\n", 4, "%00%FF%0D%0A", "any byte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ti_buffer buffer = TI_BUFFER_INIT;
        assert_true(ti_buffer_append_form_encoded(&buffer, cases[i].text, cases[i].size));
        if (strcmp(buffer.data, cases[i].expected) != 0) {
            fail_msg("%s: %s", cases[i].why, buffer.data);
        }
        assert_int_equal(buffer.size, strlen(cases[i].expected));
        ti_buffer_free(&buffer);
    }
}

static void form_pairs_are_joined(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;

    assert_true(ti_buffer_append_form(&buffer, "grant_type", "refresh_token", 13));
    assert_true(ti_buffer_append_form(&buffer, "a name", "a&b", 3));
    assert_true(ti_buffer_append_form(&buffer, "empty", "", 0));

    assert_string_equal(buffer.data, "grant_type=refresh_token&a+name=a%26b&empty=");
    ti_buffer_free(&buffer);
}

static void failed_form_pair_leaves_no_half_of_it(void **state) {
    (void)state;
    ti_buffer buffer = TI_BUFFER_INIT;
    char value[200];
    memset(value, '&', sizeof value);
    assert_true(ti_buffer_append_form(&buffer, "a", "1", 1));
    allocator.left = 0;

    assert_false(ti_buffer_append_form(&buffer, "b", value, sizeof value));

    assert_string_equal(buffer.data, "a=1");
    allocator.left = SIZE_MAX;
    ti_buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(grows_and_stays_terminated, reset),
        cmocka_unit_test_setup(capacity_doubles, reset),
        cmocka_unit_test_setup(appending_nothing_makes_an_empty_string, reset),
        cmocka_unit_test_setup(zero_bytes_are_bytes, reset),
        cmocka_unit_test_setup(failed_append_leaves_the_buffer_as_it_was, reset),
        cmocka_unit_test_setup(after_a_failure_nothing_is_appended_until_cleared, reset),
        cmocka_unit_test_setup(impossible_sizes_are_refused_without_asking, reset),
        cmocka_unit_test_setup(doubling_a_huge_capacity_does_not_overflow, reset),
        cmocka_unit_test_setup(growing_a_secret_wipes_the_old_block, reset),
        cmocka_unit_test_setup(freeing_a_secret_wipes_it_and_keeps_it_one, reset),
        cmocka_unit_test_setup(clearing_a_secret_wipes_it_and_keeps_the_memory, reset),
        cmocka_unit_test_setup(empty_buffers_can_be_cleared_and_freed, reset),
        cmocka_unit_test_setup(form_encoding_follows_rfc_6749_appendix_b, reset),
        cmocka_unit_test_setup(form_pairs_are_joined, reset),
        cmocka_unit_test_setup(failed_form_pair_leaves_no_half_of_it, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
