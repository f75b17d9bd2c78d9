/* The lock between processes, on Windows: what tests/unit/test_process_lock*.c says of it elsewhere. */
#include "windows/place.h"

/* The disk as a share, by its drive or by where a link leads. */
static bool drive_is_remote, path_ends_on_a_share;

static UINT drive_type_watched(LPCWSTR root) {
    return drive_is_remote ? DRIVE_REMOTE : GetDriveTypeW(root);
}

static DWORD final_path_watched(HANDLE file, LPWSTR path, DWORD size, DWORD flags) {
    static const wchar_t share[] = L"\\\\?\\UNC\\server\\share\\tacit";
    if (!path_ends_on_a_share) return GetFinalPathNameByHandleW(file, path, size, flags);
    if (size < sizeof share / sizeof *share) return sizeof share / sizeof *share;
    wcscpy(path, share);
    return sizeof share / sizeof *share - 1;
}

#define SHARED_WITH_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* What is tried on the way to the file. */
static struct {
    const wchar_t *from, *to; /* NULL: nothing */
    bool tried, moved;
} mover;

static void try_to_move(DWORD access) {
    if (!mover.from || !(access & GENERIC_WRITE)) return;
    mover.tried = true;
    if (MoveFileExW(mover.from, mover.to, 0)) mover.moved = true;
}

static bool next_look_fails; /* at whether the file is in its place, for want of handles */

/* What Windows says of flags, and of how attributes are shared, that wine sees otherwise. */
static HANDLE create_file_watched(LPCWSTR path, DWORD access, DWORD share,
                                  SECURITY_ATTRIBUTES *security, DWORD how, DWORD flags,
                                  HANDLE model) {
    if (how == CREATE_ALWAYS && (flags & FILE_FLAG_OPEN_REPARSE_POINT) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    if (next_look_fails && access == (READ_CONTROL | FILE_READ_ATTRIBUTES)) {
        next_look_fails = false;
        SetLastError(ERROR_TOO_MANY_OPEN_FILES);
        return INVALID_HANDLE_VALUE;
    }
    if (!(access & ~(DWORD)(READ_CONTROL | FILE_READ_ATTRIBUTES))) share = SHARED_WITH_ALL;
    try_to_move(access);
    return CreateFileW(path, access, share, security, how, flags, model);
}

#define CreateFileW create_file_watched
#define GetDriveTypeW drive_type_watched
#define GetFinalPathNameByHandleW final_path_watched
#include "platform/process_lock_windows_file.c"
#undef CreateFileW
#undef GetDriveTypeW
#undef GetFinalPathNameByHandleW

#include <errno.h>

#define SIZE 1000
#define LIFE INT64_C(0x123456789abcdef)

static ti_process_lock *open_lock(const place *here) {
    ti_process_lock *lock;
    int os_error;
    ti_lock_result result =
        ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error);
    if (result != TI_LOCK_OK) fail_msg("open: result %d, errno %d", result, os_error);
    return lock;
}

static ti_lock_result open_result(const place *here, bool create, int *os_error) {
    ti_process_lock *lock;
    ti_lock_result result =
        ti_process_lock_open(here->directory, NAME, create, SIZE, &lock, os_error);
    assert_int_equal(lock != NULL, result == TI_LOCK_OK);
    ti_process_lock_close(lock);
    return result;
}

static ti_lock_result try_lock(ti_process_lock *lock) {
    int os_error;
    return ti_process_lock_try(lock, &os_error);
}

static ti_lock_result begin_life(ti_process_lock *lock, int64_t life) {
    int os_error;
    return ti_process_lock_begin_life(lock, life, &os_error);
}

static bool lives(ti_process_lock *lock, int64_t life) {
    return ti_process_lock_lives(lock, life);
}

static const char *text_in(ti_process_lock *lock) {
    static char text[SIZE + 1];
    size_t got;
    int os_error;
    memset(text, 0, sizeof text);
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    return text;
}

static void put(ti_process_lock *lock, size_t offset, const char *text, bool durable) {
    int os_error;
    assert_int_equal(ti_process_lock_write(lock, offset, text, strlen(text), durable, &os_error),
                     TI_LOCK_OK);
}

/* The lock. */

static void two_objects_exclude_each_other(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_int_equal(try_lock(one), TI_LOCK_OK); /* it has it */
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_release(one);
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    assert_int_equal(try_lock(one), TI_LOCK_BUSY);
    ti_process_lock_close(other);
    assert_int_equal(try_lock(one), TI_LOCK_OK);

    ti_process_lock_close(one);
}

static void bytes_are_written_in_place_and_read_without_the_lock(void **state) {
    ti_process_lock *writer = open_lock(*state), *reader = open_lock(*state);
    assert_int_equal(try_lock(writer), TI_LOCK_OK);
    assert_int_equal(begin_life(writer, 1), TI_LOCK_OK); /* the first there is */

    put(writer, 0, "first slot", true);
    put(writer, 500, "second slot", false);
    put(writer, 0, "FIRST", true);
    put(writer, SIZE - 3, "end", true);
    put(writer, SIZE, "", true);

    const char *text = text_in(reader);
    assert_string_equal(text, "FIRST slot");
    assert_string_equal(text + 500, "second slot");
    assert_string_equal(text + SIZE - 3, "end");
    ti_process_lock_close(writer);
    ti_process_lock_close(reader);
}

static void shorter_file_is_read_as_far_as_it_goes(void **state) {
    const place *here = *state;
    char text[SIZE];
    size_t got;
    int os_error;
    make_directory_of(here);
    write_file(here->file, "abc");
    ti_process_lock *lock = open_lock(here);

    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(text, "abc", 3);
    put(lock, 4, "back", true);
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 8);
    assert_memory_equal(text, "abc\0back", 8);
    ti_process_lock_close(lock);
}

static void removed_file_is_made_again(void **state) {
    const place *here = *state;
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    put(lock, 0, "before", true);

    remove_file(here);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);

    assert_string_equal(text_in(lock), "");
    ti_process_lock *other = open_lock(here);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    assert_true(lives(other, LIFE)); /* it moved along */
    ti_process_lock_close(other);
    ti_process_lock_close(lock);
}

static void removed_file_is_absent_for_who_makes_none(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *lock;
    ti_process_lock_close(open_lock(here));
    assert_int_equal(ti_process_lock_open(here->directory, NAME, false, SIZE, &lock, &os_error),
                     TI_LOCK_OK);
    remove_file(here);

    assert_int_equal(ti_process_lock_try(lock, &os_error), TI_LOCK_ABSENT);
    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(here->directory), 0);
    /* And what fails once does not fail for ever. */
    write_file(here->file, "back");
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_string_equal(text_in(lock), "back");

    ti_process_lock_close(lock);
}

static void replaced_file_is_noticed_by_the_next_turn(void **state) {
    const place *here = *state;
    char next[sizeof here->file + 8];
    snprintf(next, sizeof next, "%s.next", here->file);
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    write_file(next, "restored");
    wchar_t *from = ti_windows_path(next), *to = ti_windows_path(here->file);
    wchar_t aside[2048];
    swprintf(aside, 2048, L"%ls.aside", to);
    assert_true(MoveFileExW(to, aside, 0)); /* while it is open */
    assert_true(MoveFileExW(from, to, 0));
    ti_process_lock *other = open_lock(here);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);

    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    assert_true(lives(other, LIFE)); /* it moved along */
    assert_string_equal(text_in(lock), "restored");
    ti_process_lock_close(lock);
    assert_false(lives(other, LIFE));
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    ti_process_lock_close(other);
    free(from);
    free(to);
}

/* Lives. */

static void life_is_seen_by_others_until_it_ends(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_false(lives(other, LIFE));
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK); /* it goes on */
    assert_true(lives(other, LIFE));
    assert_true(lives(other, LIFE)); /* asking does not end it */
    assert_false(lives(one, LIFE));  /* its own */
    assert_false(lives(other, LIFE - 1));
    assert_false(lives(other, LIFE + 1));
    ti_process_lock_end_life(one);
    assert_false(lives(other, LIFE));
    ti_process_lock_end_life(one);

    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void another_life_ends_the_first(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);
    assert_int_equal(begin_life(other, LIFE + 1), TI_LOCK_OK);

    assert_int_equal(begin_life(one, LIFE + 1), TI_LOCK_BUSY); /* and the first goes on */
    assert_true(lives(other, LIFE));
    assert_int_equal(begin_life(one, LIFE + 2), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    assert_true(lives(other, LIFE + 2));

    ti_process_lock_close(one);
    assert_false(lives(other, LIFE + 2));
    ti_process_lock_close(other);
}

/* It has the byte in the file already, and Windows would not give it to another handle. */
static void a_life_outlasts_a_look_that_fails(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);

    next_look_fails = true;
    assert_int_equal(try_lock(one), TI_LOCK_BUSY);
    assert_false(next_look_fails);
    assert_true(lives(other, LIFE));
    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);
    assert_true(lives(other, LIFE));

    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void any_number_of_a_life_will_do(void **state) {
    static const int64_t numbers[] = {
        1, SIZE - 1, SIZE, INT64_C(1) << 40, INT64_C(1) << 62, INT64_MAX - 1};
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(begin_life(one, numbers[i]), TI_LOCK_OK);
        assert_true(lives(other, numbers[i]));
    }

    assert_false(lives(other, 0));
    assert_false(lives(other, -1));
    assert_false(lives(other, INT64_MIN));
    assert_false(lives(other, INT64_MAX));
    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void lock_and_lives_do_not_see_each_other(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    assert_int_equal(begin_life(other, LIFE), TI_LOCK_OK);
    ti_process_lock_release(one);
    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_true(lives(one, LIFE));
    ti_process_lock_end_life(other);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);

    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

/* Opening. */

static void first_open_makes_everything_that_is_missing(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *lock = open_lock(here);
    char zeros[SIZE] = {0}, bytes[SIZE];
    size_t got;

    assert_int_equal(ti_process_lock_read(lock, bytes, SIZE, &got, &os_error), TI_LOCK_OK);

    assert_int_equal(got, SIZE);
    assert_memory_equal(bytes, zeros, SIZE);
    assert_int_equal(count_entries(here->directory), 1);
    ti_process_lock_close(lock);
}

static void absence_is_told_and_nothing_made(void **state) {
    const place *here = *state;
    int os_error;

    assert_int_equal(open_result(here, false, &os_error), TI_LOCK_ABSENT);
    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(here->base), 0);
    make_directory_of(here);
    assert_int_equal(open_result(here, false, &os_error), TI_LOCK_ABSENT);
    assert_int_equal(count_entries(here->directory), 0);
}

static void what_a_dead_maker_left_is_used_up(void **state) {
    const place *here = *state;
    char temporary[sizeof here->file + 8];
    char text[2 * SIZE], bytes[2 * SIZE];
    size_t got;
    int os_error;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(temporary, sizeof temporary, "%s.new", here->file);
    make_directory_of(here);
    write_file(temporary, text);

    ti_process_lock *lock = open_lock(here);

    assert_int_equal(ti_process_lock_read(lock, bytes, sizeof bytes, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, SIZE);
    assert_string_equal(bytes, "");
    assert_int_equal(count_entries(here->directory), 1);
    ti_process_lock_close(lock);
}

static void file_that_another_is_making_is_busy(void **state) {
    const place *here = *state;
    int os_error;
    char temporary[sizeof here->file + 8];
    snprintf(temporary, sizeof temporary, "%s.new", here->file);
    make_directory_of(here);
    write_file(temporary, "");
    wchar_t *wide = ti_windows_path(temporary);
    HANDLE maker = CreateFileW(wide, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    assert_true(maker != INVALID_HANDLE_VALUE);

    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_BUSY);

    CloseHandle(maker);
    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_OK);
    free(wide);
}

static void directory_may_be_written_in_many_ways(void **state) {
    const place *here = *state;
    char other[sizeof here->directory + 32];
    int os_error;
    ti_process_lock *lock = open_lock(here), *same;
    assert_int_equal(try_lock(lock), TI_LOCK_OK);

    for (int way = 0; way < 3; way++) {
        snprintf(other, sizeof other, way == 2 ? "%s\\..\\tacit\\.\\" : "%s\\", here->directory);
        for (char *c = other; way == 1 && *c; c++) {
            if (*c == '\\') *c = '/';
        }
        assert_int_equal(ti_process_lock_open(other, NAME, true, SIZE, &same, &os_error),
                         TI_LOCK_OK);
        assert_int_equal(try_lock(same), TI_LOCK_BUSY);
        ti_process_lock_close(same);
    }
    ti_process_lock_close(lock);
}

/* Names of 200 characters, three deep, are beyond the 260 of old. */
static void long_paths_will_do(void **state) {
    const place *here = *state;
    char long_name[201], path[PLACE_MAX + 3 * 202];
    ti_process_lock *lock, *other;
    int os_error;
    memset(long_name, 'n', 200);
    long_name[200] = '\0';
    snprintf(path, sizeof path, "%s/%s/%s/%s", here->base, long_name, long_name, long_name);

    assert_int_equal(ti_process_lock_open(path, NAME, true, SIZE, &lock, &os_error), TI_LOCK_OK);
    assert_int_equal(ti_process_lock_open(path, NAME, false, SIZE, &other, &os_error), TI_LOCK_OK);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_close(lock);
    ti_process_lock_close(other);
}

static void directory_that_others_may_write_to_is_refused(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock_close(open_lock(here));

    allow_everyone(here->directory, GENERIC_READ);
    assert_int_equal(open_result(here, false, &os_error), TI_LOCK_OK);
    allow_everyone(here->directory, GENERIC_WRITE);
    assert_int_equal(open_result(here, false, &os_error), TI_LOCK_OPEN_TO_OTHERS);
}

static void file_that_others_may_read_is_refused(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock_close(open_lock(here));

    allow_everyone(here->file, GENERIC_READ);

    assert_int_equal(open_result(here, false, &os_error), TI_LOCK_OPEN_TO_OTHERS);
}

static void what_is_no_file_is_refused(void **state) {
    const place *here = *state;
    int os_error;
    make_directory_of(here);
    wchar_t *wide = ti_windows_path(here->file);
    assert_true(CreateDirectoryW(wide, NULL));

    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_NOT_A_FILE);

    free(wide);
}

static void file_in_the_way_of_the_directory_is_a_failure(void **state) {
    const place *here = *state;
    char parent[PLACE_MAX + 8];
    int os_error;
    snprintf(parent, sizeof parent, "%s\\state", here->base);
    write_file(parent, "in the way");

    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOTDIR);
    assert_int_equal(count_entries(here->base), 1);
}

static void directory_stays_where_it_is_while_a_file_is_made_in_it(void **state) {
    const place *here = *state;
    wchar_t *from = ti_windows_path(here->directory), *base = ti_windows_path(here->base),
            to[PLACE_MAX];
    swprintf(to, PLACE_MAX, L"%ls\\elsewhere", base);
    mover.from = from;
    mover.to = to;

    ti_process_lock_close(open_lock(here));

    assert_true(mover.tried);
    assert_false(mover.moved);
    mover.from = NULL;
    assert_true(MoveFileExW(from, to, 0));
    free(base);
    free(from);
}

static void directory_on_a_share_is_refused(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *lock;
    ti_process_lock_close(open_lock(here));

    drive_is_remote = true;
    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_NETWORK);
    drive_is_remote = false;
    path_ends_on_a_share = true;
    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_NETWORK);
    path_ends_on_a_share = false;
    assert_int_equal(open_result(here, true, &os_error), TI_LOCK_OK);

    /* One that nobody serves. */
    ti_lock_result result =
        ti_process_lock_open("\\\\127.0.0.1\\none\\tacit", NAME, false, SIZE, &lock, &os_error);
    assert_true(result == TI_LOCK_ABSENT || result == TI_LOCK_FAILED);
    assert_null(lock);
}

static void handles_go_with_the_object(void **state) {
    enum { OBJECTS = 100 };
    const place *here = *state;
    int os_error;
    ti_process_lock_close(open_lock(here)); /* loads what Windows loads for it */
    size_t before = next_handle();

    for (int i = 0; i < OBJECTS; i++) {
        ti_process_lock *lock = open_lock(here);
        assert_int_equal(try_lock(lock), TI_LOCK_OK);
        assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
        ti_process_lock_close(lock);
        ti_process_lock *none = NULL;
        assert_int_equal(
            ti_process_lock_open(here->directory, "none", false, SIZE, &none, &os_error),
            TI_LOCK_ABSENT);
    }

    assert_true(next_handle() < before + OBJECTS);
    ti_process_lock_close(NULL);
}

/* Processes. */

static void hold_on(const char *directory) {
    ti_process_lock *lock;
    int os_error;
    MUST(ti_process_lock_open(directory, NAME, true, SIZE, &lock, &os_error) == TI_LOCK_OK);
    MUST(ti_process_lock_try(lock, &os_error) == TI_LOCK_OK);
    MUST(ti_process_lock_begin_life(lock, LIFE, &os_error) == TI_LOCK_OK);
    MUST(ti_process_lock_write(lock, 0, "left", 4, true, &os_error) == TI_LOCK_OK);
    tell_parent();
    Sleep(INFINITE);
}

static void lock_and_life_end_when_their_process_is_killed(void **state) {
    const place *here = *state;
    child child = start_child("hold_on", here->directory);
    wait_for_child(&child);
    ti_process_lock *lock = open_lock(here);

    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    assert_true(lives(lock, LIFE));
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_BUSY);
    assert_string_equal(text_in(lock), "left");
    kill_child(&child);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_false(lives(lock, LIFE));
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    assert_string_equal(text_in(lock), "left");
    ti_process_lock_close(lock);
}

#define TURNS 25
#define COMPETITORS 3

/* Adds one to a number in the file, TURNS times, each in a turn. */
static void count_turns(const char *directory) {
    int done = 0;
    while (done < TURNS) {
        ti_process_lock *lock;
        int os_error;
        unsigned count;
        size_t got;
        ti_lock_result result = ti_process_lock_open(directory, NAME, true, SIZE, &lock, &os_error);
        if (result == TI_LOCK_OK) result = ti_process_lock_try(lock, &os_error);
        MUST(result == TI_LOCK_OK || result == TI_LOCK_BUSY);
        if (result == TI_LOCK_OK) {
            MUST(ti_process_lock_read(lock, &count, sizeof count, &got, &os_error) == TI_LOCK_OK);
            MUST(got == sizeof count);
            SwitchToThread();
            count++;
            MUST(ti_process_lock_write(lock, 0, &count, sizeof count, false, &os_error) ==
                 TI_LOCK_OK);
            done++;
        }
        ti_process_lock_close(lock);
        if (result == TI_LOCK_BUSY) Sleep(1);
    }
}

static void one_process_at_a_time_has_its_turn(void **state) {
    const place *here = *state;
    child children[COMPETITORS];
    unsigned count;

    for (int i = 0; i < COMPETITORS; i++) children[i] = start_child("count_turns", here->directory);
    for (int i = 0; i < COMPETITORS; i++) assert_int_equal(end_of_child(&children[i]), 0);

    ti_process_lock *lock = open_lock(here);
    memcpy(&count, text_in(lock), sizeof count);
    assert_int_equal(count, TURNS * COMPETITORS);
    assert_int_equal(count_entries(here->directory), 1);
    ti_process_lock_close(lock);
}

static int be_child(const char *what, const char *where) {
    if (strcmp(what, "hold_on") == 0) hold_on(where);
    if (strcmp(what, "count_turns") == 0) count_turns(where);
    return 0;
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(two_objects_exclude_each_other),
        IN_PLACE(bytes_are_written_in_place_and_read_without_the_lock),
        IN_PLACE(shorter_file_is_read_as_far_as_it_goes),
        IN_PLACE(removed_file_is_made_again),
        IN_PLACE(removed_file_is_absent_for_who_makes_none),
        IN_PLACE(replaced_file_is_noticed_by_the_next_turn),
        IN_PLACE(life_is_seen_by_others_until_it_ends),
        IN_PLACE(another_life_ends_the_first),
        IN_PLACE(a_life_outlasts_a_look_that_fails),
        IN_PLACE(any_number_of_a_life_will_do),
        IN_PLACE(lock_and_lives_do_not_see_each_other),
        IN_PLACE(first_open_makes_everything_that_is_missing),
        IN_PLACE(absence_is_told_and_nothing_made),
        IN_PLACE(what_a_dead_maker_left_is_used_up),
        IN_PLACE(file_that_another_is_making_is_busy),
        IN_PLACE(directory_may_be_written_in_many_ways),
        IN_PLACE(long_paths_will_do),
        IN_PLACE(directory_that_others_may_write_to_is_refused),
        IN_PLACE(file_that_others_may_read_is_refused),
        IN_PLACE(what_is_no_file_is_refused),
        IN_PLACE(file_in_the_way_of_the_directory_is_a_failure),
        IN_PLACE(directory_stays_where_it_is_while_a_file_is_made_in_it),
        IN_PLACE(directory_on_a_share_is_refused),
        IN_PLACE(handles_go_with_the_object),
        IN_PLACE(lock_and_life_end_when_their_process_is_killed),
        IN_PLACE(one_process_at_a_time_has_its_turn),
    };
    char where[2 * PLACE_MAX];
    const char *what = begin_child(where);
    return what ? be_child(what, where) : cmocka_run_group_tests(tests, NULL, NULL);
}
