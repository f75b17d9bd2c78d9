/*
 * epoll, and an eventfd for wakes.
 *
 * Properties: `watched` says for each descriptor what epoll was told, so that nothing is told twice.
 * `woken` is true from a wake until the wait that reports it; only the first wake of these writes.
 * Safety: all but `woken` and `wake_up`, which is written to from everywhere, belongs to the
 * poller's thread.
 */
#include "platform/poller.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH 64
#define DESCRIPTORS_FIRST 64

struct ti_poller {
    int epoll, wake_up;
    atomic_bool woken;
    unsigned char *watched; /* by descriptor */
    size_t capacity;        /* of watched */
};

static bool begin(ti_poller *poller) {
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll < 0) return false;
    poller->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->wake_up < 0) return false;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = poller->wake_up};
    return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->wake_up, &event) == 0;
}

ti_poller *ti_poller_new(void) {
    ti_poller *poller = calloc(1, sizeof *poller);
    if (!poller) return NULL;
    poller->epoll = poller->wake_up = -1;
    if (begin(poller)) return poller;
    int problem = errno;
    ti_poller_free(poller);
    errno = problem;
    return NULL;
}

void ti_poller_free(ti_poller *poller) {
    if (!poller) return;
    if (poller->wake_up >= 0) close(poller->wake_up);
    if (poller->epoll >= 0) close(poller->epoll);
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

bool ti_poller_watch(ti_poller *poller, int descriptor, unsigned events) {
    size_t place = (size_t)descriptor;
    if (!reserve(poller, place)) return false;
    unsigned before = poller->watched[place];
    if (events == before) return true;

    int operation = !events ? EPOLL_CTL_DEL : before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event = {.data.fd = descriptor};
    if (events & TI_POLLER_IN) event.events |= EPOLLIN;
    if (events & TI_POLLER_OUT) event.events |= EPOLLOUT;
    if (epoll_ctl(poller->epoll, operation, descriptor, &event) != 0 && events) return false;
    poller->watched[place] = (unsigned char)events;
    return true;
}

static unsigned events_of(const struct epoll_event *event, unsigned watched) {
    unsigned events = 0;
    /* whoever reads or writes then is told what it is */
    if (event->events & (EPOLLERR | EPOLLHUP)) return watched;
    if (event->events & EPOLLIN) events |= TI_POLLER_IN;
    if (event->events & EPOLLOUT) events |= TI_POLLER_OUT;
    return events & watched;
}

/* A wake that comes between the two is answered by this one: who waited looks for its cause only
 * now. */
static void take_wake(ti_poller *poller) {
    uint64_t count;
    while (read(poller->wake_up, &count, sizeof count) < 0 && errno == EINTR) {
    }
    atomic_exchange(&poller->woken, false);
}

size_t ti_poller_wait(ti_poller *poller, int timeout_ms, ti_poller_ready *ready, size_t capacity,
                      bool *woken) {
    struct epoll_event events[BATCH];
    int room = capacity < BATCH ? (int)capacity : BATCH;
    int count = epoll_wait(poller->epoll, events, room, timeout_ms);
    size_t taken = 0;
    *woken = false;
    for (int i = 0; i < count; i++) {
        int descriptor = events[i].data.fd;
        if (descriptor == poller->wake_up) {
            take_wake(poller);
            *woken = true;
            continue;
        }
        unsigned found = events_of(&events[i], poller->watched[descriptor]);
        if (found) ready[taken++] = (ti_poller_ready){.descriptor = descriptor, .events = found};
    }
    return taken;
}

void ti_poller_wake(ti_poller *poller) {
    if (atomic_exchange(&poller->woken, true)) return;
    const uint64_t one = 1;
    while (write(poller->wake_up, &one, sizeof one) < 0 && errno == EINTR) {
    }
}
