#include "session/window.h"

#include "base/clock.h"

int64_t ti_window_free_at(const ti_window *window, const int64_t *at_boot_ms, unsigned size,
                          unsigned most, int64_t span_ms) {
    if (window->count < most) return INT64_MIN;
    return ti_boot_plus(at_boot_ms[(window->next + size - most) % size], span_ms);
}

void ti_window_note(ti_window *window, int64_t *at_boot_ms, unsigned size, int64_t now_boot_ms) {
    at_boot_ms[window->next] = now_boot_ms;
    window->next = (window->next + 1) % size;
    if (window->count < size) window->count++;
}
