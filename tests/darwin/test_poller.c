/* What can only go wrong where reading and writing are watched one by one. */
#include "platform/poller.h"

#include "support/unit.h"

#include "darwin/fake_kqueue.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void what_cannot_be_watched_is_watched_as_before(void **state) {
    (void)state;
    ti_poller *poller = ti_poller_new();
    ti_poller_ready ready[4];
    bool woken;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1); /* it could be read and written */

    fake_kqueue_refuse(EVFILT_WRITE);
    assert_false(ti_poller_watch(poller, ends[0], TI_POLLER_IN | TI_POLLER_OUT));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(ti_poller_wait(poller, 0, ready, 4, &woken), 0);

    fake_kqueue_refuse(0);
    assert_true(ti_poller_watch(poller, ends[0], TI_POLLER_IN | TI_POLLER_OUT));
    assert_int_equal(ti_poller_wait(poller, 0, ready, 4, &woken), 1); /* told together */
    assert_int_equal(ready[0].descriptor, ends[0]);
    assert_int_equal(ready[0].events, TI_POLLER_IN | TI_POLLER_OUT);

    fake_kqueue_refuse(EVFILT_READ);
    assert_true(ti_poller_watch(poller, ends[0], TI_POLLER_OUT));
    assert_false(ti_poller_watch(poller, ends[0], TI_POLLER_IN));
    assert_int_equal(ti_poller_wait(poller, 0, ready, 4, &woken), 1);
    assert_int_equal(ready[0].events, TI_POLLER_OUT);
    fake_kqueue_refuse(0);

    ti_poller_free(poller);
    close(ends[0]);
    close(ends[1]);
}

static void without_a_wake_there_is_no_poller(void **state) {
    (void)state;
    fake_kqueue_refuse(EVFILT_USER);
    errno = 0;
    assert_null(ti_poller_new());
    assert_int_equal(errno, ENOMEM);
    fake_kqueue_refuse(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_watched_is_watched_as_before),
        cmocka_unit_test(without_a_wake_there_is_no_poller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
