/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): for memset_s() */
#define __STDC_WANT_LIB_EXT1__ 1

#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc/malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* mach_continuous_time(). CLOCK_MONOTONIC counts sleep too, but from the wall clock and what was
 * set of it; CLOCK_UPTIME_RAW stands still. */
int64_t ti_os_boot_ms(void) {
    return now_ms(CLOCK_MONOTONIC_RAW);
}

int64_t ti_os_wall_ms(void) {
    return now_ms(CLOCK_REALTIME);
}

/* Seeded by the kernel, also after a fork; there is always some. */
bool ti_os_random(void *memory, size_t size) {
    arc4random_buf(memory, size);
    return true;
}

void ti_os_wipe(void *memory, size_t size) {
    if (size > 0) memset_s(memory, size, 0, size);
}

size_t ti_os_usable_size(void *memory) {
    return malloc_size(memory);
}

const char *ti_os_variable(const char *name) {
    const char *value = issetugid() ? NULL : getenv(name);
    return value && *value ? value : NULL;
}

static const char *directory_from(const char *variable) {
    const char *path = ti_os_variable(variable);
    return path && *path == '/' ? path : NULL;
}

char *ti_os_state_directory(void) {
    const char *base = directory_from("XDG_STATE_HOME"), *below = "/tacit";
    if (!base) {
        base = directory_from("HOME");
        below = "/Library/Application Support/tacit";
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

/* Not every file system takes the order to flush the drive's own memory. */
int ti_os_sync(int file) {
    return fcntl(file, F_FULLFSYNC) == -1 ? fsync(file) : 0;
}

int ti_os_sync_data(int file) {
    return ti_os_sync(file);
}

/* kern.boottime would not do: it moves when the wall clock is set. */
void ti_os_boot_id(unsigned char id[16]) {
    uuid_string_t text = "";
    size_t size = sizeof text;
    if (sysctlbyname("kern.bootsessionuuid", text, &size, NULL, 0) != 0 || size != sizeof text ||
        uuid_parse(text, id) != 0) {
        memset(id, 0, 16);
    }
}

/* Grows with each number that is given, and is inherited: so a child never gets one of its
 * parent's. */
static atomic_uint last_process;
static atomic_uint process_mark;
static atomic_bool forks_are_watched;
_Atomic(atomic_uint *) ti_os_process_mark = &process_mark;

/* In the child; memory that the kernel clears there is not to be had. */
static void forget_process(void) {
    atomic_store(&process_mark, 0);
}

/* Without a lock, which a thread that the child lacks might hold: it may be done twice. */
static bool watch_forks(void) {
    if (atomic_load(&forks_are_watched)) return true;
    if (pthread_atfork(NULL, NULL, forget_process) != 0) return false;
    atomic_store(&forks_are_watched, true);
    return true;
}

unsigned ti_os_process(void) {
    if (!watch_forks()) return 0;
    unsigned process = atomic_load(&process_mark), none = 0;
    if (process != 0) return process;
    /* Counted before it is given: who is forked in between gets a later one. */
    process = atomic_fetch_add(&last_process, 1) + 1;
    return atomic_compare_exchange_strong(&process_mark, &none, process) ? process : none;
}

/*
 * The timeout of kevent() stands still while the system sleeps, and nothing tells of a step of the
 * wall clock. So both are looked at, every now and then.
 */
struct ti_os_timer {
    int queue;
    int64_t wall_offset_ms; /* of the wall clock to the boot clock, when it was last looked at */
};

#define WAIT_MAX_MS 30000
#define STEP_MS 1000 /* more than the clock is ever slewed by between two looks */

static int64_t wall_offset_ms(void) {
    return ti_os_wall_ms() - ti_os_boot_ms();
}

static bool begin(ti_os_timer *timer) {
    struct kevent wake;
    EV_SET(&wake, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
    timer->queue = kqueue();
    return timer->queue >= 0 && fcntl(timer->queue, F_SETFD, FD_CLOEXEC) == 0 &&
           kevent(timer->queue, &wake, 1, NULL, 0, NULL) == 0;
}

ti_os_timer *ti_os_timer_new(void) {
    ti_os_timer *timer = malloc(sizeof *timer);
    if (!timer) return NULL;
    timer->wall_offset_ms = wall_offset_ms();
    if (begin(timer)) return timer;

    int cause = errno;
    ti_os_timer_free(timer);
    errno = cause;
    return NULL;
}

void ti_os_timer_free(ti_os_timer *timer) {
    if (!timer) return;
    if (timer->queue >= 0) close(timer->queue);
    free(timer);
}

static bool clock_has_stepped(ti_os_timer *timer) {
    int64_t before = timer->wall_offset_ms;
    timer->wall_offset_ms = wall_offset_ms();
    int64_t moved = timer->wall_offset_ms - before;
    return moved > STEP_MS || moved < -STEP_MS;
}

static struct timespec time_until(int64_t boot_ms) {
    int64_t now = ti_os_boot_ms(), left_ms = 0;
    if (boot_ms > now) left_ms = boot_ms - now < WAIT_MAX_MS ? boot_ms - now : WAIT_MAX_MS;
    return (struct timespec){.tv_sec = (time_t)(left_ms / 1000),
                             .tv_nsec = (long)(left_ms % 1000) * 1000000L};
}

unsigned ti_os_timer_wait(ti_os_timer *timer, int64_t boot_ms) {
    struct timespec timeout = time_until(boot_ms);
    struct kevent event;
    unsigned events = 0;
    /* A signal ends the wait early, which is allowed. */
    if (kevent(timer->queue, NULL, 0, &event, 1, &timeout) > 0) events |= TI_OS_TIMER_WOKEN;
    if (clock_has_stepped(timer)) events |= TI_OS_TIMER_CLOCK_STEP;
    return events;
}

void ti_os_timer_wake(ti_os_timer *timer) {
    struct kevent wake;
    EV_SET(&wake, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    kevent(timer->queue, &wake, 1, NULL, 0, NULL);
}
