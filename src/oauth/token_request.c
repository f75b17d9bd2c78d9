#include "oauth/token_request.h"

#include "base/error.h"
#include "oauth/header_lines.h"
#include "oauth/json.h"

#include <string.h>

void ti_token_request_free(ti_token_request *request) {
    ti_mask_end(&request->mask);
    ti_buffer_free(&request->form);
    ti_json_wipe_and_free(request->json);
    ti_buffer_free(&request->token_line);
    ti_buffer_free(&request->username);
    ti_buffer_free(&request->password);
}

void ti_token_request_as(ti_token_request *request, const char *method, ti_dialect_send fields_in) {
    request->method = method;
    request->fields_in = ti_dialect_method_has_body(method) ? fields_in : TI_SEND_QUERY;
}

/* All is a form in a build without dialects. */
static bool goes_as(const ti_token_request *request, ti_dialect_send fields_in) {
    return (TI_WITH_DIALECTS ? request->fields_in : TI_SEND_FORM) == fields_in;
}

/* --- fields. Appends that find no memory are remembered in the buffer --- */

static void put_json(ti_token_request *request, const char *name, json_t *value) {
    if (!request->json) request->json = json_object();
    if (!ti_json_put(request->json, name, value)) request->failed = true;
}

static void put(ti_token_request *request, const char *name, const char *value, size_t size) {
    if (goes_as(request, TI_SEND_JSON)) {
        put_json(request, name, ti_json_new_string(value, size, &request->not_utf8));
    } else {
        ti_buffer_append_form(&request->form, name, value, size);
    }
}

static bool is_overridden(const ti_token_request *request, const char *name) {
    return request->overridden && json_object_get(request->overridden, name);
}

void ti_token_request_text(ti_token_request *request, const char *name, const char *value) {
    if (value && !is_overridden(request, name)) put(request, name, value, strlen(value));
}

void ti_token_request_secret(ti_token_request *request, const char *name, const ti_secret *value) {
    ti_mask_add(&request->mask, value);
    if (value && !is_overridden(request, name)) {
        put(request, name, ti_secret_data(value), ti_secret_size(value));
    }
}

static void put_param(ti_token_request *request, const char *param) {
    size_t name_size = strcspn(param, "=");
    const char *value = param[name_size] == '=' ? param + name_size + 1 : param + name_size;
    ti_buffer name = TI_BUFFER_INIT;
    if (ti_buffer_append(&name, param, name_size)) {
        put(request, name.data, value, strlen(value));
    } else {
        request->failed = true;
    }
    ti_buffer_free(&name);
}

void ti_token_request_params(ti_token_request *request, const char *const *params) {
    for (; params && *params; params++) put_param(request, *params);
}

static void put_field(ti_token_request *request, const char *name, const json_t *field,
                      const ti_placeholders *values) {
    if (goes_as(request, TI_SEND_JSON)) {
        put_json(request, name, ti_placeholder_fill_json(values, field, &request->not_utf8));
    } else {
        const char *constant = json_string_value(field); /* nothing else is in such a dialect */
        ti_filled text = ti_placeholder_fill(values, constant ? constant : "");
        put(request, name, text.bytes, text.size);
    }
}

void ti_token_request_fields(ti_token_request *request, const json_t *fields,
                             const ti_placeholders *values) {
    const char *name;
    json_t *field;
    ti_mask_add(&request->mask, values->password);
    ti_mask_add(&request->mask, values->client_secret);
    ti_mask_add(&request->mask, values->refresh_token);
    ti_mask_add(&request->mask, values->access_token);
    json_object_foreach((json_t *)fields, name, field) {
        put_field(request, name, field, values);
    }
}

/* --- who asks --- */

/* Imported and stored tokens may be any bytes, and a NUL would have half of one sent. end: what ends it, too; a NUL: nothing else does. */
static bool fits_line(const ti_secret *token, char end) {
    const char *bytes = ti_secret_data(token);
    for (size_t i = 0; i < ti_secret_size(token); i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < ' ' || c == 0x7F || bytes[i] == end) return false;
    }
    return true;
}

static void put_token_line(ti_token_request *request, const char *prefix, const char *name,
                           const char *separator, const ti_secret *token, char end) {
    ti_buffer *line = &request->token_line;
    ti_mask_add(&request->mask, token);
    if (!fits_line(token, end)) request->breaks_line = true;
    ti_buffer_append_string(line, prefix);
    ti_buffer_append_string(line, name);
    ti_buffer_append_string(line, separator);
    if (token) ti_buffer_append(line, ti_secret_data(token), ti_secret_size(token));
}

void ti_token_request_bearer(ti_token_request *request, const ti_secret *token) {
    put_token_line(request, "Authorization: ", "Bearer", " ", token, '\0');
}

void ti_token_request_cookie(ti_token_request *request, const char *name, const ti_secret *token) {
    put_token_line(request, "Cookie: ", name, "=", token, ';');
}

/* With Basic nothing goes into the body: one method per request. */
tacit_status ti_token_request_client(ti_token_request *request, const ti_grant_client *client,
                                     const ti_metadata *metadata, tacit_error *error) {
    ti_client_auth auth;
    if (!ti_metadata_client_auth(metadata, client->client_secret != NULL, &auth)) {
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                            "The server takes a client secret in a way that tacit does not send.");
    }
    ti_mask_add(&request->mask, client->client_secret);
    if (auth == TI_CLIENT_AUTH_BASIC) {
        request->basic = true;
        ti_buffer_append_form_encoded(&request->username, client->client_id,
                                      strlen(client->client_id));
        ti_buffer_append_form_encoded(&request->password, ti_secret_data(client->client_secret),
                                      ti_secret_size(client->client_secret));
        return TACIT_OK;
    }
    ti_token_request_text(request, "client_id", client->client_id);
    if (auth == TI_CLIENT_AUTH_POST) {
        ti_token_request_secret(request, "client_secret", client->client_secret);
    }
    return TACIT_OK;
}

/* --- the exchange --- */

/* What libcurl is to send as the body; *content_type is NULL for none. false: no memory, or not_utf8 says why. */
static bool make_body(ti_token_request *request, ti_buffer *body, const char **content_type) {
    *content_type = NULL;
    if (request->failed || request->not_utf8 || request->form.failed) return false;
    if (goes_as(request, TI_SEND_FORM) && request->form.size > 0) {
        *content_type = "Content-Type: application/x-www-form-urlencoded";
        return ti_buffer_append(body, request->form.data, request->form.size);
    }
    if (!goes_as(request, TI_SEND_JSON) || !request->json) return true;
    *content_type = "Content-Type: application/json";
    return ti_json_dump(request->json, body);
}

/* The lines that tacit has by itself come first, since all others replace them, and the one with a token last. */
static bool make_headers(const ti_token_request *request, const char *content_type,
                         ti_header_lines *headers) {
    ti_header_lines_set(headers, TI_TOKEN_REQUEST_ACCEPT);
    if (content_type) ti_header_lines_set(headers, content_type);
    for (size_t i = 0; i < sizeof request->headers / sizeof *request->headers; i++) {
        ti_header_lines_set_all(headers, request->headers[i]);
    }
    if (request->token_line.size > 0) ti_header_lines_set(headers, request->token_line.data);
    return !headers->failed && !request->token_line.failed;
}

/* The endpoint, with the fields that belong there. NULL: error says why. */
static ti_url *make_url(const ti_token_request *request, const char *endpoint, tacit_error *error) {
    if (!goes_as(request, TI_SEND_QUERY) || request->form.size == 0) {
        return ti_url_parse(endpoint, "the endpoint", error);
    }
    ti_buffer text = TI_BUFFER_SECRET;
    ti_url *url = NULL;
    ti_url_append_query(&text, endpoint, &request->form);
    if (text.failed) {
        ti_error_no_memory(error);
    } else {
        url = ti_url_parse(text.data, "the endpoint", error);
        if (url) ti_url_hide(url);
    }
    ti_buffer_free(&text);
    return url;
}

static tacit_status exchange(ti_transport *transport, const ti_url *url,
                             const ti_http_request *request, ti_http_answer *answer,
                             tacit_error *error) {
    ti_handle *handle = ti_handle_acquire(transport, TI_HANDLE_FRESH);
    if (!handle) return ti_error_no_memory(error);
    tacit_status status = ti_handle_send(handle, url, request, answer, error);
    ti_handle_release(transport, handle);
    return status;
}

static tacit_status send_with(const ti_token_request *request, const ti_header_lines *headers,
                              const ti_buffer *body, ti_transport *transport, const char *endpoint,
                              int64_t deadline_boot_ms, ti_http_answer *answer,
                              tacit_error *error) {
    const ti_http_request http = {
        .method = request->method,
        .headers = headers->lines,
        .username = request->basic ? request->username.data : NULL,
        .password = request->basic ? request->password.data : NULL,
        .body = body->data,
        .body_size = body->size,
        .has_body = ti_dialect_method_has_body(request->method),
        .response_bytes_max = TI_JSON_SIZE_MAX,
        .deadline_boot_ms = deadline_boot_ms,
        .cancelled = request->cancelled,
        .accept_encoding = true,
    };
    ti_url *url = make_url(request, endpoint, error);
    if (!url) return error->status;
    tacit_status status = exchange(transport, url, &http, answer, error);
    ti_url_free(url);
    return status;
}

tacit_status ti_token_request_send(ti_token_request *request, ti_transport *transport,
                                   const char *endpoint, int64_t deadline_boot_ms,
                                   ti_http_answer *answer, tacit_error *error) {
    ti_buffer body = TI_BUFFER_SECRET;
    ti_header_lines headers = TI_HEADER_LINES_INIT;
    const char *content_type;
    tacit_status status;
    if (request->breaks_line) {
        return ti_error_argument(error, "the token", "holds what no header can hold");
    }
    bool made = ti_mask_begin(&request->mask, ti_transport_log(transport)) &&
                !request->username.failed && !request->password.failed &&
                make_body(request, &body, &content_type) &&
                make_headers(request, content_type, &headers);
    if (made) {
        status = send_with(request, &headers, &body, transport, endpoint, deadline_boot_ms, answer,
                           error);
    } else if (request->not_utf8) {
        status = ti_error_argument(error, "a value for the server's JSON", "is not UTF-8");
    } else {
        status = ti_error_no_memory(error);
    }
    ti_header_lines_free(&headers);
    ti_buffer_free(&body);
    return status;
}
