#include "oauth/grant.h"

#include "base/error.h"
#include "oauth/json.h"
#include "platform/os.h"

#include <stdlib.h>
#include <string.h>

/* A mask must not depend on how much of a long token the error had room for. */
#define MASK_PREFIX_MIN 4
#define MASK_PREFIX_MAX 16

/* One POST of a form. */
typedef struct form_post {
    const char **headers; /* NULL-terminated; the array is owned, the lines are borrowed */
    ti_buffer body;
    ti_buffer username, password; /* client_secret_basic, form-encoded */
    bool basic;
} form_post;

static void form_post_free(form_post *post) {
    free(post->headers);
    ti_buffer_free(&post->body);
    ti_buffer_free(&post->username);
    ti_buffer_free(&post->password);
}

/* --- the body. Appends that find no memory are remembered in the buffer --- */

static void add_text(ti_buffer *body, const char *name, const char *value) {
    if (value) ti_buffer_append_form(body, name, value, strlen(value));
}

static void add_secret(ti_buffer *body, const char *name, const ti_secret *value) {
    if (value) ti_buffer_append_form(body, name, ti_secret_data(value), ti_secret_size(value));
}

/* "name=value" lines, as they are: not encoded yet. */
static void add_params(ti_buffer *body, const char *const *params) {
    for (; params && *params; params++) {
        size_t name_size = strcspn(*params, "=");
        const char *value = *params + name_size;
        if (*value == '=') value++;
        if (body->size > 0) ti_buffer_append(body, "&", 1);
        ti_buffer_append_form_encoded(body, *params, name_size);
        ti_buffer_append(body, "=", 1);
        ti_buffer_append_form_encoded(body, value, strlen(value));
    }
}

/* RFC 6749 section 2.3.1. With Basic nothing goes into the body: one method per request. */
static void add_client(form_post *post, const ti_grant_client *client) {
    if (client->auth == TI_CLIENT_AUTH_BASIC) {
        post->basic = true;
        ti_buffer_append_form_encoded(&post->username, client->client_id,
                                      strlen(client->client_id));
        ti_buffer_append_form_encoded(&post->password, ti_secret_data(client->client_secret),
                                      ti_secret_size(client->client_secret));
        return;
    }
    add_text(&post->body, "client_id", client->client_id);
    if (client->auth == TI_CLIENT_AUTH_POST) {
        add_secret(&post->body, "client_secret", client->client_secret);
    }
}

static bool add_headers(form_post *post, const char *const *more) {
    static const char *const own[] = {"Accept: application/json",
                                      "Content-Type: application/x-www-form-urlencoded"};
    const size_t own_count = sizeof own / sizeof *own;
    size_t more_count = 0;
    while (more && more[more_count]) more_count++;

    post->headers = calloc(own_count + more_count + 1, sizeof *post->headers);
    if (!post->headers) return false;
    memcpy(post->headers, own, sizeof own);
    if (more_count > 0) memcpy(post->headers + own_count, more, more_count * sizeof *more);
    return true;
}

static bool is_complete(const form_post *post) {
    return !post->body.failed && !post->username.failed && !post->password.failed;
}

/* RFC 6749 sections 6 and 4.3.2. */
static bool build_grant(form_post *post, const ti_grant_client *client, const ti_grant *grant) {
    switch (grant->type) {
    case TI_GRANT_REFRESH_TOKEN:
        add_text(&post->body, "grant_type", "refresh_token");
        add_secret(&post->body, "refresh_token", grant->refresh_token);
        break;
    case TI_GRANT_PASSWORD:
        add_text(&post->body, "grant_type", "password");
        add_text(&post->body, "username", grant->username);
        add_secret(&post->body, "password", grant->password);
        break;
    }
    add_text(&post->body, "scope", grant->scope);
    add_text(&post->body, "resource", grant->resource); /* RFC 8707 */
    add_client(post, client);
    add_params(&post->body, client->token_params);
    add_params(&post->body, grant->params);
    return add_headers(post, client->token_headers) && is_complete(post);
}

/* RFC 7009 section 2.1. */
static bool build_revocation(form_post *post, const ti_grant_client *client, const ti_secret *token,
                             const char *hint) {
    add_secret(&post->body, "token", token);
    add_text(&post->body, "token_type_hint", hint);
    add_client(post, client);
    return add_headers(post, client->token_headers) && is_complete(post);
}

/* --- the exchange --- */

/* On a fresh connection that is not kept (R17), and not to be cancelled (R4). answer->sent is set
 * as far as it came. */
static tacit_status send_post(ti_transport *transport, const char *endpoint, const form_post *post,
                              int64_t deadline_boot_ms, ti_http_answer *answer,
                              tacit_error *error) {
    const ti_http_request request = {
        .method = "POST",
        .headers = post->headers,
        .username = post->basic ? post->username.data : NULL,
        .password = post->basic ? post->password.data : NULL,
        .body = post->body.data,
        .body_size = post->body.size,
        .has_body = true,
        .response_bytes_max = TI_JSON_SIZE_MAX,
        .deadline_boot_ms = deadline_boot_ms,
        .accept_encoding = true,
    };
    ti_url *url = ti_url_parse(endpoint, "the endpoint", error);
    if (!url) return error->status;
    ti_handle *handle = ti_handle_acquire(transport, TI_HANDLE_FRESH);
    tacit_status status =
        handle ? ti_handle_send(handle, url, &request, answer, error) : ti_error_no_memory(error);
    if (handle) ti_handle_release(transport, handle);
    ti_url_free(url);
    return status;
}

/* --- what must not show in an error --- */

static void mask_text(char *text, size_t size, const char *prefix) {
    char *found = strstr(text, prefix);
    if (found) ti_error_text(found, size - (size_t)(found - text), "***");
}

/* Some servers quote the token in their description; from there on it is cut. */
static void mask(tacit_error *error, const ti_secret *secret) {
    size_t size = ti_secret_size(secret);
    if (!secret || size < MASK_PREFIX_MIN) return;
    char prefix[MASK_PREFIX_MAX + 1] = "";
    memcpy(prefix, ti_secret_data(secret), size < MASK_PREFIX_MAX ? size : MASK_PREFIX_MAX);
    mask_text(error->oauth_error, sizeof error->oauth_error, prefix);
    mask_text(error->oauth_error_description, sizeof error->oauth_error_description, prefix);
    mask_text(error->message, sizeof error->message, prefix);
    ti_os_wipe(prefix, sizeof prefix);
}

/* --- grants --- */

static ti_verdict exchange_grant(ti_transport *transport, const ti_grant_client *client,
                                 const form_post *post, const ti_clock *clock,
                                 int64_t deadline_boot_ms, ti_token_response *response, bool *sent,
                                 tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    answer.body.secret = answer.head.secret = true;
    int64_t wall_ms = ti_clock_wall_ms(clock); /* R13: a lifetime counts from the sending */
    tacit_status status = send_post(transport, ti_provider_token_endpoint(client->provider), post,
                                    deadline_boot_ms, &answer, error);
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

    form_post post = {
        .body = TI_BUFFER_SECRET, .username = TI_BUFFER_SECRET, .password = TI_BUFFER_SECRET};
    ti_verdict verdict = TI_VERDICT_ERROR;
    if (build_grant(&post, client, grant)) {
        verdict = exchange_grant(transport, client, &post, clock, deadline_boot_ms, response, sent,
                                 error);
        mask(error, grant->refresh_token);
        mask(error, grant->password);
        mask(error, client->client_secret);
    } else {
        ti_error_no_memory(error);
    }
    form_post_free(&post);
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

tacit_status ti_grant_revoke(ti_transport *transport, const ti_grant_client *client,
                             const ti_secret *token, const char *hint, int64_t deadline_boot_ms,
                             tacit_error *error) {
    tacit_error unasked_error;
    if (!error) error = &unasked_error;
    const char *endpoint = ti_provider_revocation_endpoint(client->provider);
    if (!endpoint) return ti_error_clear(error);

    form_post post = {
        .body = TI_BUFFER_SECRET, .username = TI_BUFFER_SECRET, .password = TI_BUFFER_SECRET};
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    tacit_status status;
    if (build_revocation(&post, client, token, hint)) {
        status = send_post(transport, endpoint, &post, deadline_boot_ms, &answer, error);
        if (status == TACIT_OK) status = read_revocation(&answer, error);
        mask(error, token);
        mask(error, client->client_secret);
    } else {
        status = ti_error_no_memory(error);
    }
    ti_http_answer_free(&answer);
    form_post_free(&post);
    return status;
}
