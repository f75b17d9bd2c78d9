/* Asynchronous requests of tests, many at once: what became of them, each of which must end once. */
#ifndef TS_MANY_CALLS_H
#define TS_MANY_CALLS_H

#include "support/sending.h"

#include <stdatomic.h>

enum { CALLS_MAX = 10000 };

/* Start from zero. */
typedef struct many_calls {
    world *world;
    const char *path;      /* NULL: "/api/x" */
    tacit_request request; /* struct_size 0: a GET */
    /* After each call was counted; may be NULL. */
    void (*then)(struct many_calls *calls, tacit_call *call, int number);
    void *data;

    tacit_call *handles[CALLS_MAX]; /* yours; NULL: given up */
    int started;
    atomic_int ends[CALLS_MAX];     /* how often done came for each */
    atomic_int statuses[CALLS_MAX]; /* HTTP's, or minus tacit's */
    atomic_int done;
} many_calls;

/* One more; its number. Fails the test where it does not start. */
int many_start(many_calls *calls);
void many_start_all(many_calls *calls, int count);
/* ... or -1, and why. */
int many_try_start(many_calls *calls, tacit_error *error);

/* Waits until each that was started has ended, and fails where one did so twice. */
void many_await(many_calls *calls);
/* How many ended so. */
int many_count(const many_calls *calls, int status);
/* Gives up all handles. */
void many_unref(many_calls *calls);

#endif
