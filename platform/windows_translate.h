/*
 * Between Windows and the library, which speaks UTF-8 and errno. Only for the files of this folder
 * that are for Windows. Below every floor.
 */
#ifndef TI_WINDOWS_TRANSLATE_H
#define TI_WINDOWS_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

/* Each from malloc(). NULL: no memory (errno ENOMEM), or text that is not Unicode (EINVAL). */
wchar_t *ti_windows_wide(const char *utf8);
char *ti_windows_utf8(const wchar_t *wide);

/* The absolute path in the form that has no limit of 260 characters and no names of devices
 * (\\?\C:\...). Otherwise as ti_windows_wide(). */
wchar_t *ti_windows_path(const char *path);
/* Without that form's beginning, in UTF-8: the path as a person writes it. */
char *ti_windows_path_text(const wchar_t *path);

/* What GetLastError() answered, as errno; EIO where there is none for it. */
int ti_windows_errno(unsigned long error);

/* A FILETIME, which counts 100 ns from 1601 on, as Unix time in milliseconds. */
int64_t ti_windows_unix_ms(uint32_t high, uint32_t low);

#endif
