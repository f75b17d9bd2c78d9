/* macOS and mingw-w64: a condvar has no clock to choose, and what is absolute is on the wall clock. */
#include "platform/condvar.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

bool ti_cond_init(pthread_cond_t *cond) {
    return pthread_cond_init(cond, NULL) == 0;
}

void ti_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms) {
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000L};
    int result = pthread_cond_timedwait_relative_np(cond, mutex, &pause);
    assert(result != EINVAL && result != EPERM);
    (void)result;
}
