/* A file with a secret in it: one line. */
#ifndef CLI_SECRET_FILE_H
#define CLI_SECRET_FILE_H

#include <stdbool.h>

enum { SECRET_FILE_MAX = 4096 };

/* Without the end of the line. false: the user was told why. Wipe it. */
bool secret_file_read(const char *path, char secret[SECRET_FILE_MAX]);

#endif
