/* What is known of an authorization server. */
#ifndef TACIT_PROVIDER_H
#define TACIT_PROVIDER_H

#include <tacit/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable, thread-safe and counted. Sessions keep it alive. */
typedef struct tacit_provider tacit_provider;

/*
 * From authorization server metadata (RFC 8414 section 2) as JSON text, borrowed for the call.
 * Read are issuer, token_endpoint (required), authorization_endpoint,
 * device_authorization_endpoint, revocation_endpoint, end_session_endpoint,
 * token_endpoint_auth_methods_supported and authorization_response_iss_parameter_supported; other
 * members are ignored. Yours; give it up with tacit_provider_unref(). Never waits.
 * TACIT_ERR_INVALID_ARGUMENT: not JSON, or a member that cannot be used; the message gives the
 *   line or the member.
 * TACIT_ERR_INSECURE_URL: an endpoint with http that is not loopback (127.0.0.0/8, [::1],
 *   localhost).
 * TACIT_ERR_UNSUPPORTED: a "dialect", which this version does not speak.
 */
TACIT_API tacit_provider *tacit_provider_from_json(const char *json, tacit_error *error);

/*
 * By the issuer's identifier alone. Never waits: the metadata comes from the cache in the client's
 * state_dir, or from the server with the first grant (OpenID Connect Discovery section 4, else RFC
 * 8414 section 3), so that an app starts offline and still knows whether it is signed in. It is
 * asked for anew after 24 h, and used on when the server cannot be reached then. Functions that
 * send a grant answer with what stood in the way:
 * TACIT_ERR_PROTOCOL: no metadata, or such that names another issuer.
 * TACIT_ERR_NETWORK, _TLS, _TIMEOUT, _SERVER: and there is nothing in the cache.
 * NULL here: TACIT_ERR_INVALID_ARGUMENT (no URL, or one with a query or fragment),
 * TACIT_ERR_INSECURE_URL (http beyond loopback), TACIT_ERR_NO_MEMORY.
 */
TACIT_API tacit_provider *tacit_provider_from_issuer(const char *issuer, tacit_error *error);

TACIT_API void tacit_provider_unref(tacit_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
