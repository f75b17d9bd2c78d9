/* Marks the threads of the library, on which nothing may wait (R10). */
#ifndef TI_LIBRARY_THREAD_H
#define TI_LIBRARY_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Starts a joinable thread that is marked, with all signals blocked, so that the app's handlers never run on it. name: at most 15
 * bytes. false: the system gave none. */
bool ti_library_thread_start(pthread_t *thread, size_t stack_bytes, const char *name,
                             void *(*main)(void *), void *data);
/* Whether the calling thread is one. */
bool ti_on_library_thread(void);

#endif
