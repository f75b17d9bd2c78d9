#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ti_os_boot_ms(void) {
    return now_ms(CLOCK_BOOTTIME);
}

int64_t ti_os_wall_ms(void) {
    return now_ms(CLOCK_REALTIME);
}

bool ti_os_random(void *memory, size_t size) {
    unsigned char *next = memory;
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        next += got;
        size -= (size_t)got;
    }
    return true;
}

void ti_os_wipe(void *memory, size_t size) {
    if (size > 0) explicit_bzero(memory, size);
}

size_t ti_os_usable_size(void *memory) {
    return malloc_usable_size(memory);
}

const char *ti_os_variable(const char *name) {
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

/* A path that is not absolute is to be ignored, says the XDG base directory specification. */
static const char *directory_from(const char *variable) {
    const char *path = ti_os_variable(variable);
    return path && *path == '/' ? path : NULL;
}

char *ti_os_state_directory(void) {
    const char *base = directory_from("XDG_STATE_HOME"), *below = "/tacit";
    if (!base) {
        base = directory_from("HOME");
        below = "/.local/state/tacit";
    }
    if (!base) {
        errno = ENOENT;
        return NULL;
    }
    size_t size = strlen(base) + strlen(below) + 1;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s", base, below);
    return path;
}

int ti_os_sync(int file) {
    return fsync(file);
}

int ti_os_sync_data(int file) {
    return fdatasync(file);
}

static int hex_value(char digit) {
    static const char digits[] = "0123456789abcdef";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* The 16 bytes of a UUID in its usual form. */
static bool read_uuid(const char *text, unsigned char id[16]) {
    for (size_t i = 0; i < 16; i++) {
        if (*text == '-') text++;
        int high = hex_value(text[0]), low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0) return false;
        id[i] = (unsigned char)(high * 16 + low);
        text += 2;
    }
    return true;
}

void ti_os_boot_id(unsigned char id[16]) {
    char text[40] = "";
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t got = read(file, text, sizeof text - 1);
        if (got < 0) text[0] = '\0';
        close(file);
    }
    if (!read_uuid(text, id)) memset(id, 0, 16);
}

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Grows with each number that is given, and is inherited: so a child never gets one of its
 * parent's. */
static atomic_uint last_process;
static atomic_uint no_process;
_Atomic(atomic_uint *) ti_os_process_mark = &no_process;

/* In the child. */
static void forget_process(void) {
    atomic_store(atomic_load(&ti_os_process_mark), 0);
}

/* The kernel does it, since 4.14, for children of fork() and clone() alike. Emulators are known that
 * answer 0 to whatever advice and do nothing. */
static bool is_wiped_on_fork(void *page, size_t size) {
    return madvise(page, size, -1) != 0 && madvise(page, size, MADV_WIPEONFORK) == 0;
}

static atomic_uint *new_process_mark(void) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    if (is_wiped_on_fork(page, size) || pthread_atfork(NULL, NULL, forget_process) == 0) {
        return page;
    }
    munmap(page, size);
    return NULL;
}

/* Without a lock, which a thread that the child lacks might hold. */
static atomic_uint *process_mark(void) {
    atomic_uint *mark = atomic_load(&ti_os_process_mark), *before = &no_process;
    if (mark != before) return mark;
    mark = new_process_mark();
    if (!mark || atomic_compare_exchange_strong(&ti_os_process_mark, &before, mark)) return mark;
    munmap(mark, (size_t)sysconf(_SC_PAGESIZE));
    return before;
}

unsigned ti_os_process(void) {
    atomic_uint *mark = process_mark();
    if (!mark) return 0;
    unsigned process = atomic_load(mark), none = 0;
    if (process != 0) return process;
    /* Counted before it is given: who is forked in between gets a later one. */
    process = atomic_fetch_add(&last_process, 1) + 1;
    return atomic_compare_exchange_strong(mark, &none, process) ? process : none;
}

struct ti_os_timer {
    int due;  /* timerfd on the boot clock */
    int wake; /* eventfd */
    int step; /* timerfd on the wall clock that is cancelled when it is set; -1: not to be had */
};

#define BLIND_WAIT_MAX_MS 30000

/* -1 where the system has no TFD_TIMER_CANCEL_ON_SET. */
static int watch_wall_clock(void) {
    int watch = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (watch < 0) return -1;
    /* When it expires does not matter, only that it is cancelled; 2038 fits every time_t. */
    struct itimerspec late = {.it_value.tv_sec = INT32_MAX};
    if (timerfd_settime(watch, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &late, NULL) == 0) {
        return watch;
    }
    close(watch);
    return -1;
}

ti_os_timer *ti_os_timer_new(void) {
    ti_os_timer *timer = malloc(sizeof *timer);
    if (!timer) return NULL;
    timer->due = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    timer->wake = timer->due < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    timer->step = timer->wake < 0 ? -1 : watch_wall_clock();
    if (timer->wake >= 0) return timer;

    int cause = errno;
    ti_os_timer_free(timer);
    errno = cause;
    return NULL;
}

void ti_os_timer_free(ti_os_timer *timer) {
    if (!timer) return;
    if (timer->step >= 0) close(timer->step);
    if (timer->wake >= 0) close(timer->wake);
    if (timer->due >= 0) close(timer->due);
    free(timer);
}

/* Setting also forgets an expiry that was not read. A time beyond what every time_t can hold, 68
 * years after boot, is never. */
static void set_due(int due, int64_t boot_ms) {
    struct itimerspec at = {.it_value.tv_sec = 0};
    if (boot_ms / 1000 <= INT32_MAX) {
        at.it_value.tv_sec = (time_t)(boot_ms / 1000);
        at.it_value.tv_nsec = (long)(boot_ms % 1000) * 1000000L;
    }
    timerfd_settime(due, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Takes what happened since the last call. */
static unsigned take_events(const ti_os_timer *timer) {
    unsigned events = 0;
    uint64_t count;
    if (read(timer->wake, &count, sizeof count) > 0) events |= TI_OS_TIMER_WOKEN;
    if (timer->step >= 0 && read(timer->step, &count, sizeof count) < 0 && errno == ECANCELED) {
        events |= TI_OS_TIMER_CLOCK_STEP;
    }
    return events;
}

unsigned ti_os_timer_wait(ti_os_timer *timer, int64_t boot_ms) {
    struct pollfd watched[] = {{.fd = timer->due, .events = POLLIN},
                               {.fd = timer->wake, .events = POLLIN},
                               {.fd = timer->step, .events = POLLIN}}; /* poll() skips -1 */
    int limit_ms = timer->step < 0 ? BLIND_WAIT_MAX_MS : -1;
    set_due(timer->due, boot_ms);
    /* Not left to the timer: zero would disarm it, and a negative time is refused. */
    if (boot_ms <= ti_os_boot_ms()) limit_ms = 0;

    while (poll(watched, 3, limit_ms) < 0 && errno == EINTR) continue;
    return take_events(timer);
}

void ti_os_timer_wake(ti_os_timer *timer) {
    uint64_t one = 1;
    /* It fails only where the counter is full, and then a wake is waiting already. */
    ssize_t written = write(timer->wake, &one, sizeof one);
    (void)written;
}
