/*
 * On Windows a directory is gone to by its path. Its rights are looked at when it is opened: who may not write to it cannot put another
 * into its place either.
 *
 * A writer has what it writes open for itself, which ends when it dies: so the next writer of the same name removes what it can open.
 */
#include "platform/store_file_directory.h"

#include "base/error.h"
#include "platform/os.h"
#include "platform/process_lock_windows_access.h"
#include "platform/windows_file.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING ".new"
enum {
    RANDOM_DIGITS = 16,
    ADDED_SIZE = 1 + RANDOM_DIGITS + sizeof ENDING - 1, /* behind the name */
    TEMPORARY_SIZE = 256 + ADDED_SIZE
};

tacit_status ti_directory_fail(tacit_error *error, const char *what, const char *path) {
    int cause = errno;
    char text[128];

    ti_error_set(error, TACIT_ERR_STORE_FAILED, "%s %s: %s", what, path,
                 ti_error_system_text(cause, text, sizeof text));
    error->os_error = cause;
    return TACIT_ERR_STORE_FAILED;
}

static tacit_status fail_now(tacit_error *error, const char *what, const char *path) {
    errno = ti_windows_errno(GetLastError());
    return ti_directory_fail(error, what, path);
}

static tacit_status refuse(const ti_directory *directory, const char *name, const char *what,
                           tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_FAILED, "%s/%s %s", directory->path, name, what);
}

static tacit_status check_access(const ti_directory *directory, const char *name, HANDLE handle,
                                 ti_lock_access access, tacit_error *error) {
    switch (ti_lock_access_check(handle, access, &errno)) {
    case TI_LOCK_OK:
        return TACIT_OK;
    case TI_LOCK_NOT_OURS:
        return refuse(directory, name, "belongs to another user", error);
    case TI_LOCK_OPEN_TO_OTHERS:
        return refuse(directory, name, "is open to other users; remove their rights", error);
    default:
        return ti_directory_fail(error, "cannot look at the rights of", directory->path);
    }
}

/* ------------------------------------------------------------------ opening */

static bool is_there(DWORD attributes) {
    return attributes != INVALID_FILE_ATTRIBUTES;
}

static bool make_one(const wchar_t *path, SECURITY_ATTRIBUTES *ours) {
    return CreateDirectoryW(path, ours) || GetLastError() == ERROR_ALREADY_EXISTS;
}

/* What is missing of an absolute path. */
static bool make_missing(wchar_t *path, SECURITY_ATTRIBUTES *ours) {
    wchar_t *slash = wcsrchr(path, L'\\');
    bool made;

    if (make_one(path, ours)) return true;
    if (GetLastError() != ERROR_PATH_NOT_FOUND || slash == NULL) return false;
    *slash = L'\0';
    made = make_missing(path, ours);
    *slash = L'\\';
    return made && make_one(path, ours);
}

static bool make_all(wchar_t *path) {
    SECURITY_ATTRIBUTES ours = {.nLength = sizeof ours,
                                .lpSecurityDescriptor = ti_lock_access_private()};
    bool made = ours.lpSecurityDescriptor != NULL && make_missing(path, &ours);
    DWORD cause = GetLastError();

    LocalFree(ours.lpSecurityDescriptor);
    SetLastError(cause);
    return made;
}

static HANDLE open_directory(const wchar_t *path, DWORD flags) {
    return CreateFileW(path, READ_CONTROL | FILE_READ_ATTRIBUTES,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
}

static tacit_status not_found(const ti_directory *directory, bool make, tacit_error *error) {
    if (!make && ti_windows_errno(GetLastError()) == ENOENT)
        return ti_error_set(error, TACIT_ERR_STORE_NOT_FOUND, "there is no directory %s",
                            directory->path);
    return fail_now(error, "cannot open", directory->path);
}

/* A link that another made leads where he chooses. */
static tacit_status check(const ti_directory *directory, HANDLE handle, bool *is_link,
                          tacit_error *error) {
    BY_HANDLE_FILE_INFORMATION facts;

    if (!GetFileInformationByHandle(handle, &facts))
        return fail_now(error, "cannot look at", directory->path);
    if ((facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        errno = ENOTDIR;
        return ti_directory_fail(error, "cannot open", directory->path);
    }
    *is_link = (facts.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
    return check_access(directory, "", handle,
                        *is_link ? TI_LOCK_ACCESS_OWNER : TI_LOCK_ACCESS_DIRECTORY, error);
}

/* flags: FILE_FLAG_OPEN_REPARSE_POINT to look at a link itself. */
static tacit_status look_at(const ti_directory *directory, const wchar_t *wide, DWORD flags,
                            bool make, bool *is_link, tacit_error *error) {
    HANDLE handle = open_directory(wide, flags);
    tacit_status status;

    *is_link = false;
    if (handle == INVALID_HANDLE_VALUE) return not_found(directory, make, error);
    status = check(directory, handle, is_link, error);
    CloseHandle(handle);
    return status;
}

static tacit_status open_wide(const ti_directory *directory, wchar_t *wide, bool make,
                              tacit_error *error) {
    bool is_link;
    tacit_status status;

    if (make && !is_there(GetFileAttributesW(wide)) && !make_all(wide))
        return fail_now(error, "cannot make or open", directory->path);
    status = look_at(directory, wide, FILE_FLAG_OPEN_REPARSE_POINT, make, &is_link, error);
    if (status != TACIT_OK || !is_link) return status;
    return look_at(directory, wide, 0, make, &is_link, error);
}

tacit_status ti_directory_open(ti_directory *directory, const char *path, ti_directory_use use,
                               bool make, tacit_error *error) {
    wchar_t *wide = ti_windows_path(path);
    tacit_status status;

    *directory = (ti_directory){.fd = -1, .path = path, .use = use};
    if (wide == NULL) return ti_directory_fail(error, "cannot open", path);
    status = open_wide(directory, wide, make, error);
    free(wide);
    return status;
}

void ti_directory_close(ti_directory *directory) {
    (void)directory;
}

/* Names are on the disk when they are there: they are written through. */
tacit_status ti_directory_sync(const ti_directory *directory, tacit_error *error) {
    (void)directory, (void)error;
    return TACIT_OK;
}

/* NULL with errno. */
static wchar_t *path_of(const ti_directory *directory, const char *name) {
    ti_buffer path = TI_BUFFER_INIT;
    wchar_t *wide = NULL;

    ti_buffer_append_string(&path, directory->path);
    ti_buffer_append_string(&path, "/");
    ti_buffer_append_string(&path, name);
    errno = ENOMEM;
    if (!path.failed) wide = ti_windows_path(path.data);
    ti_buffer_free(&path);
    return wide;
}

/* ------------------------------------------------------------------ what dead writers left */

static bool ends_with(const char *text, const char *ending) {
    size_t size = strlen(text), ending_size = strlen(ending);

    return size >= ending_size && strcmp(text + size - ending_size, ending) == 0;
}

typedef bool (*entry_fn)(const ti_directory *directory, const char *entry, const void *data);

/* Until fn answers true, as this does then. */
static bool any_entry(const ti_directory *directory, entry_fn fn, const void *data) {
    wchar_t *pattern = path_of(directory, "*");
    WIN32_FIND_DATAW found;
    HANDLE listing = pattern == NULL ? INVALID_HANDLE_VALUE : FindFirstFileW(pattern, &found);
    bool stopped = false, more = listing != INVALID_HANDLE_VALUE;

    free(pattern);
    while (more && !stopped) {
        char *entry = ti_windows_utf8(found.cFileName);

        stopped = entry != NULL && fn(directory, entry, data);
        free(entry);
        more = FindNextFileW(listing, &found);
    }
    if (listing != INVALID_HANDLE_VALUE) FindClose(listing);
    return stopped;
}

static bool entry_ends_with(const ti_directory *directory, const char *entry, const void *suffix) {
    (void)directory;
    return ends_with(entry, suffix);
}

tacit_status ti_directory_holds(const ti_directory *directory, const char *suffix, bool *holds,
                                tacit_error *error) {
    (void)error;
    *holds = any_entry(directory, entry_ends_with, suffix);
    return TACIT_OK;
}

static bool is_temporary_of(const char *entry, const char *name) {
    size_t name_size = strlen(name);

    return strlen(entry) == name_size + ADDED_SIZE && memcmp(entry, name, name_size) == 0 &&
           entry[name_size] == '.' && ends_with(entry, ENDING);
}

/* What its writer has open is not removed, since that one does not share it. */
static bool remove_if_dead(const ti_directory *directory, const char *entry, const void *name) {
    wchar_t *path = is_temporary_of(entry, name) ? path_of(directory, entry) : NULL;

    if (path != NULL) DeleteFileW(path);
    free(path);
    return false;
}

void ti_directory_clean(const ti_directory *directory, const char *name) {
    any_entry(directory, remove_if_dead, name);
}

/* ------------------------------------------------------------------ reading */

static tacit_status check_file(const ti_directory *directory, const char *name, HANDLE handle,
                               size_t size_max, size_t *size, tacit_error *error) {
    BY_HANDLE_FILE_INFORMATION facts;
    tacit_status status;
    uint64_t whole;

    if (!GetFileInformationByHandle(handle, &facts))
        return fail_now(error, "cannot look into", directory->path);
    if ((facts.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) != 0)
        return refuse(directory, name, "is not a regular file", error);
    status = check_access(directory, name, handle, TI_LOCK_ACCESS_FILE, error);
    if (status != TACIT_OK) return status;
    whole = (uint64_t)facts.nFileSizeHigh << 32 | facts.nFileSizeLow;
    if (whole > size_max)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "%s/%s has %llu bytes, where %zu are the most", directory->path, name,
                            (unsigned long long)whole, size_max);
    *size = (size_t)whole;
    return TACIT_OK;
}

static tacit_status read_open(const ti_directory *directory, const char *name, HANDLE handle,
                              size_t size_max, ti_buffer *bytes, tacit_error *error) {
    DWORD got = 0;
    size_t size = 0;
    tacit_status status = check_file(directory, name, handle, size_max, &size, error);

    if (status != TACIT_OK) return status;
    if (!ti_buffer_reserve(bytes, size))
        return refuse(directory, name, "cannot be read without memory", error);
    if (!ReadFile(handle, bytes->data, (DWORD)size, &got, NULL))
        return fail_now(error, "cannot read from", directory->path);
    bytes->size = got;
    return TACIT_OK;
}

tacit_status ti_directory_read(const ti_directory *directory, const char *name, size_t size_max,
                               ti_buffer *bytes, tacit_error *error) {
    wchar_t *path = path_of(directory, name);
    HANDLE handle;
    tacit_status status;

    if (path == NULL) return ti_directory_fail(error, "cannot open a file of", directory->path);
    handle = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                         NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    free(path);
    if (handle == INVALID_HANDLE_VALUE) {
        if (ti_windows_errno(GetLastError()) == ENOENT)
            return ti_error_set(error, TACIT_ERR_STORE_NOT_FOUND, "there is no file %s/%s",
                                directory->path, name);
        return fail_now(error, "cannot open a file of", directory->path);
    }
    status = read_open(directory, name, handle, size_max, bytes, error);
    CloseHandle(handle);
    return status;
}

/* ------------------------------------------------------------------ writing */

/* From malloc(); NULL with errno. */
static wchar_t *temporary_path(const ti_directory *directory, const char *name) {
    char temporary[TEMPORARY_SIZE];
    uint64_t random;
    int size;

    errno = EIO;
    if (!ti_os_random(&random, sizeof random)) return NULL;
    size = snprintf(temporary, sizeof temporary, "%s.%016llx%s", name, (unsigned long long)random,
                    ENDING);
    errno = ENAMETOOLONG;
    return size < 0 || size >= TEMPORARY_SIZE ? NULL : path_of(directory, temporary);
}

static bool write_all(HANDLE handle, const void *bytes, size_t size) {
    DWORD written = 0;

    return WriteFile(handle, bytes, (DWORD)size, &written, NULL) && written == size &&
           FlushFileBuffers(handle);
}

/* once: what lies there already stays, and that is no failure. */
static bool move(HANDLE handle, const wchar_t *path, bool once, bool *moved) {
    *moved = ti_windows_move(handle, path, !once);
    return *moved || (once && ti_windows_errno(GetLastError()) == EEXIST);
}

/* For this user only. */
static HANDLE make_file(const wchar_t *path) {
    SECURITY_ATTRIBUTES ours = {.nLength = sizeof ours,
                                .lpSecurityDescriptor = ti_lock_access_private()};
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD cause;

    if (ours.lpSecurityDescriptor != NULL)
        handle = CreateFileW(path, GENERIC_WRITE | DELETE, 0, &ours, CREATE_NEW,
                             FILE_ATTRIBUTE_NORMAL, NULL);
    cause = GetLastError();
    LocalFree(ours.lpSecurityDescriptor);
    SetLastError(cause);
    return handle;
}

/* Not closed before it is in its place, since then a cleaner could remove it. false: errno. */
static bool put_at(const wchar_t *temporary, const wchar_t *path, const void *bytes, size_t size,
                   bool once) {
    HANDLE handle = make_file(temporary);
    bool moved = false;
    bool done = handle != INVALID_HANDLE_VALUE && write_all(handle, bytes, size) &&
                move(handle, path, once, &moved);

    if (!done) errno = ti_windows_errno(GetLastError());
    if (handle == INVALID_HANDLE_VALUE) return false;
    CloseHandle(handle);
    if (!moved) DeleteFileW(temporary);
    return done;
}

static tacit_status put(const ti_directory *directory, const char *name, const void *bytes,
                        size_t size, bool once, tacit_error *error) {
    tacit_status status = TACIT_OK;
    wchar_t *temporary, *path;

    ti_directory_clean(directory, name);
    temporary = temporary_path(directory, name);
    path = temporary == NULL ? NULL : path_of(directory, name);
    if (path == NULL || !put_at(temporary, path, bytes, size, once))
        status = ti_directory_fail(error, "cannot write to", directory->path);
    free(temporary);
    free(path);
    return status;
}

tacit_status ti_directory_replace(const ti_directory *directory, const char *name,
                                  const void *bytes, size_t size, tacit_error *error) {
    return put(directory, name, bytes, size, false, error);
}

tacit_status ti_directory_create(const ti_directory *directory, const char *name, const void *bytes,
                                 size_t size, tacit_error *error) {
    return put(directory, name, bytes, size, true, error);
}

tacit_status ti_directory_remove(const ti_directory *directory, const char *name,
                                 tacit_error *error) {
    wchar_t *path = path_of(directory, name);
    bool removed;

    ti_directory_clean(directory, name);
    removed = path != NULL && DeleteFileW(path);
    if (!removed && path != NULL) errno = ti_windows_errno(GetLastError());
    free(path);
    if (!removed && errno != ENOENT)
        return ti_directory_fail(error, "cannot remove a file from", directory->path);
    return TACIT_OK;
}
