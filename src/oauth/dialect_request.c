#include "oauth/dialect_request.h"

#include "base/error.h"
#include "base/strings.h"
#include "oauth/ascii.h"
#include "transport/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const sends[] = {
    [TI_SEND_FORM] = "form",     [TI_SEND_JSON] = "json",   [TI_SEND_BEARER] = "bearer",
    [TI_SEND_COOKIE] = "cookie", [TI_SEND_QUERY] = "query", NULL};
static const char *const bodies[] = {[TI_SEND_FORM] = "form", [TI_SEND_JSON] = "json", NULL};
static const char *const tokens[] = {"refresh_token", "access_token", NULL};

static const char *const *members_of(ti_dialect_errand errand) {
    static const char *const sign_in[] = {"url", "method", "body", "fields", "headers", NULL};
    static const char *const refresh[] = {
        "method", "send", "field", "body", "fields", "headers", "allow_refresh_token_in_url", NULL};
    static const char *const sign_out[] = {"url",     "method", "send",
                                           "field",   "body",   "fields",
                                           "headers", "token",  "allow_refresh_token_in_url",
                                           NULL};
    return errand == TI_ERRAND_SIGN_IN ? sign_in : errand == TI_ERRAND_REFRESH ? refresh : sign_out;
}

/* --- lines --- */

/* RFC 9110 section 5.6.2. */
static size_t token_size(const char *text) {
    return strspn(text, "!#$%&'*+-.^_`|~0123456789"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

static bool is_token(const char *text) {
    size_t size = token_size(text);
    return size > 0 && text[size] == '\0';
}

static bool is_name(const char *line, size_t size, const char *name) {
    for (size_t i = 0; i < size; i++) {
        if (ti_ascii_lower(line[i]) != ti_ascii_lower(name[i])) return false;
    }
    return name[size] == '\0';
}

/* What is sent with the token, the URL and the body, or belongs to the connection. */
static bool is_ours(const char *line, size_t size) {
    static const char *const names[] = {"Authorization",
                                        "Cookie",
                                        "Host",
                                        "Content-Length",
                                        "Content-Type",
                                        "Transfer-Encoding",
                                        "Connection",
                                        "Keep-Alive",
                                        "Proxy-Connection",
                                        "Proxy-Authorization",
                                        "TE",
                                        "Trailer",
                                        "Upgrade",
                                        "Expect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_name(line, size, names[i])) return true;
    }
    return false;
}

const char *ti_dialect_header_fault(const char *name) {
    if (!is_token(name)) return "is no name of a header";
    if (is_ours(name, strlen(name))) return "is a header that tacit sets itself";
    return NULL;
}

/* A line with a control character could become two (RFC 9110 section 5.5). */
static const char *line_fault(const char *line) {
    size_t name = token_size(line);
    if (name == 0 || line[name] != ':' || line[name + 1 + strspn(line + name + 1, " \t")] == '\0')
        return "is not \"Name: value\"";
    for (const unsigned char *c = (const unsigned char *)line; *c; c++) {
        if ((*c < ' ' && *c != '\t') || *c == 0x7F) return "holds a control character";
    }
    return is_ours(line, name) ? "is a header that tacit sets itself" : NULL;
}

/* --- members --- */

static bool read_url(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "url");
    char path[TI_PLACE_PATH_SIZE], what[TI_PLACE_PATH_SIZE + 1], *text = NULL;
    if (!at.value) return ti_place_fail(&at, "is missing");
    if (!ti_place_copy(&at, &text)) return false;
    ti_place_path(&at, path);
    snprintf(what, sizeof what, "%s:", path);
    ti_url *url = ti_url_parse(text, what, place->error);
    free(text);
    if (!url) return false;
    request->url = strdup(ti_url_text(url));
    ti_url_free(url);
    return request->url || ti_place_no_memory(&at);
}

/* RFC 9110 section 9.1: "get" is another method than GET, and none that a server has. */
static bool read_method(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "method");
    if (!ti_place_copy(&at, &request->method)) return false;
    if (!request->method) request->method = strdup("POST");
    if (!request->method) return ti_place_no_memory(&at);
    bool good =
        is_token(request->method) && !strpbrk(request->method, "abcdefghijklmnopqrstuvwxyz");
    return good || ti_place_fail(&at, "is no method, such as \"POST\"");
}

bool ti_dialect_method_has_body(const char *method) {
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strcmp(method, "DELETE") != 0;
}

static bool in_header(ti_dialect_send send) {
    return send == TI_SEND_BEARER || send == TI_SEND_COOKIE;
}

/* What a sign-in asks with, which goes as one. */
static bool read_sign_in_body(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "body");
    bool has_body = ti_dialect_method_has_body(request->method);
    int send = has_body ? TI_SEND_JSON : TI_SEND_QUERY;
    if (!ti_place_choice(&at, sends, "is none of \"json\", \"form\", \"query\"", &send))
        return false;
    request->send = (ti_dialect_send)send;
    request->body = send == TI_SEND_JSON ? TI_SEND_JSON : TI_SEND_FORM;
    if (in_header(request->send))
        return ti_place_fail(&at, "is none of \"json\", \"form\", \"query\"");
    if (send != TI_SEND_QUERY && !has_body)
        return ti_place_fail(&at, "cannot be with that method, which has none: write \"query\"");
    return true;
}

static bool read_send(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "send");
    int send = TI_SEND_FORM;
    if (!ti_place_choice(&at, sends,
                         "is none of \"form\", \"json\", \"bearer\", \"cookie\", \"query\"", &send))
        return false;
    request->send = (ti_dialect_send)send;
    if (send <= TI_SEND_JSON && !ti_dialect_method_has_body(request->method))
        return ti_place_fail(&at, "needs a body, which that method has not: write \"query\"");
    return true;
}

static bool read_body(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "body");
    int body = request->send == TI_SEND_FORM ? TI_SEND_FORM : TI_SEND_JSON;
    if (!ti_place_choice(&at, bodies, "is neither \"json\" nor \"form\"", &body)) return false;
    request->body = (ti_dialect_send)body;
    if (at.value && !in_header(request->send))
        return ti_place_fail(&at, "goes with \"send\": \"bearer\" or \"cookie\" only");
    if (at.value && !ti_dialect_method_has_body(request->method))
        return ti_place_fail(&at, "cannot be with that method, which has none");
    return true;
}

static bool read_token(const ti_place *place, ti_dialect_errand errand,
                       ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "token");
    int token = 0;
    if (errand != TI_ERRAND_SIGN_OUT) return true;
    if (!ti_place_choice(&at, tokens, "is neither \"refresh_token\" nor \"access_token\"", &token))
        return false;
    request->access_token = token == 1;
    return true;
}

static bool read_field(const ti_place *place, ti_dialect_request *request) {
    const ti_place at = ti_place_member(place, "field");
    if (!ti_place_copy(&at, &request->field)) return false;
    if (request->send == TI_SEND_BEARER)
        return !at.value || ti_place_fail(&at, "goes not with \"send\": \"bearer\"");
    if (request->send == TI_SEND_COOKIE) {
        if (!at.value) return ti_place_fail(&at, "is missing: the cookie's name");
        return is_token(request->field) || ti_place_fail(&at, "is no name of a cookie");
    }
    if (!request->field) request->field = strdup(tokens[request->access_token]);
    return request->field || ti_place_no_memory(&at);
}

/* A URL lies in the logs of servers and proxies. */
static bool check_url_allowed(const ti_place *place, const ti_dialect_request *request,
                              bool *allowed) {
    const ti_place send = ti_place_member(place, "send");
    const ti_place allow = ti_place_member(place, "allow_refresh_token_in_url");
    if (!ti_place_flag(&allow, allowed)) return false;
    return request->send != TI_SEND_QUERY || *allowed ||
           ti_place_fail(&send, "is \"query\", which needs \"allow_refresh_token_in_url\": true");
}

/* How the token travels. */
static bool read_token_members(const ti_place *place, ti_dialect_errand errand,
                               ti_dialect_request *request, bool *allowed_in_url) {
    return read_send(place, request) && read_body(place, request) &&
           read_token(place, errand, request) && read_field(place, request) &&
           check_url_allowed(place, request, allowed_in_url);
}

static bool read_fields(const ti_place *place, ti_dialect_errand errand, bool allowed_in_url,
                        ti_dialect_request *request) {
    const ti_place fields = ti_place_member(place, "fields");
    bool in_query = request->send == TI_SEND_QUERY || !ti_dialect_method_has_body(request->method);
    const ti_dialect_fields_rules rules = {.errand = errand,
                                           .flat = in_query || request->body == TI_SEND_FORM,
                                           .in_url = in_query && !allowed_in_url};
    return ti_dialect_fields_parse(&fields, &rules, &request->fields);
}

static bool read_request(const ti_place *place, ti_dialect_errand errand,
                         ti_dialect_request *request) {
    const ti_place headers = ti_place_member(place, "headers");
    bool allowed_in_url = false, sign_in = errand == TI_ERRAND_SIGN_IN;
    if (!ti_place_is_object(place, members_of(errand))) return false;
    if (errand != TI_ERRAND_REFRESH && !read_url(place, request)) return false;
    if (!read_method(place, request)) return false;
    if (sign_in ? !read_sign_in_body(place, request)
                : !read_token_members(place, errand, request, &allowed_in_url))
        return false;
    return read_fields(place, errand, allowed_in_url, request) &&
           ti_place_copy_list(&headers, line_fault, &request->headers);
}

bool ti_dialect_request_parse(const ti_place *place, ti_dialect_errand errand,
                              ti_dialect_request **request) {
    if (!place->value) return true;
    ti_dialect_request *made = calloc(1, sizeof *made);
    if (!made) return ti_place_no_memory(place);
    if (read_request(place, errand, made)) {
        *request = made;
        return true;
    }
    ti_dialect_request_free(made);
    return false;
}

void ti_dialect_request_free(ti_dialect_request *request) {
    if (!request) return;
    free(request->url);
    free(request->method);
    free(request->field);
    json_decref(request->fields);
    ti_strings_free(request->headers);
    free(request);
}

bool ti_dialect_request_equal(const ti_dialect_request *a, const ti_dialect_request *b) {
    if (!a || !b) return a == b;
    return ti_string_equal(a->url, b->url) && ti_string_equal(a->method, b->method) &&
           a->send == b->send && a->body == b->body && ti_string_equal(a->field, b->field) &&
           (a->fields == b->fields || json_equal(a->fields, b->fields)) &&
           ti_strings_equal(a->headers, b->headers) && a->access_token == b->access_token;
}
