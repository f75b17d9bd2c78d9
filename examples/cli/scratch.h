/* A directory for what is only tried. */
#ifndef CLI_SCRATCH_H
#define CLI_SCRATCH_H

#include <stdbool.h>

/* A new one (0700) in the directory, or, where that does not exist yet, in the nearest parent that
 * does. Yours; NULL with errno. */
char *scratch_make(const char *directory);
/* With the files in it, and frees path. Takes NULL. */
void scratch_remove(char *path);

#endif
