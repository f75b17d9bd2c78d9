#include "session/limits.h"

#include "session/client.h"
#include "session/terms.h"

#include <string.h>

enum { SAVE_PAUSE_MAX_MS = 60 * 1000, STEP_MS = 60 * 1000 };

void ti_limits_init(ti_limits *limits) {
    atomic_store(&limits->max_idle_ms, TI_NEVER);
    limits->max_age_ms = TI_NEVER;
    ti_limits_forget(limits);
}

void ti_limits_forget(ti_limits *limits) {
    ti_use_unknown(&limits->use);
    atomic_store(&limits->age_over_boot_ms, TI_NEVER);
    atomic_store(&limits->unsaved, false);
    limits->save_boot_ms = 0;
}

/* ------------------------------------------------------------------ decisions */

static int64_t idle_over_boot_ms(const ti_limits *limits) {
    int64_t idle_ms = atomic_load(&limits->max_idle_ms);

    if (idle_ms == TI_NEVER || !ti_use_is_known(&limits->use)) return TI_NEVER;
    return ti_boot_plus(atomic_load(&limits->use.used_boot_ms), idle_ms);
}

int64_t ti_limits_over_boot_ms(const ti_limits *limits) {
    int64_t idle = idle_over_boot_ms(limits), age = atomic_load(&limits->age_over_boot_ms);

    return idle < age ? idle : age;
}

ti_limit ti_limits_reached(const ti_limits *limits, int64_t now_boot_ms) {
    int64_t idle = idle_over_boot_ms(limits), age = atomic_load(&limits->age_over_boot_ms);

    if (idle > now_boot_ms && age > now_boot_ms) return TI_LIMIT_NONE;
    return idle < age ? TI_LIMIT_IDLE : TI_LIMIT_AGE;
}

int64_t ti_limits_save_pause_ms(int64_t max_idle_ms) {
    return max_idle_ms / 10 < SAVE_PAUSE_MAX_MS ? max_idle_ms / 10 : SAVE_PAUSE_MAX_MS;
}

bool ti_limits_admit(ti_limits *limits, int64_t now_boot_ms, bool *first) {
    int64_t idle_ms = atomic_load_explicit(&limits->max_idle_ms, memory_order_relaxed);
    int64_t used = atomic_load_explicit(&limits->use.used_boot_ms, memory_order_relaxed);

    *first = false;
    if (now_boot_ms >= atomic_load_explicit(&limits->age_over_boot_ms, memory_order_relaxed))
        return false;
    if (idle_ms == TI_NEVER || used == TI_NEVER) return true;
    if (now_boot_ms >= ti_boot_plus(used, idle_ms)) return false;
    /* In this order, so that whoever clears unsaved, and then reads what to save, misses nothing. */
    if (now_boot_ms > used) atomic_store(&limits->use.used_boot_ms, now_boot_ms);
    if (!atomic_load(&limits->unsaved)) *first = !atomic_exchange(&limits->unsaved, true);
    return true;
}

/* ------------------------------------------------------------------ bookkeeping */

static ti_limits *of(const ti_identity *identity) {
    return identity->terms == NULL ? NULL : &identity->terms->limits;
}

static ti_journal_clocks read_clocks(const ti_identity *identity) {
    const ti_context *context = ti_identity_context(identity);
    ti_journal_clocks clocks = {.boot_ms = ti_clock_boot_ms(&context->clock),
                                .wall_ms = ti_clock_wall_ms(&context->clock)};

    memcpy(clocks.boot_id, context->boot_id, sizeof clocks.boot_id);
    return clocks;
}

static int64_t ahead_ms(const ti_journal_clocks *clocks) {
    return clocks->wall_ms - clocks->boot_ms;
}

static void stricter(int64_t *limit_ms, int limit_s) {
    int64_t ms = (int64_t)limit_s * 1000;

    if (limit_s > 0 && ms < *limit_ms) *limit_ms = ms;
}

static bool is_limited(const ti_limits *limits) {
    return limits->max_age_ms != TI_NEVER || atomic_load(&limits->max_idle_ms) != TI_NEVER;
}

static void reckon(ti_limits *limits) {
    int64_t over = TI_NEVER;

    if (limits->max_age_ms != TI_NEVER && ti_use_is_known(&limits->use))
        over = ti_boot_plus(limits->use.began_boot_ms, limits->max_age_ms);
    atomic_store(&limits->age_over_boot_ms, over);
}

/* The record is to learn of it soon. */
static void begin_locked(ti_identity *identity, ti_limits *limits) {
    ti_journal_clocks now = read_clocks(identity);

    ti_use_begin(&limits->use, now.boot_ms);
    limits->saved_ahead_ms = ahead_ms(&now);
    atomic_store(&limits->unsaved, true);
    reckon(limits);
}

static void begin_where_limited_locked(ti_identity *identity, ti_limits *limits) {
    if (is_limited(limits) && !ti_use_is_known(&limits->use)) begin_locked(identity, limits);
}

void ti_limits_apply_locked(ti_identity *identity) {
    int64_t idle_ms = TI_NEVER, age_ms = TI_NEVER;
    ti_limits *limits = of(identity);

    if (limits == NULL) return;
    /* The end of what this process can tell of a boot whose clock tells nothing. */
    if (is_limited(limits) && identity->sessions == 0 && !ti_use_is_proven(&limits->use))
        atomic_store(&limits->unsaved, true);
    for (const ti_view *view = identity->views; view != NULL; view = view->next)
        for (const tacit_session *s = view->sessions; s != NULL; s = s->next) {
            stricter(&idle_ms, s->max_idle_s);
            stricter(&age_ms, s->max_age_s);
        }
    atomic_store(&limits->max_idle_ms, idle_ms);
    limits->max_age_ms = age_ms;
    if (identity->state == TACIT_STATE_SIGNED_IN) begin_where_limited_locked(identity, limits);
    reckon(limits);
    for (const ti_view *view = identity->views; view != NULL; view = view->next)
        for (tacit_session *s = view->sessions; s != NULL; s = s->next)
            atomic_store(&s->limited, is_limited(limits));
}

void ti_limits_signed_in_locked(ti_identity *identity) {
    ti_limits *limits = of(identity);

    if (limits == NULL) return;
    ti_limits_forget(limits);
    begin_where_limited_locked(identity, limits);
}

/* A record that was written by another wall clock is written again: after a reboot its times would be wrong by as much. */
static void look_at_clock(ti_limits *limits, const ti_journal_clocks *now) {
    int64_t step_ms = ahead_ms(now) - limits->saved_ahead_ms;

    if (step_ms > -STEP_MS && step_ms < STEP_MS) return;
    limits->saved_ahead_ms = ahead_ms(now);
    atomic_store(&limits->unsaved, true);
}

void ti_limits_adopt_locked(ti_identity *identity, const ti_kept_use *kept) {
    ti_limits *limits = of(identity);
    ti_journal_clocks now;
    ti_use found;

    if (limits == NULL) return;
    if (kept == NULL || !kept->known) { /* as an earlier version leaves it */
        begin_where_limited_locked(identity, limits);
        if (is_limited(limits)) atomic_store(&limits->unsaved, true);
        return;
    }
    now = read_clocks(identity);
    if (ti_use_is_known(&limits->use)) {
        ti_use_read(&found, kept, &now);
        ti_use_merge(&limits->use, &found);
    } else {
        ti_use_read(&limits->use, kept, &now);
        limits->saved_ahead_ms = ahead_ms(&now);
        if (is_limited(limits) && !ti_use_is_proven(&limits->use))
            atomic_store(&limits->unsaved, true);
    }
    if (ti_use_is_of_this_boot(kept, &now)) limits->saved_ahead_ms = ahead_ms(&kept->at);
    look_at_clock(limits, &now);
    reckon(limits);
}

static void put_off_save(ti_limits *limits, int64_t now_boot_ms) {
    atomic_store(&limits->unsaved, false);
    limits->save_boot_ms = now_boot_ms + ti_limits_save_pause_ms(atomic_load(&limits->max_idle_ms));
}

void ti_limits_put_off_save_locked(ti_identity *identity) {
    put_off_save(of(identity), ti_identity_now(identity));
}

void ti_limits_to_record_locked(ti_identity *identity, ti_kept_use *kept) {
    ti_limits *limits = of(identity);
    ti_journal_clocks now;

    *kept = (ti_kept_use){.known = false};
    if (limits == NULL || !ti_use_is_known(&limits->use)) return;
    now = read_clocks(identity);
    put_off_save(limits, now.boot_ms);
    limits->saved_ahead_ms = ahead_ms(&now);
    ti_use_write(&limits->use, &now, kept);
}

void ti_limits_not_saved_locked(ti_identity *identity) {
    ti_limits *limits = of(identity);

    if (limits != NULL && ti_use_is_known(&limits->use)) atomic_store(&limits->unsaved, true);
}

void ti_limits_clock_stepped_locked(ti_identity *identity) {
    ti_limits *limits = of(identity);
    ti_journal_clocks now;

    if (limits == NULL || !ti_use_is_known(&limits->use)) return;
    now = read_clocks(identity);
    ti_use_clock_stepped(&limits->use, &now);
    look_at_clock(limits, &now);
    reckon(limits);
}

/* ------------------------------------------------------------------ what is due */

int64_t ti_limits_due_locked(const ti_identity *identity) {
    const ti_limits *limits = of(identity);

    if (limits == NULL || identity->state != TACIT_STATE_SIGNED_IN) return TI_NEVER;
    return ti_limits_over_boot_ms(limits);
}

bool ti_limits_are_reached_locked(const ti_identity *identity) {
    int64_t due = ti_limits_due_locked(identity);

    return due != TI_NEVER && due <= ti_identity_now(identity);
}

int64_t ti_limits_save_due_locked(const ti_identity *identity) {
    const ti_limits *limits = of(identity);
    int64_t due;

    if (limits == NULL || identity->state != TACIT_STATE_SIGNED_IN ||
        !atomic_load(&limits->unsaved))
        return TI_NEVER;
    due = identity->sessions == 0 ? 0 : limits->save_boot_ms;
    if (identity->store_failures == 0 || due > identity->store_retry_boot_ms) return due;
    return identity->store_retry_boot_ms;
}

bool ti_limits_use(ti_identity *identity, int64_t now_boot_ms) {
    bool first, admitted = ti_limits_admit(&identity->terms->limits, now_boot_ms, &first);

    if (first) ti_identity_schedule_now(identity);
    return admitted;
}

void ti_limits_use_locked(ti_identity *identity) {
    if (identity->terms == NULL || identity->state != TACIT_STATE_SIGNED_IN) return;
    if (atomic_load(&identity->terms->limits.max_idle_ms) == TI_NEVER) return;
    ti_limits_use(identity, ti_identity_now(identity));
}
