/* What the test was built with, as gcc and clang tell it. */
#ifndef TS_SANITIZER_H
#define TS_SANITIZER_H

#include <stdbool.h>

#ifdef __has_feature
#define TS_HAS_FEATURE(name) __has_feature(name)
#else
#define TS_HAS_FEATURE(name) false
#endif

#if defined __SANITIZE_ADDRESS__ || TS_HAS_FEATURE(address_sanitizer)
#define ADDRESS_SANITIZER true
#else
#define ADDRESS_SANITIZER false
#endif

#if defined __SANITIZE_THREAD__ || TS_HAS_FEATURE(thread_sanitizer)
#define THREAD_SANITIZER true
#else
#define THREAD_SANITIZER false
#endif

/* Their allocators stay locked in a child where another thread was in one at the fork. */
#define SANITIZER_LOCKS_UP (ADDRESS_SANITIZER || THREAD_SANITIZER)

#endif
