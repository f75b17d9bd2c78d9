/* Authorization server metadata (RFC 8414), as far as it is used. */
#ifndef TI_PROVIDER_H
#define TI_PROVIDER_H

#include <tacit/provider.h>

#include "transport/url.h"

typedef enum ti_client_auth { /* RFC 6749 section 2.3.1 */
                              TI_CLIENT_AUTH_NONE,
                              TI_CLIENT_AUTH_BASIC,
                              TI_CLIENT_AUTH_POST
} ti_client_auth;

tacit_provider *ti_provider_ref(tacit_provider *provider);
const char *ti_provider_issuer(
    const tacit_provider *provider); /* the token endpoint where metadata names none */
/* Text, because a ti_url belongs to one thread and a provider to many. */
const char *ti_provider_token_endpoint(const tacit_provider *provider);
const char *ti_provider_revocation_endpoint(const tacit_provider *provider); /* NULL: none */
/* Basic where the server takes it or says nothing (RFC 8414's default), else post; NONE without a
 * secret. false: neither. */
bool ti_provider_client_auth(const tacit_provider *provider, bool has_secret, ti_client_auth *auth);

#endif
