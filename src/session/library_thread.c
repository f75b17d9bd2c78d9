#include "session/library_thread.h"

#include "platform/os.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>

typedef struct start {
    void *(*main)(void *);
    void *data;
    char name[16];
} start;

/* By ti_os_process(), since a child that a callback forks off has that thread as its own; 0: not. */
static _Thread_local unsigned marked;

static void *thread_main(void *argument) {
    start s = *(start *)argument;

    free(argument);
    marked = ti_os_process();
#ifdef __linux__
    pthread_setname_np(pthread_self(), s.name);
#endif
    return s.main(s.data);
}

static bool create(pthread_t *thread, size_t stack_bytes, start *s) {
    pthread_attr_t attributes;
    bool ok;

    if (pthread_attr_init(&attributes) != 0) return false;
    if (stack_bytes < (size_t)PTHREAD_STACK_MIN) stack_bytes = (size_t)PTHREAD_STACK_MIN;
    ok = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
         pthread_create(thread, &attributes, thread_main, s) == 0;
    pthread_attr_destroy(&attributes);
    return ok;
}

bool ti_library_thread_start(pthread_t *thread, size_t stack_bytes, const char *name,
                             void *(*main)(void *), void *data) {
    sigset_t all, before;
    start *s = calloc(1, sizeof *s);
    bool ok;

    if (s == NULL) return false;
    s->main = main;
    s->data = data;
    for (size_t i = 0; i + 1 < sizeof s->name && name[i] != '\0'; i++) s->name[i] = name[i];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = create(thread, stack_bytes, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) free(s);
    return ok;
}

bool ti_on_library_thread(void) {
    return marked != 0 && ti_os_process_is(marked);
}
