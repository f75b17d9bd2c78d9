#include "session/storm.h"

#include "base/clock.h"

enum {
    SHORT_MAX = 5,
    SHORT_MS = 30 * 1000,
    HOUR_MS = 3600 * 1000,
    BLOCK_MS = 60 * 1000,
    BLOCK_MAX_MS = 15 * 60 * 1000
};

/* Fewer than `most` of those noted lie within the span before now. */
static bool has_room(const ti_storm *storm, unsigned most, int64_t span_ms, int64_t now_boot_ms) {
    unsigned oldest = (storm->next + TI_STORM_HOURLY_MAX - most) % TI_STORM_HOURLY_MAX;

    return storm->count < most || ti_boot_plus(storm->at_boot_ms[oldest], span_ms) <= now_boot_ms;
}

static void note(ti_storm *storm, int64_t now_boot_ms) {
    storm->at_boot_ms[storm->next] = now_boot_ms;
    storm->next = (storm->next + 1) % TI_STORM_HOURLY_MAX;
    if (storm->count < TI_STORM_HOURLY_MAX) storm->count++;
}

int64_t ti_storm_blocked_ms(const ti_storm *storm, int64_t now_boot_ms) {
    int64_t left_ms = storm->blocked_until_boot_ms - now_boot_ms;

    return left_ms > 0 ? left_ms : 0;
}

bool ti_storm_admit(ti_storm *storm, int64_t now_boot_ms) {
    int64_t block_ms = BLOCK_MS;

    if (has_room(storm, 1, HOUR_MS, now_boot_ms)) storm->blocks = 0;
    if (!has_room(storm, SHORT_MAX, SHORT_MS, now_boot_ms) ||
        !has_room(storm, TI_STORM_HOURLY_MAX, HOUR_MS, now_boot_ms)) {
        for (unsigned i = 0; i < storm->blocks && block_ms < BLOCK_MAX_MS; i++) block_ms *= 2;
        if (block_ms > BLOCK_MAX_MS) block_ms = BLOCK_MAX_MS;
        storm->blocks++;
        storm->blocked_until_boot_ms = now_boot_ms + block_ms;
        return false;
    }
    note(storm, now_boot_ms);
    return true;
}
