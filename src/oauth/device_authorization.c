#include "oauth/device_authorization.h"

#include "base/error.h"
#include "oauth/ascii.h"
#include "oauth/token_request.h"
#include "oauth/json.h"
#include "oauth/token_body.h"
#include "oauth/token_error.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXPIRES_IN_S = 1800,
    EXPIRES_IN_MAX_S = 24 * 3600,
    INTERVAL_S = 5, /* RFC 8628 section 3.2 */
    INTERVAL_MAX_S = 300
};
#define TEXT_SIZE_MAX ((size_t)4096)

void ti_device_authorization_free(ti_device_authorization *authorization) {
    ti_secret_unref(authorization->device_code);
    free(authorization->user_code);
    free(authorization->verification_uri);
    free(authorization->verification_uri_complete);
    *authorization = (ti_device_authorization)TI_DEVICE_AUTHORIZATION_INIT;
}

/* --- members --- */

/* verification_url is Google's. */
static const char *const device_code_names[] = {"device_code", "deviceCode", NULL};
static const char *const user_code_names[] = {"user_code", "userCode", NULL};
static const char *const uri_names[] = {"verification_uri", "verification_url", "verificationUri",
                                        NULL};
static const char *const complete_names[] = {
    "verification_uri_complete", "verification_url_complete", "verificationUriComplete", NULL};
static const char *const expires_in_names[] = {"expires_in", "expiresIn", NULL};

/* The first of the names that is there, and neither null nor "". */
static const json_t *member(const json_t *object, const char *const *names) {
    for (; *names; names++) {
        const json_t *found = json_object_get(object, *names);
        bool is_empty = json_is_string(found) && json_string_length(found) == 0;
        if (found && !json_is_null(found) && !is_empty) return found;
    }
    return NULL;
}

/* Those of one byte, and those of UTF-8's two (C1), since terminals obey both. */
static bool has_control_character(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = i + 1 < size ? (unsigned char)text[i + 1] : 0;
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && next >= 0x80 && next <= 0x9F)) return true;
    }
    return false;
}

static bool is_text(const json_t *value) {
    size_t size = json_string_length(value);
    return size > 0 && size <= TEXT_SIZE_MAX &&
           !has_control_character(json_string_value(value), size);
}

/* A person opens it, elsewhere; so http is as good, and whose it is the server alone knows. */
static bool is_web_address(const json_t *value) {
    static const char *const schemes[] = {"https://", "http://"};
    if (!is_text(value)) return false;
    const char *text = json_string_value(value);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const char *scheme = schemes[i];
        while (*scheme && ti_ascii_lower(text[scheme - schemes[i]]) == *scheme) scheme++;
        if (!*scheme) return text[scheme - schemes[i]] != '\0' && !strchr(text, ' ');
    }
    return false;
}

/* What cannot be used, or NULL. */
static const char *fault(const json_t *object) {
    const json_t *complete = member(object, complete_names);
    if (!is_text(member(object, device_code_names))) return "no usable device_code";
    if (!is_text(member(object, user_code_names))) return "no user_code that can be shown";
    if (!is_web_address(member(object, uri_names))) {
        return "no verification_uri that can be shown";
    }
    if (complete && !is_web_address(complete)) {
        return "a verification_uri_complete that cannot be shown";
    }
    return NULL;
}

/* Whole seconds, upwards; what is no number above zero counts as absent. */
static int read_seconds(const json_t *value, int absent, int most) {
    double seconds;
    if (!ti_json_number(value, &seconds) || !(seconds > 0)) return absent;
    if (seconds >= most) return most;
    int whole = (int)seconds;
    return whole < seconds ? whole + 1 : whole;
}

/* NULL stays NULL. */
static bool take_text(const json_t *value, char **text) {
    if (!value) return true;
    *text = strdup(json_string_value(value));
    return *text != NULL;
}

/* false: no memory. */
static bool take_members(const json_t *object, ti_device_authorization *authorization) {
    const json_t *code = member(object, device_code_names);
    authorization->device_code = ti_secret_new(json_string_value(code), json_string_length(code));
    authorization->expires_in_s =
        read_seconds(member(object, expires_in_names), EXPIRES_IN_S, EXPIRES_IN_MAX_S);
    authorization->interval_s =
        read_seconds(json_object_get(object, "interval"), INTERVAL_S, INTERVAL_MAX_S);
    return authorization->device_code &&
           take_text(member(object, user_code_names), &authorization->user_code) &&
           take_text(member(object, uri_names), &authorization->verification_uri) &&
           take_text(member(object, complete_names), &authorization->verification_uri_complete);
}

/* --- the answer --- */

static tacit_status read_object(const json_t *object, int http_status,
                                ti_device_authorization *authorization, tacit_error *error) {
    const char *wrong = fault(object);
    if (wrong) {
        ti_error_set(error, TACIT_ERR_PROTOCOL, "The authorization server answered %d with %s.",
                     http_status, wrong);
        error->http_status = http_status;
        return TACIT_ERR_PROTOCOL;
    }
    if (take_members(object, authorization)) return ti_error_clear(error);
    ti_device_authorization_free(authorization);
    return ti_error_no_memory(error);
}

/* Failures are those of every endpoint that answers with JSON. Nothing was granted, whatever came. */
static tacit_status read_failure(int http_status, const char *body, size_t size, int retry_after_s,
                                 tacit_error *error) {
    ti_token_response none;
    ti_token_response_parse(http_status, body, size, 0, retry_after_s, &none, error);
    ti_token_response_free(&none);
    error->outcome_unknown = false;
    return error->status;
}

tacit_status ti_device_authorization_parse(int http_status, const char *body, size_t size,
                                           int retry_after_s,
                                           ti_device_authorization *authorization,
                                           tacit_error *error) {
    tacit_error unasked_error;
    ti_token_error found;
    json_t *object;
    if (!error) error = &unasked_error;
    *authorization = (ti_device_authorization)TI_DEVICE_AUTHORIZATION_INIT;
    ti_token_body read = ti_token_body_read(body, size, &object);
    if (read == TI_TOKEN_BODY_NO_MEMORY) return ti_error_no_memory(error);
    bool succeeded = http_status >= 200 && http_status < 300 && read == TI_TOKEN_BODY_OBJECT &&
                     !ti_token_error_read(object, NULL, &found);
    tacit_status status = succeeded ? read_object(object, http_status, authorization, error)
                                    : read_failure(http_status, body, size, retry_after_s, error);
    ti_json_wipe_and_free(object);
    return status;
}

/* --- the request --- */

static tacit_status exchange(ti_token_request *request, ti_transport *transport,
                             const char *endpoint, int64_t deadline_boot_ms,
                             ti_device_authorization *authorization, tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    answer.body.secret = true;
    tacit_status status =
        ti_token_request_send(request, transport, endpoint, deadline_boot_ms, &answer, error);
    if (status == TACIT_OK) {
        status = ti_device_authorization_parse(answer.status, answer.body.data, answer.body.size,
                                               answer.retry_after_s, authorization, error);
    }
    ti_http_answer_free(&answer);
    return status;
}

tacit_status ti_device_authorization_request(ti_transport *transport, const ti_grant_client *client,
                                             const char *scope, const char *resource,
                                             const char *const *params, int64_t deadline_boot_ms,
                                             const atomic_bool *cancelled,
                                             ti_device_authorization *authorization,
                                             tacit_error *error) {
    tacit_error unasked_error;
    if (!error) error = &unasked_error;
    *authorization = (ti_device_authorization)TI_DEVICE_AUTHORIZATION_INIT;
    ti_metadata *metadata = ti_provider_metadata(client->provider);
    const char *endpoint = metadata ? ti_metadata_device_authorization_endpoint(metadata) : NULL;
    if (!endpoint) {
        ti_metadata_unref(metadata);
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                            "The server's metadata names no device authorization endpoint.");
    }

    ti_token_request request = TI_TOKEN_REQUEST_INIT;
    request.cancelled = cancelled;
    request.headers[0] = client->token_headers;
    ti_token_request_text(&request, "scope", scope);
    ti_token_request_text(&request, "resource", resource); /* RFC 8707 */
    tacit_status status = ti_token_request_client(&request, client, metadata, error);
    if (status == TACIT_OK) {
        ti_token_request_params(&request, params);
        status = exchange(&request, transport, endpoint, deadline_boot_ms, authorization, error);
        ti_mask_error(&request.mask, error);
    }
    ti_token_request_free(&request);
    ti_metadata_unref(metadata);
    return status;
}
