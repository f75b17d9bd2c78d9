#include "platform/windows_file.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

/* Windows 10 has had them since version 1607; by these names headers have them for programs that need a later one. */
#define RENAME_INFO_EX ((FILE_INFO_BY_HANDLE_CLASS)22) /* FileRenameInfoEx */
#define REPLACE_IF_EXISTS 1u                           /* FILE_RENAME_FLAG_... */
#define POSIX_SEMANTICS 2u

/* Over a file that somebody has open, although he lets others delete it. false: he does not, or not every file system, nor every Windows
 * 10, can. */
static bool rename_over_open(void *file, FILE_RENAME_INFO *info, DWORD size) {
    const DWORD flags = REPLACE_IF_EXISTS | POSIX_SEMANTICS;

    memcpy(info, &flags, sizeof flags); /* where ReplaceIfExists is otherwise */
    return SetFileInformationByHandle(file, RENAME_INFO_EX, info, size);
}

static bool rename_to(void *file, FILE_RENAME_INFO *info, DWORD size, bool replace) {
    if (replace && rename_over_open(file, info, size)) return true;
    memset(info, 0, sizeof(DWORD));
    info->ReplaceIfExists = replace;
    return SetFileInformationByHandle(file, FileRenameInfo, info, size);
}

bool ti_windows_move(void *file, const wchar_t *path, bool replace) {
    DWORD name_size = (DWORD)(wcslen(path) * sizeof *path);
    DWORD size = (DWORD)sizeof(FILE_RENAME_INFO) + name_size;
    FILE_RENAME_INFO *info = calloc(1, size);
    bool moved;

    if (info == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return false;
    }
    info->FileNameLength = name_size;
    memcpy(info->FileName, path, name_size);
    moved = rename_to(file, info, size, replace) && FlushFileBuffers(file);
    free(info);
    return moved;
}
