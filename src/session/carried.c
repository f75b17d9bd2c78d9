#include "session/carried.h"

#include "base/error.h"
#include "base/strings.h"
#include "session/client.h"

static bool sends_access_token(const ti_view *view) {
    ti_metadata *metadata = ti_provider_metadata(view->grant.provider);
    const ti_dialect *dialect = metadata == NULL ? NULL : ti_metadata_dialect(metadata);
    bool sends = dialect != NULL && dialect->refresh != NULL && dialect->refresh->fields != NULL;

    ti_metadata_unref(metadata);
    return sends;
}

ti_carried ti_carried_of_locked(const ti_identity *identity, const ti_view *view) {
    const ti_terms *terms = identity->terms;
    ti_carried carried = {.fingerprint = NULL};

    if (terms != NULL)
        carried.failed =
            !ti_strings_copy(&carried.fingerprint, (const char *const *)terms->fingerprint);
    if (view->token == NULL || !sends_access_token(view)) return carried;
    carried.access_token = ti_token_copy_value(view->token);
    carried.failed |= carried.access_token == NULL;
    return carried;
}

ti_verdict ti_carried_send(ti_identity *identity, const ti_view *view, ti_carried *carried,
                           ti_grant grant, ti_token_response *answer, bool *sent,
                           tacit_error *error) {
    tacit_client *client = identity->client;
    const ti_clock *clock = ti_identity_clock(identity);

    if (carried->failed ||
        (carried->fingerprint == NULL &&
         !ti_grant_fingerprint(client->transport, &view->grant, &carried->fingerprint))) {
        ti_error_no_memory(error);
        return TI_VERDICT_ERROR;
    }
    grant.fingerprint = (const char *const *)carried->fingerprint;
    grant.access_token = carried->access_token;
    return ti_grant_send(client->transport, &view->grant, &grant, clock,
                         ti_clock_deadline(clock, client->refresh_timeout_ms), answer, sent, error);
}

void ti_carried_free(ti_carried *carried) {
    ti_strings_free(carried->fingerprint);
    ti_secret_unref(carried->access_token);
}
