/* What macOS has differently of os.h, over a fake of its kernel: here the clocks are moved by hand. */
#include "support/unit.h"

#include "darwin/fake_kqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uuid/uuid.h>

static struct {
    int64_t wall_ms, boot_ms; /* added to what the machine's own clocks say */
    bool privileged;
    const char *boot_session; /* NULL: the kernel does not tell */
    bool knows_full_sync;
    int full_syncs, syncs;
    bool atfork_fails;
} system_is;

/* CLOCK_MONOTONIC_RAW counts a sleep there; what else is asked for is a mistake. */
static int fake_clock_gettime(clockid_t clock, struct timespec *now) {
    assert_true(clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC_RAW);
    int64_t more_ms = clock == CLOCK_REALTIME ? system_is.wall_ms : system_is.boot_ms;
    int result = clock_gettime(clock == CLOCK_REALTIME ? clock : CLOCK_BOOTTIME, now);
    int64_t ms = now->tv_sec * 1000 + now->tv_nsec / 1000000 + more_ms;
    now->tv_sec = (time_t)(ms / 1000);
    now->tv_nsec = (long)(ms % 1000) * 1000000L;
    return result;
}

static int issetugid(void) {
    return system_is.privileged;
}

static int fake_sysctlbyname(const char *name, void *old, size_t *size, void *new,
                             size_t new_size) {
    assert_string_equal(name, "kern.bootsessionuuid");
    assert_true(new == NULL &&new_size == 0);
    if (system_is.boot_session == NULL) {
        errno = ENOENT;
        return -1;
    }
    assert_true(*size > strlen(system_is.boot_session));
    *size = strlen(system_is.boot_session) + 1;
    memcpy(old, system_is.boot_session, *size);
    return 0;
}

int uuid_parse(const uuid_string_t in, uuid_t uu) {
    int end = 0;
    if (strlen(in) != 36) return -1;
    for (const char *next = in; *next; next += end) {
        unsigned byte;
        if (*next == '-') next++;
        if (sscanf(next, "%2x%n", &byte, &end) != 1 || end != 2) return -1;
        *uu++ = (unsigned char)byte;
    }
    return 0;
}

static size_t fake_malloc_size(const void *ptr) {
    return ptr == NULL ? 0 : 24;
}

static int memset_s(void *memory, size_t room, int byte, size_t size) {
    assert_int_equal(room, size);
    memset(memory, byte, size);
    return 0;
}

#define F_FULLFSYNC 51

static int fake_fcntl(int file, int command, int argument) {
    if (command != F_FULLFSYNC) return fcntl(file, command, argument);
    system_is.full_syncs++;
    if (system_is.knows_full_sync) return 0;
    errno = ENOTSUP;
    return -1;
}

static int fake_fsync(int file) {
    system_is.syncs++;
    return fsync(file);
}

static int fake_atfork(void (*before)(void), void (*parent)(void), void (*child)(void)) {
    return system_is.atfork_fails ? ENOMEM : pthread_atfork(before, parent, child);
}

/* The file under test. */
#define clock_gettime fake_clock_gettime
#define sysctlbyname fake_sysctlbyname
#define SECOND_OR_ZERO(first, second, ...) second
#define fcntl(file, ...) fake_fcntl(file, FIRST(__VA_ARGS__), SECOND_OR_ZERO(__VA_ARGS__, 0, 0))
#define FIRST(first, ...) first
#define fsync fake_fsync
#define malloc_size fake_malloc_size
#define pthread_atfork fake_atfork
#include "platform/os_darwin.c"
#undef clock_gettime
#undef sysctlbyname
#undef fcntl
#undef fsync
#undef malloc_size
#undef pthread_atfork

static int set_up(void **state) {
    (void)state;
    memset(&system_is, 0, sizeof system_is);
    return 0;
}

static void boot_clock_counts_sleep(void **state) {
    (void)state;
    int64_t before = ti_os_boot_ms();

    system_is.boot_ms += 8 * 3600 * 1000;

    assert_true(ti_os_boot_ms() >= before + 8 * 3600 * 1000);
}

static void memory_is_filled_wiped_and_measured(void **state) {
    (void)state;
    unsigned char bytes[64] = {0}, none[64] = {0};

    assert_true(ti_os_random(bytes, sizeof bytes));
    assert_memory_not_equal(bytes, none, sizeof bytes);
    ti_os_wipe(bytes, sizeof bytes);
    assert_memory_equal(bytes, none, sizeof bytes);
    ti_os_wipe(NULL, 0);
    assert_int_equal(ti_os_usable_size(bytes), 24);
    assert_int_equal(ti_os_usable_size(NULL), 0);
}

static void state_lies_where_programs_keep_it(void **state) {
    (void)state;
    static const struct {
        const char *xdg, *home;
        bool privileged;
        const char *expected;
    } rows[] = {
        {"/x/state", "/Users/ann", false, "/x/state/tacit"},
        {NULL, "/Users/ann", false, "/Users/ann/Library/Application Support/tacit"},
        {"relative", "/Users/ann", false, "/Users/ann/Library/Application Support/tacit"},
        {NULL, NULL, false, NULL},
        {"/x/state", "/Users/ann", true, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsetenv("XDG_STATE_HOME");
        unsetenv("HOME");
        if (rows[i].xdg) setenv("XDG_STATE_HOME", rows[i].xdg, 1);
        if (rows[i].home) setenv("HOME", rows[i].home, 1);
        system_is.privileged = rows[i].privileged;
        errno = 0;

        char *directory = ti_os_state_directory();

        if (rows[i].expected) {
            assert_non_null(directory);
            assert_string_equal(directory, rows[i].expected);
        } else {
            assert_null(directory);
            assert_int_equal(errno, ENOENT);
        }
        free(directory);
    }
}

static void boot_id_is_that_of_the_boot_session(void **state) {
    (void)state;
    static const unsigned char zeros[16],
        expected[16] = {0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78,
                        0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0};
    unsigned char id[16];

    system_is.boot_session = "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0";
    ti_os_boot_id(id);
    assert_memory_equal(id, expected, 16);

    static const char *const others[] = {NULL, "", "0F1E2D3C",
                                         "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1FX"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        system_is.boot_session = others[i];
        memset(id, 0xff, 16);
        ti_os_boot_id(id);
        assert_memory_equal(id, zeros, 16);
    }
}

static void sync_reaches_the_medium_where_that_can_be_had(void **state) {
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);

    system_is.knows_full_sync = true;
    assert_int_equal(ti_os_sync(fileno(file)), 0);
    assert_int_equal(system_is.full_syncs, 1);
    assert_int_equal(system_is.syncs, 0);

    system_is.knows_full_sync = false; /* some file systems do not */
    assert_int_equal(ti_os_sync_data(fileno(file)), 0);
    assert_int_equal(system_is.full_syncs, 2);
    assert_int_equal(system_is.syncs, 1);
    assert_int_equal(ti_os_sync(-1), -1);
    assert_int_equal(errno, EBADF);
    fclose(file);
}

static void wait_never_lasts_longer_than_the_contract_says(void **state) {
    (void)state;
    static const struct {
        int64_t from_now_ms;
        long waited_min, waited_max;
    } rows[] = {{-1, 0, 0}, {0, 0, 0}, {20000, 1, 20000}, {3600 * 1000, 30000, 30000}};
    ti_os_timer *timer = ti_os_timer_new();

    /* Each ends by a wake, so that none waits in earnest. */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ti_os_timer_wake(timer);
        assert_int_equal(ti_os_timer_wait(timer, ti_os_boot_ms() + rows[i].from_now_ms),
                         TI_OS_TIMER_WOKEN);
        assert_in_range(fake_kqueue_waited_ms(), rows[i].waited_min, rows[i].waited_max);
    }
    ti_os_timer_wake(timer);
    assert_int_equal(ti_os_timer_wait(timer, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
    assert_int_equal(fake_kqueue_waited_ms(), 30000);
    ti_os_timer_wake(timer);
    assert_int_equal(ti_os_timer_wait(timer, INT64_MIN), TI_OS_TIMER_WOKEN);
    assert_int_equal(fake_kqueue_waited_ms(), 0);
    ti_os_timer_free(timer);
}

static void wait_ends_at_its_time(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();
    int64_t due = ti_os_boot_ms() + 20;

    assert_int_equal(ti_os_timer_wait(timer, due), 0);
    assert_true(ti_os_boot_ms() >= due);
    ti_os_timer_free(timer);
}

static void wakes_before_a_wait_count_once(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();

    ti_os_timer_wake(timer);
    ti_os_timer_wake(timer);

    assert_int_equal(ti_os_timer_wait(timer, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
    assert_int_equal(ti_os_timer_wait(timer, 0), 0);
    ti_os_timer_free(timer);
}

static void *wake(void *timer) {
    ti_os_timer_wake(timer);
    return NULL;
}

static void another_thread_ends_a_wait(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, wake, timer), 0);
    assert_int_equal(ti_os_timer_wait(timer, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
    pthread_join(thread, NULL);
    ti_os_timer_free(timer);
}

static void step_of_the_wall_clock_is_told_once_either_way(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();

    for (int direction = -1; direction <= 1; direction += 2) {
        system_is.wall_ms += direction * 2000;
        assert_int_equal(ti_os_timer_wait(timer, 0), TI_OS_TIMER_CLOCK_STEP);
        assert_int_equal(ti_os_timer_wait(timer, 0), 0);
    }
    ti_os_timer_free(timer);
}

static void sleep_and_slewing_are_no_steps(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();

    for (int i = 0; i < 20; i++) { /* twenty looks, while the clock is pulled by two seconds */
        system_is.wall_ms += 100;
        assert_int_equal(ti_os_timer_wait(timer, 0), 0);
    }
    system_is.wall_ms += 8 * 3600 * 1000; /* both clocks count a night */
    system_is.boot_ms += 8 * 3600 * 1000;
    assert_int_equal(ti_os_timer_wait(timer, 0), 0);
    ti_os_timer_free(timer);
}

static void without_a_queue_there_is_no_timer(void **state) {
    (void)state;
    fake_kqueue_refuse(EVFILT_USER);
    errno = 0;
    assert_null(ti_os_timer_new());
    assert_int_equal(errno, ENOMEM);
    fake_kqueue_refuse(0);
    ti_os_timer_free(NULL);
}

static void descriptor_is_not_inherited(void **state) {
    (void)state;
    ti_os_timer *timer = ti_os_timer_new();

    assert_int_equal(fcntl(timer->queue, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ti_os_timer_free(timer);
}

static void number_of_a_process_is_not_its_childrens(void **state) {
    (void)state;
    system_is.atfork_fails = true;
    assert_int_equal(ti_os_process(), 0); /* forks could not be seen */
    system_is.atfork_fails = false;

    unsigned ours = ti_os_process();
    assert_true(ours != 0);
    assert_int_equal(ti_os_process(), ours);
    assert_true(ti_os_process_is(ours));
    pid_t child = fork();
    if (child == 0) {
        bool told_apart = !ti_os_process_is(ours) && ti_os_process() != ours && ti_os_process();
        _exit(told_apart ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(ti_os_process_is(ours));
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(boot_clock_counts_sleep),
        CASE(memory_is_filled_wiped_and_measured),
        CASE(state_lies_where_programs_keep_it),
        CASE(boot_id_is_that_of_the_boot_session),
        CASE(sync_reaches_the_medium_where_that_can_be_had),
        CASE(wait_never_lasts_longer_than_the_contract_says),
        CASE(wait_ends_at_its_time),
        CASE(wakes_before_a_wait_count_once),
        CASE(another_thread_ends_a_wait),
        CASE(step_of_the_wall_clock_is_told_once_either_way),
        CASE(sleep_and_slewing_are_no_steps),
        CASE(without_a_queue_there_is_no_timer),
        CASE(descriptor_is_not_inherited),
        CASE(number_of_a_process_is_not_its_childrens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
