#include "pause.h"

#include <signal.h>
#include <time.h>

enum { STEP_MS = 20 };

static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    (void)number;
    interrupted = 1;
}

void pause_watch_signals(void) {
    struct sigaction action = {.sa_handler = interrupt};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool pause_interrupted(void) {
    return interrupted;
}

int64_t pause_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Any thread may get the signal, so no sleep is long. */
bool pause_ms(int64_t ms) {
    int64_t end_ms = pause_now_ms() + ms;

    for (int64_t left_ms; !interrupted && (left_ms = end_ms - pause_now_ms()) > 0;) {
        if (left_ms > STEP_MS) left_ms = STEP_MS;
        nanosleep(&(struct timespec){.tv_nsec = (long)left_ms * 1000000}, NULL);
    }
    return !interrupted;
}

bool pause_until(bool (*is_so)(void *data), void *data, int64_t timeout_ms) {
    int64_t end_ms = pause_now_ms() + timeout_ms;

    while (!is_so(data)) {
        if (pause_now_ms() >= end_ms || !pause_ms(STEP_MS)) return false;
    }
    return true;
}
