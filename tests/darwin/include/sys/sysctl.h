/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SYS_SYSCTL_H
#define TACIT_DARWIN_SYS_SYSCTL_H

#include <stddef.h>

int sysctlbyname(const char *, void *, size_t *, void *, size_t);

#endif
