/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_STRINGS_H
#define TACIT_DARWIN_STRINGS_H

#include <sys/types.h>

int strcasecmp(const char *, const char *);
int strncasecmp(const char *, const char *, size_t);

#endif
