#include "clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 2025-01-01T00:00:00Z */
#define PLAUSIBLE_WALL_MS (INT64_C(1735689600) * 1000)

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

/* Milliseconds have 64 bits also where time_t has 32. */
static int64_t read_ms(clockid_t clock) {
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_boot_ms(void) {
    return read_ms(CLOCK_BOOTTIME);
}

int64_t clock_ahead_ms(void) {
    return read_ms(CLOCK_REALTIME) - clock_boot_ms();
}

int64_t clock_right_ahead_ms(void) {
    return read_ms(CLOCK_REALTIME) < PLAUSIBLE_WALL_MS ? CLOCK_UNKNOWN : clock_ahead_ms();
}

static bool read_bytes(const char *path, void *bytes, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : read(file, bytes, size);

    if (file >= 0) close(file);
    return count == (ssize_t)size;
}

/* Like "3f2a9c1e-...": 32 digits with dashes between them. */
static bool parse(const char *text, boot_id *id) {
    for (int i = 0; i < 16; i++) {
        unsigned byte;

        if (*text == '-') text++;
        if (sscanf(text, "%2x", &byte) != 1) return false;
        id->bytes[i] = (unsigned char)byte;
        text += 2;
    }
    return true;
}

bool clock_boot_id(boot_id *id) {
    char text[37] = "";

    if (read_bytes("/proc/sys/kernel/random/boot_id", text, 36) && parse(text, id)) return true;
    return read_bytes("/dev/urandom", id->bytes, sizeof id->bytes);
}
