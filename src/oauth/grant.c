#include "oauth/grant.h"

#include "base/error.h"
#include "oauth/form_post.h"

#include <string.h>

/* --- grants --- */

/* RFC 6749 sections 4.1.3, 4.3.2, 4.4.2 and 6, RFC 7636 section 4.5, RFC 8628 section 3.4. */
static void add_grant(ti_form_post *post, const ti_grant *grant) {
    switch (grant->type) {
    case TI_GRANT_REFRESH_TOKEN:
        ti_form_post_text(post, "grant_type", "refresh_token");
        ti_form_post_secret(post, "refresh_token", grant->refresh_token);
        break;
    case TI_GRANT_PASSWORD:
        ti_form_post_text(post, "grant_type", "password");
        ti_form_post_text(post, "username", grant->username);
        ti_form_post_secret(post, "password", grant->password);
        break;
    case TI_GRANT_CLIENT_CREDENTIALS:
        ti_form_post_text(post, "grant_type", "client_credentials");
        break;
    case TI_GRANT_AUTHORIZATION_CODE:
        ti_form_post_text(post, "grant_type", "authorization_code");
        ti_form_post_secret(post, "code", grant->code);
        ti_form_post_text(post, "redirect_uri", grant->redirect_uri);
        ti_form_post_text(post, "code_verifier", grant->code_verifier);
        break;
    case TI_GRANT_DEVICE_CODE:
        ti_form_post_text(post, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        ti_form_post_secret(post, "device_code", grant->code);
        break;
    }
}

/* What a code stands for was asked for when it was; only the other grants say it here. */
static void add_what_is_asked(ti_form_post *post, const ti_grant *grant) {
    bool redeems_code =
        grant->type == TI_GRANT_AUTHORIZATION_CODE || grant->type == TI_GRANT_DEVICE_CODE;

    if (!redeems_code) ti_form_post_text(post, "scope", grant->scope);
    ti_form_post_text(post, "resource", grant->resource); /* RFC 8707 */
}

/* The caller's reference. NULL: error says why. */
static ti_metadata *metadata_of(const ti_grant_client *client, tacit_error *error) {
    ti_metadata *metadata = ti_provider_metadata(client->provider);
    if (!metadata) {
        ti_error_set(error, TACIT_ERR_NETWORK, "The server's metadata is not known yet.");
    }
    return metadata;
}

static ti_verdict exchange_grant(ti_transport *transport, const char *endpoint, ti_form_post *post,
                                 const ti_clock *clock, int64_t deadline_boot_ms,
                                 ti_token_response *response, bool *sent, tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    answer.body.secret = answer.head.secret = true;
    int64_t wall_ms = ti_clock_wall_ms(clock); /* R13: a lifetime counts from the sending */
    tacit_status status =
        ti_form_post_send(post, transport, endpoint, deadline_boot_ms, &answer, error);
    ti_verdict verdict;
    if (status == TACIT_OK) {
        *sent = true;
        verdict = ti_token_response_parse(answer.status, answer.body.data, answer.body.size,
                                          wall_ms, answer.retry_after_s, response, error);
    } else {
        *sent = answer.sent;
        error->outcome_unknown = answer.sent;
        verdict = answer.sent ? TI_VERDICT_UNKNOWN : TI_VERDICT_ERROR;
    }
    ti_http_answer_free(&answer);
    return verdict;
}

ti_verdict ti_grant_send(ti_transport *transport, const ti_grant_client *client,
                         const ti_grant *grant, const ti_clock *clock, int64_t deadline_boot_ms,
                         ti_token_response *response, bool *sent, tacit_error *error) {
    tacit_error unasked_error;
    bool unasked_sent;
    if (!error) error = &unasked_error;
    if (!sent) sent = &unasked_sent;
    *sent = false;
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;
    ti_metadata *metadata = metadata_of(client, error);
    if (!metadata) return TI_VERDICT_ERROR;

    ti_form_post post = TI_FORM_POST_INIT;
    ti_verdict verdict = TI_VERDICT_ERROR;
    post.cancelled = grant->cancelled;
    add_grant(&post, grant);
    add_what_is_asked(&post, grant);
    if (ti_form_post_client(&post, client, metadata, error) == TACIT_OK) {
        ti_form_post_params(&post, client->token_params);
        ti_form_post_params(&post, grant->params);
        verdict = exchange_grant(transport, ti_metadata_token_endpoint(metadata), &post, clock,
                                 deadline_boot_ms, response, sent, error);
        ti_form_post_mask(error, grant->refresh_token);
        ti_form_post_mask(error, grant->password);
        ti_form_post_mask(error, grant->code);
        ti_form_post_mask(error, client->client_secret);
    }
    ti_form_post_free(&post);
    ti_metadata_unref(metadata);
    return verdict;
}

/* --- revocation --- */

/* RFC 7009 section 2.2: the body of a success is ignored, and so is what it is made of. */
static tacit_status read_revocation(const ti_http_answer *answer, tacit_error *error) {
    if (answer->status >= 200 && answer->status < 300) return ti_error_clear(error);

    ti_token_response none;
    ti_verdict verdict =
        ti_token_response_parse(answer->status, answer->body.data, answer->body.size, 0,
                                answer->retry_after_s, &none, error);
    ti_token_response_free(&none);
    /* Not the RFC's way to say that the token is unknown, but that is what it means. */
    if (verdict == TI_VERDICT_REFUSED) return ti_error_clear(error);
    if (error->status == TACIT_ERR_OAUTH &&
        strcmp(error->oauth_error, "unsupported_token_type") == 0) {
        error->status = TACIT_ERR_UNSUPPORTED;
    }
    return error->status;
}

/* RFC 7009 section 2.1. */
static tacit_status revoke_at(const char *endpoint, ti_transport *transport,
                              const ti_grant_client *client, const ti_metadata *metadata,
                              const ti_secret *token, const char *hint, int64_t deadline_boot_ms,
                              tacit_error *error) {
    ti_form_post post = TI_FORM_POST_INIT;
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    ti_form_post_secret(&post, "token", token);
    ti_form_post_text(&post, "token_type_hint", hint);
    tacit_status status = ti_form_post_client(&post, client, metadata, error);
    if (status == TACIT_OK) {
        status = ti_form_post_send(&post, transport, endpoint, deadline_boot_ms, &answer, error);
        if (status == TACIT_OK) status = read_revocation(&answer, error);
        ti_form_post_mask(error, token);
        ti_form_post_mask(error, client->client_secret);
    }
    ti_http_answer_free(&answer);
    ti_form_post_free(&post);
    return status;
}

tacit_status ti_grant_revoke(ti_transport *transport, const ti_grant_client *client,
                             const ti_secret *token, const char *hint, int64_t deadline_boot_ms,
                             tacit_error *error) {
    tacit_error unasked_error;
    if (!error) error = &unasked_error;
    ti_metadata *metadata = metadata_of(client, error);
    if (!metadata) return error->status;
    const char *endpoint = ti_metadata_revocation_endpoint(metadata);
    tacit_status status = endpoint ? revoke_at(endpoint, transport, client, metadata, token, hint,
                                               deadline_boot_ms, error)
                                   : ti_error_clear(error);
    ti_metadata_unref(metadata);
    return status;
}
