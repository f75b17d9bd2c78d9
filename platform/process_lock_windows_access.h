/*
 * Who may do what with a file or a directory, as far as a process lock wants to know. Only for the
 * files of this folder that are for Windows.
 *
 * What mode 0700 says elsewhere is here: the user, the system and the administrators, who could take
 * the rest anyway, have all rights, and nobody else has any. A profile's directories are so by
 * themselves. What an administrator makes belongs to the group of them, often; so files of that
 * group and of the system are as good as the user's own.
 */
#ifndef TI_PROCESS_LOCK_WINDOWS_ACCESS_H
#define TI_PROCESS_LOCK_WINDOWS_ACCESS_H

#include "platform/process_lock.h"

#include <wchar.h>

typedef enum ti_lock_access {
    TI_LOCK_ACCESS_OWNER,     /* it belongs to one of these */
    TI_LOCK_ACCESS_DIRECTORY, /* ... and nobody else may write to it */
    TI_LOCK_ACCESS_FILE       /* ... or read it */
} ti_lock_access;

/* handle: with READ_CONTROL. TI_LOCK_OK, NOT_OURS, OPEN_TO_OTHERS, or why that cannot be told. A volume that knows no rights is open to
 * others. */
ti_lock_result ti_lock_access_check(void *handle, ti_lock_access access, int *os_error);

/* The user's SID as text, LocalFree()'s to free; NULL: GetLastError(). */
wchar_t *ti_lock_access_user(void);
/* A SECURITY_DESCRIPTOR for what is made, LocalFree()'s to free; NULL: GetLastError(). */
void *ti_lock_access_private(void);

#endif
