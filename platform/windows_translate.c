#include "platform/windows_translate.h"

#include <windows.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

wchar_t *ti_windows_wide(const char *utf8) {
    int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, NULL, 0);
    if (size <= 0) {
        errno = EINVAL;
        return NULL;
    }
    wchar_t *wide = malloc((size_t)size * sizeof *wide);
    if (wide) MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, size);
    return wide;
}

char *ti_windows_utf8(const wchar_t *wide) {
    int size = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, NULL, 0, NULL, NULL);
    if (size <= 0) {
        errno = EINVAL;
        return NULL;
    }
    char *utf8 = malloc((size_t)size);
    if (utf8) WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, size, NULL, NULL);
    return utf8;
}

static const wchar_t verbatim[] = L"\\\\?\\", verbatim_share[] = L"\\\\?\\UNC\\";

static bool begins_with(const wchar_t *text, const wchar_t *beginning) {
    return wcsncmp(text, beginning, wcslen(beginning)) == 0;
}

/* target has room for the longest beginning more than path has. */
static void make_verbatim(wchar_t *target, const wchar_t *path) {
    const wchar_t *beginning = verbatim;
    if (begins_with(path, L"\\\\?\\") || begins_with(path, L"\\\\.\\")) {
        beginning = L"";
    } else if (begins_with(path, L"\\\\")) {
        beginning = verbatim_share;
        path += 2;
    }
    wcscpy(target, beginning);
    wcscat(target, path);
}

wchar_t *ti_windows_path(const char *path) {
    wchar_t *given = ti_windows_wide(path), *full = NULL, *target = NULL;
    if (!given) return NULL;
    DWORD size = GetFullPathNameW(given, 0, NULL, NULL), got = 0;
    if (size > 0) full = malloc(size * sizeof *full);
    if (full) got = GetFullPathNameW(given, size, full, NULL);
    if (got > 0 && got < size) target = malloc((size + wcslen(verbatim_share)) * sizeof *target);
    if (target) {
        make_verbatim(target, full);
    } else {
        errno = size == 0 || (full && (got == 0 || got >= size)) ? EINVAL : ENOMEM;
    }
    free(full);
    free(given);
    return target;
}

char *ti_windows_path_text(const wchar_t *path) {
    size_t skipped = 0, share = wcslen(verbatim_share);
    if (begins_with(path, verbatim)) skipped = wcslen(verbatim);
    if (!begins_with(path, verbatim_share)) return ti_windows_utf8(path + skipped);
    wchar_t *shorter = _wcsdup(path + share - 2);
    if (!shorter) return NULL;
    shorter[0] = L'\\';
    char *text = ti_windows_utf8(shorter);
    free(shorter);
    return text;
}

int ti_windows_errno(unsigned long error) {
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_NO_ASSOCIATION:
        return ENOENT;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_COMMITMENT_LIMIT:
        return ENOMEM;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_PRIVILEGE_NOT_HELD:
        return EACCES;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
        return EEXIST;
    case ERROR_DIRECTORY:
        return ENOTDIR;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        return ENOSPC;
    case ERROR_WRITE_PROTECT:
        return EROFS;
    case ERROR_TOO_MANY_OPEN_FILES:
    case WSAEMFILE:
        return EMFILE;
    case ERROR_INVALID_HANDLE:
    case WSAENOTSOCK:
        return EBADF;
    case ERROR_FILENAME_EXCED_RANGE:
        return ENAMETOOLONG;
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_PARAMETER:
        return EINVAL;
    case ERROR_NOT_SUPPORTED:
    case ERROR_CALL_NOT_IMPLEMENTED:
        return ENOSYS;
    case WSAENOBUFS:
        return ENOMEM;
    default:
        return EIO;
    }
}

int64_t ti_windows_unix_ms(uint32_t high, uint32_t low) {
    static const int64_t epoch_ms = 11644473600000; /* from 1601 to 1970 */
    return (int64_t)(((uint64_t)high << 32 | low) / 10000) - epoch_ms;
}
