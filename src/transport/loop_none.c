/* In a build without asynchronous requests a transport has no loops. */
#include "transport/internal.h"

#include <assert.h>

ti_loop **ti_loop_link(ti_loop *loop) {
    assert(loop == NULL);
    (void)loop;
    return NULL;
}

void ti_loop_shake(ti_loop *loop) {
    assert(loop == NULL);
    (void)loop;
}
