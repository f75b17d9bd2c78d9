#include "transport/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static CURLcode set_origin(ti_handle *handle, ti_origin *origin) {
    if (origin == handle->origin) return CURLE_OK;
    CURLcode code = curl_easy_setopt(handle->easy, CURLOPT_CURLU, origin->parsed);
    if (code) return code;
    ti_origin_unref(handle->origin);
    handle->origin = ti_origin_ref(origin);
    return CURLE_OK;
}

static CURLcode set_target(ti_handle *handle, const char *target) {
    ti_buffer *is_set = &handle->target;
    if (is_set->size > 0 && strcmp(is_set->data, target) == 0) return CURLE_OK;
    CURLcode code = curl_easy_setopt(handle->easy, CURLOPT_REQUEST_TARGET, target);
    ti_buffer_clear(is_set);
    if (!code) ti_buffer_append_string(is_set, target); /* without memory: set again next time */
    return code;
}

static CURLcode set_proxy(ti_handle *handle, const ti_origin *origin) {
    const ti_transport *transport = handle->transport;
    bool direct = origin->loopback || !transport->proxy;
    if (direct == handle->direct) return CURLE_OK;
    CURL *easy = handle->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, direct ? NULL : transport->proxy);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_NOPROXY, direct ? "*" : transport->no_proxy);
    if (!code) handle->direct = direct;
    return code;
}

/* A burst shares one HTTP/2 connection. Without TLS there is none, and nothing to wait for. */
static CURLcode set_multiplexing(ti_handle *handle, const ti_origin *origin) {
    bool awaits = !handle->multi && origin->https;
    if (awaits == handle->awaits_multiplexing) return CURLE_OK;
    CURLcode code = curl_easy_setopt(handle->easy, CURLOPT_PIPEWAIT, awaits ? 1L : 0L);
    if (!code) handle->awaits_multiplexing = awaits;
    return code;
}

/*
 * libcurl is given the origin as a parsed URL, and path and query as a request target. It then does
 * not parse, compose and encode the whole URL for every request, and neither of the two needs to be
 * set again while it stays.
 */
static CURLcode set_url(ti_handle *handle, const ti_url *url) {
    CURLcode code = set_origin(handle, url->origin);
    if (!code) code = set_target(handle, ti_url_target(url));
    if (!code) code = set_proxy(handle, url->origin);
    if (!code) code = set_multiplexing(handle, url->origin);
    return code;
}

static bool is_one_of(const char *method, const char *const *list) {
    for (; *list; list++) {
        if (strcmp(method, *list) == 0) return true;
    }
    return false;
}

static ti_body_mode body_mode_of(const ti_http_request *request) {
    static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
    const char *method = request->method;
    if (method && strcmp(method, "HEAD") == 0) return TI_BODY_HEAD;
    if (request->parts) return TI_BODY_FORM;
    if (request->read) return TI_BODY_STREAM;
    if (request->has_body) return TI_BODY_MEMORY;
    /* these say "Content-Length: 0" (RFC 9110 section 8.6) */
    return method && is_one_of(method, with_body) ? TI_BODY_MEMORY : TI_BODY_NONE;
}

static CURLcode set_body_mode(ti_handle *handle, ti_body_mode mode) {
    if (mode == handle->body_mode) return CURLE_OK;
    CURL *easy = handle->easy;
    /* the only option that takes back all of the others; pointers first, which set a POST */
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (!code && mode == TI_BODY_HEAD) code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (!code && mode == TI_BODY_MEMORY) code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (!code && mode == TI_BODY_STREAM) code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    if (!code) handle->body_mode = mode;
    return code;
}

static CURLcode set_body(ti_handle *handle, const ti_http_request *request) {
    CURL *easy = handle->easy;
    CURLcode code = set_body_mode(handle, body_mode_of(request));
    if (code) return code;
    if (handle->body_mode == TI_BODY_MEMORY) {
        curl_off_t size = (curl_off_t)request->body_size;
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
        if (code) return code;
        return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, size > 0 ? request->body : "");
    }
    if (handle->body_mode == TI_BODY_STREAM) {
        curl_off_t size = request->read_size > 0 ? (curl_off_t)request->read_size : -1;
        return curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
    }
    if (handle->body_mode == TI_BODY_FORM) return ti_form_set(handle, request->parts);
    return CURLE_OK;
}

static CURLcode set_method(ti_handle *handle, const char *method) {
    static const char *const by_mode[] = {[TI_BODY_NONE] = "GET",
                                          [TI_BODY_HEAD] = "HEAD",
                                          [TI_BODY_MEMORY] = "POST",
                                          [TI_BODY_STREAM] = "PUT",
                                          [TI_BODY_FORM] = "POST"};
    const char *implied = by_mode[handle->body_mode];
    if (!method) method = handle->body_mode == TI_BODY_STREAM ? "POST" : implied;
    if (strcmp(method, implied) == 0) method = "";
    if (strcmp(method, handle->method) == 0) return CURLE_OK;

    CURLcode code = curl_easy_setopt(handle->easy, CURLOPT_CUSTOMREQUEST, *method ? method : NULL);
    if (code) return code;
    /* a method too long to be remembered is one that equals no other */
    size_t size = strlen(method);
    if (size < sizeof handle->method) {
        memcpy(handle->method, method, size + 1);
    } else {
        strcpy(handle->method, "?");
    }
    return CURLE_OK;
}

static bool has_header(const char *const *headers, const char *name) {
    size_t size = strlen(name);
    for (; headers && *headers; headers++) {
        if (strncasecmp(*headers, name, size) == 0 && (*headers)[size] == ':') return true;
    }
    return false;
}

static bool reserve_lines(ti_handle *handle, size_t count) {
    if (count <= handle->line_capacity) return true;
    struct curl_slist *lines = realloc(handle->lines, count * sizeof *lines);
    if (!lines) return false;
    handle->lines = lines;
    handle->line_capacity = count;
    handle->has_headers = false; /* it may have moved */
    return true;
}

/* The nodes point at the caller's lines and are linked anew for each send: nothing is copied. */
static CURLcode set_headers(ti_handle *handle, const ti_http_request *request) {
    enum { OWN_LINES = 3 };
    size_t count = 0, given = 0;
    while (request->headers && request->headers[given]) given++;
    if (!reserve_lines(handle, given + OWN_LINES)) return CURLE_OUT_OF_MEMORY;

    const char *own[OWN_LINES] = {request->authorization};
    if (handle->body_mode >= TI_BODY_MEMORY) {
        own[1] = "Expect:"; /* libcurl would wait a second for servers that don't know it */
        /* libcurl would say one, but for a form it says the right one */
        if (handle->body_mode != TI_BODY_FORM && !has_header(request->headers, "Content-Type"))
            own[2] = "Content-Type:";
    }
    struct curl_slist *lines = handle->lines;
    for (size_t i = 0; i < OWN_LINES; i++) {
        if (own[i]) lines[count++].data = (char *)(uintptr_t)own[i];
    }
    for (size_t i = 0; i < given; i++) lines[count++].data = (char *)(uintptr_t)request->headers[i];
    for (size_t i = 0; i < count; i++) lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;

    if (handle->has_headers == (count > 0)) return CURLE_OK;
    handle->has_headers = count > 0;
    return curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, count > 0 ? lines : NULL);
}

static CURLcode set_rest(ti_handle *handle, const ti_http_request *request) {
    CURL *easy = handle->easy;
    CURLcode code = CURLE_OK;
    if (request->accept_encoding != handle->accepts_encoding) {
        const char *all = request->accept_encoding ? "" : NULL;
        code = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, all);
        if (code) return code;
        handle->accepts_encoding = request->accept_encoding;
    }
    bool reports = request->progress != NULL;
    if (reports != handle->reports_progress) {
        code = curl_easy_setopt(easy, CURLOPT_NOPROGRESS, reports ? 0L : 1L);
        if (code) return code;
        handle->reports_progress = reports;
    }
    if (request->username) {
        handle->has_credentials = true;
        code = curl_easy_setopt(easy, CURLOPT_USERNAME, request->username);
        if (!code) code = curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
    }
    return code;
}

CURLcode ti_handle_set_request(ti_handle *handle, const ti_url *url,
                               const ti_http_request *request) {
    CURLcode code = set_url(handle, url);
    if (!code) code = set_body(handle, request);
    if (!code) code = set_method(handle, request->method);
    if (!code) code = set_headers(handle, request);
    if (!code) code = set_rest(handle, request);
    return code;
}
