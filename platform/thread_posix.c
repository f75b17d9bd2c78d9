#include "platform/thread.h"

#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

void ti_thread_name(const char *name) {
#ifdef __APPLE__
    pthread_setname_np(name);
#else
    pthread_setname_np(pthread_self(), name);
#endif
}

/* Whole pages, without which POSIX lets a system refuse it, as macOS does. */
static size_t stack_size(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), part;

    if (bytes < (size_t)PTHREAD_STACK_MIN) bytes = (size_t)PTHREAD_STACK_MIN;
    part = bytes % page;
    return part == 0 || bytes > SIZE_MAX - page ? bytes : bytes - part + page;
}

static bool create(pthread_t *thread, size_t stack_bytes, void *(*main)(void *), void *data) {
    pthread_attr_t attributes;
    bool ok;

    if (pthread_attr_init(&attributes) != 0) return false;
    ok = pthread_attr_setstacksize(&attributes, stack_size(stack_bytes)) == 0 &&
         pthread_create(thread, &attributes, main, data) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}

bool ti_thread_create(pthread_t *thread, size_t stack_bytes, void *(*main)(void *), void *data) {
    sigset_t all, before;
    bool ok;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = create(thread, stack_bytes, main, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

void ti_thread_around_fork(void (*before)(void), void (*after)(void)) {
    pthread_atfork(before, after, after);
}
