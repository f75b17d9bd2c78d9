#include "session/terms.h"

#include "base/strings.h"
#include "session/identity.h"

#include <stdlib.h>

static void set_unknown(ti_terms *terms) {
    ti_strings_free(terms->fingerprint);
    terms->fingerprint = NULL;
    terms->refresh_expires_boot_ms = terms->signed_in_boot_ms = TI_NEVER;
    terms->refresh_lifetime_ms = -1;
    terms->end_told = false;
    atomic_store(&terms->used_boot_ms, TI_NEVER);
}

ti_terms *ti_terms_make_locked(ti_identity *identity) {
    if (identity->terms != NULL) return identity->terms;
    identity->terms = calloc(1, sizeof *identity->terms);
    if (identity->terms != NULL) set_unknown(identity->terms);
    return identity->terms;
}

void ti_terms_reset_locked(ti_identity *identity) {
    if (identity->terms != NULL) set_unknown(identity->terms);
}

void ti_terms_free(ti_terms *terms) {
    if (terms == NULL) return;
    ti_strings_free(terms->fingerprint);
    free(terms);
}

/* ------------------------------------------------------------------ to and from the record */

/* Of a boot time, as a record keeps it. */
static int64_t wall_of(const ti_clock *clock, int64_t boot_ms) {
    int64_t wall_ms;

    if (boot_ms == TI_NEVER) return -1;
    wall_ms = ti_clock_wall_ms(clock) + boot_ms - ti_clock_boot_ms(clock);
    return wall_ms < 0 ? 0 : wall_ms;
}

/* Of something that has been: never later than now, whatever the wall clock says. */
static int64_t past_boot_of(const ti_clock *clock, int64_t wall_ms) {
    int64_t ago_ms = ti_clock_wall_ms(clock) - wall_ms;

    if (wall_ms < 0) return TI_NEVER;
    return ti_clock_boot_ms(clock) - (ago_ms > 0 ? ago_ms : 0);
}

bool ti_terms_to_record_locked(const ti_identity *identity, ti_record_terms **kept) {
    const ti_terms *terms = identity->terms;
    const ti_clock *clock = ti_identity_clock(identity);

    *kept = NULL;
    if (terms == NULL) return true;
    *kept = calloc(1, sizeof **kept);
    if (*kept == NULL) return false;
    (*kept)->refresh_expires_wall_ms = wall_of(clock, terms->refresh_expires_boot_ms);
    (*kept)->refresh_lifetime_ms = terms->refresh_lifetime_ms;
    (*kept)->signed_in_wall_ms = wall_of(clock, terms->signed_in_boot_ms);
    (*kept)->used_wall_ms = wall_of(clock, atomic_load(&terms->used_boot_ms));
    return ti_strings_copy(&(*kept)->fingerprint, (const char *const *)terms->fingerprint);
}

/* R13: the wall clock may lie, but never beyond the lifetime. */
static void adopt_end(ti_terms *terms, const ti_record_terms *kept, const ti_clock *clock) {
    int64_t left_ms;

    terms->refresh_expires_boot_ms = TI_NEVER;
    terms->refresh_lifetime_ms = -1;
    if (kept == NULL || kept->refresh_expires_wall_ms < 0 || kept->refresh_lifetime_ms < 0) return;
    left_ms = kept->refresh_expires_wall_ms - ti_clock_wall_ms(clock);
    if (left_ms < 0) left_ms = 0;
    if (left_ms > kept->refresh_lifetime_ms) left_ms = kept->refresh_lifetime_ms;
    terms->refresh_expires_boot_ms = ti_boot_plus(ti_clock_boot_ms(clock), left_ms);
    terms->refresh_lifetime_ms = kept->refresh_lifetime_ms;
}

/* The later of two, of which either may be unknown. */
static void adopt_use(ti_terms *terms, int64_t used_boot_ms) {
    int64_t known = atomic_load(&terms->used_boot_ms);

    if (used_boot_ms == TI_NEVER) return;
    while ((known == TI_NEVER || known < used_boot_ms) &&
           !atomic_compare_exchange_weak(&terms->used_boot_ms, &known, used_boot_ms)) {
    }
}

void ti_terms_adopt_locked(ti_identity *identity, ti_record_terms *kept) {
    const ti_clock *clock = ti_identity_clock(identity);
    ti_terms *terms = kept == NULL ? identity->terms : ti_terms_make_locked(identity);

    if (terms == NULL) return;
    adopt_end(terms, kept, clock);
    if (kept == NULL) return;
    if (kept->signed_in_wall_ms >= 0)
        terms->signed_in_boot_ms = past_boot_of(clock, kept->signed_in_wall_ms);
    adopt_use(terms, past_boot_of(clock, kept->used_wall_ms));
    if (kept->fingerprint == NULL) return;
    ti_strings_free(terms->fingerprint);
    terms->fingerprint = kept->fingerprint;
    kept->fingerprint = NULL;
}
