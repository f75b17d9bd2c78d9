#include "session/grant_rate.h"

#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, COUNTED_MAX = 3600 /* nobody asks more than once a second */ };

ti_grant_rate *ti_grant_rate_new(int limit) {
    unsigned size = limit < COUNTED_MAX ? (unsigned)limit : COUNTED_MAX;
    ti_grant_rate *rate = calloc(1, sizeof *rate + size * sizeof rate->at_boot_ms[0]);

    if (rate != NULL) rate->size = size;
    return rate;
}

static unsigned at_most(const ti_grant_rate *rate, ti_grant_need need) {
    unsigned most = need == TI_GRANT_IN_BACKGROUND ? rate->size / 2 : rate->size - 1;

    return most > 0 ? most : 1; /* a limit of one or two cannot be kept away from */
}

int64_t ti_grant_rate_free_at(const ti_grant_rate *rate, ti_grant_need need) {
    if (rate == NULL) return INT64_MIN;
    return ti_window_free_at(&rate->window, rate->at_boot_ms, rate->size, at_most(rate, need),
                             HOUR_MS);
}

void ti_grant_rate_note(ti_grant_rate *rate, int64_t now_boot_ms) {
    ti_window_note(&rate->window, rate->at_boot_ms, rate->size, now_boot_ms);
}
