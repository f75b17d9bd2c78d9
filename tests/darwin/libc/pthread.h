/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_PTHREAD_H
#define TACIT_DARWIN_PTHREAD_H

#include <sys/types.h>

#define OPAQUE(type, size)                                                                         \
    typedef struct opaque_##type {                                                                 \
        long sig;                                                                                  \
        char opaque[size];                                                                         \
    } type
OPAQUE(pthread_attr_t, 56);
OPAQUE(pthread_cond_t, 40);
OPAQUE(pthread_condattr_t, 8);
OPAQUE(pthread_mutex_t, 56);
OPAQUE(pthread_mutexattr_t, 8);
OPAQUE(pthread_once_t, 8);
OPAQUE(pthread_rwlock_t, 192);
#undef OPAQUE
typedef struct opaque_pthread_t *pthread_t;
typedef unsigned long pthread_key_t;
#define PTHREAD_MUTEX_INITIALIZER                                                                  \
    {                                                                                              \
        0x32AAABA7, {                                                                              \
            0                                                                                      \
        }                                                                                          \
    }
#define PTHREAD_COND_INITIALIZER                                                                   \
    {                                                                                              \
        0x3CB0B1BB, {                                                                              \
            0                                                                                      \
        }                                                                                          \
    }
#define PTHREAD_ONCE_INIT                                                                          \
    {                                                                                              \
        0x30B1BCBA, {                                                                              \
            0                                                                                      \
        }                                                                                          \
    }
#define PTHREAD_CREATE_DETACHED 2
int pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
int pthread_attr_destroy(pthread_attr_t *);
int pthread_attr_init(pthread_attr_t *);
int pthread_attr_setdetachstate(pthread_attr_t *, int);
int pthread_attr_setstacksize(pthread_attr_t *, size_t);
int pthread_cond_broadcast(pthread_cond_t *);
int pthread_cond_destroy(pthread_cond_t *);
int pthread_cond_init(pthread_cond_t *restrict, const pthread_condattr_t *restrict);
int pthread_cond_signal(pthread_cond_t *);
int pthread_cond_timedwait(pthread_cond_t *restrict, pthread_mutex_t *restrict,
                           const struct timespec *restrict);
int pthread_cond_timedwait_relative_np(pthread_cond_t *, pthread_mutex_t *,
                                       const struct timespec *);
int pthread_cond_wait(pthread_cond_t *restrict, pthread_mutex_t *restrict);
int pthread_create(pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *),
                   void *restrict);
int pthread_detach(pthread_t);
int pthread_equal(pthread_t, pthread_t);
void *pthread_getspecific(pthread_key_t);
int pthread_join(pthread_t, void **);
int pthread_key_create(pthread_key_t *, void (*)(void *));
int pthread_mutex_destroy(pthread_mutex_t *);
int pthread_mutex_init(pthread_mutex_t *restrict, const pthread_mutexattr_t *restrict);
int pthread_mutex_lock(pthread_mutex_t *);
int pthread_mutex_trylock(pthread_mutex_t *);
int pthread_mutex_unlock(pthread_mutex_t *);
int pthread_once(pthread_once_t *, void (*)(void));
pthread_t pthread_self(void);
int pthread_setname_np(const char *);
int pthread_setspecific(pthread_key_t, const void *);

#endif
