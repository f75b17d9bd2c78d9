#include "session/grant_rate.h"

#include "base/clock.h"

#include <string.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static unsigned at_most(const ti_grant_rate *rate, ti_grant_need need) {
    unsigned most = need == TI_GRANT_IN_BACKGROUND ? rate->limit / 2 : rate->limit - 1;

    return most > 0 ? most : 1; /* a limit of one or two cannot be kept away from */
}

int64_t ti_grant_rate_free_at(const ti_grant_rate *rate, ti_grant_need need) {
    unsigned sum = 0;

    if (rate->limit == 0) return INT64_MIN;
    for (int i = 0; i < TI_GRANT_RATE_MINUTES; i++) {
        sum += rate->counts[i];
        if (sum >= at_most(rate, need))
            return ti_boot_plus(rate->newest_boot_ms, HOUR_MS - (int64_t)i * MINUTE_MS);
    }
    return INT64_MIN;
}

/* So that the newest minute is not over by then. */
static void move_on(ti_grant_rate *rate, int64_t now_boot_ms) {
    size_t size = sizeof rate->counts, gone = 0;

    if (now_boot_ms <= rate->newest_boot_ms) return;
    if (now_boot_ms - rate->newest_boot_ms > HOUR_MS) {
        rate->newest_boot_ms = now_boot_ms;
        gone = size; /* all of them */
    }
    for (; rate->newest_boot_ms < now_boot_ms; rate->newest_boot_ms += MINUTE_MS) gone++;
    memmove(rate->counts + gone, rate->counts, size - gone);
    memset(rate->counts, 0, gone);
}

void ti_grant_rate_note(ti_grant_rate *rate, int64_t now_boot_ms) {
    move_on(rate, now_boot_ms);
    if (rate->counts[0] < UINT8_MAX) rate->counts[0]++;
}

void ti_grant_rate_take_back(ti_grant_rate *rate) {
    if (rate->counts[0] > 0) rate->counts[0]--;
}
