/* The last times of something that must not happen too often: a ring over its owner's `size` slots. Pure. */
#ifndef TI_WINDOW_H
#define TI_WINDOW_H

#include <stdint.h>

typedef struct ti_window {
    unsigned next, count;
} ti_window;

/* The first time at which fewer than `most` (1 to size) of what is noted lie within the span before; INT64_MIN: they never did not. */
int64_t ti_window_free_at(const ti_window *window, const int64_t *at_boot_ms, unsigned size,
                          unsigned most, int64_t span_ms);
void ti_window_note(ti_window *window, int64_t *at_boot_ms, unsigned size, int64_t now_boot_ms);

#endif
