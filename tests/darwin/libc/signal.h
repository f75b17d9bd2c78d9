/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SIGNAL_H
#define TACIT_DARWIN_SIGNAL_H

#include <sys/types.h>

typedef uint32_t sigset_t;
#define SIGHUP 1
#define SIGINT 2
#define SIGPIPE 13
#define SIGTERM 15
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define SIG_SETMASK 3
#define sigemptyset(set) (*(set) = 0, 0)
#define sigfillset(set) (*(set) = ~(sigset_t)0, 0)
int pthread_sigmask(int, const sigset_t *, sigset_t *);

#endif
