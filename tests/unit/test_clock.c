#include "support/unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

static int watched_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                             const struct timespec *end);

/* The files under test, with a look at what it asks of the system. */
#define pthread_cond_timedwait watched_timedwait
#include "base/clock.c"
#include "platform/condvar_posix.c"
#undef pthread_cond_timedwait

/* What the last wait asked for, in milliseconds from then on. */
static int64_t asked_ms;
static bool wait_for_real;

static int watched_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                             const struct timespec *end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    asked_ms = (int64_t)(end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
    assert_in_range(end->tv_nsec, 0, 999999999);
    return wait_for_real ? pthread_cond_timedwait(cond, mutex, end) : 0;
}

/* A clock moved by hand, and who waits on it. */
typedef struct hand_clock {
    ti_clock clock;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t boot_ms; /* guarded by lock */
    bool waiting;    /* guarded by lock */
} hand_clock;

static int64_t hand_boot_ms(void *data) {
    return ((hand_clock *)data)->boot_ms;
}

static int64_t hand_wall_ms(void *data) {
    (void)data;
    return 1700000000000;
}

static int make_hand_clock(void **state) {
    static hand_clock hand;
    hand = (hand_clock){.boot_ms = 1000};
    hand.clock.injected = (tacit_clock){.struct_size = sizeof(tacit_clock),
                                        .boot_ms = hand_boot_ms,
                                        .wall_ms = hand_wall_ms,
                                        .clock_data = &hand};
    pthread_mutex_init(&hand.lock, NULL);
    if (!ti_cond_init(&hand.moved)) return -1;
    asked_ms = -1;
    wait_for_real = false;
    *state = &hand;
    return 0;
}

static int destroy_hand_clock(void **state) {
    hand_clock *hand = *state;
    pthread_cond_destroy(&hand->moved);
    pthread_mutex_destroy(&hand->lock);
    return 0;
}

static void wait_once(hand_clock *hand, int64_t deadline) {
    pthread_mutex_lock(&hand->lock);
    ti_clock_wait(&hand->clock, &hand->moved, &hand->lock, deadline);
    pthread_mutex_unlock(&hand->lock);
}

static void injected_clock_is_read(void **state) {
    hand_clock *hand = *state;

    assert_int_equal(ti_clock_boot_ms(&hand->clock), 1000);
    assert_int_equal(ti_clock_wall_ms(&hand->clock), 1700000000000);
}

static void system_clock_is_read_without_one(void **state) {
    (void)state;
    ti_clock clock = {.injected = {.struct_size = 0}};

    int64_t boot_before = ti_os_boot_ms(), wall_before = ti_os_wall_ms();
    int64_t boot = ti_clock_boot_ms(&clock), wall = ti_clock_wall_ms(&clock);

    assert_in_range(boot, boot_before, ti_os_boot_ms());
    assert_in_range(wall, wall_before - 1000, wall_before + 60000);
}

static void each_function_may_be_injected_alone(void **state) {
    hand_clock *hand = *state;
    hand->clock.injected.wall_ms = NULL;
    assert_int_equal(ti_clock_boot_ms(&hand->clock), 1000);
    assert_int_not_equal(ti_clock_wall_ms(&hand->clock), 1700000000000);

    hand->clock.injected.boot_ms = NULL;
    hand->clock.injected.wall_ms = hand_wall_ms;
    assert_int_equal(ti_clock_wall_ms(&hand->clock), 1700000000000);
}

static void deadlines_never_overflow(void **state) {
    hand_clock *hand = *state;
    static const struct {
        int64_t now, ms, expected;
        const char *why;
    } cases[] = {
        {1000, 0, 1000, "no wait"},
        {1000, 50, 1050, "a wait"},
        {1000, -1, TI_NEVER, "negative: never"},
        {1000, INT64_MIN, TI_NEVER, "most negative: never"},
        {1000, TI_NEVER, TI_NEVER, "never stays never"},
        {1000, TI_NEVER - 999, TI_NEVER, "one too many"},
        {1000, TI_NEVER - 1000, TI_NEVER, "just never"},
        {1000, TI_NEVER - 1001, TI_NEVER - 1, "just not"},
        {-500, TI_NEVER, TI_NEVER - 500, "a clock below zero"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hand->boot_ms = cases[i].now;
        int64_t deadline = ti_clock_deadline(&hand->clock, cases[i].ms);
        if (deadline != cases[i].expected) fail_msg("%s: %lld", cases[i].why, (long long)deadline);
    }
}

static void waits_as_long_as_is_left_but_30_s_at_most(void **state) {
    hand_clock *hand = *state;
    static const struct {
        int64_t now, deadline, expected;
        const char *why;
    } cases[] = {
        {1000, 1500, 500, "what is left"},
        {1000, 30999, 29999, "just below the limit"},
        {1000, 31000, 30000, "the limit"},
        {1000, 31001, 30000, "above it"},
        {1000, TI_NEVER, 30000, "never"},
        {INT64_MIN, TI_NEVER, 30000, "the difference does not fit"},
        {INT64_MIN, INT64_MIN + 20, 20, "far below zero"},
        {TI_NEVER - 10, TI_NEVER - 5, 5, "a clock that is nearly at its end"},
        {1000, 1000, -1, "due: no wait"},
        {1000, 999, -1, "past: no wait"},
        {1000, INT64_MIN, -1, "long past: no wait"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        asked_ms = -1;
        hand->boot_ms = cases[i].now;
        wait_once(hand, cases[i].deadline);
        /* Time goes on between the two looks at the clock. */
        bool near = asked_ms <= cases[i].expected && asked_ms >= cases[i].expected - 2000;
        if (cases[i].expected == -1) near = asked_ms == -1;
        if (!near) fail_msg("%s: %lld", cases[i].why, (long long)asked_ms);
    }
}

static void waits_on_the_clock_that_the_condvar_has(void **state) {
    hand_clock *hand = *state;
    ti_clock clock = {.injected = {.struct_size = 0}};
    int64_t deadline = ti_clock_deadline(&clock, 30);
    int waits = 0;
    wait_for_real = true;

    pthread_mutex_lock(&hand->lock);
    for (; ti_clock_boot_ms(&clock) < deadline; waits++) {
        ti_clock_wait(&clock, &hand->moved, &hand->lock, deadline);
    }
    pthread_mutex_unlock(&hand->lock);

    /* On another clock it would spin, or sleep for years. */
    assert_in_range(waits, 1, 10);
}

static void *wait_for_2000(void *data) {
    hand_clock *hand = data;
    pthread_mutex_lock(&hand->lock);
    hand->waiting = true;
    pthread_cond_broadcast(&hand->moved);
    while (ti_clock_boot_ms(&hand->clock) < 2000) {
        ti_clock_wait(&hand->clock, &hand->moved, &hand->lock, TI_NEVER);
    }
    pthread_mutex_unlock(&hand->lock);
    return NULL;
}

static void moved_clock_and_broadcast_end_a_wait(void **state) {
    hand_clock *hand = *state;
    pthread_t thread;
    wait_for_real = true;
    int64_t before = ti_os_boot_ms();

    assert_int_equal(pthread_create(&thread, NULL, wait_for_2000, hand), 0);
    pthread_mutex_lock(&hand->lock);
    while (!hand->waiting) pthread_cond_wait(&hand->moved, &hand->lock);
    hand->boot_ms = 2000;
    pthread_cond_broadcast(&hand->moved);
    pthread_mutex_unlock(&hand->lock);
    pthread_join(thread, NULL);

    assert_in_range(ti_os_boot_ms() - before, 0, 20000);
}

int main(void) {
#define WITH_CLOCK(test) cmocka_unit_test_setup_teardown(test, make_hand_clock, destroy_hand_clock)
    const struct CMUnitTest tests[] = {
        WITH_CLOCK(injected_clock_is_read),
        cmocka_unit_test(system_clock_is_read_without_one),
        WITH_CLOCK(each_function_may_be_injected_alone),
        WITH_CLOCK(deadlines_never_overflow),
        WITH_CLOCK(waits_as_long_as_is_left_but_30_s_at_most),
        WITH_CLOCK(waits_on_the_clock_that_the_condvar_has),
        WITH_CLOCK(moved_clock_and_broadcast_end_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
