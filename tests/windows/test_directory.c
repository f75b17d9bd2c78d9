/* The directory of the library's files, where it is a link. */
#include "windows/place.h"

#include "platform/store_file_directory.h"

#include <tacit/error.h>

/* wine has no junctions: by whom one was made, and what it leads to, is said here. */
static struct { bool is_there, is_a_strangers, is_followed, leads_to_strangers; } link;

static HANDLE open_watched(LPCWSTR path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                           DWORD how, DWORD flags, HANDLE model) {
    link.is_followed = !(flags & FILE_FLAG_OPEN_REPARSE_POINT);
    return CreateFileW(path, access, share, security, how, flags, model);
}

static BOOL facts_watched(HANDLE file, BY_HANDLE_FILE_INFORMATION *facts) {
    if (!GetFileInformationByHandle(file, facts)) return FALSE;
    if (!(facts->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) return TRUE;
    if (link.is_there && !link.is_followed) facts->dwFileAttributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    return TRUE;
}

static ti_lock_result access_watched(void *handle, ti_lock_access access, int *os_error) {
    if (link.is_there && !link.is_followed && link.is_a_strangers) return TI_LOCK_NOT_OURS;
    if (link.is_followed && link.leads_to_strangers) return TI_LOCK_OPEN_TO_OTHERS;
    return ti_lock_access_check(handle, access, os_error);
}

#define CreateFileW open_watched
#define GetFileInformationByHandle facts_watched
#define ti_lock_access_check access_watched
#include "platform/store_file_directory_windows.c"
#undef CreateFileW
#undef GetFileInformationByHandle
#undef ti_lock_access_check

static int set_up(void **state) {
    memset(&link, 0, sizeof link);
    return make_place(state);
}

static tacit_status open_it(const place *here, bool make) {
    ti_directory directory;
    tacit_error error;
    tacit_status status =
        ti_directory_open(&directory, here->directory, TI_DIRECTORY_OURS, make, &error);
    if (status == TACIT_OK) ti_directory_close(&directory);
    return status;
}

static void directory_is_made_and_found(void **state) {
    assert_int_equal(open_it(*state, false), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(open_it(*state, true), TACIT_OK);
    assert_int_equal(open_it(*state, false), TACIT_OK);
}

static void link_of_ones_own_is_followed(void **state) {
    const place *here = *state;
    ti_directory directory;
    ti_buffer bytes = TI_BUFFER_INIT;
    tacit_error error;
    make_directory_of(here);
    link.is_there = true;

    assert_int_equal(
        ti_directory_open(&directory, here->directory, TI_DIRECTORY_OURS, true, &error), TACIT_OK);

    assert_int_equal(ti_directory_replace(&directory, "name", "text", 4, &error), TACIT_OK);
    assert_int_equal(ti_directory_read(&directory, "name", 4, &bytes, &error), TACIT_OK);
    assert_string_equal(bytes.data, "text");
    ti_buffer_free(&bytes);
    ti_directory_close(&directory);
}

static void link_of_a_stranger_is_refused(void **state) {
    make_directory_of(*state);
    link.is_there = link.is_a_strangers = true;

    assert_int_equal(open_it(*state, false), TACIT_ERR_STORE_FAILED);
}

static void link_to_what_others_may_write_to_is_refused(void **state) {
    make_directory_of(*state);
    link.is_there = link.leads_to_strangers = true;

    assert_int_equal(open_it(*state, false), TACIT_ERR_STORE_FAILED);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(directory_is_made_and_found),
        IN_PLACE(link_of_ones_own_is_followed),
        IN_PLACE(link_of_a_stranger_is_refused),
        IN_PLACE(link_to_what_others_may_write_to_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
