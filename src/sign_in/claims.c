/* Who is signed in: what the id_token says. */
#include <tacit/sign_in.h>

#include "base/error.h"
#include "oauth/id_token.h"
#include "session/session.h"

char *tacit_session_claims_json(tacit_session *session, tacit_error *error) {
    ti_secret *id_token;
    char *claims;
    bool signed_in;

    if (!ti_session_enter(session, error)) return NULL;
    id_token = ti_session_id_token(session, &signed_in);
    ti_session_leave(session);
    if (ti_id_token_claims(id_token, &claims))
        ti_error_clear(error);
    else
        ti_error_no_memory(error);
    ti_secret_unref(id_token);
    return claims;
}
