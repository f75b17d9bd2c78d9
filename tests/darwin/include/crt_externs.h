/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_CRT_EXTERNS_H
#define TACIT_DARWIN_CRT_EXTERNS_H

char ***_NSGetEnviron(void);

#endif
