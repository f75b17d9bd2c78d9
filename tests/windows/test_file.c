/* What a download is written to, as the volume knows who owns it. */
#include "windows/place.h"

#include <errno.h>

static struct {
    bool is_everyones; /* what the owner is of all there */
    bool keeps_owners;
    bool knows_us; /* else it refuses what it has just made, as Samba does, and leaves it there */
} volume;

static HANDLE create_watched(LPCWSTR path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                             DWORD how, DWORD flags, HANDLE model) {
    HANDLE file = CreateFileW(path, access, share, security, how, flags, model);
    if (volume.knows_us || !security || file == INVALID_HANDLE_VALUE ||
        GetLastError() == ERROR_ALREADY_EXISTS)
        return file;
    CloseHandle(file);
    SetLastError(ERROR_INVALID_OWNER);
    return INVALID_HANDLE_VALUE;
}

/* As Windows answers for FAT, which has no owners: it belongs to Everyone, who may do everything. */
static DWORD security_watched(HANDLE handle, SE_OBJECT_TYPE type, SECURITY_INFORMATION what,
                              PSID *owner, PSID *group, PACL *list, PACL *audit,
                              PSECURITY_DESCRIPTOR *security) {
    static BYTE everyone[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof everyone;
    DWORD result = GetSecurityInfo(handle, type, what, owner, group, list, audit, security);
    if (result != ERROR_SUCCESS || !volume.is_everyones) return result;
    assert_true(CreateWellKnownSid(WinWorldSid, NULL, everyone, &size));
    *owner = everyone;
    *list = NULL;
    return result;
}

static BOOL volume_watched(HANDLE handle, LPWSTR name, DWORD name_size, DWORD *serial,
                           DWORD *component, DWORD *flags, LPWSTR system, DWORD system_size) {
    (void)handle, (void)name, (void)name_size, (void)serial, (void)component;
    (void)system, (void)system_size;
    *flags = volume.keeps_owners ? FILE_PERSISTENT_ACLS : 0;
    return TRUE;
}

#undef fail /* which the file has for itself */
#define CreateFileW create_watched
#define GetSecurityInfo security_watched
#define GetVolumeInformationByHandleW volume_watched
#include "platform/process_lock_windows_access.c"
#include "platform/file_windows.c"
#undef CreateFileW
#undef GetSecurityInfo
#undef GetVolumeInformationByHandleW

static int set_up(void **state) {
    volume.is_everyones = false;
    volume.keeps_owners = volume.knows_us = true;
    return make_place(state);
}

/* base\part: what is there, or nothing. */
static const char *part_of(const place *here, const char *text) {
    static char path[PLACE_MAX + 8];
    snprintf(path, sizeof path, "%s\\part", here->base);
    if (text) write_file(path, text);
    return path;
}

static void assert_claimed(int file) {
    assert_true(file >= 0);
    assert_int_equal(ti_file_write(file, 0, "new", 3), 3);
    ti_file_close(file);
}

static void assert_refused(int file, int cause) {
    assert_int_equal(file, -1);
    assert_int_equal(errno, cause);
}

static void one_at_a_time_has_it(void **state) {
    const char *path = part_of(*state, NULL);
    int file = ti_file_claim(path);

    assert_refused(ti_file_claim(path), EBUSY);
    assert_claimed(file);
    assert_claimed(ti_file_claim(path));
}

static void on_a_volume_without_owners_new_and_old_ones_will_do(void **state) {
    const char *path = part_of(*state, NULL);
    volume.is_everyones = true;
    volume.keeps_owners = false;

    assert_claimed(ti_file_claim(path));
    assert_claimed(ti_file_claim(path));
}

/* As on a share, whose server has names of its own for users. */
static void new_one_is_ours_whoever_owns_it(void **state) {
    const char *path = part_of(*state, NULL);
    volume.is_everyones = true;

    assert_claimed(ti_file_claim(path));
    assert_refused(ti_file_claim(path), EPERM);
}

static void share_whose_server_does_not_know_us_takes_a_new_one(void **state) {
    const char *path = part_of(*state, NULL);
    volume.is_everyones = true;
    volume.knows_us = false;

    assert_claimed(ti_file_claim(path));
    assert_refused(ti_file_claim(path), EPERM);
}

static void strangers_file_is_refused(void **state) {
    const char *path = part_of(*state, "old");
    volume.is_everyones = true;

    assert_refused(ti_file_claim(path), EPERM);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(one_at_a_time_has_it),
        IN_PLACE(on_a_volume_without_owners_new_and_old_ones_will_do),
        IN_PLACE(new_one_is_ours_whoever_owns_it),
        IN_PLACE(share_whose_server_does_not_know_us_takes_a_new_one),
        IN_PLACE(strangers_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
