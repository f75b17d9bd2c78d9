/* Where profiles lie, and how one is replaced. errno says why something failed. */
#ifndef CLI_PROFILE_FILE_H
#define CLI_PROFILE_FILE_H

#include <stdbool.h>

/* Yours; NULL: neither XDG_CONFIG_HOME nor HOME is an absolute path. */
char *profile_file_path(const char *name);
/* Makes its directory (0700) and locks that; a descriptor to close. Held for moments only. */
int profile_file_lock(const char *path);
/* Written beside (0600) and renamed; whatever happens, nothing of it is left beside. */
bool profile_file_replace(const char *path, const char *text);

#endif
