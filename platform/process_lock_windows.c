#include "platform/process_lock_windows_file.h"

#include "platform/windows_translate.h"

#include <windows.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Properties. The lock and the lives are locks of one byte each, by which two open files exclude
 * each other, whatever processes they are in. Who has a byte locked keeps others from reading and
 * writing it, too; so they lie behind the end of any file of this kind, the lock's first and each
 * life's as far behind it as its number says. All end when the handle is closed, and so with the
 * process, however that dies. No other process inherits the handle.
 *
 * Safety. All belongs to the thread that uses the lock.
 */
struct ti_process_lock {
    HANDLE file;  /* INVALID_HANDLE_VALUE: could not be opened again */
    bool taken;   /* since an open file excludes itself as well */
    int64_t life; /* 0: none */
    ti_lock_place place;
};

/* Beyond INT64_MAX for the last million of all lives: a place in a file counts without a sign. */
#define FIRST_BYTE (UINT64_C(1) << 20)
#define THE_LOCK 0

static OVERLAPPED byte_of(int64_t number) {
    uint64_t place = FIRST_BYTE + (uint64_t)number;
    return (OVERLAPPED){.Offset = (DWORD)place, .OffsetHigh = (DWORD)(place >> 32)};
}

static bool lock_byte(HANDLE file, int64_t number, DWORD flags) {
    OVERLAPPED byte = byte_of(number);
    return LockFileEx(file, LOCKFILE_FAIL_IMMEDIATELY | flags, 0, 1, 0, &byte);
}

static void unlock_byte(HANDLE file, int64_t number) {
    OVERLAPPED byte = byte_of(number);
    UnlockFileEx(file, 0, 1, 0, &byte);
}

static ti_lock_result take_byte(HANDLE file, int64_t number, int *os_error) {
    if (lock_byte(file, number, LOCKFILE_EXCLUSIVE_LOCK)) return TI_LOCK_OK;
    return ti_lock_file_failed(os_error);
}

static void close_file(ti_process_lock *lock) {
    if (lock->file != INVALID_HANDLE_VALUE) CloseHandle(lock->file);
    lock->file = INVALID_HANDLE_VALUE;
}

/* A file that was removed keeps its name as long as someone has it open, on some file systems, and no other can be made
 * there. */
static bool is_being_removed(HANDLE file) {
    FILE_STANDARD_INFO found;
    return GetFileInformationByHandleEx(file, FileStandardInfo, &found, sizeof found) &&
           found.DeletePending;
}

/* The file that is at the lock's place now, instead of the one it has. Its life moves along, or stays where it is. */
static ti_lock_result open_file(ti_process_lock *lock, int *os_error) {
    HANDLE file;
    if (is_being_removed(lock->file)) close_file(lock);
    ti_lock_result result = ti_lock_file_open(&lock->place, &file, os_error);
    if (result != TI_LOCK_OK) return result;
    if (lock->life) result = take_byte(file, lock->life, os_error);
    if (result != TI_LOCK_OK) {
        CloseHandle(file);
        return result;
    }
    close_file(lock);
    lock->file = file;
    return result;
}

static wchar_t *path_below(const wchar_t *directory, const wchar_t *name) {
    size_t size = wcslen(directory) + 1 + wcslen(name) + 1;
    wchar_t *path = malloc(size * sizeof *path);
    if (path) swprintf(path, size, L"%ls\\%ls", directory, name);
    return path;
}

static bool set_place(ti_lock_place *place, const char *directory, const char *name) {
    wchar_t *wide_name = ti_windows_wide(name);
    place->directory = ti_windows_path(directory);
    if (place->directory) {
        size_t length = wcslen(place->directory);
        if (length > 0 && place->directory[length - 1] == L'\\') place->directory[--length] = L'\0';
    }
    if (place->directory && wide_name) place->path = path_below(place->directory, wide_name);
    free(wide_name);
    return place->path != NULL;
}

ti_lock_result ti_process_lock_open(const char *directory, const char *name, bool create,
                                    size_t size, ti_process_lock **lock, int *os_error) {
    assert(!strpbrk(name, "/\\:") && size < FIRST_BYTE);
    *lock = NULL;
    *os_error = 0;
    ti_process_lock *opened = calloc(1, sizeof *opened);
    if (!opened) return TI_LOCK_NO_MEMORY;
    opened->file = INVALID_HANDLE_VALUE;
    opened->place.create = create;
    opened->place.size = size;

    ti_lock_result result = TI_LOCK_OK;
    if (set_place(&opened->place, directory, name)) {
        result = open_file(opened, os_error);
    } else if (errno == ENOMEM) {
        result = TI_LOCK_NO_MEMORY;
    } else {
        *os_error = errno;
        result = TI_LOCK_FAILED;
    }
    if (result == TI_LOCK_OK) {
        *lock = opened;
    } else {
        ti_process_lock_close(opened);
    }
    return result;
}

/* Takes the file that it has, wherever that is now. */
static ti_lock_result take(ti_process_lock *lock, int *os_error) {
    if (lock->taken) return TI_LOCK_OK;
    ti_lock_result result = take_byte(lock->file, THE_LOCK, os_error);
    lock->taken = result == TI_LOCK_OK;
    return result;
}

ti_lock_result ti_process_lock_try(ti_process_lock *lock, int *os_error) {
    *os_error = 0;
    if (lock->file != INVALID_HANDLE_VALUE) {
        ti_lock_result result = take(lock, os_error);
        if (result != TI_LOCK_OK || ti_lock_file_is_in_place(&lock->place, lock->file)) {
            return result;
        }
        ti_process_lock_release(lock);
    }
    ti_lock_result result = open_file(lock, os_error);
    if (result == TI_LOCK_OK) result = take(lock, os_error);
    if (result != TI_LOCK_OK || ti_lock_file_is_in_place(&lock->place, lock->file)) return result;
    ti_process_lock_release(lock);
    return TI_LOCK_BUSY; /* with replacing it again */
}

void ti_process_lock_release(ti_process_lock *lock) {
    if (lock->taken) unlock_byte(lock->file, THE_LOCK);
    lock->taken = false;
}

ti_lock_result ti_process_lock_read(ti_process_lock *lock, void *bytes, size_t size, size_t *got,
                                    int *os_error) {
    unsigned char *start = bytes;
    *got = 0;
    *os_error = 0;
    while (*got < size) {
        OVERLAPPED at = {.Offset = (DWORD)*got};
        DWORD part = 0;
        if (!ReadFile(lock->file, start + *got, (DWORD)(size - *got), &part, &at)) {
            if (GetLastError() == ERROR_HANDLE_EOF) break;
            return ti_lock_file_failed(os_error);
        }
        if (part == 0) break; /* it ends here */
        *got += part;
    }
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_write(ti_process_lock *lock, size_t offset, const void *bytes,
                                     size_t size, bool durable, int *os_error) {
    assert(offset <= lock->place.size && size <= lock->place.size - offset);
    *os_error = 0;
    if (!ti_lock_file_write(lock->file, bytes, size, offset) ||
        (durable && !FlushFileBuffers(lock->file))) {
        return ti_lock_file_failed(os_error);
    }
    return TI_LOCK_OK;
}

ti_lock_result ti_process_lock_begin_life(ti_process_lock *lock, int64_t life, int *os_error) {
    assert(life > 0 && life < INT64_MAX);
    *os_error = 0;
    if (lock->life == life && lock->file != INVALID_HANDLE_VALUE) return TI_LOCK_OK;
    ti_lock_result result = take_byte(lock->file, life, os_error);
    if (result != TI_LOCK_OK) return result;
    ti_process_lock_end_life(lock);
    lock->life = life;
    return TI_LOCK_OK;
}

void ti_process_lock_end_life(ti_process_lock *lock) {
    if (lock->life) unlock_byte(lock->file, lock->life);
    lock->life = 0;
}

/* By locking it for a moment, together with whoever asks at the same time. Only who begins that very life could be
 * refused meanwhile, and its number is new. */
bool ti_process_lock_lives(ti_process_lock *lock, int64_t life) {
    if (life <= 0 || life == INT64_MAX) return false; /* no life's number */
    if (life == lock->life && lock->file != INVALID_HANDLE_VALUE) return false; /* its own */
    if (!lock_byte(lock->file, life, 0)) return true;
    unlock_byte(lock->file, life);
    return false;
}

void ti_process_lock_close(ti_process_lock *lock) {
    if (!lock) return;
    ti_process_lock_release(lock);
    ti_process_lock_end_life(lock);
    close_file(lock);
    free(lock->place.path);
    free(lock->place.directory);
    free(lock);
}
