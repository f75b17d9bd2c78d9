/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_INTTYPES_H
#define TACIT_DARWIN_INTTYPES_H

#include <stdint.h>

#define PRId32 "d"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRId64 "lld"
#define PRIi64 "lli"
#define PRIu64 "llu"
#define PRIx64 "llx"
#define SCNd64 "lld"
#define SCNu64 "llu"
intmax_t strtoimax(const char *, char **, int);
uintmax_t strtoumax(const char *, char **, int);

#endif
