/* Moves an open file. Only for the files of this folder that are for Windows. Below every floor. */
#ifndef TI_WINDOWS_FILE_H
#define TI_WINDOWS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* In one step, and durable when this returns; a HANDLE that may delete and write. false: GetLastError(); ERROR_ALREADY_EXISTS where
 * something is there that is not to be replaced. */
bool ti_windows_move(void *file, const wchar_t *path, bool replace);

#endif
