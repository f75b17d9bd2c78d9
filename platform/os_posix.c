/* What of os.h is the same on every system that follows POSIX. */
#include "platform/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL: no memory, or there is no working directory. */
static char *from_working_directory(const char *path) {
    char *from = getcwd(NULL, 0), *joined = NULL;
    if (!from) return NULL;
    if (asprintf(&joined, "%s/%s", strcmp(from, "/") == 0 ? "" : from, path) < 0) joined = NULL;
    free(from);
    return joined;
}

char *ti_os_absolute_path(const char *path) {
    char *absolute = *path == '/' ? strdup(path) : from_working_directory(path);
    if (!absolute) return NULL;
    for (size_t size = strlen(absolute); size > 1 && absolute[size - 1] == '/'; size--)
        absolute[size - 1] = '\0';
    return absolute;
}
