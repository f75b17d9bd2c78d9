/* When things were: boot clocks of this boot and of earlier ones, as far as somebody knew the time before the boot was over. */
#ifndef DEVICE_DATES_H
#define DEVICE_DATES_H

#include "batch.h"

enum { DATES_MAX = 8 };

/* The latest of each boot; all zero at first. */
typedef struct dates {
    unsigned next;
    struct {
        boot_id boot;
        int64_t ahead_ms;
    } known[DATES_MAX];
} dates;

/* A batch of an earlier boot was seen in the spool. data: the dates. */
void dates_note(const batch *b, void *data);
/* By how much the wall clock was ahead of the batch's times; CLOCK_UNKNOWN: nobody knew while that boot lasted. this_boot is dated
 * by the clock of now, which is right even where it was not when the batch was made. */
int64_t dates_ahead_ms(const dates *d, const boot_id *this_boot, const batch *b);

#endif
