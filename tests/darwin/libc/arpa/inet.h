/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_ARPA_INET_H
#define TACIT_DARWIN_ARPA_INET_H

#include <netinet/in.h>

int inet_pton(int, const char *, void *);
const char *inet_ntop(int, const void *, char *, socklen_t);

#endif
