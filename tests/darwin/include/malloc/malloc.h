/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_MALLOC_MALLOC_H
#define TACIT_DARWIN_MALLOC_MALLOC_H

#include <stddef.h>

size_t malloc_size(const void *ptr);

#endif
