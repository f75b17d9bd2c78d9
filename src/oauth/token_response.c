#include "oauth/token_response.h"

#include "base/error.h"
#include "oauth/ascii.h"
#include "oauth/cookie.h"
#include "oauth/json.h"
#include "oauth/jwt.h"
#include "oauth/lifetime.h"
#include "oauth/sliding.h"
#include "oauth/token_refusal.h"
#include "transport/date.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_SIZE_MAX ((size_t)64 << 10)

/* What came beside the body. */
typedef struct beside {
    ti_cookie cookie;         /* the refresh token; not looked at without such a dialect */
    const char *header_token; /* of a sign-in whose tokens slide; NULL: none */
} beside;

void ti_token_response_free(ti_token_response *response) {
    if (!response) return;
    ti_secret_unref(response->access_token);
    ti_secret_unref(response->refresh_token);
    ti_secret_unref(response->id_token);
    free(response->scope);
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;
}

/* --- tokens --- */

static bool is_visible_ascii(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x21 || text[i] > 0x7E) return false;
    }
    return true;
}

static bool has_control_character(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) return true;
    }
    return false;
}

const char *ti_access_token_fault(const char *token, size_t size) {
    if (size == 0) return "an empty access token";
    if (size > TOKEN_SIZE_MAX) return "an access token over 64 KiB";
    if (!is_visible_ascii(token, size)) {
        return "an access token with characters that no header may hold";
    }
    return NULL;
}

/* What is wrong with the member, or NULL. */
static const char *member_fault(const json_t *token) {
    if (!token) return "no access token in it";
    if (!json_is_string(token)) return "an access token that is not a string";
    return ti_access_token_fault(json_string_value(token), json_string_length(token));
}

/* The same for the refresh token; absent and empty mean that the old one stays (RFC 6749 section
 * 6). */
static const char *refresh_token_fault(const json_t *token) {
    size_t size = json_string_length(token);
    if (!token) return NULL;
    if (!json_is_string(token)) return "a refresh token that is not a string";
    if (size > TOKEN_SIZE_MAX) return "a refresh token over 64 KiB";
    if (has_control_character(json_string_value(token), size)) {
        return "a refresh token with control characters or broken UTF-8";
    }
    return NULL;
}

/* RFC 6749 section 7.1: a token of a type that is not understood must not be used. */
static bool is_bearer(const json_t *type) {
    static const char *const names[] = {
        "", "Bearer", "bot", "user", "User Access Token", "Application Access Token"};
    if (!type) return true;
    if (!json_is_string(type)) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ti_ascii_equal_ignoring_case(json_string_value(type), names[i])) return true;
    }
    return false;
}

/* Appends the words of text, which commas or blanks separate. */
static bool append_words(ti_buffer *scope, const char *text) {
    static const char separators[] = ", \t\r\n";
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        if (scope->size > 0 && !ti_buffer_append(scope, " ", 1)) return false;
        if (!ti_buffer_append(scope, text, length)) return false;
        text += length;
    }
    return true;
}

/* false: no memory. Anything but a string or an array of strings counts as absent. */
static bool read_scope(const json_t *value, char **scope) {
    ti_buffer words = TI_BUFFER_INIT;
    bool done = true;
    if (json_is_string(value)) done = append_words(&words, json_string_value(value));
    for (size_t i = 0; done && i < json_array_size(value); i++) {
        const char *word = json_string_value(json_array_get(value, i));
        done = !word || append_words(&words, word);
    }
    if (!done) ti_buffer_free(&words);
    *scope = words.data;
    return done;
}

/* expires_in counts from the server's clock to the client's without either being right. Next best
 * is a JWT's exp - iat; a date is only as good as the local clock. */
static int64_t read_lifetime_s(const ti_token_members *members, const ti_secret *token,
                               int64_t wall_ms) {
    static const ti_token_member dates[] = {TI_MEMBER_EXPIRES_ON, TI_MEMBER_EXPIRES_AT,
                                            TI_MEMBER_EXPIRES};
    int64_t lifetime_s =
        ti_lifetime_relative_s(ti_token_member_find(members, TI_MEMBER_EXPIRES_IN));
    if (lifetime_s > 0 || ti_jwt_lifetime_s(token, wall_ms, &lifetime_s)) return lifetime_s;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        lifetime_s = ti_lifetime_absolute_s(ti_token_member_find(members, dates[i]), wall_ms);
        if (lifetime_s > 0) return lifetime_s;
    }
    return -1;
}

/* What the server says comes first, and that it never ends is said, too: with 0. A JWT's exp - iat was true when it was issued, so it
 * counts once. */
static int64_t read_refresh_lifetime_s(const ti_token_answer *answer, const ti_cookie *cookie,
                                       const ti_secret *token) {
    const ti_token_reading *reading = answer->reading;
    const json_t *in = ti_token_member_find(&answer->members, TI_MEMBER_REFRESH_EXPIRES_IN);
    const json_t *at = ti_token_member_find(&answer->members, TI_MEMBER_REFRESH_EXPIRES_AT);
    double said;
    int64_t lifetime_s;
    if (cookie->lifetime_s > 0) return cookie->lifetime_s;
    if (ti_json_number(in, &said)) return ti_lifetime_relative_s(in);
    lifetime_s = ti_lifetime_absolute_s(at, reading->wall_ms);
    if (lifetime_s > 0) return lifetime_s;
    bool is_new = token && !(reading->sent && ti_secret_equal(token, reading->sent));
    return is_new && ti_jwt_lifetime_s(token, reading->wall_ms, &lifetime_s) ? lifetime_s : -1;
}

/* --- taking them --- */

/* Takes a copy of what is there and not empty. false: no memory. */
static bool take_bytes(const char *bytes, size_t size, ti_secret **secret) {
    if (size == 0) return true;
    *secret = ti_secret_new(bytes, size);
    return *secret != NULL;
}

/* The same of a string; anything else counts as absent. */
static bool take_secret(const json_t *value, ti_secret **secret) {
    return take_bytes(json_string_value(value), json_string_length(value), secret);
}

static bool take_access_token(const ti_token_answer *answer, const beside *more,
                              ti_secret **secret) {
    if (!more->header_token) {
        return take_secret(ti_token_member_find(&answer->members, TI_MEMBER_ACCESS_TOKEN), secret);
    }
    return take_bytes(more->header_token, strlen(more->header_token), secret);
}

static bool take_refresh_token(const ti_token_answer *answer, const beside *more,
                               ti_secret **secret) {
    if (more->cookie.value.size > 0) {
        return take_bytes(more->cookie.value.data, more->cookie.value.size, secret);
    }
    return take_secret(ti_token_member_find(&answer->members, TI_MEMBER_REFRESH_TOKEN), secret);
}

/* false: no memory. What is wrong with an id_token is found later: it must not cost the others. */
static bool take_tokens(const ti_token_answer *answer, const beside *more,
                        ti_token_response *response) {
    const ti_token_members *members = &answer->members;
    int64_t wall_ms = answer->reading->wall_ms;
    if (!take_access_token(answer, more, &response->access_token) ||
        !take_refresh_token(answer, more, &response->refresh_token) ||
        !take_secret(ti_token_member_find(members, TI_MEMBER_ID_TOKEN), &response->id_token) ||
        !read_scope(ti_token_member_find(members, TI_MEMBER_SCOPE), &response->scope)) {
        return false;
    }
    memcpy(response->type, "Bearer", sizeof "Bearer");
    response->lifetime_s = read_lifetime_s(members, response->access_token, wall_ms);
    response->refresh_in_s =
        ti_lifetime_relative_s(ti_token_member_find(members, TI_MEMBER_REFRESH_IN));
    response->refresh_lifetime_s =
        read_refresh_lifetime_s(answer, &more->cookie, response->refresh_token);
    return true;
}

/* --- the answer --- */

/* Why a body holds no members, or NULL. */
static const char *body_fault(ti_token_body body) {
    switch (body) {
    case TI_TOKEN_BODY_OBJECT:
        return NULL;
    case TI_TOKEN_BODY_EMPTY:
        return "an empty body";
    case TI_TOKEN_BODY_TOO_LARGE:
        return "more than a token response can be";
    case TI_TOKEN_BODY_CONTRADICTION:
        return "two different access tokens";
    default:
        return "something that is neither JSON nor a form";
    }
}

/* Why a 2xx is no token response, or NULL. */
static const char *response_fault(const ti_token_answer *answer, const beside *more) {
    const ti_token_members *members = &answer->members;
    const char *fault = NULL;
    if (more->header_token) {
        fault = ti_access_token_fault(more->header_token, strlen(more->header_token));
    } else {
        fault = body_fault(answer->body);
        if (!fault) {
            fault = member_fault(ti_token_member_find(members, TI_MEMBER_ACCESS_TOKEN));
        }
    }
    if (!fault && more->cookie.is_faulty) fault = "a cookie that cannot be sent back";
    if (!fault) {
        fault = refresh_token_fault(ti_token_member_find(members, TI_MEMBER_REFRESH_TOKEN));
    }
    if (!fault && !is_bearer(ti_token_member_find(members, TI_MEMBER_TOKEN_TYPE))) {
        fault = "a token of a type other than Bearer";
    }
    return fault;
}

/* The server's time, where it tells it: its cookies' dates are meant by it. */
static int64_t server_time_s(const ti_http_answer *answer, int64_t wall_ms) {
    const char *date = ti_http_answer_header(answer, "Date", 0);
    int64_t unix_s;
    return date && ti_date_read(date, &unix_s) ? unix_s : wall_ms / 1000;
}

static void read_beside(const ti_http_answer *http, const ti_token_answer *answer, beside *more) {
    const ti_token_reading *reading = answer->reading;
    const ti_dialect *dialect = ti_dialect_in_use(reading->dialect);
    const char *line;
    if (!dialect) return;
    if (dialect->refresh && dialect->refresh->send == TI_SEND_COOKIE) {
        int64_t now_s = server_time_s(http, reading->wall_ms);
        for (size_t i = 0; (line = ti_http_answer_header(http, "Set-Cookie", i)); i++) {
            ti_cookie_read(&more->cookie, line, dialect->refresh->field, now_s);
        }
    }
    bool may_slide = reading->asked == TI_ASKED_SIGN_IN && dialect->sliding_header &&
                     !ti_token_members_have_access_token(&answer->members);
    if (may_slide) more->header_token = ti_sliding_token(http, dialect->sliding_header);
}

static ti_verdict read_tokens(const ti_http_answer *http, const ti_token_answer *answer,
                              ti_token_response *response, tacit_error *error) {
    beside more = {.cookie = TI_COOKIE_INIT};
    read_beside(http, answer, &more);
    const char *fault = response_fault(answer, &more);
    if (fault) return ti_token_answer_is_lost(answer, fault, error);
    if (!take_tokens(answer, &more, response)) {
        ti_token_response_free(response);
        return ti_token_answer_no_memory(answer, error);
    }
    ti_error_clear(error);
    return TI_VERDICT_TOKEN;
}

void ti_token_response_rescue(const ti_http_answer *http, const ti_token_reading *reading,
                              ti_token_response *response) {
    ti_token_answer answer = {.http_status = http->status, .reading = reading};
    beside more = {.cookie = TI_COOKIE_INIT};
    if (http->status < 200 || http->status >= 300 || reading->asked != TI_ASKED_REFRESH) return;
    answer.members = ti_token_members_of(NULL, reading->dialect);
    read_beside(http, &answer, &more);
    if (more.cookie.is_faulty || !take_refresh_token(&answer, &more, &response->refresh_token)) {
        return;
    }
    if (ti_secret_equal(response->refresh_token, reading->sent)) {
        ti_token_response_free(response);
        return;
    }
    response->refresh_lifetime_s =
        read_refresh_lifetime_s(&answer, &more.cookie, response->refresh_token);
}

ti_verdict ti_token_response_read(const ti_http_answer *http, const ti_token_reading *reading,
                                  ti_token_response *response, tacit_error *error) {
    tacit_error unasked;
    ti_verdict verdict;
    json_t *top;
    if (!error) error = &unasked;
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;

    ti_token_answer answer = {.http_status = http->status,
                              .retry_after_s = http->retry_after_s,
                              .reading = reading,
                              .body = ti_token_body_read(http->body.data, http->body.size, &top)};
    answer.members = ti_token_members_of(top, reading->dialect);
    if (!ti_token_answer_is_refused(&answer, &verdict, error)) {
        verdict = read_tokens(http, &answer, response, error);
    }
    ti_json_wipe_and_free(top);
    return verdict;
}

ti_verdict ti_token_response_parse(int http_status, const char *body, size_t size, int64_t wall_ms,
                                   int retry_after_s, ti_token_response *response,
                                   tacit_error *error) {
    const ti_token_reading reading = {.wall_ms = wall_ms};
    const ti_http_answer answer = {.status = http_status,
                                   .retry_after_s = retry_after_s,
                                   .body = {.data = (char *)(uintptr_t)body, .size = size}};
    return ti_token_response_read(&answer, &reading, response, error);
}
