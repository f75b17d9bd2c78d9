/*
 * Condition variables that wait for a time whatever happens to the wall clock. A port is one file
 * condvar_posix.c, or condvar_relative.c where that is not enough. Below every floor.
 */
#ifndef TI_CONDVAR_H
#define TI_CONDVAR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* For ti_cond_wait_ms(). false: no memory. */
bool ti_cond_init(pthread_cond_t *cond);
/* As pthread_cond_wait(), for at most so long (>= 0), which may stand still during a suspend. */
void ti_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms);

#endif
