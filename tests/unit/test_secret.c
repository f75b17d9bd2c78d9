#include "support/unit.h"

#include "support/allocator.h"

#include "base/secret.c"

#include <pthread.h>

static int reset(void **state) {
    (void)state;
    allocator_reset();
    return 0;
}

static void copies_the_bytes_and_terminates_them(void **state) {
    (void)state;
    char bytes[] = {'a', '\0', 'b'};

    ti_secret *secret = ti_secret_new(bytes, sizeof bytes);
    bytes[0] = 'x';

    assert_int_equal(ti_secret_size(secret), 3);
    assert_memory_equal(ti_secret_data(secret), "a\0b", 4);
    ti_secret_unref(secret);
}

static void is_one_allocation(void **state) {
    (void)state;

    ti_secret *secret = ti_secret_from_string("hunter2 and more");

    assert_int_equal(allocator.made, 1);
    ti_secret_unref(secret);
}

static void may_be_empty(void **state) {
    (void)state;

    ti_secret *secret = ti_secret_new(NULL, 0);

    assert_non_null(secret);
    assert_int_equal(ti_secret_size(secret), 0);
    assert_string_equal(ti_secret_data(secret), "");
    ti_secret_unref(secret);
}

static void null_is_fine_everywhere(void **state) {
    (void)state;

    ti_secret_unref(NULL);

    assert_null(ti_secret_ref(NULL));
    assert_null(ti_secret_data(NULL));
    assert_int_equal(ti_secret_size(NULL), 0);
}

static void no_memory_answers_null(void **state) {
    (void)state;
    allocator.left = 0;

    assert_null(ti_secret_from_string("hunter2"));
}

static void impossible_size_answers_null_without_asking(void **state) {
    (void)state;

    assert_null(ti_secret_new("", SIZE_MAX));
    assert_null(ti_secret_new("", SIZE_MAX - 8));

    assert_int_equal(allocator.made, 0);
}

static void last_reference_wipes(void **state) {
    (void)state;
    static const char text[] = "a refresh token that nobody may find again";
    ti_secret *secret = ti_secret_from_string(text);
    size_t header = (size_t)(ti_secret_data(secret) - (const char *)secret);
    allocator_watch(secret, header + sizeof text);

    assert_ptr_equal(ti_secret_ref(secret), secret);
    ti_secret_unref(secret);
    assert_false(allocator.gone);
    assert_string_equal(ti_secret_data(secret), text);
    ti_secret_unref(secret);

    assert_true(allocator_saw_wiped());
}

static void equality(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
        const char *why;
    } cases[] = {{"same", "same", true, "the same bytes"},
                 {"", "", true, "two empty ones"},
                 {"same", "sama", false, "the last differs"},
                 {"same", "xame", false, "the first differs"},
                 {"same", "sam", false, "shorter"},
                 {"", "s", false, "empty and not"},
                 {NULL, NULL, true, "two NULLs"},
                 {NULL, "", false, "NULL is not empty"},
                 {"", NULL, false, "nor the other way round"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ti_secret *a = cases[i].a ? ti_secret_from_string(cases[i].a) : NULL;
        ti_secret *b = cases[i].b ? ti_secret_from_string(cases[i].b) : NULL;
        if (ti_secret_equal(a, b) != cases[i].equal) fail_msg("%s", cases[i].why);
        ti_secret_unref(a);
        ti_secret_unref(b);
    }
}

static void *ref_and_unref(void *data) {
    for (int i = 0; i < 2000; i++) ti_secret_unref(ti_secret_ref(data));
    ti_secret_unref(data);
    return NULL;
}

static void threads_may_share_one(void **state) {
    (void)state;
    ti_secret *secret = ti_secret_from_string("shared");
    size_t header = (size_t)(ti_secret_data(secret) - (const char *)secret);
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, ti_secret_ref(secret)),
                         0);
    }
    for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    allocator_watch(secret, header + sizeof "shared");
    ti_secret_unref(secret);

    assert_true(allocator_saw_wiped());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(copies_the_bytes_and_terminates_them, reset),
        cmocka_unit_test_setup(is_one_allocation, reset),
        cmocka_unit_test_setup(may_be_empty, reset),
        cmocka_unit_test_setup(null_is_fine_everywhere, reset),
        cmocka_unit_test_setup(no_memory_answers_null, reset),
        cmocka_unit_test_setup(impossible_size_answers_null_without_asking, reset),
        cmocka_unit_test_setup(last_reference_wipes, reset),
        cmocka_unit_test_setup(equality, reset),
        cmocka_unit_test_setup(threads_may_share_one, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
