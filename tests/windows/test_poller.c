/* What becomes ready is told, as long as it is; wakes are never lost. On Windows. */
#include "platform/poller.h"

#include "support/unit.h"

#include <winsock2.h>
#include <windows.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define LONG_MS 20000

typedef struct pair {
    ti_poller *poller;
    SOCKET near_end, far_end; /* connected to each other */
    ti_poller_ready ready[4];
    bool woken;
} pair;

static SOCKET new_listener(struct sockaddr_in *place) {
    int size = sizeof *place;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    *place = (struct sockaddr_in){.sin_family = AF_INET};
    place->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)place, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)place, &size), 0);
    assert_int_equal(listen(listener, 8), 0);
    return listener;
}

static void make_ends(SOCKET ends[2]) {
    struct sockaddr_in place;
    SOCKET listener = new_listener(&place);
    u_long yes = 1;
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&place, sizeof place), 0);
    ends[1] = accept(listener, NULL, NULL);
    assert_true(ends[1] != INVALID_SOCKET);
    for (int i = 0; i < 2; i++) assert_int_equal(ioctlsocket(ends[i], FIONBIO, &yes), 0);
    closesocket(listener);
}

static int set_up(void **state) {
    static pair p;
    SOCKET ends[2];
    p = (pair){.poller = ti_poller_new()};
    if (!p.poller) return -1;
    make_ends(ends);
    p.near_end = ends[0];
    p.far_end = ends[1];
    *state = &p;
    return 0;
}

static int tear_down(void **state) {
    pair *p = *state;
    closesocket(p->near_end);
    if (p->far_end != INVALID_SOCKET) closesocket(p->far_end);
    ti_poller_free(p->poller);
    return 0;
}

#define POLLER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static bool watch(pair *p, SOCKET socket, unsigned events) {
    assert_true(socket <= INT_MAX); /* what an int can hold */
    return ti_poller_watch(p->poller, (int)socket, events);
}

static size_t wait_for(pair *p, int timeout_ms) {
    return ti_poller_wait(p->poller, timeout_ms, p->ready, 4, &p->woken);
}

static void assert_ready(pair *p, SOCKET socket, unsigned events) {
    assert_int_equal(wait_for(p, LONG_MS), 1);
    assert_int_equal(p->ready[0].descriptor, socket);
    assert_int_equal(p->ready[0].events, events);
    assert_false(p->woken);
}

static void nothing_is_ready_at_first(void **state) {
    pair *p = *state;

    assert_int_equal(wait_for(p, 0), 0);
    assert_true(watch(p, p->near_end, TI_POLLER_IN));
    assert_int_equal(wait_for(p, 10), 0);

    assert_false(p->woken);
}

static void what_can_be_read_is_told_until_it_was(void **state) {
    pair *p = *state;
    char byte;
    assert_true(watch(p, p->near_end, TI_POLLER_IN));
    assert_int_equal(send(p->far_end, "x", 1, 0), 1);

    assert_ready(p, p->near_end, TI_POLLER_IN);
    assert_ready(p, p->near_end, TI_POLLER_IN);

    assert_int_equal(recv(p->near_end, &byte, 1, 0), 1);
    assert_int_equal(wait_for(p, 0), 0);
}

static void only_what_was_asked_for_is_told(void **state) {
    pair *p = *state;
    assert_true(watch(p, p->near_end, TI_POLLER_IN));
    assert_int_equal(send(p->far_end, "x", 1, 0), 1);
    assert_ready(p, p->near_end, TI_POLLER_IN); /* it has come */

    assert_true(watch(p, p->near_end, TI_POLLER_OUT));
    assert_ready(p, p->near_end, TI_POLLER_OUT);
    assert_true(watch(p, p->near_end, TI_POLLER_IN | TI_POLLER_OUT));
    assert_ready(p, p->near_end, TI_POLLER_IN | TI_POLLER_OUT);
    assert_true(watch(p, p->near_end, TI_POLLER_IN));
    assert_ready(p, p->near_end, TI_POLLER_IN);
    assert_true(watch(p, p->near_end, 0));
    assert_int_equal(wait_for(p, 0), 0);
    assert_true(watch(p, p->near_end, 0));
    assert_true(watch(p, p->near_end, TI_POLLER_IN));
    assert_ready(p, p->near_end, TI_POLLER_IN);
}

static void end_is_told_to_who_reads_and_to_who_writes(void **state) {
    pair *p = *state;
    closesocket(p->far_end);
    p->far_end = INVALID_SOCKET;
    const unsigned watched[] = {TI_POLLER_IN, TI_POLLER_OUT};
    for (int i = 0; i < 2; i++) {
        assert_true(watch(p, p->near_end, watched[i]));

        assert_ready(p, p->near_end, watched[i]);
    }
    /* else a loop would spin on what it does not want to know */
    assert_true(watch(p, p->near_end, 0));
    assert_int_equal(wait_for(p, 0), 0);
}

static SOCKET connect_in_background(const struct sockaddr_in *place) {
    u_long yes = 1;
    SOCKET end = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(ioctlsocket(end, FIONBIO, &yes), 0);
    if (connect(end, (const struct sockaddr *)place, sizeof *place) != 0) {
        assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
    }
    return end;
}

/* What WSAPoll() kept to itself for years. */
static void refused_connection_is_told_to_who_would_write(void **state) {
    pair *p = *state;
    struct sockaddr_in place;
    int error = 0, size = sizeof error;
    closesocket(new_listener(&place)); /* nobody is there */
    SOCKET end = connect_in_background(&place);
    assert_true(watch(p, end, TI_POLLER_OUT));

    assert_ready(p, end, TI_POLLER_OUT);

    assert_int_equal(getsockopt(end, SOL_SOCKET, SO_ERROR, (char *)&error, &size), 0);
    assert_int_equal(error, WSAECONNREFUSED);
    assert_true(watch(p, end, 0));
    closesocket(end);
}

static void connection_that_is_made_is_told_to_who_would_write(void **state) {
    pair *p = *state;
    struct sockaddr_in place;
    SOCKET listener = new_listener(&place), end = connect_in_background(&place);
    assert_true(watch(p, end, TI_POLLER_OUT));

    assert_ready(p, end, TI_POLLER_OUT);

    assert_int_equal(send(end, "x", 1, 0), 1);
    assert_true(watch(p, end, 0));
    closesocket(end);
    closesocket(listener);
}

static void what_has_no_room_comes_the_next_time(void **state) {
    pair *p = *state;
    ti_poller_ready one;
    bool seen[2] = {false, false};
    assert_true(watch(p, p->near_end, TI_POLLER_OUT));
    assert_true(watch(p, p->far_end, TI_POLLER_OUT));

    for (int i = 0; i < 4; i++) {
        assert_int_equal(ti_poller_wait(p->poller, LONG_MS, &one, 1, &p->woken), 1);
        seen[(SOCKET)one.descriptor == p->near_end ? 0 : 1] = true;
    }

    assert_true(seen[0] && seen[1]);
}

/* Of FD_SETSIZE, and of the first room. */
static void more_sockets_than_a_set_of_old_has_room_for(void **state) {
    enum { PAIRS = 80 };
    pair *p = *state;
    SOCKET ends[PAIRS][2];
    for (int i = 0; i < PAIRS; i++) {
        make_ends(ends[i]);
        for (int k = 0; k < 2; k++) assert_true(watch(p, ends[i][k], TI_POLLER_IN));
    }

    for (int i = 0; i < PAIRS; i += 13) {
        char byte;
        assert_int_equal(send(ends[i][0], "x", 1, 0), 1);
        assert_ready(p, ends[i][1], TI_POLLER_IN);
        assert_int_equal(recv(ends[i][1], &byte, 1, 0), 1);
    }
    for (int i = 0; i < PAIRS; i++) assert_true(watch(p, ends[i][0], TI_POLLER_OUT));
    size_t ready = 0;
    bool seen[PAIRS] = {false};
    for (int turn = 0; turn < PAIRS / 4; turn++) {
        ready += wait_for(p, LONG_MS);
        for (int k = 0; k < 4; k++) {
            for (int i = 0; i < PAIRS; i++) {
                if (ends[i][0] == (SOCKET)p->ready[k].descriptor) seen[i] = true;
            }
        }
    }
    assert_int_equal(ready, PAIRS);
    for (int i = 0; i < PAIRS; i++) assert_true(seen[i]); /* each had its turn */

    for (int i = 0; i < PAIRS; i++) {
        for (int k = 0; k < 2; k++) {
            assert_true(watch(p, ends[i][k], 0));
            closesocket(ends[i][k]);
        }
    }
    assert_int_equal(wait_for(p, 0), 0);
}

static void what_cannot_be_watched_is_refused(void **state) {
    pair *p = *state;
    closesocket(p->far_end);

    assert_false(watch(p, p->far_end, TI_POLLER_IN));

    assert_int_equal(errno, EBADF);
    assert_true(watch(p, p->far_end, 0));
    p->far_end = INVALID_SOCKET;
}

static void socket_closed_while_it_is_watched_does_no_harm_to_others(void **state) {
    pair *p = *state;
    SOCKET ends[2];
    make_ends(ends);
    assert_true(watch(p, ends[0], TI_POLLER_IN));
    assert_true(watch(p, p->near_end, TI_POLLER_OUT));
    closesocket(ends[0]);

    while (wait_for(p, LONG_MS) == 0) {
    }

    assert_int_equal(p->ready[0].descriptor, p->near_end);
    closesocket(ends[1]);
}

static void wake_before_the_wait_is_not_lost(void **state) {
    pair *p = *state;
    assert_true(watch(p, p->near_end, TI_POLLER_OUT));

    ti_poller_wake(p->poller);
    ti_poller_wake(p->poller);

    /* beside what is ready, and once */
    size_t count = 0;
    bool woken = false;
    while (!woken) { /* the byte is on its way */
        count = wait_for(p, LONG_MS);
        woken = p->woken;
    }
    assert_int_equal(count, 1);
    assert_true(watch(p, p->near_end, 0));
    assert_int_equal(wait_for(p, 0), 0);
    assert_false(p->woken);
}

/* Counts up, and wakes after each step: the last one must be seen. */
typedef struct counting {
    ti_poller *poller;
    atomic_int count;
} counting;

enum { STEPS = 5000 };

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

int main(void) {
    WSADATA ignored;
    const struct CMUnitTest tests[] = {
        POLLER_TEST(nothing_is_ready_at_first),
        POLLER_TEST(what_can_be_read_is_told_until_it_was),
        POLLER_TEST(only_what_was_asked_for_is_told),
        POLLER_TEST(end_is_told_to_who_reads_and_to_who_writes),
        POLLER_TEST(refused_connection_is_told_to_who_would_write),
        POLLER_TEST(connection_that_is_made_is_told_to_who_would_write),
        POLLER_TEST(what_has_no_room_comes_the_next_time),
        POLLER_TEST(more_sockets_than_a_set_of_old_has_room_for),
        POLLER_TEST(what_cannot_be_watched_is_refused),
        POLLER_TEST(socket_closed_while_it_is_watched_does_no_harm_to_others),
        POLLER_TEST(wake_before_the_wait_is_not_lost),
        POLLER_TEST(no_wake_is_lost_among_many),
    };
    WSAStartup(MAKEWORD(2, 2), &ignored);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
