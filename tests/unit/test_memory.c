#include "support/unit.h"

#include "support/allocator.h"

#include "base/memory.c"

#include <stdio.h>

static int reset(void **state) {
    (void)state;
    allocator_reset();
    return 0;
}

static void free_wipes_what_alloc_gave(void **state) {
    (void)state;
    char *memory = tacit_alloc(100);
    memset(memory, 'x', 100);
    allocator_watch(memory, 100);

    tacit_free(memory);

    assert_true(allocator_saw_wiped());
}

static void free_wipes_what_malloc_gave(void **state) {
    (void)state;
    char *memory = malloc(5000);
    memset(memory, 'x', 5000);
    allocator_watch(memory, 5000);

    tacit_free(memory);

    assert_true(allocator_saw_wiped());
}

static void free_takes_null(void **state) {
    (void)state;

    tacit_free(NULL);

    assert_false(allocator.gone);
}

static void no_bytes_are_not_no_memory(void **state) {
    (void)state;

    void *memory = tacit_alloc(0);

    assert_non_null(memory);
    tacit_free(memory);
}

static void no_memory_answers_null(void **state) {
    (void)state;
    allocator.left = 0;

    assert_null(tacit_alloc(10));
}

static void version_is_that_of_the_header(void **state) {
    (void)state;
    char expected[40];
    snprintf(expected, sizeof expected, "%d.%d.%d", TACIT_VERSION_MAJOR, TACIT_VERSION_MINOR,
             TACIT_VERSION_PATCH);

    assert_string_equal(tacit_version(), expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(free_wipes_what_alloc_gave, reset),
        cmocka_unit_test_setup(free_wipes_what_malloc_gave, reset),
        cmocka_unit_test_setup(free_takes_null, reset),
        cmocka_unit_test_setup(no_bytes_are_not_no_memory, reset),
        cmocka_unit_test_setup(no_memory_answers_null, reset),
        cmocka_unit_test_setup(version_is_that_of_the_header, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
