#include "platform/windows_file.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

bool ti_windows_move(void *file, const wchar_t *path, bool replace) {
    DWORD name_size = (DWORD)(wcslen(path) * sizeof *path);
    DWORD size = (DWORD)sizeof(FILE_RENAME_INFO) + name_size;
    FILE_RENAME_INFO *info = calloc(1, size);
    bool moved;

    if (info == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return false;
    }
    info->ReplaceIfExists = replace;
    info->FileNameLength = name_size;
    memcpy(info->FileName, path, name_size);
    moved = SetFileInformationByHandle(file, FileRenameInfo, info, size) && FlushFileBuffers(file);
    free(info);
    return moved;
}
