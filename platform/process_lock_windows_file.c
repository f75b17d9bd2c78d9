#include "platform/process_lock_windows_file.h"

#include "platform/process_lock_windows_access.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <errno.h>
#include <stdlib.h>

#define TEMPORARY_SUFFIX L".new"

ti_lock_result ti_lock_file_failed(int *os_error) {
    DWORD error = GetLastError();
    *os_error = ti_windows_errno(error);
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return TI_LOCK_ABSENT;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return TI_LOCK_NO_MEMORY;
    case ERROR_SHARING_VIOLATION: /* its maker lets nobody in, nor does who looks for viruses */
    case ERROR_LOCK_VIOLATION:
        return TI_LOCK_BUSY;
    default:
        return TI_LOCK_FAILED;
    }
}

static ti_lock_result failed_because(DWORD error, int *os_error) {
    SetLastError(error);
    return ti_lock_file_failed(os_error);
}

bool ti_lock_file_write(void *file, const void *bytes, size_t size, size_t offset) {
    const unsigned char *next = bytes;
    while (size > 0) {
        OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)((uint64_t)offset >> 32)};
        DWORD part = size < MAXLONG ? (DWORD)size : MAXLONG, written = 0;
        if (!WriteFile(file, next, part, &written, &at)) return false;
        next += written;
        offset += written;
        size -= written;
    }
    return true;
}

#define SHARED_WITH_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* Opens whatever is there, to look at it: a directory, or a link itself. */
static HANDLE open_to_look(const wchar_t *path, DWORD more_rights, DWORD share, bool follow) {
    DWORD flags = FILE_FLAG_BACKUP_SEMANTICS | (follow ? 0 : FILE_FLAG_OPEN_REPARSE_POINT);
    return CreateFileW(path, READ_CONTROL | FILE_READ_ATTRIBUTES | more_rights, share, NULL,
                       OPEN_EXISTING, flags, NULL);
}

/*
 * Mapped drives, and shares by whatever name or link: there the server keeps the locks, if it does, and every call hangs while
 * it is away.
 */
static bool is_network(const wchar_t *path, HANDLE directory) {
    wchar_t root[] = L"C:\\", *final = NULL;
    root[0] = path[wcslen(L"\\\\?\\")];
    bool network = wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0 || GetDriveTypeW(root) == DRIVE_REMOTE;
    DWORD size = network ? 0 : GetFinalPathNameByHandleW(directory, NULL, 0, VOLUME_NAME_DOS);
    if (size > 0) final = malloc(size * sizeof *final);
    if (final && GetFinalPathNameByHandleW(directory, final, size, VOLUME_NAME_DOS) < size) {
        network = wcsncmp(final, L"\\\\?\\UNC\\", 8) == 0;
    }
    free(final);
    return network;
}

static bool read_attributes(HANDLE handle, DWORD *attributes) {
    FILE_BASIC_INFO found;
    if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &found, sizeof found)) return false;
    *attributes = found.FileAttributes;
    return true;
}

/* A link that another made leads where he chooses. */
static ti_lock_result look_at_link(const wchar_t *path, int *os_error) {
    DWORD attributes;
    HANDLE found = open_to_look(path, 0, SHARED_WITH_ALL, false);
    if (found == INVALID_HANDLE_VALUE) return ti_lock_file_failed(os_error);
    ti_lock_result result = TI_LOCK_OK;
    if (!read_attributes(found, &attributes)) {
        result = ti_lock_file_failed(os_error);
    } else if (attributes & FILE_ATTRIBUTE_REPARSE_POINT) {
        result = ti_lock_access_check(found, TI_LOCK_ACCESS_OWNER, os_error);
    }
    CloseHandle(found);
    return result;
}

static ti_lock_result check_directory(const wchar_t *path, HANDLE directory, int *os_error) {
    DWORD attributes;
    if (!read_attributes(directory, &attributes)) return ti_lock_file_failed(os_error);
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        return failed_because(ERROR_DIRECTORY, os_error);
    }
    if (is_network(path, directory)) return TI_LOCK_NETWORK;
    return ti_lock_access_check(directory, TI_LOCK_ACCESS_DIRECTORY, os_error);
}

/* *directory: as long as it is open nobody can put another one in its place. Who wants to look at attributes alone shares everything,
 * whatever he says. */
static ti_lock_result open_directory(const wchar_t *path, HANDLE *directory, int *os_error) {
    ti_lock_result result = look_at_link(path, os_error);
    if (result != TI_LOCK_OK) return result;
    *directory = open_to_look(path, FILE_LIST_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE, true);
    if (*directory == INVALID_HANDLE_VALUE) return ti_lock_file_failed(os_error);
    result = check_directory(path, *directory, os_error);
    if (result != TI_LOCK_OK) CloseHandle(*directory);
    return result;
}

/* What exists is fine. */
static bool make_directory(const wchar_t *path, SECURITY_ATTRIBUTES *security) {
    return CreateDirectoryW(path, security) || GetLastError() == ERROR_ALREADY_EXISTS;
}

/* With its parents, from the last one that is there. */
static bool make_directories(wchar_t *path, SECURITY_ATTRIBUTES *security) {
    if (make_directory(path, security)) return true;
    wchar_t *separator = wcsrchr(path, L'\\');
    if (GetLastError() != ERROR_PATH_NOT_FOUND || !separator || separator == path) return false;
    *separator = L'\0';
    bool made = make_directories(path, security);
    *separator = L'\\';
    return made && make_directory(path, security);
}

/* By its handle, so that nobody else gets hold of the name in between. What is there already stays: another was faster. */
static bool name_file(HANDLE file, const wchar_t *path) {
    size_t length = wcslen(path) * sizeof *path;
    size_t size = sizeof(FILE_RENAME_INFO) + length;
    FILE_RENAME_INFO *rename = calloc(1, size);
    if (!rename) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return false;
    }
    rename->FileNameLength = (DWORD)length;
    memcpy(rename->FileName, path, length);
    bool named = SetFileInformationByHandle(file, FileRenameInfo, rename, (DWORD)size);
    free(rename);
    return named;
}

/* A temporary file that nobody saw as the file, and nobody else has. */
static void discard(HANDLE file) {
    FILE_DISPOSITION_INFO gone = {.DeleteFile = TRUE};
    SetFileInformationByHandle(file, FileDispositionInfo, &gone, sizeof gone);
}

/* Zeros are written, not only promised, so that a disk that is full later does no harm. */
static bool fill(HANDLE file, size_t size) {
    static const unsigned char zeros[512];
    for (size_t done = 0; done < size; done += sizeof zeros) {
        size_t part = size - done < sizeof zeros ? size - done : sizeof zeros;
        if (!ti_lock_file_write(file, zeros, part, done)) return false;
    }
    return FlushFileBuffers(file);
}

static ti_lock_result check_file(HANDLE file, int *os_error) {
    DWORD attributes;
    if (GetFileType(file) != FILE_TYPE_DISK) return TI_LOCK_NOT_A_FILE;
    if (!read_attributes(file, &attributes)) return ti_lock_file_failed(os_error);
    if (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) {
        return TI_LOCK_NOT_A_FILE;
    }
    return ti_lock_access_check(file, TI_LOCK_ACCESS_FILE, os_error);
}

/* By a temporary file, always of the same name, so that what crashes leave does not add up, and open
 * to one process only. What one left is written over. Flushing it once more takes its new name to the disk. */
static ti_lock_result make_temporary(const ti_lock_place *place, const wchar_t *temporary,
                                     SECURITY_ATTRIBUTES *security, int *os_error) {
    HANDLE file = CreateFileW(temporary, GENERIC_READ | GENERIC_WRITE | DELETE, 0, security,
                              OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE) return ti_lock_file_failed(os_error);
    ti_lock_result result = check_file(file, os_error);
    if (result == TI_LOCK_OK && (!SetEndOfFile(file) || !fill(file, place->size) ||
                                 !name_file(file, place->path) || !FlushFileBuffers(file))) {
        if (GetLastError() != ERROR_ALREADY_EXISTS) result = ti_lock_file_failed(os_error);
        discard(file);
    }
    CloseHandle(file);
    return result;
}

static ti_lock_result make_file(const ti_lock_place *place, SECURITY_ATTRIBUTES *security,
                                int *os_error) {
    size_t size = wcslen(place->path) + sizeof TEMPORARY_SUFFIX / sizeof(wchar_t);
    wchar_t *temporary = malloc(size * sizeof *temporary);
    if (!temporary) return TI_LOCK_NO_MEMORY;
    wcscpy(temporary, place->path);
    wcscat(temporary, TEMPORARY_SUFFIX);
    ti_lock_result result = make_temporary(place, temporary, security, os_error);
    free(temporary);
    return result;
}

/* Looked at first, since opening what is not a file, or not ours, would fail without saying why. */
static ti_lock_result open_existing(const wchar_t *path, HANDLE *file, int *os_error) {
    HANDLE looked_at = open_to_look(path, 0, SHARED_WITH_ALL, false);
    if (looked_at == INVALID_HANDLE_VALUE) return ti_lock_file_failed(os_error);
    ti_lock_result result = check_file(looked_at, os_error);
    CloseHandle(looked_at);
    if (result != TI_LOCK_OK) return result;

    *file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, SHARED_WITH_ALL, NULL, OPEN_EXISTING,
                        FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (*file == INVALID_HANDLE_VALUE) return ti_lock_file_failed(os_error);
    result = check_file(*file, os_error);
    if (result != TI_LOCK_OK) CloseHandle(*file);
    return result;
}

static ti_lock_result open_or_make(const ti_lock_place *place, SECURITY_ATTRIBUTES *security,
                                   HANDLE *file, int *os_error) {
    HANDLE directory;
    ti_lock_result result = open_directory(place->directory, &directory, os_error);
    if (result == TI_LOCK_ABSENT && place->create) {
        *os_error = 0;
        result = make_directories(place->directory, security)
                     ? open_directory(place->directory, &directory, os_error)
                     : ti_lock_file_failed(os_error);
        if (result == TI_LOCK_ABSENT) { /* below a file, or by a link to nowhere */
            *os_error = ENOTDIR;
            result = TI_LOCK_FAILED;
        }
    }
    if (result != TI_LOCK_OK) return result;

    result = open_existing(place->path, file, os_error);
    if (result == TI_LOCK_ABSENT && place->create) {
        *os_error = 0;
        result = make_file(place, security, os_error);
        if (result == TI_LOCK_OK) result = open_existing(place->path, file, os_error);
        if (result == TI_LOCK_ABSENT) result = TI_LOCK_BUSY; /* another makes or removes it */
    }
    CloseHandle(directory);
    return result;
}

ti_lock_result ti_lock_file_open(const ti_lock_place *place, void **file, int *os_error) {
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
    *file = INVALID_HANDLE_VALUE;
    security.lpSecurityDescriptor = ti_lock_access_private();
    if (!security.lpSecurityDescriptor) return ti_lock_file_failed(os_error);
    ti_lock_result result = open_or_make(place, &security, file, os_error);
    if (result != TI_LOCK_OK) *file = INVALID_HANDLE_VALUE;
    LocalFree(security.lpSecurityDescriptor);
    return result;
}

bool ti_lock_file_is_in_place(const ti_lock_place *place, void *file) {
    BY_HANDLE_FILE_INFORMATION opened, named;
    HANDLE found = open_to_look(place->path, 0, SHARED_WITH_ALL, false);
    if (found == INVALID_HANDLE_VALUE) return false;
    bool read =
        GetFileInformationByHandle(file, &opened) && GetFileInformationByHandle(found, &named);
    CloseHandle(found);
    return read && opened.dwVolumeSerialNumber == named.dwVolumeSerialNumber &&
           opened.nFileIndexHigh == named.nFileIndexHigh &&
           opened.nFileIndexLow == named.nFileIndexLow;
}
