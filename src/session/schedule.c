#include "session/schedule.h"

#include "base/clock.h"

enum {
    LEAD_MIN_MS = 30 * 1000,
    LEAD_MAX_MS = 300 * 1000,
    OPENING_SPREAD_MS = 60 * 1000,
    WARNING_MAX_MS = 3 * 24 * 3600 * 1000,
    BACKOFF_BASE_MS = 1000,
    BACKOFF_SPREAD_MAX_MS = 300 * 1000
};

/* 0 .. below, evenly enough. */
static int64_t share(int64_t below, uint32_t random) {
    return (int64_t)(((uint64_t)below * random) >> 32);
}

static int64_t automatic_lead_ms(int64_t lifetime_ms, uint32_t random) {
    int64_t lead_ms = lifetime_ms / 10;

    if (lead_ms < LEAD_MIN_MS) lead_ms = LEAD_MIN_MS;
    if (lead_ms > LEAD_MAX_MS) lead_ms = LEAD_MAX_MS;
    return lead_ms + share(lead_ms, random);
}

int64_t ti_schedule_due(int64_t issued_boot_ms, int64_t lifetime_ms, int64_t refresh_in_s,
                        int lead_s, uint32_t random) {
    int64_t lead_ms;

    if (refresh_in_s > TI_NEVER / 1000) refresh_in_s = TI_NEVER / 1000;
    if (refresh_in_s >= 0 && (lifetime_ms < 0 || refresh_in_s <= lifetime_ms / 1000))
        return ti_boot_plus(issued_boot_ms, refresh_in_s * 1000);
    if (lifetime_ms < 0) return TI_NEVER;
    if (refresh_in_s >= 0) return ti_boot_plus(issued_boot_ms, lifetime_ms);
    lead_ms = lead_s > 0 ? (int64_t)lead_s * 1000 : automatic_lead_ms(lifetime_ms, random);
    if (lead_ms > lifetime_ms / 2) lead_ms = lifetime_ms / 2;
    return ti_boot_plus(issued_boot_ms, lifetime_ms - lead_ms);
}

int64_t ti_schedule_due_loaded(int64_t due_boot_ms, int64_t expires_boot_ms, int64_t now_boot_ms,
                               uint32_t random) {
    int64_t spread_ms = OPENING_SPREAD_MS, left_ms = expires_boot_ms - now_boot_ms;

    if (due_boot_ms > now_boot_ms) return due_boot_ms;
    if (left_ms > 0 && left_ms / 2 < spread_ms) spread_ms = left_ms / 2;
    return now_boot_ms + share(spread_ms, random);
}

static int64_t warning_ms(int64_t lifetime_ms) {
    return lifetime_ms / 4 < WARNING_MAX_MS ? lifetime_ms / 4 : WARNING_MAX_MS;
}

int64_t ti_schedule_warning(int64_t expires_boot_ms, int64_t lifetime_ms) {
    if (lifetime_ms < 0 || expires_boot_ms == TI_NEVER) return TI_NEVER;
    return expires_boot_ms - warning_ms(lifetime_ms);
}

int64_t ti_schedule_renewal(int64_t expires_boot_ms, int64_t lifetime_ms, uint32_t random) {
    int64_t before_ms;

    if (lifetime_ms < 0 || expires_boot_ms == TI_NEVER) return TI_NEVER;
    before_ms = warning_ms(lifetime_ms) + automatic_lead_ms(lifetime_ms, random);
    if (before_ms > lifetime_ms / 2) before_ms = lifetime_ms / 2;
    return expires_boot_ms - before_ms;
}

int64_t ti_schedule_backoff_ms(unsigned failures, uint32_t random) {
    int64_t spread_ms = BACKOFF_SPREAD_MAX_MS;

    if (failures < 9 && (1000 << failures) < BACKOFF_SPREAD_MAX_MS) spread_ms = 1000 << failures;
    return BACKOFF_BASE_MS + share(spread_ms, random);
}
