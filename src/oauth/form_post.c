#include "oauth/form_post.h"

#include "base/error.h"
#include "oauth/json.h"
#include "platform/os.h"

#include <stdlib.h>
#include <string.h>

/* A mask must not depend on how much of a long token the error had room for. */
#define MASK_PREFIX_MIN 4
#define MASK_PREFIX_MAX 16

void ti_form_post_free(ti_form_post *post) {
    ti_buffer_free(&post->body);
    ti_buffer_free(&post->username);
    ti_buffer_free(&post->password);
}

/* --- the body. Appends that find no memory are remembered in the buffer --- */

void ti_form_post_text(ti_form_post *post, const char *name, const char *value) {
    if (value) ti_buffer_append_form(&post->body, name, value, strlen(value));
}

void ti_form_post_secret(ti_form_post *post, const char *name, const ti_secret *value) {
    if (value) {
        ti_buffer_append_form(&post->body, name, ti_secret_data(value), ti_secret_size(value));
    }
}

void ti_form_post_params(ti_form_post *post, const char *const *params) {
    ti_buffer *body = &post->body;
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

/* With Basic nothing goes into the body: one method per request. */
tacit_status ti_form_post_client(ti_form_post *post, const ti_grant_client *client,
                                 const ti_metadata *metadata, tacit_error *error) {
    ti_client_auth auth;
    if (!ti_metadata_client_auth(metadata, client->client_secret != NULL, &auth)) {
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                            "The server takes a client secret in a way that tacit does not send.");
    }
    post->token_headers = client->token_headers;
    post->client_secret = client->client_secret;
    if (auth == TI_CLIENT_AUTH_BASIC) {
        post->basic = true;
        ti_buffer_append_form_encoded(&post->username, client->client_id,
                                      strlen(client->client_id));
        ti_buffer_append_form_encoded(&post->password, ti_secret_data(client->client_secret),
                                      ti_secret_size(client->client_secret));
        return TACIT_OK;
    }
    ti_form_post_text(post, "client_id", client->client_id);
    if (auth == TI_CLIENT_AUTH_POST) {
        ti_form_post_secret(post, "client_secret", client->client_secret);
    }
    return TACIT_OK;
}

/* --- the exchange --- */

/* The array is the caller's to free, its lines are borrowed. NULL: no memory. */
static const char **make_headers(const char *const *more) {
    static const char *const own[] = {"Accept: application/json",
                                      "Content-Type: application/x-www-form-urlencoded"};
    const size_t own_count = sizeof own / sizeof *own;
    size_t more_count = 0;
    while (more && more[more_count]) more_count++;

    const char **headers = calloc(own_count + more_count + 1, sizeof *headers);
    if (!headers) return NULL;
    memcpy(headers, own, sizeof own);
    if (more_count > 0) memcpy(headers + own_count, more, more_count * sizeof *more);
    return headers;
}

static tacit_status send_with(const ti_form_post *post, const char *const *headers,
                              ti_transport *transport, const char *endpoint,
                              int64_t deadline_boot_ms, ti_http_answer *answer,
                              tacit_error *error) {
    const ti_http_request request = {
        .method = "POST",
        .headers = headers,
        .username = post->basic ? post->username.data : NULL,
        .password = post->basic ? post->password.data : NULL,
        .body = post->body.data,
        .body_size = post->body.size,
        .has_body = true,
        .response_bytes_max = TI_JSON_SIZE_MAX,
        .deadline_boot_ms = deadline_boot_ms,
        .cancelled = post->cancelled,
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

tacit_status ti_form_post_send(ti_form_post *post, ti_transport *transport, const char *endpoint,
                               int64_t deadline_boot_ms, ti_http_answer *answer,
                               tacit_error *error) {
    if (post->body.failed || post->username.failed || post->password.failed) {
        return ti_error_no_memory(error);
    }
    const char **headers = make_headers(post->token_headers);
    if (!headers) return ti_error_no_memory(error);
    tacit_status status =
        send_with(post, headers, transport, endpoint, deadline_boot_ms, answer, error);
    free(headers);
    return status;
}

/* --- what must not show in an error --- */

static void mask_text(char *text, size_t size, const char *prefix) {
    char *found = strstr(text, prefix);
    if (found) ti_error_text(found, size - (size_t)(found - text), "***");
}

void ti_form_post_mask(tacit_error *error, const ti_secret *secret) {
    size_t size = ti_secret_size(secret);
    if (!secret || size < MASK_PREFIX_MIN) return;
    char prefix[MASK_PREFIX_MAX + 1] = "";
    memcpy(prefix, ti_secret_data(secret), size < MASK_PREFIX_MAX ? size : MASK_PREFIX_MAX);
    mask_text(error->oauth_error, sizeof error->oauth_error, prefix);
    mask_text(error->oauth_error_description, sizeof error->oauth_error_description, prefix);
    mask_text(error->message, sizeof error->message, prefix);
    ti_os_wipe(prefix, sizeof prefix);
}
