/* The file behind a process lock: how it is found, checked and made. Only for
 * process_lock_windows.c. */
#ifndef TI_PROCESS_LOCK_WINDOWS_FILE_H
#define TI_PROCESS_LOCK_WINDOWS_FILE_H

#include "platform/process_lock.h"

#include <wchar.h>

typedef struct ti_lock_place {
    wchar_t *directory; /* \\?\...; as it was whenever a function returns */
    wchar_t *path;      /* of the file in it */
    bool create;        /* what is missing is made */
    size_t size;        /* of the file */
} ti_lock_place;

/* Results as of ti_process_lock_open(). *file: a HANDLE. TI_LOCK_BUSY: another is just making it. */
ti_lock_result ti_lock_file_open(const ti_lock_place *place, void **file, int *os_error);
/* Whether the path still leads to the file. */
bool ti_lock_file_is_in_place(const ti_lock_place *place, void *file);
/* All of it. false: GetLastError(). */
bool ti_lock_file_write(void *file, const void *bytes, size_t size, size_t offset);
/* What GetLastError() stands for; it goes to *os_error. */
ti_lock_result ti_lock_file_failed(int *os_error);

#endif
