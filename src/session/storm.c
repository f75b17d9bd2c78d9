#include "session/storm.h"

enum {
    SHORT_MAX = 5,
    SHORT_MS = 30 * 1000,
    HOUR_MS = 3600 * 1000,
    BLOCK_MS = 60 * 1000,
    BLOCK_MAX_MS = 15 * 60 * 1000
};

/* How many of the ring's grants lie within the last span_ms. */
static unsigned within(const ti_storm *storm, int64_t now_boot_ms, int64_t span_ms) {
    unsigned n = 0;

    for (unsigned i = 0; i < storm->count; i++)
        if (now_boot_ms - storm->at_boot_ms[i] < span_ms) n++;
    return n;
}

int64_t ti_storm_blocked_ms(const ti_storm *storm, int64_t now_boot_ms) {
    int64_t left_ms = storm->blocked_until_boot_ms - now_boot_ms;

    return left_ms > 0 ? left_ms : 0;
}

bool ti_storm_admit(ti_storm *storm, int64_t now_boot_ms) {
    unsigned hourly = within(storm, now_boot_ms, HOUR_MS);
    int64_t block_ms = BLOCK_MS;

    if (hourly == 0) storm->blocks = 0;
    if (within(storm, now_boot_ms, SHORT_MS) >= SHORT_MAX || hourly >= TI_STORM_HOURLY_MAX) {
        for (unsigned i = 0; i < storm->blocks && block_ms < BLOCK_MAX_MS; i++) block_ms *= 2;
        if (block_ms > BLOCK_MAX_MS) block_ms = BLOCK_MAX_MS;
        storm->blocks++;
        storm->blocked_until_boot_ms = now_boot_ms + block_ms;
        return false;
    }
    storm->at_boot_ms[storm->next] = now_boot_ms;
    storm->next = (storm->next + 1) % TI_STORM_HOURLY_MAX;
    if (storm->count < TI_STORM_HOURLY_MAX) storm->count++;
    return true;
}
