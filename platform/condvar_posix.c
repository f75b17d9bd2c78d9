#include "platform/condvar.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

bool ti_cond_init(pthread_cond_t *cond) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return false;
    bool done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(cond, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return done;
}

/* The end of a pause that begins now, as the condvar counts. */
static struct timespec monotonic_after(int64_t ms) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(ms / 1000);
    end.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_nsec -= 1000000000L;
        end.tv_sec++;
    }
    return end;
}

void ti_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms) {
    struct timespec end = monotonic_after(ms);
    int result = pthread_cond_timedwait(cond, mutex, &end);
    assert(result != EINVAL && result != EPERM);
    (void)result;
}
