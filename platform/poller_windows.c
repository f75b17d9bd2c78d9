/*
 * select(), and a pair of connected sockets for wakes.
 *
 * Not WSAPoll(): before Windows 10 version 2004 it never tells of a connection that failed, so that
 * each refused one would last until its timeout. select() tells, in its third set, and takes sets of
 * any length, whatever FD_SETSIZE is. A descriptor is a SOCKET, a handle of the kernel, which has
 * 32 bits also where a pointer has 64.
 *
 * Properties: `watched` is in the order of its sockets. `woken` is true from a wake until the wait
 * that reports it; only the first wake of these writes.
 * Safety: all but `woken` and `wake_up`, which is written to from everywhere, belongs to the
 * poller's thread.
 */
#include "platform/poller.h"

#include "platform/windows_translate.h"

#include <winsock2.h>
#include <windows.h>

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WATCHED_FIRST 32

typedef struct watched {
    SOCKET socket;
    unsigned events, found;
} watched;

/* An fd_set without a limit. */
typedef struct sockets {
    u_int count;
    SOCKET list[];
} sockets;
static_assert(offsetof(sockets, list) == offsetof(fd_set, fd_array), "what select() reads");

struct ti_poller {
    bool started; /* Windows Sockets, for us */
    SOCKET wake_up, told;
    atomic_bool woken;
    watched *watched;
    size_t count, capacity;               /* of watched */
    size_t next;                          /* to be reported first, so that each has its turn */
    sockets *to_read, *to_write, *broken; /* room for capacity and one more each */
};

static bool fail(void) {
    errno = ti_windows_errno((unsigned long)WSAGetLastError());
    return false;
}

static SOCKET new_socket(void) {
    return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static bool is_same_address(const struct sockaddr_in *a, const struct sockaddr_in *b) {
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static bool set_up_pair(const ti_poller *poller) {
    u_long yes = 1;
    int at_once = 1;
    SetHandleInformation((HANDLE)poller->told, HANDLE_FLAG_INHERIT, 0);
    return ioctlsocket(poller->told, FIONBIO, &yes) == 0 &&
           ioctlsocket(poller->wake_up, FIONBIO, &yes) == 0 &&
           setsockopt(poller->wake_up, IPPROTO_TCP, TCP_NODELAY, (const char *)&at_once,
                      sizeof at_once) == 0;
}

/* Anybody on this machine may connect to the listener: who comes first is taken only if it is us. */
static bool connect_pair(ti_poller *poller, SOCKET listener) {
    struct sockaddr_in place = {.sin_family = AF_INET}, own, other;
    int exclusive = 1, size = sizeof place, own_size = sizeof own, other_size = sizeof other;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&exclusive,
                   sizeof exclusive) != 0 ||
        bind(listener, (struct sockaddr *)&place, sizeof place) != 0 ||
        getsockname(listener, (struct sockaddr *)&place, &size) != 0 || listen(listener, 1) != 0 ||
        connect(poller->wake_up, (struct sockaddr *)&place, sizeof place) != 0) {
        return fail();
    }
    poller->told = accept(listener, (struct sockaddr *)&other, &other_size);
    if (poller->told == INVALID_SOCKET ||
        getsockname(poller->wake_up, (struct sockaddr *)&own, &own_size) != 0) {
        return fail();
    }
    if (!is_same_address(&own, &other)) {
        errno = EACCES;
        return false;
    }
    return set_up_pair(poller) || fail();
}

static bool make_pair(ti_poller *poller) {
    SOCKET listener = new_socket();
    if (listener == INVALID_SOCKET) return fail();
    poller->wake_up = new_socket();
    bool made = poller->wake_up == INVALID_SOCKET ? fail() : connect_pair(poller, listener);
    int cause = errno;
    closesocket(listener);
    errno = cause;
    return made;
}

static sockets *grown_set(sockets **set, size_t capacity) {
    sockets *grown = realloc(*set, sizeof *grown + (capacity + 1) * sizeof grown->list[0]);
    if (grown) *set = grown;
    return grown;
}

static bool reserve(ti_poller *poller, size_t capacity) {
    if (capacity <= poller->capacity) return true;
    watched *grown = realloc(poller->watched, capacity * sizeof *grown);
    if (grown) poller->watched = grown;
    if (!grown || !grown_set(&poller->to_read, capacity) ||
        !grown_set(&poller->to_write, capacity) || !grown_set(&poller->broken, capacity)) {
        errno = ENOMEM;
        return false;
    }
    poller->capacity = capacity;
    return true;
}

static bool begin(ti_poller *poller) {
    WSADATA ignored;
    int problem = WSAStartup(MAKEWORD(2, 2), &ignored);
    if (problem != 0) {
        errno = ti_windows_errno((unsigned long)problem);
        return false;
    }
    poller->started = true;
    return make_pair(poller) && reserve(poller, WATCHED_FIRST);
}

ti_poller *ti_poller_new(void) {
    ti_poller *poller = calloc(1, sizeof *poller);
    if (!poller) return NULL;
    poller->wake_up = poller->told = INVALID_SOCKET;
    if (begin(poller)) return poller;
    int problem = errno;
    ti_poller_free(poller);
    errno = problem;
    return NULL;
}

void ti_poller_free(ti_poller *poller) {
    if (!poller) return;
    if (poller->told != INVALID_SOCKET) closesocket(poller->told);
    if (poller->wake_up != INVALID_SOCKET) closesocket(poller->wake_up);
    if (poller->started) WSACleanup();
    free(poller->broken);
    free(poller->to_write);
    free(poller->to_read);
    free(poller->watched);
    free(poller);
}

/* Where it is, or belongs. */
static size_t find(const ti_poller *poller, SOCKET socket) {
    size_t low = 0, high = poller->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (poller->watched[middle].socket < socket) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_watched(const ti_poller *poller, size_t place, SOCKET socket) {
    return place < poller->count && poller->watched[place].socket == socket;
}

static void remove_at(ti_poller *poller, size_t place) {
    watched *gone = &poller->watched[place];
    memmove(gone, gone + 1, (--poller->count - place) * sizeof *gone);
}

static bool insert_at(ti_poller *poller, size_t place, SOCKET socket) {
    if (poller->count == poller->capacity && !reserve(poller, 2 * poller->capacity)) return false;
    watched *added = &poller->watched[place];
    memmove(added + 1, added, (poller->count++ - place) * sizeof *added);
    *added = (watched){.socket = socket};
    return true;
}

static bool is_socket(SOCKET socket) {
    int type, size = sizeof type;
    return getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0;
}

bool ti_poller_watch(ti_poller *poller, int descriptor, unsigned events) {
    SOCKET socket = (SOCKET)(unsigned)descriptor;
    size_t place = find(poller, socket);
    bool before = is_watched(poller, place, socket);
    if (!events) {
        if (before) remove_at(poller, place);
        return true;
    }
    if (!is_socket(socket)) return fail(); /* one such would spoil every wait */
    if (!before && !insert_at(poller, place, socket)) return false;
    poller->watched[place].events = events;
    return true;
}

static void add_to(sockets *set, SOCKET socket) {
    set->list[set->count++] = socket;
}

static void fill_sets(ti_poller *poller) {
    poller->to_read->count = poller->to_write->count = poller->broken->count = 0;
    add_to(poller->to_read, poller->told);
    for (size_t i = 0; i < poller->count; i++) {
        watched *one = &poller->watched[i];
        one->found = 0;
        if (one->events & TI_POLLER_IN) add_to(poller->to_read, one->socket);
        if (one->events & TI_POLLER_OUT) {
            add_to(poller->to_write, one->socket);
            add_to(poller->broken, one->socket);
        }
    }
}

static void note_found(ti_poller *poller, const sockets *set, unsigned events) {
    for (u_int i = 0; i < set->count; i++) {
        size_t place = find(poller, set->list[i]);
        if (is_watched(poller, place, set->list[i])) poller->watched[place].found |= events;
    }
}

/* Someone closed a socket that is watched: from now on, nobody waits for it. */
static void forget_closed(ti_poller *poller) {
    for (size_t i = poller->count; i-- > 0;) {
        if (!is_socket(poller->watched[i].socket)) remove_at(poller, i);
    }
}

/* A wake that comes between the two is answered by this one: who waited looks for its cause only
 * now. */
static void take_wake(ti_poller *poller) {
    char bytes[16];
    while (recv(poller->told, bytes, sizeof bytes, 0) > 0) {
    }
    atomic_exchange(&poller->woken, false);
}

static bool is_woken(const ti_poller *poller) {
    const sockets *set = poller->to_read;
    for (u_int i = 0; i < set->count; i++) {
        if (set->list[i] == poller->told) return true;
    }
    return false;
}

/* Begins behind the last that was reported. */
static size_t report(ti_poller *poller, ti_poller_ready *ready, size_t capacity) {
    size_t taken = 0;
    for (size_t i = 0, count = poller->count; i < count && taken < capacity; i++) {
        size_t place = (poller->next + i) % count;
        const watched *one = &poller->watched[place];
        unsigned found = one->found & one->events;
        if (!found) continue;
        ready[taken++] = (ti_poller_ready){.descriptor = (int)one->socket, .events = found};
        if (taken == capacity) poller->next = (place + 1) % count;
    }
    return taken;
}

size_t ti_poller_wait(ti_poller *poller, int timeout_ms, ti_poller_ready *ready, size_t capacity,
                      bool *woken) {
    struct timeval time = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    *woken = false;
    fill_sets(poller);
    int count = select(0, (fd_set *)poller->to_read, (fd_set *)poller->to_write,
                       (fd_set *)poller->broken, timeout_ms < 0 ? NULL : &time);
    if (count < 0) forget_closed(poller);
    if (count <= 0) return 0;
    if (is_woken(poller)) {
        take_wake(poller);
        *woken = true;
    }
    note_found(poller, poller->to_read, TI_POLLER_IN);
    note_found(poller, poller->to_write, TI_POLLER_OUT);
    note_found(poller, poller->broken, TI_POLLER_OUT);
    return report(poller, ready, capacity);
}

void ti_poller_wake(ti_poller *poller) {
    if (atomic_exchange(&poller->woken, true)) return;
    send(poller->wake_up, "", 1, 0);
}
