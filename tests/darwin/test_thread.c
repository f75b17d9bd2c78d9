/* Where a stack has to have whole pages. */
#include "support/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

static size_t asked; /* for the last stack */

static int strict_setstacksize(pthread_attr_t *attributes, size_t size) {
    asked = size;
    if (size % (size_t)sysconf(_SC_PAGESIZE) != 0) return EINVAL;
    return pthread_attr_setstacksize(attributes, size);
}

/* The file under test. */
#define pthread_attr_setstacksize strict_setstacksize
#include "platform/thread_posix.c"
#undef pthread_attr_setstacksize

static void *answer(void *data) {
    return data;
}

static void any_size_will_do(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 16385, 100000, 256 * 1024, 256 * 1024 + 1};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pthread_t thread;
        void *answered = NULL;

        assert_true(ti_thread_create(&thread, sizes[i], answer, state));
        assert_int_equal(pthread_join(thread, &answered), 0);
        assert_ptr_equal(answered, state);
        assert_true(asked >= sizes[i]);
        if (sizes[i] > (size_t)PTHREAD_STACK_MIN)
            assert_true(asked < sizes[i] + (size_t)sysconf(_SC_PAGESIZE));
    }
}

static void no_stack_is_that_large(void **state) {
    (void)state;
    pthread_t thread;

    assert_false(ti_thread_create(&thread, SIZE_MAX, answer, NULL));
    assert_false(ti_thread_create(&thread, SIZE_MAX - 1, answer, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_size_will_do),
        cmocka_unit_test(no_stack_is_that_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
