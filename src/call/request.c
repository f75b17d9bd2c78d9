#include "call/request.h"

#include <string.h>

#include "base/error.h"
#include "call/headers.h"

bool ti_request_has_body(const tacit_request *request) {
    return request->body != NULL || request->read != NULL;
}

/* CONNECT is for proxies, and TRACE would have the server repeat the token (RFC 9110 section
 * 9.3.8). */
static tacit_status check_method(const tacit_request *request, tacit_error *error) {
    const char *method = request->method;

    if (!ti_is_http_token(method)) {
        return ti_error_argument(error, "request->method", "is not a method's name");
    }
    if (strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0) {
        return ti_error_argument(error, "request->method", "is one that carries no token");
    }
    if (strcmp(method, "HEAD") == 0 && ti_request_has_body(request)) {
        return ti_error_argument(error, "request->method", "is HEAD, which has no body");
    }
    return TACIT_OK;
}

static tacit_status check_body(const tacit_request *request, tacit_error *error) {
    if (request->body != NULL && request->read != NULL) {
        return ti_error_argument(error, "request->read", "is set together with request->body");
    }
    if (request->body == NULL && request->body_size > 0) {
        return ti_error_argument(error, "request->body",
                                 "is NULL, but request->body_size is not 0");
    }
    return TACIT_OK;
}

static tacit_status check_numbers(const tacit_request *request, tacit_error *error) {
    if (request->timeout_ms < TACIT_TIMEOUT_DEFAULT) {
        return ti_error_argument(error, "request->timeout_ms", "is below -1");
    }
    if (request->min_valid_s < 0) {
        return ti_error_argument(error, "request->min_valid_s", "is negative");
    }
    return TACIT_OK;
}

tacit_status ti_request_read(tacit_request *request, const tacit_request *source,
                             tacit_error *error) {
    tacit_status status;

    if (!ti_struct_read(request, sizeof *request, source, "request", "TACIT_REQUEST_INIT", error)) {
        return TACIT_ERR_INVALID_ARGUMENT;
    }
    if (request->url == NULL) return ti_error_argument(error, "request->url", "is NULL");
    if (request->method == NULL) request->method = ti_request_has_body(request) ? "POST" : "GET";
    if (request->timeout_ms == 0) request->timeout_ms = TACIT_TIMEOUT_DEFAULT;

    status = check_method(request, error);
    if (status == TACIT_OK) status = check_body(request, error);
    if (status == TACIT_OK) status = check_numbers(request, error);
    if (status == TACIT_OK) status = ti_headers_check(request->headers, error);
    return status;
}

ti_exchange_plan ti_request_plan(const tacit_request *request) {
    return (ti_exchange_plan){
        .method = request->method,
        .body = ti_request_has_body(request),
        .streamed = request->read != NULL,
        .rewindable = request->rewind != NULL,
        .no_redirects = request->no_redirects,
        .min_valid_s = request->min_valid_s,
    };
}
