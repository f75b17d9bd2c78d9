#include "call/request.h"

#include <string.h>

#include "base/error.h"
#include "call/headers.h"
#include "call/parts.h"

bool ti_request_has_body(const tacit_request *request) {
    return request->body != NULL || request->read != NULL || request->parts != NULL;
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
    if (request->parts != NULL && (request->body != NULL || request->read != NULL)) {
        return ti_error_argument(error, "request->parts", "is set together with another body");
    }
    if (request->body == NULL && request->body_size > 0) {
        return ti_error_argument(error, "request->body",
                                 "is NULL, but request->body_size is not 0");
    }
    /* It names the boundary between the parts, which nobody else knows. */
    if (request->parts != NULL && ti_headers_have(request->headers, "Content-Type")) {
        return ti_error_argument(error, "request->headers",
                                 "has Content-Type, which request->parts brings itself");
    }
    return ti_parts_check(request->parts, error);
}

/* Where the answer goes. */
static tacit_status check_file(const tacit_request *request, tacit_error *error) {
    if (request->file == NULL) return TACIT_OK;
    if (request->file[0] == '\0') return ti_error_argument(error, "request->file", "is empty");
    if (request->write != NULL) {
        return ti_error_argument(error, "request->file", "is set together with request->write");
    }
    if (strcmp(request->method, "HEAD") == 0) {
        return ti_error_argument(error, "request->file",
                                 "is set, but the answer to HEAD has no body");
    }
    if (ti_headers_have(request->headers, "Range") ||
        ti_headers_have(request->headers, "If-Range")) {
        return ti_error_argument(error, "request->headers",
                                 "has Range or If-Range, which belong to request->file");
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
    if (status == TACIT_OK) status = check_file(request, error);
    return status;
}

ti_exchange_plan ti_request_plan(const tacit_request *request) {
    return (ti_exchange_plan){
        .method = request->method,
        .body = ti_request_has_body(request),
        .streamed = request->read != NULL || ti_parts_streamed(request->parts),
        .rewindable =
            request->parts == NULL ? request->rewind != NULL : ti_parts_rewindable(request->parts),
        .no_redirects = request->no_redirects,
        .min_valid_s = request->min_valid_s,
        .retries_max = request->retries_max,
    };
}
