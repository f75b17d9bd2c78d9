/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SYS_FILE_H
#define TACIT_DARWIN_SYS_FILE_H

#include <fcntl.h>

int flock(int, int);

#endif
