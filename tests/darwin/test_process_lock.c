/* What macOS says of file systems; the rest of its locks runs the tests of all process locks. */
#include "unit/process_lock_fixture.h"

#include "darwin/process_lock_on_linux.h"

#include <sys/file.h>

static void network_file_systems_are_refused(void **state) {
    const place *here = *state;
    int os_error;

    fake_mount_is_network(true);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NETWORK);
    assert_int_equal(access(here->file, F_OK), -1);

    fake_mount_is_network(false);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_OK);
}

/* flock() would exclude the lives of others there; so it is not what the lock is made of. */
static void lock_does_not_depend_on_flock(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *lock = open_lock(here);
    int file = open(here->file, O_RDWR | O_CLOEXEC);

    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_int_equal(ti_process_lock_begin_life(lock, LIFE, &os_error), TI_LOCK_OK);

    close(file);
    ti_process_lock_close(lock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(network_file_systems_are_refused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(lock_does_not_depend_on_flock, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
