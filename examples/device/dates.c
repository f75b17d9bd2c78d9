#include "dates.h"

#include <string.h>

static bool same(const boot_id *one, const boot_id *other) {
    return memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

void dates_note(const batch *b, void *data) {
    dates *d = data;
    unsigned i = 0;

    if (b->ahead_ms == CLOCK_UNKNOWN) return;
    while (i < DATES_MAX && !same(&d->known[i].boot, &b->boot)) i++;
    if (i == DATES_MAX) i = d->next++ % DATES_MAX;
    d->known[i].boot = b->boot;
    d->known[i].ahead_ms = b->ahead_ms;
}

int64_t dates_ahead_ms(const dates *d, const boot_id *this_boot, const batch *b) {
    if (same(this_boot, &b->boot)) return clock_right_ahead_ms();
    for (unsigned i = 0; i < DATES_MAX && b->ahead_ms == CLOCK_UNKNOWN; i++)
        if (same(&d->known[i].boot, &b->boot)) return d->known[i].ahead_ms;
    return b->ahead_ms;
}
