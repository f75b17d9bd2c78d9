#include "platform/thread.h"

#include <limits.h>

void ti_thread_name(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

/* The least that a stack has is the program's, and there are no signals. */
bool ti_thread_create(pthread_t *thread, size_t stack_bytes, void *(*main)(void *), void *data) {
    pthread_attr_t attributes;
    bool ok;

    if (stack_bytes > UINT_MAX) return false; /* it would be cut */
    if (pthread_attr_init(&attributes) != 0) return false;
    ok = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
         pthread_create(thread, &attributes, main, data) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}

void ti_thread_around_fork(void (*before)(void), void (*after)(void)) {
    (void)before, (void)after;
}
