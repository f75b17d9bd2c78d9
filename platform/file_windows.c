/* Whoever writes a file is the only one to have it open for that, which ends when he dies. */
#include "platform/file.h"

#include "platform/process_lock_windows_access.h"
#include "platform/windows_file.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *ti_file_name(const char *path) {
    for (const char *c = path + strlen(path); c > path; c--)
        if (strchr("/\\:", c[-1]) != NULL) return c;
    return path;
}

static void fail(void) {
    DWORD cause = GetLastError();

    errno = cause == ERROR_SHARING_VIOLATION ? EBUSY : ti_windows_errno(cause);
}

static HANDLE handle_of(int file) {
    return (HANDLE)_get_osfhandle(file);
}

/* The descriptor owns the handle. -1, and the handle is closed. */
static int descriptor_of(HANDLE handle) {
    int file = _open_osfhandle((intptr_t)handle, _O_BINARY | _O_NOINHERIT);

    if (file < 0) CloseHandle(handle);
    return file;
}

void ti_file_close(int file) {
    int cause = errno;

    _close(file);
    errno = cause;
}

/* What is made is for this user only; but another machine may know this user by another name, and refuses an owner that is nobody there:
 * then it is as its directory says. *made: it was not there. INVALID_HANDLE_VALUE: GetLastError(). */
static HANDLE make_path(const wchar_t *path, DWORD access, DWORD share, DWORD how, DWORD flags,
                        bool *made) {
    SECURITY_ATTRIBUTES ours = {.nLength = sizeof ours,
                                .lpSecurityDescriptor = ti_lock_access_private()};
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD cause;

    if (ours.lpSecurityDescriptor != NULL)
        handle = CreateFileW(path, access, share, &ours, how, flags, NULL);
    cause = GetLastError();
    *made = cause != ERROR_ALREADY_EXISTS;
    LocalFree(ours.lpSecurityDescriptor);
    if (handle == INVALID_HANDLE_VALUE && cause == ERROR_INVALID_OWNER)
        return CreateFileW(path, access, share, NULL, how, flags, NULL);
    SetLastError(cause);
    return handle;
}

/* *made: as above. INVALID_HANDLE_VALUE with errno. */
static HANDLE open_path(const char *path, DWORD access, DWORD share, DWORD how, DWORD flags,
                        bool *made) {
    wchar_t *wide = ti_windows_path(path);
    HANDLE handle;

    *made = false;
    if (wide == NULL) return INVALID_HANDLE_VALUE;
    handle = how == OPEN_EXISTING ? CreateFileW(wide, access, share, NULL, how, flags, NULL)
                                  : make_path(wide, access, share, how, flags, made);
    if (handle == INVALID_HANDLE_VALUE) fail();
    free(wide);
    return handle;
}

/* ------------------------------------------------------------------ reading */

static bool is_on_disk(HANDLE handle) {
    if (GetFileType(handle) == FILE_TYPE_DISK) return true;
    errno = EINVAL;
    return false;
}

/* Also a directory. */
static HANDLE open_to_look(const char *path, DWORD access, DWORD flags) {
    bool made;

    return open_path(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                     OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | flags, &made);
}

static bool look(HANDLE handle, BY_HANDLE_FILE_INFORMATION *facts) {
    if (!is_on_disk(handle)) return false;
    if (!GetFileInformationByHandle(handle, facts)) return fail(), false;
    if ((facts->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0) return true;
    errno = EISDIR;
    return false;
}

static int open_to_read(const char *path, DWORD flags, int64_t *size) {
    HANDLE handle = open_to_look(path, GENERIC_READ, flags);
    BY_HANDLE_FILE_INFORMATION facts;

    if (handle == INVALID_HANDLE_VALUE) return -1;
    if (!look(handle, &facts)) {
        CloseHandle(handle);
        return -1;
    }
    *size = (int64_t)((uint64_t)facts.nFileSizeHigh << 32 | facts.nFileSizeLow);
    return descriptor_of(handle);
}

int ti_file_open(const char *path, int64_t *size) {
    return open_to_read(path, 0, size);
}

ptrdiff_t ti_file_read(int file, void *bytes, size_t size) {
    return _read(file, bytes, size < INT_MAX ? (unsigned)size : INT_MAX);
}

bool ti_file_rewind(int file) {
    return _lseeki64(file, 0, SEEK_SET) == 0;
}

ptrdiff_t ti_file_read_all(const char *path, void *bytes, size_t size) {
    int64_t whole;
    int file = open_to_read(path, FILE_FLAG_OPEN_REPARSE_POINT, &whole);
    ptrdiff_t got;

    if (file < 0) return -1;
    got = ti_file_read(file, bytes, size);
    ti_file_close(file);
    return got;
}

/* ------------------------------------------------------------------ claiming */

bool ti_file_is_replaceable(const char *path) {
    HANDLE handle = open_to_look(path, FILE_READ_ATTRIBUTES, 0);
    BY_HANDLE_FILE_INFORMATION facts;
    bool is;

    if (handle == INVALID_HANDLE_VALUE) return true;
    is = look(handle, &facts);
    CloseHandle(handle);
    return is;
}

/* FAT does not: all there belongs to everybody. */
static bool volume_keeps_owners(HANDLE handle) {
    DWORD flags;

    return !GetVolumeInformationByHandleW(handle, NULL, 0, NULL, NULL, &flags, NULL, 0) ||
           (flags & FILE_PERSISTENT_ACLS) != 0;
}

static bool is_ours(HANDLE handle) {
    int ignored;

    return ti_lock_access_check(handle, TI_LOCK_ACCESS_OWNER, &ignored) == TI_LOCK_OK ||
           !volume_keeps_owners(handle);
}

/* What a stranger made, or can reach by another name, is not written to; nor what leads elsewhere. */
static bool is_own(HANDLE handle, bool made) {
    BY_HANDLE_FILE_INFORMATION facts;

    if (look(handle, &facts) && facts.nNumberOfLinks == 1 &&
        (facts.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0 && (made || is_ours(handle)))
        return true;
    errno = EPERM;
    return false;
}

/* Opens or makes it in one step. What its writer has just removed, and still has open, is denied. */
int ti_file_claim(const char *path) {
    bool made;
    HANDLE handle =
        open_path(path, GENERIC_READ | GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE,
                  OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, &made);

    if (handle == INVALID_HANDLE_VALUE) return -1;
    if (is_own(handle, made)) return descriptor_of(handle);
    CloseHandle(handle);
    return -1;
}

/* ------------------------------------------------------------------ writing */

size_t ti_file_write(int file, uint64_t at, const void *bytes, size_t size) {
    HANDLE handle = handle_of(file);
    size_t done = 0;

    while (done < size) {
        uint64_t place = at + done;
        OVERLAPPED where = {.Offset = (DWORD)place, .OffsetHigh = (DWORD)(place >> 32)};
        DWORD part = size - done < INT_MAX ? (DWORD)(size - done) : INT_MAX, written = 0;

        if (!WriteFile(handle, (const char *)bytes + done, part, &written, &where)) {
            fail();
            break;
        }
        done += written;
    }
    return done;
}

bool ti_file_truncate(int file, uint64_t size) {
    errno = _chsize_s(file, (int64_t)size);
    return errno == 0;
}

bool ti_file_size(int file, uint64_t *size) {
    LARGE_INTEGER bytes;

    if (!GetFileSizeEx(handle_of(file), &bytes)) return fail(), false;
    *size = (uint64_t)bytes.QuadPart;
    return true;
}

bool ti_file_make(const char *path, const void *bytes, size_t size) {
    bool made, done;
    HANDLE handle = open_path(path, GENERIC_WRITE, 0, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, &made);
    DWORD written = 0;

    if (handle == INVALID_HANDLE_VALUE) return false;
    done = WriteFile(handle, bytes, (DWORD)size, &written, NULL) && written == size;
    CloseHandle(handle);
    if (!done) ti_file_remove(path);
    return done;
}

void ti_file_remove(const char *path) {
    wchar_t *wide = ti_windows_path(path);

    if (wide != NULL) DeleteFileW(wide);
    free(wide);
}

/* ------------------------------------------------------------------ moving */

bool ti_file_move(int file, const char *from, const char *to) {
    wchar_t *path;
    bool moved;

    (void)from;
    if (!FlushFileBuffers(handle_of(file))) return fail(), false;
    path = ti_windows_path(to);
    moved = path != NULL && ti_windows_move(handle_of(file), path, true);
    if (!moved && path != NULL) fail();
    free(path);
    return moved;
}
