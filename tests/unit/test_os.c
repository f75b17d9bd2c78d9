#include "support/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int timerfd_create_watched(int clock, int flags);
static int timerfd_settime_watched(int timer, int flags, const struct itimerspec *at,
                                   struct itimerspec *before);
static ssize_t read_watched(int descriptor, void *target, size_t size);

/* How the kernel takes advice: as it is, none beyond what it knew before 4.14, or, as an emulator,
 * all of it and does nothing. */
typedef enum advised { ADVISED_WELL, ADVISED_NOT, ADVISED_BLINDLY } advised;
static advised advice_is_taken;
static bool without_pages;
static int madvise_watched(void *page, size_t size, int advice);
static void *mmap_watched(void *page, size_t size, int access, int flags, int file, off_t offset);

/* The file under test, with a wall clock that can be set without setting the machine's. */
#define timerfd_create timerfd_create_watched
#define timerfd_settime timerfd_settime_watched
#define read read_watched
#define madvise madvise_watched
#define mmap mmap_watched
#include "platform/os_linux.c"
#undef timerfd_create
#undef timerfd_settime
#undef read
#undef madvise
#undef mmap

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct {
    int watch;            /* the descriptor that watches the wall clock; -1: none */
    bool watched_to_step; /* it was told to */
    bool unsupported;     /* the system has no TFD_TIMER_CANCEL_ON_SET */
    bool stepped;         /* the clock was set, and the watch not read since */
} wall = {.watch = -1};

static int timerfd_create_watched(int clock, int flags) {
    int timer = timerfd_create(clock, flags);
    if (clock == CLOCK_REALTIME) wall.watch = timer;
    return timer;
}

static int timerfd_settime_watched(int timer, int flags, const struct itimerspec *at,
                                   struct itimerspec *before) {
    if (timer == wall.watch && wall.unsupported) {
        errno = EINVAL;
        return -1;
    }
    if (timer == wall.watch) {
        wall.watched_to_step = flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    }
    return timerfd_settime(timer, flags, at, before);
}

static ssize_t read_watched(int descriptor, void *target, size_t size) {
    ssize_t got = read(descriptor, target, size);
    if (descriptor != wall.watch || !wall.stepped) return got;
    wall.stepped = false;
    errno = ECANCELED;
    return -1;
}

/* As the kernel tells of a step: the watch is readable, and reading it fails with ECANCELED. */
static void step_wall_clock(void) {
    struct itimerspec past = {.it_value.tv_nsec = 1};
    wall.stepped = true;
    assert_int_equal(timerfd_settime(wall.watch, TFD_TIMER_ABSTIME, &past, NULL), 0);
}

static int new_timer(void **state) {
    memset(&wall, 0, sizeof wall);
    wall.watch = -1;
    *state = ti_os_timer_new();
    return *state ? 0 : -1;
}

static int free_timer(void **state) {
    ti_os_timer_free(*state);
    return 0;
}

static void boot_clock_goes_on_and_counts_suspends(void **state) {
    (void)state;
    struct timespec monotonic;

    int64_t first = ti_os_boot_ms();
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    int64_t second = ti_os_boot_ms();

    assert_true(first > 0);
    assert_true(second >= first);
    /* It is CLOCK_MONOTONIC plus the time spent suspended. */
    assert_true(second >= (int64_t)monotonic.tv_sec * 1000 + monotonic.tv_nsec / 1000000);
}

static void wall_clock_is_unix_time(void **state) {
    (void)state;

    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = ti_os_wall_ms();

    /* time() may lie a tick behind. */
    assert_true(now >= before && now < before + 60000);
}

static void random_fills_all_of_it(void **state) {
    (void)state;
    enum { SIZE = 100000 };
    static unsigned char one[SIZE + 1], other[SIZE + 1];
    unsigned counts[256] = {0};

    assert_true(ti_os_random(one, SIZE));
    assert_true(ti_os_random(other, SIZE));

    for (size_t i = 0; i < SIZE; i += 50) assert_memory_not_equal(one + i, other + i, 16);
    for (size_t i = 0; i < SIZE; i++) counts[one[i]]++;
    for (size_t i = 0; i < 256; i++) assert_in_range(counts[i], 200, 600); /* 391 expected */
    assert_int_equal(one[SIZE], 0);
    assert_true(ti_os_random(NULL, 0));
}

static void wipe_overwrites_exactly_that(void **state) {
    (void)state;
    char bytes[] = "abcdefgh";

    ti_os_wipe(bytes + 2, 4);
    ti_os_wipe(bytes, 0);
    ti_os_wipe(NULL, 0);

    assert_memory_equal(bytes, "ab\0\0\0\0gh", 9);
}

static void usable_size_is_what_was_asked_for_or_more(void **state) {
    (void)state;
    char *memory = malloc(100);

    size_t size = ti_os_usable_size(memory);

    assert_in_range(size, 100, 200);
    memset(memory, 1, size); /* all of it may be written */
    free(memory);
    assert_int_equal(ti_os_usable_size(NULL), 0);
}

static void wait_ends_at_its_time(void **state) {
    int64_t due = ti_os_boot_ms() + 30;

    unsigned events = ti_os_timer_wait(*state, due);

    assert_int_equal(events, 0);
    assert_in_range(ti_os_boot_ms(), due, due + 5000);
}

static void time_that_has_passed_does_not_wait(void **state) {
    int64_t now = ti_os_boot_ms();
    const int64_t past[] = {now, now - 1, 1, 0, -1, -100000, INT64_MIN};

    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        assert_int_equal(ti_os_timer_wait(*state, past[i]), 0);
    }

    assert_in_range(ti_os_boot_ms(), now, now + 5000);
}

static void wake_before_the_wait_is_not_lost(void **state) {
    ti_os_timer_wake(*state);

    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
}

static void wakes_before_a_wait_count_once(void **state) {
    ti_os_timer_wake(*state);
    ti_os_timer_wake(*state);

    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
    assert_int_equal(ti_os_timer_wait(*state, ti_os_boot_ms() + 5), 0);
}

static void wake_is_told_where_time_has_passed_too(void **state) {
    ti_os_timer_wake(*state);

    assert_int_equal(ti_os_timer_wait(*state, 0), TI_OS_TIMER_WOKEN);
}

static void *wake_later(void *timer) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    ti_os_timer_wake(timer);
    return NULL;
}

static void another_thread_ends_a_wait(void **state) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);

    unsigned events = ti_os_timer_wait(*state, TI_OS_TIMER_NEVER);

    pthread_join(thread, NULL);
    assert_int_equal(events, TI_OS_TIMER_WOKEN);
}

static void expired_timer_waits_again(void **state) {
    int64_t first = ti_os_boot_ms() + 5;
    assert_int_equal(ti_os_timer_wait(*state, first), 0);

    int64_t second = ti_os_boot_ms() + 20;
    assert_int_equal(ti_os_timer_wait(*state, second), 0);

    assert_true(ti_os_boot_ms() >= second);
}

static void times_that_no_timer_can_hold_are_never(void **state) {
    static const int64_t far[] = {TI_OS_TIMER_NEVER, TI_OS_TIMER_NEVER - 1,
                                  ((int64_t)INT32_MAX + 1) * 1000, (int64_t)INT32_MAX * 1000};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);
        assert_int_equal(ti_os_timer_wait(*state, far[i]), TI_OS_TIMER_WOKEN);
        pthread_join(thread, NULL);
    }
}

static void step_of_the_wall_clock_is_told_once(void **state) {
    assert_true(wall.watched_to_step);
    step_wall_clock();

    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER), TI_OS_TIMER_CLOCK_STEP);
    assert_int_equal(ti_os_timer_wait(*state, ti_os_boot_ms() + 5), 0);
}

static void step_and_wake_are_told_together(void **state) {
    step_wall_clock();
    ti_os_timer_wake(*state);

    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER),
                     TI_OS_TIMER_CLOCK_STEP | TI_OS_TIMER_WOKEN);
}

static void works_where_steps_cannot_be_seen(void **state) {
    (void)state;
    wall.unsupported = true;
    ti_os_timer *timer = ti_os_timer_new();
    wall.unsupported = false;
    assert_non_null(timer);
    int64_t due = ti_os_boot_ms() + 20;

    assert_int_equal(ti_os_timer_wait(timer, due), 0);
    assert_true(ti_os_boot_ms() >= due);
    ti_os_timer_wake(timer);
    assert_int_equal(ti_os_timer_wait(timer, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);

    ti_os_timer_free(timer);
}

/* The lowest descriptor that is free. */
static int lowest_free(void) {
    int descriptor = dup(0);
    if (descriptor < 0) return -1;
    close(descriptor);
    return descriptor;
}

static void descriptors_are_not_inherited_and_do_not_block(void **state) {
    (void)state;
    int first = lowest_free();

    ti_os_timer *timer = ti_os_timer_new();

    const int descriptors[] = {timer->due, timer->wake, timer->step};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fcntl(descriptors[i], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(descriptors[i], F_GETFL) & O_NONBLOCK);
    }
    ti_os_timer_free(timer);
    for (size_t i = 0; i < 3; i++) assert_int_equal(fcntl(descriptors[i], F_GETFD), -1);
    assert_int_equal(lowest_free(), first);
}

static void without_descriptors_errno_says_so_and_none_is_lost(void **state) {
    (void)state;
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int first = lowest_free();

    for (int left = 0; left < 3; left++) {
        tight = (struct rlimit){.rlim_cur = (rlim_t)(first + left), .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        errno = 0;
        ti_os_timer *timer = ti_os_timer_new();
        int cause = errno;
        bool made = timer != NULL;
        ti_os_timer_free(timer);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

        assert_int_equal(made, left == 2); /* the watch on the wall clock can be missed */
        if (!made) assert_int_equal(cause, EMFILE);
        assert_int_equal(lowest_free(), first);
    }
}

static void freeing_no_timer_is_fine(void **state) {
    (void)state;
    int first = lowest_free();

    ti_os_timer_free(NULL);

    assert_int_equal(lowest_free(), first);
}

static int madvise_watched(void *page, size_t size, int advice) {
    if (advice_is_taken == ADVISED_BLINDLY) return 0;
    if (advice_is_taken == ADVISED_WELL) return madvise(page, size, advice);
    errno = EINVAL;
    return -1;
}

static void *mmap_watched(void *page, size_t size, int access, int flags, int file, off_t offset) {
    return without_pages ? MAP_FAILED : mmap(page, size, access, flags, file, offset);
}

/* As in a process that has never asked which it is. */
static int forget_mark(void **state) {
    (void)state;
    atomic_store(&ti_os_process_mark, &no_process);
    advice_is_taken = ADVISED_WELL;
    without_pages = false;
    return 0;
}

static pid_t fork_as_usual(void) {
    return fork();
}

/* Behind the back of libc, whose handlers do not run. */
static pid_t fork_raw(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* What body answers in a child. */
static int in_child(pid_t (*fork_it)(void), int (*body)(void)) {
    int status;
    pid_t child = fork_it();
    if (child == 0) _exit(body());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int process(void) {
    return (int)ti_os_process();
}

static unsigned parents;

static int is_parent(void) {
    return ti_os_process_is(parents);
}

static int is_parent_after_asking(void) {
    return ti_os_process() == parents || ti_os_process_is(parents);
}

/* 0: neither of the two above it. */
static int childs_child_is_known(void) {
    unsigned own = ti_os_process();
    int known = in_child(fork_as_usual, is_parent_after_asking);
    parents = own;
    return known || in_child(fork_as_usual, is_parent_after_asking);
}

static void process_has_one_number(void **state) {
    (void)state;

    unsigned number = ti_os_process();

    assert_int_not_equal(number, 0);
    assert_true(ti_os_process_is(number));
    assert_false(ti_os_process_is(number + 1));
    assert_int_equal(ti_os_process(), number);
}

/* 0: it is not. */
static int child_is_its_parent(void) {
    parents = ti_os_process();
    return in_child(fork_as_usual, is_parent) || in_child(fork_as_usual, is_parent_after_asking) ||
           in_child(fork_as_usual, process) == 0 ||
           in_child(fork_as_usual, childs_child_is_known) || ti_os_process() != parents;
}

static void forked_child_is_not_its_parent(void **state) {
    (void)state;
    static const advised ways[] = {ADVISED_WELL, ADVISED_NOT, ADVISED_BLINDLY};

    /* Each from a child, which takes its handlers of forks along when it ends. */
    for (size_t i = 0; i < 3; i++) {
        advice_is_taken = ways[i];
        assert_int_equal(in_child(fork_as_usual, child_is_its_parent), 0);
    }
}

static void child_of_a_raw_clone_is_not_its_parent(void **state) {
    (void)state;
    parents = ti_os_process();
    void *page = atomic_load(&ti_os_process_mark);
    if (madvise(page, 1, MADV_WIPEONFORK) != 0) skip(); /* nothing else could tell it */

    assert_int_equal(in_child(fork_raw, is_parent), 0);
    assert_int_equal(in_child(fork_raw, is_parent_after_asking), 0);
    assert_int_equal(in_child(fork_raw, childs_child_is_known), 0);
}

static int child_knows_parent_that_never_asked(void) {
    parents = ti_os_process();
    return in_child(fork_as_usual, is_parent_after_asking);
}

static void child_may_be_the_first_to_ask(void **state) {
    (void)state;

    assert_int_equal(in_child(fork_as_usual, child_knows_parent_that_never_asked), 0);
}

static pthread_barrier_t together;

static void *ask_together(void *number) {
    pthread_barrier_wait(&together);
    *(unsigned *)number = ti_os_process();
    return NULL;
}

/* 0: they got the same number, and it is none of the parent's. */
static int threads_disagree(void) {
    enum { THREADS = 8 };
    unsigned numbers[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, ask_together, &numbers[i]) != 0) return 1;
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
    for (int i = 0; i < THREADS; i++) {
        if (numbers[i] != numbers[0] || numbers[i] == 0 || numbers[i] == parents) return 1;
    }
    return 0;
}

static void threads_that_ask_at_once_get_one_number(void **state) {
    (void)state;

    for (int i = 0; i < 20; i++) {
        forget_mark(NULL);
        parents = 0;
        assert_int_equal(threads_disagree(), 0);
        parents = ti_os_process();
        assert_int_equal(in_child(fork_as_usual, threads_disagree), 0);
    }
}

static void without_memory_there_is_no_number(void **state) {
    (void)state;
    without_pages = true;
    assert_int_equal(ti_os_process(), 0);

    without_pages = false;
    assert_int_not_equal(ti_os_process(), 0);
}

int main(void) {
#define WITH_TIMER(test) cmocka_unit_test_setup_teardown(test, new_timer, free_timer)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_clock_goes_on_and_counts_suspends),
        cmocka_unit_test(wall_clock_is_unix_time),
        cmocka_unit_test(random_fills_all_of_it),
        cmocka_unit_test(wipe_overwrites_exactly_that),
        cmocka_unit_test(usable_size_is_what_was_asked_for_or_more),
        WITH_TIMER(wait_ends_at_its_time),
        WITH_TIMER(time_that_has_passed_does_not_wait),
        WITH_TIMER(wake_before_the_wait_is_not_lost),
        WITH_TIMER(wakes_before_a_wait_count_once),
        WITH_TIMER(wake_is_told_where_time_has_passed_too),
        WITH_TIMER(another_thread_ends_a_wait),
        WITH_TIMER(expired_timer_waits_again),
        WITH_TIMER(times_that_no_timer_can_hold_are_never),
        WITH_TIMER(step_of_the_wall_clock_is_told_once),
        WITH_TIMER(step_and_wake_are_told_together),
        cmocka_unit_test(works_where_steps_cannot_be_seen),
        cmocka_unit_test(descriptors_are_not_inherited_and_do_not_block),
        cmocka_unit_test(without_descriptors_errno_says_so_and_none_is_lost),
        cmocka_unit_test(freeing_no_timer_is_fine),
        cmocka_unit_test_setup(process_has_one_number, forget_mark),
        cmocka_unit_test_setup(forked_child_is_not_its_parent, forget_mark),
        cmocka_unit_test_setup(child_of_a_raw_clone_is_not_its_parent, forget_mark),
        cmocka_unit_test_setup(child_may_be_the_first_to_ask, forget_mark),
        cmocka_unit_test_setup(threads_that_ask_at_once_get_one_number, forget_mark),
        cmocka_unit_test_setup(without_memory_there_is_no_number, forget_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
