/* The file behind a process lock: how it is found, checked and made. Only for process_lock_linux.c. */
#ifndef TI_PROCESS_LOCK_LINUX_FILE_H
#define TI_PROCESS_LOCK_LINUX_FILE_H

#include "platform/process_lock.h"

typedef struct ti_lock_place {
    char *directory; /* as it was whenever a function returns */
    const char *name;
    bool create; /* what is missing is made */
    size_t size; /* of the file */
} ti_lock_place;

/* Results as of ti_process_lock_open(). TI_LOCK_BUSY: another is just making or removing it. */
ti_lock_result ti_lock_file_open(const ti_lock_place *place, int *file, int *os_error);
/* flock() without waiting. */
ti_lock_result ti_lock_file_take(int file, int *os_error);
/* All of it, or errno says why not. */
bool ti_lock_file_write(int file, const void *bytes, size_t size, size_t offset);
/* What errno stands for; it goes to *os_error. */
ti_lock_result ti_lock_file_failed(int *os_error);

#endif
