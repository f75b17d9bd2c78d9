/* What a grant brought, before any of it counts. */
#ifndef TI_GRANTED_H
#define TI_GRANTED_H

#include "session/identity.h"

/*
 * Without the lock. Client credentials bring an access token and nothing else (RFC 6749 section 4.4.3): the rest is dropped. Else the
 * id_token, where there is one, must be for this client and, after a refresh, of the same sign-in as the earlier one. nonce: that was
 * sent; both may be NULL. TACIT_ERR_PROTOCOL, TACIT_ERR_NO_MEMORY.
 */
tacit_status ti_granted_check(const ti_identity *identity, const ti_view *view, ti_grant_type type,
                              const char *nonce, const ti_secret *earlier,
                              ti_token_response *answer, tacit_error *error);

#endif
