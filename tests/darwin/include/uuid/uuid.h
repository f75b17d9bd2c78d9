/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_UUID_UUID_H
#define TACIT_DARWIN_UUID_UUID_H

typedef unsigned char uuid_t[16];
typedef char uuid_string_t[37];
int uuid_parse(const uuid_string_t in, uuid_t uu);

#endif
