/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SYS_WAIT_H
#define TACIT_DARWIN_SYS_WAIT_H

#include <sys/types.h>

#define WNOHANG 0x00000001
#define _WSTATUS(x) ((x)&0177)
#define WIFEXITED(x) (_WSTATUS(x) == 0)
#define WEXITSTATUS(x) (((x) >> 8) & 0x000000ff)
pid_t waitpid(pid_t, int *, int);

#endif
