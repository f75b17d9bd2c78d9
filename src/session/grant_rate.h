/* What a server with an alarm (refreshes_per_hour_max in its dialect) is asked at most: the background takes half of what it allows in
 * any hour, so that whoever needs a token finds one left, and the last is never asked for. Counted by the minute, and a minute's count
 * until the last of it is an hour old. Pure. */
#ifndef TI_GRANT_RATE_H
#define TI_GRANT_RATE_H

#include <stdint.h>

#define TI_GRANT_RATE_MINUTES 61 /* the first of them is not over */

typedef struct ti_grant_rate { /* all zeros: none, and no limit */
    unsigned limit;            /* of the server */
    int64_t newest_boot_ms;
    /* [i]: refreshes in the minute that ends i minutes before newest_boot_ms; 255: so many, or more */
    unsigned char counts[TI_GRANT_RATE_MINUTES];
} ti_grant_rate;

typedef enum ti_grant_need { TI_GRANT_IN_BACKGROUND, TI_GRANT_NEEDED } ti_grant_need;

/* The first time at which one more may go; INT64_MIN: any. */
int64_t ti_grant_rate_free_at(const ti_grant_rate *rate, ti_grant_need need);
void ti_grant_rate_note(ti_grant_rate *rate, int64_t now_boot_ms);
/* The last one noted did not go. */
void ti_grant_rate_take_back(ti_grant_rate *rate);

#endif
