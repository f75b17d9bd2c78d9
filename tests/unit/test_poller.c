/* What becomes ready is told, as long as it is; wakes are never lost. */
#include "platform/poller.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 20000

typedef struct pair {
    ti_poller *poller;
    int near, far; /* connected to each other */
    ti_poller_ready ready[4];
    bool woken;
} pair;

static int set_up(void **state) {
    static pair p;
    int ends[2];
    p = (pair){.poller = ti_poller_new()};
    if (!p.poller || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) return -1;
    p.near = ends[0];
    p.far = ends[1];
    *state = &p;
    return 0;
}

static int tear_down(void **state) {
    pair *p = *state;
    ti_poller_free(p->poller);
    if (p->near >= 0) close(p->near);
    if (p->far >= 0) close(p->far);
    return 0;
}

#define POLLER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static size_t wait_for(pair *p, int timeout_ms) {
    return ti_poller_wait(p->poller, timeout_ms, p->ready, 4, &p->woken);
}

static void assert_ready(pair *p, int descriptor, unsigned events) {
    assert_int_equal(wait_for(p, LONG_MS), 1);
    assert_int_equal(p->ready[0].descriptor, descriptor);
    assert_int_equal(p->ready[0].events, events);
    assert_false(p->woken);
}

static void nothing_is_ready_at_first(void **state) {
    pair *p = *state;

    assert_int_equal(wait_for(p, 0), 0);
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN));
    assert_int_equal(wait_for(p, 10), 0);

    assert_false(p->woken);
}

static void what_can_be_read_is_told_until_it_was(void **state) {
    pair *p = *state;
    char byte;
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN));
    assert_int_equal(write(p->far, "x", 1), 1);

    assert_ready(p, p->near, TI_POLLER_IN);
    assert_ready(p, p->near, TI_POLLER_IN);

    assert_int_equal(read(p->near, &byte, 1), 1);
    assert_int_equal(wait_for(p, 0), 0);
}

static void only_what_was_asked_for_is_told(void **state) {
    pair *p = *state;
    assert_int_equal(write(p->far, "x", 1), 1);

    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_OUT));
    assert_ready(p, p->near, TI_POLLER_OUT);
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN | TI_POLLER_OUT));
    assert_ready(p, p->near, TI_POLLER_IN | TI_POLLER_OUT);
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN));
    assert_ready(p, p->near, TI_POLLER_IN);
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN));
    assert_ready(p, p->near, TI_POLLER_IN);
    assert_true(ti_poller_watch(p->poller, p->near, 0));
    assert_int_equal(wait_for(p, 0), 0);
    assert_true(ti_poller_watch(p->poller, p->near, 0));
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_IN));
    assert_ready(p, p->near, TI_POLLER_IN);
}

static void end_is_told_to_who_reads_and_to_who_writes(void **state) {
    pair *p = *state;
    close(p->far);
    p->far = -1;
    const unsigned watched[] = {TI_POLLER_IN, TI_POLLER_OUT};
    for (int i = 0; i < 2; i++) {
        assert_true(ti_poller_watch(p->poller, p->near, watched[i]));

        assert_ready(p, p->near, watched[i]);
    }
    /* else a loop would spin on what it does not want to know */
    assert_true(ti_poller_watch(p->poller, p->near, 0));
    assert_int_equal(wait_for(p, 0), 0);
}

static void number_of_a_closed_descriptor_is_watched_anew(void **state) {
    pair *p = *state;
    int ends[2], high = fcntl(p->near, F_DUPFD, 300); /* one that needs room */
    assert_true(high >= 300);
    assert_true(ti_poller_watch(p->poller, high, TI_POLLER_OUT));
    assert_ready(p, high, TI_POLLER_OUT);
    assert_true(ti_poller_watch(p->poller, high, 0));
    close(high);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(dup2(ends[0], high), high);
    assert_true(ti_poller_watch(p->poller, high, TI_POLLER_OUT));

    assert_ready(p, high, TI_POLLER_OUT);
    assert_true(ti_poller_watch(p->poller, high, 0));
    close(ends[0]);
    close(ends[1]);
    close(high);
}

static void what_has_no_room_comes_the_next_time(void **state) {
    pair *p = *state;
    ti_poller_ready one;
    bool seen[2] = {false, false};
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_OUT));
    assert_true(ti_poller_watch(p->poller, p->far, TI_POLLER_OUT));

    for (int i = 0; i < 4; i++) {
        assert_int_equal(ti_poller_wait(p->poller, LONG_MS, &one, 1, &p->woken), 1);
        seen[one.descriptor == p->near ? 0 : 1] = true;
    }

    assert_true(seen[0] && seen[1]);
}

static void what_cannot_be_watched_is_refused(void **state) {
    pair *p = *state;
    int closed = dup(p->near);
    close(closed);

    assert_false(ti_poller_watch(p->poller, closed, TI_POLLER_IN));

    assert_int_equal(errno, EBADF);
    assert_true(ti_poller_watch(p->poller, closed, 0));
}

static void wake_before_the_wait_is_not_lost(void **state) {
    pair *p = *state;
    assert_true(ti_poller_watch(p->poller, p->near, TI_POLLER_OUT));

    ti_poller_wake(p->poller);
    ti_poller_wake(p->poller);

    /* beside what is ready, and once */
    size_t count = wait_for(p, LONG_MS);
    assert_true(p->woken);
    assert_int_equal(count, 1);
    assert_true(ti_poller_watch(p->poller, p->near, 0));
    assert_int_equal(wait_for(p, 0), 0);
    assert_false(p->woken);
}

/* Counts up, and wakes after each step: the last one must be seen. */
typedef struct counting {
    ti_poller *poller;
    atomic_int count;
} counting;

enum { STEPS = 20000 };

static void *count_up(void *data) {
    counting *c = data;
    for (int i = 0; i < STEPS; i++) {
        atomic_fetch_add_explicit(&c->count, 1, memory_order_relaxed);
        ti_poller_wake(c->poller);
    }
    return NULL;
}

static void no_wake_is_lost_among_many(void **state) {
    pair *p = *state;
    counting c = {.poller = p->poller};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &c), 0);
    }

    while (atomic_load_explicit(&c.count, memory_order_relaxed) < 2 * STEPS) {
        wait_for(p, TI_POLLER_FOR_EVER);
        assert_true(p->woken); /* not by the time */
    }

    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void without_descriptors_there_is_none(void **state) {
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    close(next);
    ti_poller *poller = NULL;
    int refused = 0;
    for (; !poller; refused++) {
        struct rlimit few = {.rlim_cur = (rlim_t)(next + refused), .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);

        poller = ti_poller_new();
        int problem = errno;

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (poller) break;
        assert_int_equal(problem, EMFILE);
        int again = dup(0);
        assert_int_equal(again, next); /* nothing is left open */
        close(again);
    }
    assert_true(refused > 0);
    ti_poller_free(poller);
    ti_poller_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        POLLER_TEST(nothing_is_ready_at_first),
        POLLER_TEST(what_can_be_read_is_told_until_it_was),
        POLLER_TEST(only_what_was_asked_for_is_told),
        POLLER_TEST(end_is_told_to_who_reads_and_to_who_writes),
        POLLER_TEST(number_of_a_closed_descriptor_is_watched_anew),
        POLLER_TEST(what_has_no_room_comes_the_next_time),
        POLLER_TEST(what_cannot_be_watched_is_refused),
        POLLER_TEST(wake_before_the_wait_is_not_lost),
        POLLER_TEST(no_wake_is_lost_among_many),
        POLLER_TEST(without_descriptors_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
