/* A fresh directory for a test, with a name that no code page has, and processes to compete with. */
#ifndef WINDOWS_PLACE_H
#define WINDOWS_PLACE_H

#include "support/unit.h"

#include "platform/process_lock_windows_access.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <aclapi.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_MAX 512

/* base is there, the others are not. */
typedef struct place {
    char base[PLACE_MAX];
    char directory[2 * PLACE_MAX]; /* base\state\tacit */
    char file[3 * PLACE_MAX];      /* directory\NAME */
} place;

#define NAME "0123abcd.journal"

static inline int make_place(void **state) {
    static unsigned count;
    wchar_t temporary[MAX_PATH], *wide = NULL;
    place *here = calloc(1, sizeof *here);
    char *parent = here && GetTempPathW(MAX_PATH, temporary) ? ti_windows_utf8(temporary) : NULL;
    bool made = false;
    if (!parent) return -1;
    do { /* process ids come again, and with them what a killed one left */
        free(wide);
        snprintf(here->base, sizeof here->base, "%stacit-\xe6\x97\xa5\xc3\xa9-%lu-%u", parent,
                 GetCurrentProcessId(), count++);
        wide = ti_windows_path(here->base);
        made = wide && CreateDirectoryW(wide, NULL);
    } while (wide && !made && GetLastError() == ERROR_ALREADY_EXISTS);
    snprintf(here->directory, sizeof here->directory, "%s\\state\\tacit", here->base);
    snprintf(here->file, sizeof here->file, "%s\\" NAME, here->directory);
    *state = here;
    free(wide);
    free(parent);
    return made ? 0 : -1;
}

/* Calls visit with each entry of a directory, . and .. excepted. */
static inline size_t each_entry(const wchar_t *path,
                                void (*visit)(const wchar_t *path, DWORD attributes)) {
    wchar_t pattern[2 * PLACE_MAX], entry[2 * PLACE_MAX];
    WIN32_FIND_DATAW found;
    size_t count = 0;
    swprintf(pattern, 2 * PLACE_MAX, L"%ls\\*", path);
    HANDLE search = FindFirstFileW(pattern, &found);
    if (search == INVALID_HANDLE_VALUE) return 0;
    do {
        if (wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0) continue;
        swprintf(entry, 2 * PLACE_MAX, L"%ls\\%ls", path, found.cFileName);
        if (visit) visit(entry, found.dwFileAttributes);
        count++;
    } while (FindNextFileW(search, &found));
    FindClose(search);
    return count;
}

static inline void remove_entry(const wchar_t *path, DWORD attributes) {
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        DeleteFileW(path);
        return;
    }
    if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT)) each_entry(path, remove_entry);
    RemoveDirectoryW(path);
}

static inline int remove_place(void **state) {
    place *here = *state;
    wchar_t *wide = ti_windows_path(here->base);
    remove_entry(wide, FILE_ATTRIBUTE_DIRECTORY);
    bool gone = GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES;
    free(wide);
    free(here);
    return gone ? 0 : -1;
}

static inline size_t count_entries(const char *path) {
    wchar_t *wide = ti_windows_path(path);
    size_t count = each_entry(wide, NULL);
    free(wide);
    return count;
}

/* Grows with the number of handles that are open. */
static inline size_t next_handle(void) {
    HANDLE handle = CreateEventW(NULL, FALSE, FALSE, NULL);
    assert_non_null(handle);
    CloseHandle(handle);
    return (size_t)handle;
}

/* As the library would, whatever the directory above says. */
static inline bool make_private(const char *path, bool directory, const char *text) {
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security,
                                    .lpSecurityDescriptor = ti_lock_access_private()};
    wchar_t *wide = ti_windows_path(path);
    bool made;
    if (directory) {
        made = CreateDirectoryW(wide, &security);
    } else {
        DWORD written;
        HANDLE file = CreateFileW(wide, GENERIC_WRITE, 0, &security, CREATE_NEW, 0, NULL);
        made = WriteFile(file, text, (DWORD)strlen(text), &written, NULL);
        CloseHandle(file);
    }
    LocalFree(security.lpSecurityDescriptor);
    free(wide);
    return made;
}

/* base\state\tacit, so that a test can put something there. */
static inline void make_directory_of(const place *here) {
    char parent[PLACE_MAX + 8];
    snprintf(parent, sizeof parent, "%s\\state", here->base);
    assert_true(make_private(parent, true, NULL));
    assert_true(make_private(here->directory, true, NULL));
}

static inline void write_file(const char *path, const char *text) {
    assert_true(make_private(path, false, text));
}

/* Also while it is open. Not every file system lets go of the name at once then, but moved away it
 * can be. */
static inline void remove_file(const place *here) {
    static unsigned count;
    wchar_t *from = ti_windows_path(here->file), *base = ti_windows_path(here->base), to[PLACE_MAX];
    swprintf(to, PLACE_MAX, L"%ls\\removed-%u", base, count++);
    assert_true(MoveFileExW(from, to, 0));
    assert_true(DeleteFileW(to));
    free(base);
    free(from);
}

/* Beside whatever its list says, everybody gets these rights. */
static inline void allow_everyone(const char *path, DWORD rights) {
    wchar_t *wide = ti_windows_path(path);
    PACL before, after;
    PSECURITY_DESCRIPTOR security;
    EXPLICIT_ACCESSW everyone = {
        .grfAccessPermissions = rights,
        .grfAccessMode = GRANT_ACCESS,
        .Trustee = {.TrusteeForm = TRUSTEE_IS_NAME, .TrusteeType = TRUSTEE_IS_WELL_KNOWN_GROUP}};
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof sid;
    assert_true(CreateWellKnownSid(WinWorldSid, NULL, sid, &size));
    everyone.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    everyone.Trustee.ptstrName = (wchar_t *)sid;
    assert_int_equal(GetNamedSecurityInfoW(wide, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL,
                                           NULL, &before, NULL, &security),
                     ERROR_SUCCESS);
    assert_int_equal(SetEntriesInAclW(1, &everyone, before, &after), ERROR_SUCCESS);
    assert_int_equal(
        SetNamedSecurityInfoW(wide, SE_FILE_OBJECT,
                              DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
                              NULL, after, NULL),
        ERROR_SUCCESS);
    LocalFree(after);
    LocalFree(security);
    free(wide);
}

/*
 * Another process that runs this very program with two arguments, what to do and where, and says
 * that it did by one byte on its standard output. It stays until it is killed.
 */
typedef struct child {
    HANDLE process, output;
} child;

static inline child start_child(const char *what, const char *where) {
    wchar_t program[MAX_PATH], command[3 * PLACE_MAX], *wide_what = ti_windows_wide(what),
                                                       *wide_where = ti_windows_wide(where);
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION started;
    child made;
    GetModuleFileNameW(NULL, program, MAX_PATH);
    swprintf(command, 3 * PLACE_MAX, L"child %ls \"%ls\"", wide_what, wide_where);
    assert_true(CreatePipe(&made.output, &start.hStdOutput, &inherited, 0));
    SetHandleInformation(made.output, HANDLE_FLAG_INHERIT, 0);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    assert_true(
        CreateProcessW(program, command, NULL, NULL, TRUE, 0, NULL, NULL, &start, &started));
    CloseHandle(start.hStdOutput);
    CloseHandle(started.hThread);
    made.process = started.hProcess;
    free(wide_what);
    free(wide_where);
    return made;
}

static inline void wait_for_child(const child *child) {
    char byte;
    DWORD got = 0;
    assert_true(ReadFile(child->output, &byte, 1, &got, NULL) && got == 1);
}

/* In the child. */
static inline void tell_parent(void) {
    DWORD written;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "", 1, &written, NULL);
}

static inline unsigned long end_of_child(child *child) {
    DWORD code = 0;
    assert_int_equal(WaitForSingleObject(child->process, 60000), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(child->process, &code));
    CloseHandle(child->process);
    CloseHandle(child->output);
    return code;
}

static inline void kill_child(child *child) {
    assert_true(TerminateProcess(child->process, 99));
    assert_int_equal(end_of_child(child), 99);
}

/* What a child was started to do, with where, in UTF-8, in *where; NULL in the test's own process. */
static inline const char *begin_child(char where[2 * PLACE_MAX]) {
    static char what[64];
    int count;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    if (count != 3 || wcscmp(arguments[0], L"child") != 0) {
        LocalFree(arguments);
        return NULL;
    }
    char *first = ti_windows_utf8(arguments[1]), *second = ti_windows_utf8(arguments[2]);
    snprintf(what, sizeof what, "%s", first);
    snprintf(where, 2 * PLACE_MAX, "%s", second);
    free(first);
    free(second);
    LocalFree(arguments);
    return what;
}

/* In a child, whose parent would not see an assertion. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (condition) break;                                                                      \
        fprintf(stderr, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
        ExitProcess(1);                                                                            \
    } while (0)

#endif
