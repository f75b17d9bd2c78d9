#include "darwin/fake_kqueue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUES_MAX 1024
#define WATCHED_MAX 64

/* By its descriptor, an eventfd that a trigger makes readable. */
typedef struct queue {
    struct {
        int descriptor;
        int16_t filter;
    } watched[WATCHED_MAX];
    size_t count;
    bool has_user_event;
} queue;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static queue queues[QUEUES_MAX]; /* guarded by lock */
static int16_t refused;          /* guarded by lock */
static long waited_ms;           /* guarded by lock */

void fake_kqueue_refuse(int16_t filter) {
    pthread_mutex_lock(&lock);
    refused = filter;
    pthread_mutex_unlock(&lock);
}

long fake_kqueue_waited_ms(void) {
    pthread_mutex_lock(&lock);
    long ms = waited_ms;
    pthread_mutex_unlock(&lock);
    return ms;
}

int kqueue(void) {
    int descriptor = eventfd(0, EFD_NONBLOCK);
    if (descriptor < 0) return -1;
    assert(descriptor < QUEUES_MAX);
    pthread_mutex_lock(&lock);
    memset(&queues[descriptor], 0, sizeof queues[descriptor]);
    pthread_mutex_unlock(&lock);
    return descriptor;
}

/* ------------------------------------------------------------------ changes: 0, or errno */

static size_t place_of(const queue *q, const struct kevent *change) {
    size_t i = 0;
    while (i < q->count && (q->watched[i].descriptor != (int)change->ident ||
                            q->watched[i].filter != change->filter)) {
        i++;
    }
    return i;
}

static int change_descriptor(queue *q, const struct kevent *change) {
    size_t i = place_of(q, change);
    if (change->flags & EV_DELETE) {
        if (i == q->count) return ENOENT;
        q->watched[i] = q->watched[--q->count];
        return 0;
    }
    if (fcntl((int)change->ident, F_GETFD) < 0) return EBADF;
    if (change->filter == refused) return ENOMEM;
    if (i < q->count) return 0;
    assert(q->count < WATCHED_MAX);
    q->watched[i].descriptor = (int)change->ident;
    q->watched[i].filter = change->filter;
    q->count++;
    return 0;
}

static int change_user_event(int descriptor, queue *q, const struct kevent *change) {
    const uint64_t one = 1;
    if (change->flags & EV_ADD) {
        assert(change->flags & EV_CLEAR);
        if (refused == EVFILT_USER) return ENOMEM;
        q->has_user_event = true;
    }
    if (!q->has_user_event) return ENOENT;
    if (change->fflags & NOTE_TRIGGER && write(descriptor, &one, sizeof one) < 0) return errno;
    return 0;
}

static int apply(int descriptor, const struct kevent *changes, int count) {
    int cause = 0;
    pthread_mutex_lock(&lock);
    queue *q = &queues[descriptor];
    for (int i = 0; i < count && cause == 0; i++) {
        cause = changes[i].filter == EVFILT_USER ? change_user_event(descriptor, q, &changes[i])
                                                 : change_descriptor(q, &changes[i]);
    }
    pthread_mutex_unlock(&lock);
    return cause;
}

/* ------------------------------------------------------------------ waiting */

static void note_wait(const struct timespec *timeout) {
    pthread_mutex_lock(&lock);
    waited_ms = timeout == NULL ? -1 : timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000;
    pthread_mutex_unlock(&lock);
}

/* The queue itself first, then what it watches: one entry for each filter. */
static nfds_t fill(int descriptor, struct pollfd *polled) {
    pthread_mutex_lock(&lock);
    const queue *q = &queues[descriptor];
    nfds_t count = 0;
    polled[count++] = (struct pollfd){.fd = descriptor, .events = POLLIN};
    for (size_t i = 0; i < q->count; i++) {
        short events = q->watched[i].filter == EVFILT_READ ? POLLIN : POLLOUT;
        polled[count++] = (struct pollfd){.fd = q->watched[i].descriptor, .events = events};
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* What was told goes behind what was not: so that all have their turn where there is little room. */
static void put_last(int descriptor, const struct kevent *told) {
    pthread_mutex_lock(&lock);
    queue *q = &queues[descriptor];
    size_t i = place_of(q, told);
    for (; i + 1 < q->count; i++) {
        q->watched[i] = q->watched[i + 1];
        q->watched[i + 1].descriptor = (int)told->ident;
        q->watched[i + 1].filter = told->filter;
    }
    pthread_mutex_unlock(&lock);
}

/* What an EV_CLEAR event leaves behind: nothing. false: another thread took it. */
static bool take_user_event(int descriptor) {
    uint64_t count;
    return read(descriptor, &count, sizeof count) == sizeof count;
}

int kevent(int kq, const struct kevent *changelist, int nchanges, struct kevent *eventlist,
           int nevents, const struct timespec *timeout) {
    struct pollfd polled[1 + WATCHED_MAX];
    int taken = 0;
    errno = apply(kq, changelist, nchanges);
    if (errno != 0) return -1;
    if (nevents == 0) return 0;

    note_wait(timeout);
    nfds_t count = fill(kq, polled);
    if (ppoll(polled, count, timeout, NULL) < 0) return -1;
    if (polled[0].revents && take_user_event(kq))
        eventlist[taken++] = (struct kevent){.filter = EVFILT_USER};
    for (nfds_t i = 1; i < count && taken < nevents; i++) {
        if (!polled[i].revents) continue;
        eventlist[taken++] = (struct kevent){
            .ident = (uintptr_t)polled[i].fd,
            .filter = polled[i].events == POLLIN ? EVFILT_READ : EVFILT_WRITE,
            .flags = polled[i].revents & POLLHUP ? EV_EOF : 0,
        };
        put_last(kq, &eventlist[taken - 1]);
    }
    return taken;
}
