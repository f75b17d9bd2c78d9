/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SYS_SELECT_H
#define TACIT_DARWIN_SYS_SELECT_H

#include <sys/types.h>

#define FD_SETSIZE 1024
typedef struct fd_set {
    int32_t fds_bits[FD_SETSIZE / 32];
} fd_set;

#endif
