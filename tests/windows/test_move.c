/* A file that takes the place of another, which may be open. */
#include "windows/place.h"

#define RENAME_BY_POSIX 22 /* FileRenameInfoEx */

/* The ways of Windows, where wine has its own. */
static struct {
    bool knows_posix; /* from version 1607 on, on NTFS */
    int by_posix, by_itself;
} windows;

/* ns-ntifs-_file_rename_information: a file that has open handles is not replaced, but by the rules of POSIX. */
static bool is_open(const FILE_RENAME_INFO *info) {
    HANDLE file = CreateFileW(info->FileName, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    DWORD cause = GetLastError();
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    return file == INVALID_HANDLE_VALUE && cause == ERROR_SHARING_VIOLATION;
}

static BOOL refuse(DWORD cause) {
    SetLastError(cause);
    return FALSE;
}

/* In two steps, which nobody sees here. */
static BOOL replace_open(HANDLE file, FILE_RENAME_INFO *info, DWORD size) {
    wchar_t aside[PLACE_MAX];
    swprintf(aside, PLACE_MAX, L"%ls.aside", info->FileName);
    assert_true(MoveFileExW(info->FileName, aside, 0));
    assert_true(DeleteFileW(aside));
    memset(info, 0, sizeof(DWORD));
    return SetFileInformationByHandle(file, FileRenameInfo, info, size);
}

static BOOL set_watched(HANDLE file, FILE_INFO_BY_HANDLE_CLASS what, void *data, DWORD size) {
    FILE_RENAME_INFO *info = data;
    DWORD flags;
    memcpy(&flags, info, sizeof flags);
    if (what == RENAME_BY_POSIX) {
        windows.by_posix++;
        if (!windows.knows_posix) return refuse(ERROR_INVALID_PARAMETER);
        assert_int_equal(flags, 3); /* replace, POSIX */
        return replace_open(file, info, size);
    }
    assert_int_equal(what, FileRenameInfo);
    windows.by_itself++;
    if (flags == TRUE && is_open(info)) return refuse(ERROR_ACCESS_DENIED);
    return SetFileInformationByHandle(file, what, info, size);
}

#define SetFileInformationByHandle set_watched
#include "platform/windows_file.c"
#undef SetFileInformationByHandle

/* Two files in the test's place: the one that moves, and the one that is there. */
typedef struct files {
    wchar_t *from, *to;
    HANDLE moving;
} files;

static files make_files(const place *here) {
    char path[sizeof here->base + 8];
    files made;
    snprintf(path, sizeof path, "%s\\from", here->base);
    write_file(path, "new");
    made.from = ti_windows_path(path);
    snprintf(path, sizeof path, "%s\\to", here->base);
    write_file(path, "old");
    made.to = ti_windows_path(path);
    made.moving = CreateFileW(made.from, GENERIC_WRITE | DELETE, FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    assert_true(made.moving != INVALID_HANDLE_VALUE);
    memset(&windows, 0, sizeof windows);
    windows.knows_posix = true;
    return made;
}

static void close_files(files *made) {
    CloseHandle(made->moving);
    free(made->from);
    free(made->to);
}

static HANDLE open_to_read(const wchar_t *path) {
    HANDLE file =
        CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, 0, NULL);
    assert_true(file != INVALID_HANDLE_VALUE);
    return file;
}

static void assert_text_in(HANDLE file, const char *expected) {
    char text[8] = "";
    DWORD got;
    assert_true(ReadFile(file, text, sizeof text - 1, &got, NULL));
    assert_string_equal(text, expected);
}

static void assert_text_at(const wchar_t *path, const char *expected) {
    HANDLE file = open_to_read(path);
    assert_text_in(file, expected);
    CloseHandle(file);
}

static void what_is_being_read_is_replaced(void **state) {
    files made = make_files(*state);
    HANDLE reader = open_to_read(made.to);

    assert_true(ti_windows_move(made.moving, made.to, true));

    assert_text_in(reader, "old");
    CloseHandle(reader);
    CloseHandle(made.moving);
    made.moving = NULL;
    assert_text_at(made.to, "new");
    close_files(&made);
}

static void what_nobody_reads_is_replaced_by_an_old_windows(void **state) {
    files made = make_files(*state);
    windows.knows_posix = false;

    assert_true(ti_windows_move(made.moving, made.to, true));

    assert_int_equal(windows.by_posix, 1);
    assert_int_equal(windows.by_itself, 1);
    CloseHandle(made.moving);
    made.moving = NULL;
    assert_text_at(made.to, "new");
    close_files(&made);
}

static void what_is_not_to_be_replaced_stays(void **state) {
    files made = make_files(*state);

    assert_false(ti_windows_move(made.moving, made.to, false));

    assert_int_equal(GetLastError(), ERROR_ALREADY_EXISTS);
    assert_int_equal(windows.by_posix, 0);
    assert_text_at(made.to, "old");
    close_files(&made);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(what_is_being_read_is_replaced),
        IN_PLACE(what_nobody_reads_is_replaced_by_an_old_windows),
        IN_PLACE(what_is_not_to_be_replaced_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
