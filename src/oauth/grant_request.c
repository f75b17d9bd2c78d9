#include "oauth/grant_request.h"

#include "base/error.h"

#include <string.h>

/* --- as the RFCs have it --- */

/* RFC 6749 sections 4.1.3, 4.3.2, 4.4.2 and 6, RFC 7636 section 4.5, RFC 8628 section 3.4. token_name: of the refresh token. */
static void add_grant(ti_token_request *request, const ti_grant *grant, const char *token_name) {
    switch (grant->type) {
    case TI_GRANT_REFRESH_TOKEN:
        ti_token_request_text(request, "grant_type", "refresh_token");
        ti_token_request_secret(request, token_name, grant->refresh_token);
        break;
    case TI_GRANT_PASSWORD:
        ti_token_request_text(request, "grant_type", "password");
        ti_token_request_text(request, "username", grant->username);
        ti_token_request_secret(request, "password", grant->password);
        break;
    case TI_GRANT_CLIENT_CREDENTIALS:
        ti_token_request_text(request, "grant_type", "client_credentials");
        break;
    case TI_GRANT_AUTHORIZATION_CODE:
        ti_token_request_text(request, "grant_type", "authorization_code");
        ti_token_request_secret(request, "code", grant->code);
        ti_token_request_text(request, "redirect_uri", grant->redirect_uri);
        ti_token_request_text(request, "code_verifier", grant->code_verifier);
        break;
    case TI_GRANT_DEVICE_CODE:
        ti_token_request_text(request, "grant_type",
                              "urn:ietf:params:oauth:grant-type:device_code");
        ti_token_request_secret(request, "device_code", grant->code);
        break;
    }
}

/* What a code stands for was asked for when it was; only the other grants say it here. */
static void add_what_is_asked(ti_token_request *request, const ti_grant *grant) {
    bool redeems_code =
        grant->type == TI_GRANT_AUTHORIZATION_CODE || grant->type == TI_GRANT_DEVICE_CODE;

    if (!redeems_code) ti_token_request_text(request, "scope", grant->scope);
    ti_token_request_text(request, "resource", grant->resource); /* RFC 8707 */
}

static tacit_status build_form(ti_token_request *request, const ti_grant_client *client,
                               const ti_grant *grant, const ti_metadata *metadata,
                               const char *token_name, tacit_error *error) {
    add_grant(request, grant, token_name);
    add_what_is_asked(request, grant);
    return ti_token_request_client(request, client, metadata, error);
}

/* --- as a dialect has it --- */

/* The token, where the dialect says; further fields go beside it, or into a body of their own. */
static void place_token(ti_token_request *request, const ti_dialect_request *dialect,
                        const ti_secret *token) {
    bool in_header = dialect->send == TI_SEND_BEARER || dialect->send == TI_SEND_COOKIE;
    ti_token_request_as(request, dialect->method, in_header ? dialect->body : dialect->send);
    if (dialect->send == TI_SEND_BEARER) {
        ti_token_request_bearer(request, token);
    } else if (dialect->send == TI_SEND_COOKIE) {
        ti_token_request_cookie(request, dialect->field, token);
    } else {
        ti_token_request_secret(request, dialect->field, token);
    }
}

static ti_placeholders placeholders_of(const ti_grant_client *client, const ti_grant *grant) {
    return (ti_placeholders){.username = grant->username,
                             .password = grant->password,
                             .refresh_token = grant->refresh_token,
                             .access_token = grant->access_token,
                             .client_id = client->client_id,
                             .client_secret = client->client_secret,
                             .scope = grant->scope};
}

static tacit_status build_refresh(ti_token_request *request, const ti_grant_client *client,
                                  const ti_grant *grant, const ti_metadata *metadata,
                                  const ti_dialect_request *dialect, tacit_error *error) {
    tacit_status status = TACIT_OK;
    if (dialect->send == TI_SEND_FORM) {
        ti_token_request_as(request, dialect->method, TI_SEND_FORM);
        request->overridden = dialect->fields;
        status = build_form(request, client, grant, metadata, dialect->field, error);
    } else {
        place_token(request, dialect, grant->refresh_token);
    }
    return status;
}

static const ti_dialect_request *dialect_of(const ti_grant *grant, const ti_dialect *dialect) {
    if (!dialect) return NULL;
    if (grant->type == TI_GRANT_PASSWORD) return dialect->sign_in;
    return grant->type == TI_GRANT_REFRESH_TOKEN ? dialect->refresh : NULL;
}

static tacit_status build_dialect(ti_token_request *request, const ti_grant_client *client,
                                  const ti_grant *grant, const ti_metadata *metadata,
                                  const ti_dialect_request *dialect, tacit_error *error) {
    const ti_placeholders values = placeholders_of(client, grant);
    tacit_status status = TACIT_OK;
    if (grant->type == TI_GRANT_PASSWORD) {
        ti_token_request_as(request, dialect->method, dialect->send);
    } else {
        status = build_refresh(request, client, grant, metadata, dialect, error);
    }
    ti_token_request_fields(request, dialect->fields, &values);
    request->headers[0] = (const char *const *)dialect->headers;
    return status;
}

/* --- which of them --- */

ti_token_asked ti_grant_asked(const ti_grant *grant, const ti_dialect *dialect) {
    if (grant->type == TI_GRANT_REFRESH_TOKEN) return TI_ASKED_REFRESH;
    return dialect_of(grant, dialect) ? TI_ASKED_SIGN_IN : TI_ASKED_GRANT;
}

static const char *url_of(const ti_dialect_request *dialect, const ti_metadata *metadata) {
    return dialect && dialect->url ? dialect->url : ti_metadata_token_endpoint(metadata);
}

tacit_status ti_grant_request(ti_token_request *request, const ti_grant_client *client,
                              const ti_grant *grant, const ti_metadata *metadata, const char **url,
                              tacit_error *error) {
    const ti_dialect_request *dialect = dialect_of(grant, ti_metadata_dialect(metadata));
    *url = url_of(dialect, metadata);
    if (!*url) {
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                            "The provider has no token endpoint, which this needs.");
    }
    tacit_status status =
        dialect ? build_dialect(request, client, grant, metadata, dialect, error)
                : build_form(request, client, grant, metadata, "refresh_token", error);
    ti_token_request_params(request, client->token_params);
    ti_token_request_params(request, grant->params);
    request->headers[1] = client->token_headers;
    request->headers[2] = grant->fingerprint;
    request->cancelled = grant->cancelled;
    return status;
}

/* --- the end of a sign-in --- */

static void build_sign_out(ti_token_request *request, const ti_grant_client *client,
                           const ti_grant_end *end, const ti_dialect_request *dialect) {
    const ti_placeholders values = {.refresh_token =
                                        dialect->access_token ? end->other : end->token,
                                    .access_token = dialect->access_token ? end->token : end->other,
                                    .client_id = client->client_id,
                                    .client_secret = client->client_secret};
    place_token(request, dialect, end->token);
    ti_token_request_fields(request, dialect->fields, &values);
    request->headers[0] = (const char *const *)dialect->headers;
}

/* RFC 7009 section 2.1. */
static tacit_status build_revocation(ti_token_request *request, const ti_grant_client *client,
                                     const ti_grant_end *end, const ti_metadata *metadata,
                                     tacit_error *error) {
    ti_token_request_secret(request, "token", end->token);
    ti_token_request_text(request, "token_type_hint", end->hint);
    return ti_token_request_client(request, client, metadata, error);
}

tacit_status ti_grant_end_request(ti_token_request *request, const ti_grant_client *client,
                                  const ti_grant_end *end, const ti_metadata *metadata,
                                  const char **url, tacit_error *error) {
    const ti_dialect *dialect = ti_metadata_dialect(metadata);
    const ti_dialect_request *sign_out = dialect ? dialect->sign_out : NULL;
    bool is_access_token = strcmp(end->hint, "access_token") == 0;

    request->headers[1] = client->token_headers;
    request->headers[2] = end->fingerprint;
    if (!sign_out) {
        *url = ti_metadata_revocation_endpoint(metadata);
        return *url ? build_revocation(request, client, end, metadata, error) : TACIT_OK;
    }
    *url = sign_out->access_token == is_access_token ? sign_out->url : NULL;
    if (*url) build_sign_out(request, client, end, sign_out);
    return TACIT_OK;
}
