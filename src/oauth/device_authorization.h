/* The device authorization request (RFC 8628 sections 3.1 and 3.2). Its polls are grants (grant.h). */
#ifndef TI_DEVICE_AUTHORIZATION_H
#define TI_DEVICE_AUTHORIZATION_H

#include "oauth/grant.h"

typedef struct ti_device_authorization {
    ti_secret *device_code;
    char *user_code, *verification_uri;
    char *verification_uri_complete; /* NULL: none */
    int expires_in_s, interval_s;    /* plausible, whatever the server said */
} ti_device_authorization;
#define TI_DEVICE_AUTHORIZATION_INIT                                                               \
    { .device_code = NULL }
void ti_device_authorization_free(ti_device_authorization *authorization);

/* Errors: the transport's and ti_device_authorization_parse()'s; TACIT_ERR_UNSUPPORTED: the server has no such endpoint. */
tacit_status ti_device_authorization_request(ti_transport *transport, const ti_grant_client *client,
                                             const char *scope, const char *resource,
                                             const char *const *params, int64_t deadline_boot_ms,
                                             const atomic_bool *cancelled,
                                             ti_device_authorization *authorization,
                                             tacit_error *error);

/* Reads one answer. Pure. Errors: ti_token_response_parse()'s, for what is no success; TACIT_ERR_PROTOCOL also: a member is missing, is
 * no URL, or has control characters. Nothing of this is to be freed after an error. */
tacit_status ti_device_authorization_parse(int http_status, const char *body, size_t size,
                                           int retry_after_s,
                                           ti_device_authorization *authorization,
                                           tacit_error *error);

#endif
