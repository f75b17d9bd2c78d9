/* Clocks, timer, random, paths, boots and the browser, on Windows. */
#include "windows/place.h"

static struct {
    int64_t set_by_ms;         /* how times the wall clock was set */
    unsigned long waited_most; /* what a wait asked for */
} watched;

static unsigned long wait_watched(void *handle, unsigned long timeout_ms);
static void read_wall_clock(FILETIME *now);

/* The file under test, with a wall clock that can be set without setting the machine's. */
#define WaitForSingleObject wait_watched
#define GetSystemTimePreciseAsFileTime read_wall_clock
#include "platform/os_windows.c"
#undef WaitForSingleObject
#undef GetSystemTimePreciseAsFileTime

#include <pthread.h>
#include <time.h>

#include <tacit/tacit.h>

/* A look of 30 s is over at once, for who is woken at the end of it. */
static unsigned long wait_watched(void *handle, unsigned long timeout_ms) {
    if (timeout_ms > watched.waited_most) watched.waited_most = timeout_ms;
    return WaitForSingleObject(handle, timeout_ms == LOOK_EVERY_MS ? 50 : timeout_ms);
}

static void read_wall_clock(FILETIME *now) {
    GetSystemTimePreciseAsFileTime(now);
    uint64_t ticks = ((uint64_t)now->dwHighDateTime << 32 | now->dwLowDateTime) +
                     (uint64_t)(watched.set_by_ms * 10000);
    now->dwHighDateTime = (DWORD)(ticks >> 32);
    now->dwLowDateTime = (DWORD)ticks;
}

static int new_timer(void **state) {
    memset(&watched, 0, sizeof watched);
    *state = ti_os_timer_new();
    return *state ? 0 : -1;
}

static int free_timer(void **state) {
    ti_os_timer_free(*state);
    return 0;
}

static void boot_clock_goes_on_and_counts_suspends(void **state) {
    ULONGLONG unbiased;
    (void)state;

    int64_t first = ti_os_boot_ms();
    QueryUnbiasedInterruptTime(&unbiased);
    Sleep(40);
    int64_t second = ti_os_boot_ms();

    assert_true(first > 0 && second > first && second < first + 5000);
    /* What does not count them is behind, or equal where there was none. */
    assert_true(second >= (int64_t)(unbiased / 10000));
}

static void wall_clock_is_unix_time(void **state) {
    (void)state;
    memset(&watched, 0, sizeof watched);

    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = ti_os_wall_ms();

    assert_true(now >= before && now < before + 60000);
}

static void random_fills_all_of_it(void **state) {
    enum { SIZE = 100000 };
    static unsigned char one[SIZE + 1], other[SIZE + 1];
    unsigned counts[256] = {0};
    (void)state;

    assert_true(ti_os_random(one, SIZE));
    assert_true(ti_os_random(other, SIZE));

    for (size_t i = 0; i < SIZE; i += 50) assert_memory_not_equal(one + i, other + i, 16);
    for (size_t i = 0; i < SIZE; i++) counts[one[i]]++;
    for (size_t i = 0; i < 256; i++) assert_in_range(counts[i], 200, 600); /* 391 expected */
    assert_int_equal(one[SIZE], 0);
    assert_true(ti_os_random(NULL, 0));
}

static void wipe_and_usable_size_keep_to_the_block(void **state) {
    char bytes[] = "abcdefgh", *memory = malloc(100);
    (void)state;

    ti_os_wipe(bytes + 2, 4);
    ti_os_wipe(NULL, 0);
    size_t size = ti_os_usable_size(memory);

    assert_memory_equal(bytes, "ab\0\0\0\0gh", 9);
    assert_in_range(size, 100, 200);
    memset(memory, 1, size); /* all of it may be written */
    free(memory);
    assert_int_equal(ti_os_usable_size(NULL), 0);
}

/* ------------------------------------------------------------------ the timer */

static void wait_ends_at_its_time(void **state) {
    int64_t due = ti_os_boot_ms() + 30;

    assert_int_equal(ti_os_timer_wait(*state, due), 0);

    assert_in_range(ti_os_boot_ms(), due, due + 5000);
}

static void time_that_has_passed_does_not_wait(void **state) {
    int64_t now = ti_os_boot_ms();
    const int64_t past[] = {now, now - 1, 1, 0, -1, -100000, INT64_MIN};

    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        assert_int_equal(ti_os_timer_wait(*state, past[i]), 0);
    }

    assert_int_equal(watched.waited_most, 0);
}

static void wakes_before_a_wait_are_not_lost_and_count_once(void **state) {
    ti_os_timer_wake(*state);
    ti_os_timer_wake(*state);

    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER), TI_OS_TIMER_WOKEN);
    assert_int_equal(ti_os_timer_wait(*state, ti_os_boot_ms() + 5), 0);
    ti_os_timer_wake(*state);
    assert_int_equal(ti_os_timer_wait(*state, 0), TI_OS_TIMER_WOKEN);
}

static void *wake_later(void *timer) {
    Sleep(20);
    ti_os_timer_wake(timer);
    return NULL;
}

static void another_thread_ends_a_wait(void **state) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);

    unsigned events = ti_os_timer_wait(*state, ti_os_boot_ms() + 20000);

    pthread_join(thread, NULL);
    assert_int_equal(events, TI_OS_TIMER_WOKEN);
}

/* What counts no suspends and hears of no step has to look. */
static void no_wait_is_longer_than_half_a_minute(void **state) {
    static const int64_t times[] = {TI_OS_TIMER_NEVER, TI_OS_TIMER_NEVER - 1,
                                    ((int64_t)INT32_MAX + 1) * 1000};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(ti_os_timer_wait(*state, times[i]), 0);
        assert_int_equal(watched.waited_most, 30000);
    }
}

static void step_of_the_wall_clock_is_told_once(void **state) {
    static const int64_t steps_ms[] = {3600000, -3600000, 1000, -1000};

    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        watched.set_by_ms += steps_ms[i];
        assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER), TI_OS_TIMER_CLOCK_STEP);
        assert_int_equal(ti_os_timer_wait(*state, ti_os_boot_ms() + 5), 0);
    }
    watched.set_by_ms += 3600000;
    ti_os_timer_wake(*state);
    assert_int_equal(ti_os_timer_wait(*state, TI_OS_TIMER_NEVER),
                     TI_OS_TIMER_CLOCK_STEP | TI_OS_TIMER_WOKEN);
}

/* As a clock that a time server brings closer. */
static void adjustment_of_the_wall_clock_is_no_step(void **state) {
    for (int i = 0; i < 20; i++) {
        watched.set_by_ms += 15;
        assert_int_equal(ti_os_timer_wait(*state, ti_os_boot_ms() + 1), 0);
    }
}

static void timers_leave_no_handles(void **state) {
    (void)state;
    size_t before = next_handle();

    for (int i = 0; i < 100; i++) ti_os_timer_free(ti_os_timer_new());

    assert_true(next_handle() < before + 100);
    ti_os_timer_free(NULL);
}

/* ------------------------------------------------------------------ paths */

static void assert_ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    if (size < end_size || strcmp(text + size - end_size, end) != 0) fail_msg("%s", text);
}

static void state_directory_is_the_users_own_unless_the_variable_says_another(void **state) {
    const place *here = *state;
    wchar_t *base = ti_windows_wide(here->base);
    char expected[PLACE_MAX + 8];
    snprintf(expected, sizeof expected, "%s\\tacit", here->base);

    SetEnvironmentVariableW(L"XDG_STATE_HOME", base);
    char *path = ti_os_state_directory();
    assert_string_equal(path, expected);
    free(path);

    const wchar_t *const ignored[] = {NULL, L"", L"relative", L"C:relative", L".\\relative"};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        SetEnvironmentVariableW(L"XDG_STATE_HOME", ignored[i]);
        SetEnvironmentVariableW(L"LOCALAPPDATA", L"C:\\elsewhere");
        path = ti_os_state_directory();
        assert_non_null(path);
        assert_ends_with(path, "\\AppData\\Local\\tacit");
        assert_null(strstr(path, "elsewhere"));
        free(path);
    }
    free(base);
}

static void absolute_paths_are_the_same_from_everywhere(void **state) {
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"C:\\a\\b", "C:\\a\\b"},
        {"C:/a/b/", "C:\\a\\b"},
        {"C:\\a\\.\\x\\..\\b\\\\", "C:\\a\\b"},
        {"C:\\", "C:\\"},
        {"\\\\server\\share\\a", "\\\\server\\share\\a"},
        {"C:\\\xe6\x97\xa5\xc3\xa9", "C:\\\xe6\x97\xa5\xc3\xa9"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = ti_os_absolute_path(cases[i].given);
        assert_string_equal(path, cases[i].expected);
        free(path);
    }
    SetCurrentDirectoryW(L"C:\\windows");
    char *path = ti_os_absolute_path("below/it");
    assert_string_equal(path, "C:\\windows\\below\\it");
    free(path);
    errno = 0;
    assert_null(ti_os_absolute_path("C:\\not-\xff-unicode"));
    assert_int_equal(errno, EINVAL);
}

static void a_path_that_is_not_unicode_is_refused(void **state) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_error error;
    (void)state;

    client.state_dir = "C:\\not-\xff-unicode";
    assert_null(tacit_client_new(&client, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(error.os_error, EINVAL);
}

/* ------------------------------------------------------------------ boots and processes */

static void boot_has_one_id_for_all_who_ask(void **state) {
    static const unsigned char nothing[16];
    unsigned char id[16], again[16];
    char where[2 * sizeof id + 1];
    (void)state;

    ti_os_boot_id(id);
    Sleep(20);
    ti_os_boot_id(again);

    assert_memory_equal(id, again, sizeof id);
    assert_memory_not_equal(id, nothing, sizeof id);
    for (size_t i = 0; i < sizeof id; i++) snprintf(where + 2 * i, 3, "%02x", id[i]);
    child child = start_child("boot_id", where);
    assert_int_equal(end_of_child(&child), 0);
}

static void next_boot_has_another_id(void **state) {
    unsigned char id[16], next[16];
    (void)state;
    ti_os_boot_id(id);

    /* What the end of a boot does to a volatile key. */
    assert_int_equal(RegDeleteKeyW(HKEY_CURRENT_USER, L"Software\\tacit-boot"), ERROR_SUCCESS);

    ti_os_boot_id(next);
    assert_memory_not_equal(id, next, sizeof id);
}

static int is_boot_id(const char *expected) {
    unsigned char id[16];
    char text[2 * sizeof id + 1];
    ti_os_boot_id(id);
    for (size_t i = 0; i < sizeof id; i++) snprintf(text + 2 * i, 3, "%02x", id[i]);
    return strcmp(text, expected) == 0;
}

static void process_has_one_number(void **state) {
    (void)state;

    unsigned number = ti_os_process();

    assert_int_not_equal(number, 0);
    assert_true(ti_os_process_is(number));
    assert_false(ti_os_process_is(number + 1));
    assert_int_equal(ti_os_process(), number);
}

/* ------------------------------------------------------------------ the browser */

/* A scheme of the test's own: the system's browser stays what it is. */
#define SCHEME L"tacit-test-browser"

static void set_text(HKEY parent, const wchar_t *key, const wchar_t *name, const wchar_t *text) {
    assert_int_equal(RegSetKeyValueW(parent, key, name, REG_SZ, text,
                                     (DWORD)((wcslen(text) + 1) * sizeof *text)),
                     ERROR_SUCCESS);
}

/* The program for the scheme is this one, as a child that tells what it got. */
static int register_browser(void **state) {
    wchar_t program[MAX_PATH], command[MAX_PATH + 64];
    if (make_place(state) != 0) return -1;
    GetModuleFileNameW(NULL, program, MAX_PATH);
    swprintf(command, MAX_PATH + 64, L"\"%ls\" browser \"%%1\"", program);
    RegDeleteTreeW(HKEY_CLASSES_ROOT, SCHEME);
    set_text(HKEY_CLASSES_ROOT, SCHEME, L"URL Protocol", L"");
    set_text(HKEY_CLASSES_ROOT, SCHEME L"\\shell\\open\\command", NULL, command);
    return 0;
}

static int forget_browser(void **state) {
    RegDeleteTreeW(HKEY_CLASSES_ROOT, SCHEME);
    return remove_place(state);
}

/* In the child. */
static int be_browser(const char *url) {
    char path[2 * PLACE_MAX];
    DWORD size = GetEnvironmentVariableA("TEST_BROWSER_SAYS", path, sizeof path);
    if (size == 0 || size >= sizeof path) return 1;
    FILE *file = fopen(path, "wb");
    if (!file) return 1;
    fputs(url, file);
    return fclose(file) == 0 ? 0 : 1;
}

static bool read_text(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    size_t got = fread(text, 1, size - 1, file);
    fclose(file);
    text[got] = '\0';
    return got > 0;
}

static void browser_gets_the_url_as_one_argument(void **state) {
    static const char url[] =
        "tacit-test-browser://issuer.example/authorize?a=b&c=%22d%22;e|f^g<h>i'j$(k)`l`";
    char path[MAX_PATH], text[512] = "";
    wchar_t temporary[MAX_PATH];
    (void)state;
    GetTempPathW(MAX_PATH, temporary);
    snprintf(path, sizeof path, "%lsbrowser-%lu", temporary, GetCurrentProcessId());
    DeleteFileA(path);
    SetEnvironmentVariableA("TEST_BROWSER_SAYS", path);

    assert_true(ti_os_open_browser(url));

    for (int i = 0; i < 1000 && !read_text(path, text, sizeof text); i++) Sleep(10);
    assert_string_equal(text, url);
    DeleteFileA(path);
}

static void without_a_browser_it_says_so(void **state) {
    (void)state;

    errno = 0;
    assert_false(ti_os_open_browser("tacit-test-nobody://issuer.example/"));

    assert_int_equal(errno, ENOENT);
}

static int be_child(const char *what, const char *where) {
    if (strcmp(what, "boot_id") == 0) return is_boot_id(where) ? 0 : 1;
    if (strcmp(what, "browser") == 0) return be_browser(where);
    return 2;
}

int main(int argc, char **argv) {
#define TIMED(test) cmocka_unit_test_setup_teardown(test, new_timer, free_timer)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_clock_goes_on_and_counts_suspends),
        cmocka_unit_test(wall_clock_is_unix_time),
        cmocka_unit_test(random_fills_all_of_it),
        cmocka_unit_test(wipe_and_usable_size_keep_to_the_block),
        TIMED(wait_ends_at_its_time),
        TIMED(time_that_has_passed_does_not_wait),
        TIMED(wakes_before_a_wait_are_not_lost_and_count_once),
        TIMED(another_thread_ends_a_wait),
        TIMED(no_wait_is_longer_than_half_a_minute),
        TIMED(step_of_the_wall_clock_is_told_once),
        TIMED(adjustment_of_the_wall_clock_is_no_step),
        cmocka_unit_test(timers_leave_no_handles),
        cmocka_unit_test_setup_teardown(
            state_directory_is_the_users_own_unless_the_variable_says_another, make_place,
            remove_place),
        cmocka_unit_test(absolute_paths_are_the_same_from_everywhere),
        cmocka_unit_test(a_path_that_is_not_unicode_is_refused),
        cmocka_unit_test(boot_has_one_id_for_all_who_ask),
        cmocka_unit_test(next_boot_has_another_id),
        cmocka_unit_test(process_has_one_number),
        cmocka_unit_test_setup_teardown(browser_gets_the_url_as_one_argument, register_browser,
                                        forget_browser),
        cmocka_unit_test(without_a_browser_it_says_so),
    };
    char where[2 * PLACE_MAX];
    const char *what = begin_child(where);
    if (!what && argc == 3 && strcmp(argv[1], "browser") == 0) return be_browser(argv[2]);
    return what ? be_child(what, where) : cmocka_run_group_tests(tests, NULL, NULL);
}
