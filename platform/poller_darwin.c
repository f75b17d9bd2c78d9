/*
 * kqueue, and one of its user events for wakes.
 *
 * Properties: `watched` says for each descriptor what kqueue was told, so that nothing is told twice.
 * `woken` is true from a wake until the wait that reports it; only the first wake of these triggers.
 * Safety: all but `woken` and `queue`, through which any thread wakes, belongs to the poller's thread.
 */
#include "platform/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#define BATCH 64
#define DESCRIPTORS_FIRST 64

struct ti_poller {
    int queue;
    atomic_bool woken;
    unsigned char *watched; /* by descriptor */
    size_t capacity;        /* of watched */
};

static bool change(int queue, uintptr_t of, int16_t filter, uint16_t flags, uint32_t more) {
    struct kevent event;
    EV_SET(&event, of, filter, flags, more, 0, NULL);
    return kevent(queue, &event, 1, NULL, 0, NULL) == 0;
}

ti_poller *ti_poller_new(void) {
    ti_poller *poller = calloc(1, sizeof *poller);
    if (!poller) return NULL;
    poller->queue = kqueue();
    if (poller->queue >= 0 && fcntl(poller->queue, F_SETFD, FD_CLOEXEC) == 0 &&
        change(poller->queue, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0)) {
        return poller;
    }
    int problem = errno;
    ti_poller_free(poller);
    errno = problem;
    return NULL;
}

void ti_poller_free(ti_poller *poller) {
    if (!poller) return;
    if (poller->queue >= 0) close(poller->queue);
    free(poller->watched);
    free(poller);
}

static bool reserve(ti_poller *poller, size_t descriptor) {
    size_t capacity = poller->capacity ? poller->capacity : DESCRIPTORS_FIRST;
    while (capacity <= descriptor) capacity *= 2;
    if (capacity == poller->capacity) return true;
    unsigned char *grown = realloc(poller->watched, capacity);
    if (!grown) return false;
    memset(grown + poller->capacity, 0, capacity - poller->capacity);
    poller->watched = grown;
    poller->capacity = capacity;
    return true;
}

static bool add(const ti_poller *poller, int descriptor, unsigned event) {
    int16_t filter = event == TI_POLLER_IN ? EVFILT_READ : EVFILT_WRITE;
    return change(poller->queue, (uintptr_t)descriptor, filter, EV_ADD, 0);
}

/* What is gone by itself is gone as well. */
static void drop(const ti_poller *poller, int descriptor, unsigned events) {
    if (events & TI_POLLER_IN)
        change(poller->queue, (uintptr_t)descriptor, EVFILT_READ, EV_DELETE, 0);
    if (events & TI_POLLER_OUT)
        change(poller->queue, (uintptr_t)descriptor, EVFILT_WRITE, EV_DELETE, 0);
}

bool ti_poller_watch(ti_poller *poller, int descriptor, unsigned events) {
    size_t place = (size_t)descriptor;
    if (!reserve(poller, place)) return false;
    unsigned before = poller->watched[place], more = events & ~before;

    if (more & TI_POLLER_IN && !add(poller, descriptor, TI_POLLER_IN)) return false;
    if (more & TI_POLLER_OUT && !add(poller, descriptor, TI_POLLER_OUT)) {
        int problem = errno;
        drop(poller, descriptor, more & TI_POLLER_IN);
        errno = problem;
        return false;
    }
    drop(poller, descriptor, before & ~events);
    poller->watched[place] = (unsigned char)events;
    return true;
}

/* The descriptor's place among those taken: reading and writing are told one by one. */
static ti_poller_ready *place_of(ti_poller_ready *ready, size_t *taken, int descriptor) {
    for (size_t i = 0; i < *taken; i++) {
        if (ready[i].descriptor == descriptor) return &ready[i];
    }
    ready[*taken] = (ti_poller_ready){.descriptor = descriptor};
    return &ready[(*taken)++];
}

size_t ti_poller_wait(ti_poller *poller, int timeout_ms, ti_poller_ready *ready, size_t capacity,
                      bool *woken) {
    struct kevent events[BATCH];
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000L};
    int room = capacity < BATCH ? (int)capacity : BATCH;
    int count = kevent(poller->queue, NULL, 0, events, room,
                       timeout_ms == TI_POLLER_FOR_EVER ? NULL : &timeout);
    size_t taken = 0;
    *woken = false;
    for (int i = 0; i < count; i++) {
        if (events[i].filter == EVFILT_USER) {
            /* A wake that comes in between is answered by this one: who waited looks for its cause
             * only now. */
            atomic_exchange(&poller->woken, false);
            *woken = true;
            continue;
        }
        unsigned event = events[i].filter == EVFILT_READ ? TI_POLLER_IN : TI_POLLER_OUT;
        place_of(ready, &taken, (int)events[i].ident)->events |= event;
    }
    return taken;
}

void ti_poller_wake(ti_poller *poller) {
    if (atomic_exchange(&poller->woken, true)) return;
    change(poller->queue, 0, EVFILT_USER, 0, NOTE_TRIGGER);
}
