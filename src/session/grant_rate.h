/* What a server with an alarm (refreshes_per_hour_max in its dialect) is asked at most: the background takes half of what it allows in
 * any hour, so that whoever needs a token finds one left, and the last is never asked for. Pure. */
#ifndef TI_GRANT_RATE_H
#define TI_GRANT_RATE_H

#include "session/window.h"

typedef struct ti_grant_rate {
    unsigned size; /* of the server's limit as much as is counted */
    ti_window window;
    int64_t at_boot_ms[]; /* of the last refreshes */
} ti_grant_rate;

typedef enum ti_grant_need { TI_GRANT_IN_BACKGROUND, TI_GRANT_NEEDED } ti_grant_need;

ti_grant_rate *ti_grant_rate_new(int limit); /* limit > 0. free(); NULL: no memory */
/* The first time at which one more may go; INT64_MIN: any. rate NULL: there is no limit. */
int64_t ti_grant_rate_free_at(const ti_grant_rate *rate, ti_grant_need need);
void ti_grant_rate_note(ti_grant_rate *rate, int64_t now_boot_ms);

#endif
