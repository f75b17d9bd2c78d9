#include "session/granted.h"

#include "base/error.h"
#include "oauth/id_token.h"

static void keep_access_token_only(ti_token_response *answer) {
    ti_secret_unref(answer->refresh_token);
    ti_secret_unref(answer->id_token);
    answer->refresh_token = answer->id_token = NULL;
}

tacit_status ti_granted_check(const ti_identity *identity, const ti_view *view, ti_grant_type type,
                              const char *nonce, const ti_secret *earlier,
                              ti_token_response *answer, tacit_error *error) {
    ti_id_token_wanted wanted = {.client_id = identity->client_id,
                                 .nonce = nonce,
                                 .earlier = earlier,
                                 .wall_ms = ti_clock_wall_ms(ti_identity_clock(identity))};
    ti_metadata *metadata;
    tacit_status status;

    if (type == TI_GRANT_CLIENT_CREDENTIALS) keep_access_token_only(answer);
    if (answer->id_token == NULL) return ti_error_clear(error);
    metadata = ti_provider_metadata(view->grant.provider);
    if (metadata != NULL) wanted.issuer = ti_metadata_issuer(metadata);
    status = ti_id_token_check(answer->id_token, &wanted, error);
    ti_metadata_unref(metadata);
    return status;
}
