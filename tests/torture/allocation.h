/*
 * Makes one allocation of the process fail, or all from one on.
 *
 * Without sanitizers the allocator itself is replaced, so that libcurl's, OpenSSL's and jansson's allocations count too. With
 * sanitizers, which have an allocator of their own, the linker diverts the calls of libtacit alone (--wrap).
 */
#ifndef TORTURE_ALLOCATION_H
#define TORTURE_ALLOCATION_H

#include <stdbool.h>

/* The n-th from now fails (1: the next), and all after it where for_good; 0: none does. */
void allocation_fail(long n, bool for_good);
/* Allocations since then. */
long allocation_count(void);
/* This thread's are neither counted nor failed; nests. */
void allocation_exempt(int by);

#endif
