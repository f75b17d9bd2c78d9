/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SYS_PARAM_H
#define TACIT_DARWIN_SYS_PARAM_H

#include <sys/types.h>

#endif
