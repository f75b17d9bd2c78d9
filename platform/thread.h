/* Threads of the library, where POSIX leaves something open. A port is one file thread_<system>.c. Below every floor. */
#ifndef TI_THREAD_H
#define TI_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* With at least so much stack; no signal of the process's goes to it. */
bool ti_thread_create(pthread_t *thread, size_t stack_bytes, void *(*main)(void *), void *data);
/* Of the calling thread, for debuggers; at most 15 bytes. */
void ti_thread_name(const char *name);
/* Around each fork(), in the thread that forks; after it in both processes. Nothing where no process forks. */
void ti_thread_around_fork(void (*before)(void), void (*after)(void));

#endif
