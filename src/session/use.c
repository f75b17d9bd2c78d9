#include "session/use.h"

#include <string.h>

void ti_use_unknown(ti_use *use) {
    use->began_boot_ms = use->began_wall_ms = TI_NEVER;
    use->read_boot_ms = 0;
    atomic_store(&use->used_boot_ms, TI_NEVER);
}

void ti_use_begin(ti_use *use, int64_t now_boot_ms) {
    use->began_boot_ms = now_boot_ms;
    use->began_wall_ms = TI_NEVER;
    use->read_boot_ms = now_boot_ms;
    atomic_store(&use->used_boot_ms, now_boot_ms);
}

bool ti_use_is_known(const ti_use *use) {
    return use->began_boot_ms != TI_NEVER;
}

bool ti_use_is_proven(const ti_use *use) {
    return use->began_wall_ms == TI_NEVER;
}

/* ------------------------------------------------------------------ across restarts */

typedef enum boot { SAME, ANOTHER, EITHER } boot;

/* The boot clock never goes back. */
static boot which_boot(const ti_journal_clocks *then, const ti_journal_clocks *now) {
    static const unsigned char none[sizeof now->boot_id];

    if (now->boot_ms < then->boot_ms) return ANOTHER;
    if (memcmp(now->boot_id, then->boot_id, sizeof now->boot_id) != 0) return ANOTHER;
    return memcmp(now->boot_id, none, sizeof none) == 0 ? EITHER : SAME;
}

/* What has passed for certain. */
static int64_t least_since(const ti_journal_clocks *then, const ti_journal_clocks *now) {
    return which_boot(then, now) == ANOTHER ? now->boot_ms : now->boot_ms - then->boot_ms;
}

bool ti_use_is_of_this_boot(const ti_kept_use *kept, const ti_journal_clocks *now) {
    return which_boot(&kept->at, now) == SAME;
}

void ti_use_read(ti_use *use, const ti_kept_use *kept, const ti_journal_clocks *now) {
    int64_t since_ms = least_since(&kept->at, now);
    int64_t shown_ms = now->wall_ms - kept->at.wall_ms;
    bool same = ti_use_is_of_this_boot(kept, now);
    bool proven = same ? !kept->unproven : shown_ms >= since_ms;

    if (!same && proven) since_ms = shown_ms;
    use->began_boot_ms = now->boot_ms - since_ms - kept->age_ms;
    use->began_wall_ms = proven ? TI_NEVER : kept->at.wall_ms - kept->age_ms;
    use->read_boot_ms = now->boot_ms;
    atomic_store(&use->used_boot_ms, now->boot_ms - since_ms - kept->idle_ms);
}

/* A use between two looks at the clock is one of now. */
static int64_t since(int64_t boot_ms, int64_t now_boot_ms) {
    return boot_ms < now_boot_ms ? now_boot_ms - boot_ms : 0;
}

void ti_use_write(const ti_use *use, const ti_journal_clocks *now, ti_kept_use *kept) {
    *kept = (ti_kept_use){.known = ti_use_is_known(use), .at = *now};
    if (!kept->known) return;
    kept->age_ms = since(use->began_boot_ms, now->boot_ms);
    kept->idle_ms = since(atomic_load(&use->used_boot_ms), now->boot_ms);
    kept->unproven = !ti_use_is_proven(use);
    if (kept->unproven) kept->at.wall_ms = use->began_wall_ms + kept->age_ms;
}

void ti_use_merge(ti_use *use, const ti_use *other) {
    int64_t used = atomic_load(&use->used_boot_ms), others = atomic_load(&other->used_boot_ms);

    if (other->began_boot_ms < use->began_boot_ms) use->began_boot_ms = other->began_boot_ms;
    while (used < others && !atomic_compare_exchange_weak(&use->used_boot_ms, &used, others)) {
    }
}

/* ------------------------------------------------------------------ steps of the wall clock */

void ti_use_clock_stepped(ti_use *use, const ti_journal_clocks *now) {
    int64_t used = atomic_load(&use->used_boot_ms), hidden_ms;

    if (ti_use_is_proven(use)) return;
    hidden_ms = now->wall_ms - use->began_wall_ms - since(use->began_boot_ms, now->boot_ms);
    if (hidden_ms < 0) return; /* it proves nothing yet */
    use->began_wall_ms = TI_NEVER;
    use->began_boot_ms -= hidden_ms;
    /* One since the record was read happened when it did. */
    while (used < use->read_boot_ms &&
           !atomic_compare_exchange_weak(&use->used_boot_ms, &used, used - hidden_ms)) {
    }
}
