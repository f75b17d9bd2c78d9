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
 * Read are issuer, token_endpoint (required), revocation_endpoint and
 * token_endpoint_auth_methods_supported; other members are ignored. Yours; give it up with
 * tacit_provider_unref(). Never waits.
 * TACIT_ERR_INVALID_ARGUMENT: not JSON, or a member that cannot be used; the message gives the
 *   line or the member.
 * TACIT_ERR_INSECURE_URL: an endpoint with http that is not loopback (127.0.0.0/8, [::1],
 *   localhost).
 * TACIT_ERR_UNSUPPORTED: a "dialect", which this version does not speak.
 */
TACIT_API tacit_provider *tacit_provider_from_json(const char *json, tacit_error *error);

TACIT_API void tacit_provider_unref(tacit_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
