/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_SEARCH_H
#define TACIT_DARWIN_SEARCH_H

#include <stddef.h>

typedef enum { preorder, postorder, endorder, leaf } VISIT;
void *tdelete(const void *restrict, void **restrict, int (*)(const void *, const void *));
void *tfind(const void *, void *const *, int (*)(const void *, const void *));
void *tsearch(const void *, void **, int (*)(const void *, const void *));
void twalk(const void *, void (*)(const void *, VISIT, int));
void *lfind(const void *, const void *, size_t *, size_t, int (*)(const void *, const void *));

#endif
