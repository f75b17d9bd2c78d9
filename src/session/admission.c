#include "session/admission.h"

#include "base/error.h"

#include <stdlib.h>

/* R14: whether refusing this token may force a grant. */
static bool counts_locked(const ti_identity *identity) {
    const ti_flight *flight = &identity->flight;
    const tacit_token *token = flight->view->token;
    int64_t age_ms;

    if (!flight->forced || token == NULL) return false;
    age_ms = ti_identity_now(identity) - token->issued_boot_ms;
    return age_ms < (token->lifetime_ms < 0 ? 60 * 1000 : token->lifetime_ms / 2);
}

static bool passes_storm_locked(ti_identity *identity, int64_t now, tacit_error *error) {
    if (!counts_locked(identity)) return true;
    if (identity->storm == NULL) identity->storm = calloc(1, sizeof *identity->storm);
    if (identity->storm == NULL) {
        ti_error_no_memory(error);
        return false;
    }
    if (ti_storm_blocked_ms(identity->storm, now) == 0 && ti_storm_admit(identity->storm, now))
        return true;
    ti_error_storm(ti_storm_blocked_ms(identity->storm, now), error);
    return false;
}

int64_t ti_admission_from_locked(const ti_identity *identity, ti_grant_need need) {
    return identity->terms == NULL ? INT64_MIN
                                   : ti_grant_rate_free_at(&identity->terms->rate, need);
}

static bool passes_rate_locked(const ti_identity *identity, int64_t now, tacit_error *error) {
    int64_t from = ti_admission_from_locked(identity, TI_GRANT_NEEDED);

    if (from <= now) return true;
    ti_error_set(error, TACIT_ERR_REFRESH_STORM,
                 "One more renewal within this hour would raise the server's alarm.");
    error->retry_after_s = ti_whole_seconds(from - now);
    return false;
}

bool ti_admission_locked(ti_identity *identity, tacit_error *error, ti_backoff_kind *kind) {
    int64_t now = ti_identity_now(identity);

    *kind = TI_BACKOFF_ANSWERED;
    if (!passes_rate_locked(identity, now, error)) return false;
    *kind = TI_BACKOFF_NONE;
    return passes_storm_locked(identity, now, error);
}

static int limit_of(const ti_view *view) {
    ti_metadata *metadata = ti_provider_metadata(view->grant.provider);
    const ti_dialect *dialect = metadata == NULL ? NULL : ti_metadata_dialect(metadata);
    int limit = dialect == NULL ? 0 : dialect->refreshes_per_hour_max;

    ti_metadata_unref(metadata);
    return limit;
}

void ti_admission_note_locked(ti_identity *identity, const ti_view *view) {
    int limit = limit_of(view);
    ti_terms *terms = limit > 0 ? ti_terms_make_locked(identity) : NULL;

    if (terms == NULL) return;
    terms->rate.limit = (unsigned)limit;
    ti_grant_rate_note(&terms->rate, ti_identity_now(identity));
}

void ti_admission_take_back_locked(ti_identity *identity, const ti_view *view) {
    if (identity->terms != NULL && limit_of(view) > 0)
        ti_grant_rate_take_back(&identity->terms->rate);
}
