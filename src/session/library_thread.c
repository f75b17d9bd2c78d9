#include "session/library_thread.h"

#include "platform/os.h"
#include "platform/thread.h"

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
    ti_thread_name(s.name);
    return s.main(s.data);
}

bool ti_library_thread_start(pthread_t *thread, size_t stack_bytes, const char *name,
                             void *(*main)(void *), void *data) {
    start *s = calloc(1, sizeof *s);

    if (s == NULL) return false;
    s->main = main;
    s->data = data;
    for (size_t i = 0; i + 1 < sizeof s->name && name[i] != '\0'; i++) s->name[i] = name[i];
    if (ti_thread_create(thread, stack_bytes, thread_main, s)) return true;
    free(s);
    return false;
}

bool ti_on_library_thread(void) {
    return marked != 0 && ti_os_process_is(marked);
}
