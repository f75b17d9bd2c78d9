/* The guard against forced refreshes that do not help (R14): at most 5 in 30 s and 10 in an hour. Pure. */
#ifndef TI_STORM_H
#define TI_STORM_H

#include <stdbool.h>
#include <stdint.h>

#define TI_STORM_HOURLY_MAX 10

typedef struct ti_storm {
    int64_t at_boot_ms[TI_STORM_HOURLY_MAX]; /* of the last forced grants that counted, as a ring */
    unsigned next, count;
    unsigned blocks; /* in a row: each lasts twice as long as the one before */
    int64_t blocked_until_boot_ms;
} ti_storm;

/* While it blocks, the ms until it ends, else 0. */
int64_t ti_storm_blocked_ms(const ti_storm *storm, int64_t now_boot_ms);
/* Counts one forced grant that is about to be sent. false: over the limit, a block begins, and the grant must not be sent. */
bool ti_storm_admit(ti_storm *storm, int64_t now_boot_ms);

#endif
