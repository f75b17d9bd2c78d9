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
 * Read are issuer, token_endpoint (required, unless the dialect needs none), authorization_endpoint,
 * device_authorization_endpoint, revocation_endpoint, end_session_endpoint,
 * token_endpoint_auth_methods_supported, authorization_response_iss_parameter_supported, and
 * "dialect": where the server is not quite OAuth, how it differs (README, "Servers that are not quite
 * OAuth"); other members are ignored. Yours; give it up with tacit_provider_unref(). Never waits.
 * TACIT_ERR_INVALID_ARGUMENT: not JSON, or a member that cannot be used; the message gives the
 *   line or the member.
 * TACIT_ERR_INSECURE_URL: an endpoint with http that is not loopback (127.0.0.0/8, [::1],
 *   localhost).
 * TACIT_ERR_UNSUPPORTED: a "dialect", and built without them.
 */
TACIT_API tacit_provider *tacit_provider_from_json(const char *json, tacit_error *error);

typedef enum tacit_answer_kind {
    TACIT_ANSWER_SIGN_IN = 1, /* to the sign-in request */
    TACIT_ANSWER_REFRESH = 2, /* to the refresh */
    TACIT_ANSWER_API = 3      /* to a request with the token */
} tacit_answer_kind;

/*
 * What tacit reads from an answer of the server: to write a provider, and to test one. answer is what
 * `curl -i` prints (status line, header lines, empty line, body), or the body alone, which counts as
 * 200; it is borrowed for the call. As JSON text, yours to tacit_free(): "verdict" ("token", "signed
 * out", "error", "unknown"), and what was found ("access_token", "refresh_token", "expires_in" ...),
 * tokens masked but for their first four characters; for an API answer "refuses_token" and the sliding
 * "access_token". Never waits, sends nothing. An answer is as old as its Date says, and new without one.
 * NULL: TACIT_ERR_INVALID_ARGUMENT (an unknown kind, no answer, over 1 MiB, a provider that is named by
 * its issuer and not asked yet), TACIT_ERR_NO_MEMORY, TACIT_ERR_UNSUPPORTED (built without
 * dialects).
 */
TACIT_API char *tacit_provider_read_answer(tacit_provider *provider, tacit_answer_kind kind,
                                           const char *answer, size_t size, tacit_error *error);

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

/* Gives up the reference of tacit_provider_from_json() or tacit_provider_from_issuer(). */
TACIT_API void tacit_provider_unref(tacit_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
