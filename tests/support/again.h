/* The test's own program, started again as another process, with its output, its environment, and
 * other arguments. */
#ifndef TEST_AGAIN_H
#define TEST_AGAIN_H

#include <stdint.h>

typedef struct again {
    intptr_t process;
} again;

/* arguments: what is behind the program's name, at most 8, NULL at the end. */
void again_start(again *self, const char *const *arguments);
/* Waits for its end: its exit status, or -1 where it had none. */
int again_wait(again *self);

#endif
