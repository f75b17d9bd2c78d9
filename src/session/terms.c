/*
 * Properties: a refresh token that ends is renewed before, as long as that puts its end off; where it does not, the app is told once.
 *
 * Operation: what an answer says of the lifetime moves the end. An end that stayed where it was although the refresh came later is the
 * sign-in's own: the lifetime keeps counting from where it began, and no refresh is made for it any more, until one puts it off after
 * all.
 */
#include "session/terms.h"

#include "base/strings.h"
#include "oauth/jwt.h"
#include "session/event.h"
#include "session/identity.h"
#include "session/schedule.h"

#include <stdlib.h>

enum { COUNTED_MS = 1000 };

static void forget_end(ti_terms *terms) {
    terms->refresh_expires_boot_ms = terms->renewal_boot_ms = TI_NEVER;
    terms->refresh_lifetime_ms = -1;
}

static void set_unknown(ti_terms *terms) {
    ti_strings_free(terms->fingerprint);
    terms->fingerprint = NULL;
    forget_end(terms);
    terms->end_told = false;
}

ti_terms *ti_terms_make_locked(ti_identity *identity) {
    if (identity->terms != NULL) return identity->terms;
    identity->terms = calloc(1, sizeof *identity->terms);
    if (identity->terms == NULL) return NULL;
    set_unknown(identity->terms);
    ti_limits_init(&identity->terms->limits);
    return identity->terms;
}

void ti_terms_reset_locked(ti_identity *identity) {
    if (identity->terms == NULL) return;
    set_unknown(identity->terms);
    ti_limits_forget(&identity->terms->limits);
}

void ti_terms_free(ti_terms *terms) {
    if (terms == NULL) return;
    ti_strings_free(terms->fingerprint);
    free(terms);
}

void ti_terms_freeze_locked(ti_identity *identity, char ***fingerprint) {
    ti_terms *terms = *fingerprint == NULL ? NULL : ti_terms_make_locked(identity);

    if (terms == NULL || terms->fingerprint != NULL) return;
    terms->fingerprint = *fingerprint;
    *fingerprint = NULL;
}

char **ti_terms_fingerprint_locked(const ti_identity *identity) {
    return identity->terms == NULL ? NULL : identity->terms->fingerprint;
}

/* ------------------------------------------------------------------ the end of the refresh token */

static bool end_is_known(const ti_terms *terms) {
    return terms->refresh_expires_boot_ms != TI_NEVER;
}

/* When the lifetime began to count. */
static int64_t begun_boot_ms(const ti_terms *terms) {
    return terms->refresh_expires_boot_ms - terms->refresh_lifetime_ms;
}

static void set_end(ti_terms *terms, int64_t expires_boot_ms, int64_t lifetime_ms, int64_t now) {
    int64_t soonest = now + 1000; /* never faster than one a second */

    terms->heard_boot_ms = now;
    terms->refresh_expires_boot_ms = expires_boot_ms;
    terms->refresh_lifetime_ms = lifetime_ms;
    terms->renewal_boot_ms =
        ti_schedule_renewal(expires_boot_ms, lifetime_ms, ti_identity_random());
    if (terms->renewal_boot_ms < soonest) terms->renewal_boot_ms = soonest;
    if (ti_schedule_warning(expires_boot_ms, lifetime_ms) > now) terms->end_told = false;
}

/* A refresh does not put it off. */
static void end_stays(ti_terms *terms, int64_t expires_boot_ms, int64_t now) {
    if (end_is_known(terms) && expires_boot_ms > begun_boot_ms(terms))
        terms->refresh_lifetime_ms = expires_boot_ms - begun_boot_ms(terms);
    terms->heard_boot_ms = now;
    terms->refresh_expires_boot_ms = expires_boot_ms;
    terms->renewal_boot_ms = TI_NEVER;
}

/* It moved by less than half of the time that passed since the answer before. The server counts whole seconds: one that stayed does not
 * begin to move by less. */
static bool stays(const ti_terms *terms, int64_t expires_boot_ms, int64_t sent_boot_ms) {
    int64_t least_ms = (sent_boot_ms - terms->heard_boot_ms) / 2;

    if (!end_is_known(terms)) return false;
    if (terms->renewal_boot_ms == TI_NEVER && least_ms < COUNTED_MS) least_ms = COUNTED_MS;
    return expires_boot_ms - terms->refresh_expires_boot_ms < least_ms;
}

void ti_terms_begin_locked(ti_identity *identity, const ti_token_response *answer,
                           int64_t sent_boot_ms) {
    int64_t wall_ms = ti_clock_wall_ms(ti_identity_clock(identity));
    int64_t lifetime_s = answer->refresh_lifetime_s, left_s = lifetime_s;
    ti_terms *terms = identity->terms;

    if (lifetime_s <= 0 && !ti_jwt_times_s(identity->refresh_token, wall_ms, &lifetime_s, &left_s))
        lifetime_s = 0;
    if (identity->refresh_token == NULL) lifetime_s = 0;
    if (terms == NULL && lifetime_s > 0) terms = ti_terms_make_locked(identity);
    if (terms == NULL) return; /* without memory it is as if the server had said nothing */
    ti_limits_signed_in_locked(identity);
    if (lifetime_s > 0)
        set_end(terms, ti_boot_plus(sent_boot_ms, left_s * 1000), lifetime_s * 1000, sent_boot_ms);
}

static bool is_kept_locked(const ti_identity *identity, const ti_token_response *answer) {
    return answer->refresh_token == NULL ||
           ti_secret_equal(answer->refresh_token, identity->refresh_token);
}

void ti_terms_refreshed_locked(ti_identity *identity, const ti_token_response *answer,
                               int64_t sent_boot_ms) {
    int64_t lifetime_ms = answer->refresh_lifetime_s > 0 ? answer->refresh_lifetime_s * 1000 : 0;
    int64_t expires_boot_ms = ti_boot_plus(sent_boot_ms, lifetime_ms);
    ti_terms *terms = identity->terms;

    if (identity->by_credentials) return;
    if (terms == NULL && lifetime_ms > 0) terms = ti_terms_make_locked(identity);
    if (terms == NULL) return;
    if (lifetime_ms == 0 && is_kept_locked(identity, answer))
        terms->renewal_boot_ms = TI_NEVER;
    else if (lifetime_ms == 0)
        forget_end(terms);
    else if (stays(terms, expires_boot_ms, sent_boot_ms))
        end_stays(terms, expires_boot_ms, sent_boot_ms);
    else
        set_end(terms, expires_boot_ms, lifetime_ms, sent_boot_ms);
}

static bool ends_locked(const ti_identity *identity) {
    return identity->state == TACIT_STATE_SIGNED_IN && identity->terms != NULL &&
           identity->refresh_token != NULL && end_is_known(identity->terms);
}

int64_t ti_terms_renewal_locked(const ti_identity *identity) {
    return ends_locked(identity) ? identity->terms->renewal_boot_ms : TI_NEVER;
}

int64_t ti_terms_warning_locked(const ti_identity *identity) {
    int64_t renewal = ti_terms_renewal_locked(identity), warning;

    if (!ends_locked(identity) || identity->terms->end_told || identity->sessions == 0)
        return TI_NEVER;
    warning = ti_schedule_warning(identity->terms->refresh_expires_boot_ms,
                                  identity->terms->refresh_lifetime_ms);
    /* A renewal that is put off, after a start, comes first: it may help. */
    return renewal != TI_NEVER && renewal > warning ? renewal : warning;
}

void ti_terms_warn_locked(ti_identity *identity) {
    identity->terms->end_told = true;
    ti_event_push_locked(identity, NULL, TACIT_EVENT_SIGN_IN_ENDS,
                         "The sign-in ends before long: ask the user to sign in when it suits.",
                         NULL);
}

int64_t ti_terms_end_in_s_locked(const ti_identity *identity) {
    int64_t left_ms;

    if (!ends_locked(identity)) return -1;
    left_ms = identity->terms->refresh_expires_boot_ms - ti_identity_now(identity);
    return left_ms > 0 ? left_ms / 1000 : 0;
}

/* ------------------------------------------------------------------ to and from the record */

/* Of a boot time, as a record keeps it. */
static int64_t wall_of(const ti_clock *clock, int64_t boot_ms) {
    int64_t wall_ms;

    if (boot_ms == TI_NEVER) return -1;
    wall_ms = ti_clock_wall_ms(clock) + boot_ms - ti_clock_boot_ms(clock);
    return wall_ms < 0 ? 0 : wall_ms;
}

bool ti_terms_to_record_locked(ti_identity *identity, ti_record_terms **kept) {
    const ti_terms *terms = identity->terms;
    const ti_clock *clock = ti_identity_clock(identity);

    *kept = NULL;
    if (terms == NULL) return true;
    *kept = calloc(1, sizeof **kept);
    if (*kept == NULL) return false;
    (*kept)->refresh_expires_wall_ms = wall_of(clock, terms->refresh_expires_boot_ms);
    (*kept)->refresh_lifetime_ms = terms->refresh_lifetime_ms;
    ti_limits_to_record_locked(identity, &(*kept)->use);
    return ti_strings_copy(&(*kept)->fingerprint, (const char *const *)terms->fingerprint);
}

/* Of a refresh that another process made, or of a start. A step of the wall clock may look as if the end had moved, and a refresh that
 * brought no other refresh token as if there had been none (an access token that slid): that costs a refresh. */
static void adopt_lifetime(ti_terms *terms, int64_t left_ms, int64_t lifetime_ms, bool renewed,
                           int64_t now) {
    int64_t expires_boot_ms = ti_boot_plus(now, left_ms);
    bool moved =
        !end_is_known(terms) || expires_boot_ms - lifetime_ms - begun_boot_ms(terms) > COUNTED_MS;

    if (!moved) {
        if (renewed) end_stays(terms, expires_boot_ms, now);
        return;
    }
    set_end(terms, expires_boot_ms, lifetime_ms, now);
    terms->renewal_boot_ms =
        ti_schedule_due_loaded(terms->renewal_boot_ms, expires_boot_ms, now, ti_identity_random());
}

/* R13: the wall clock may lie, but never beyond the lifetime. */
static void adopt_end(ti_terms *terms, const ti_record_terms *kept, bool renewed,
                      const ti_clock *clock) {
    int64_t left_ms;

    if (kept == NULL || kept->refresh_expires_wall_ms < 0 || kept->refresh_lifetime_ms < 0) {
        forget_end(terms);
        return;
    }
    left_ms = kept->refresh_expires_wall_ms - ti_clock_wall_ms(clock);
    if (left_ms < 0) left_ms = 0;
    if (left_ms > kept->refresh_lifetime_ms) left_ms = kept->refresh_lifetime_ms;
    adopt_lifetime(terms, left_ms, kept->refresh_lifetime_ms, renewed, ti_clock_boot_ms(clock));
}

void ti_terms_adopt_locked(ti_identity *identity, const ti_record *record) {
    ti_record_terms *kept = record->terms;
    ti_terms *terms = kept == NULL ? identity->terms : ti_terms_make_locked(identity);
    bool renewed = !ti_secret_equal(record->refresh_token, identity->refresh_token);

    if (terms == NULL) return;
    adopt_end(terms, kept, renewed, ti_identity_clock(identity));
    ti_limits_adopt_locked(identity, kept == NULL ? NULL : &kept->use);
    if (kept == NULL || kept->fingerprint == NULL) return;
    ti_strings_free(terms->fingerprint);
    terms->fingerprint = kept->fingerprint;
    kept->fingerprint = NULL;
}
