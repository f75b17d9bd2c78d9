#include "oauth/token_response.h"

#include "base/buffer.h"
#include "base/error.h"
#include "oauth/ascii.h"
#include "oauth/json.h"
#include "oauth/jwt.h"
#include "oauth/lifetime.h"
#include "oauth/token_body.h"
#include "oauth/token_error.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_SIZE_MAX ((size_t)64 << 10)

/* The answer under examination. */
typedef struct answer {
    int http_status;
    int retry_after_s;
    ti_token_body body;
    json_t *top;    /* NULL unless body is TI_TOKEN_BODY_OBJECT */
    json_t *holder; /* the object with the access token: top, or the one envelope in it */
} answer;

void ti_token_response_free(ti_token_response *response) {
    if (!response) return;
    ti_secret_unref(response->access_token);
    ti_secret_unref(response->refresh_token);
    ti_secret_unref(response->id_token);
    free(response->scope);
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;
}

/* --- verdicts --- */

static void describe_answer(tacit_error *error, const answer *answer) {
    error->http_status = answer->http_status;
    error->retry_after_s = answer->retry_after_s;
}

/* Something came back that says nothing about the grant. */
static ti_verdict not_an_answer(tacit_error *error, const answer *answer, const char *what) {
    ti_error_set(error, TACIT_ERR_PROTOCOL, "The authorization server answered %d with %s.",
                 answer->http_status, what);
    describe_answer(error, answer);
    return TI_VERDICT_ERROR;
}

/* The grant succeeded, it seems, and a successor of the refresh token may be lost in the answer. */
static ti_verdict lost_answer(tacit_error *error, const answer *answer, const char *what) {
    not_an_answer(error, answer, what);
    error->outcome_unknown = true;
    return TI_VERDICT_UNKNOWN;
}

static ti_verdict no_memory(tacit_error *error, const answer *answer) {
    ti_error_no_memory(error);
    describe_answer(error, answer);
    error->outcome_unknown = true;
    return TI_VERDICT_UNKNOWN;
}

/* --- members --- */

/* The first of the names (NULL-terminated) that is there and not null; what an envelope lacks may
 * stand beside it. */
static json_t *member(const answer *answer, const char *const *names) {
    const json_t *places[] = {answer->holder, answer->top};
    for (size_t place = 0; place < 2; place++) {
        for (size_t i = 0; names[i]; i++) {
            json_t *found = json_object_get(places[place], names[i]);
            if (found && !json_is_null(found)) return found;
        }
    }
    return NULL;
}

static const char *const access_token_names[] = {"access_token", "accessToken", NULL};
static const char *const refresh_token_names[] = {"refresh_token", "refreshToken", NULL};
static const char *const id_token_names[] = {"id_token", "idToken", NULL};
static const char *const token_type_names[] = {"token_type", "tokenType", NULL};
static const char *const scope_names[] = {"scope", "scopes", NULL};
static const char *const expires_in_names[] = {"expires_in", "expiresIn", NULL};
static const char *const refresh_in_names[] = {"refresh_in", "refreshIn", NULL};
static const char *const expires_names[][3] = {
    {"expires_on", "expiresOn", NULL}, {"expires_at", "expiresAt", NULL}, {"expires", NULL}};

static bool holds_access_token(json_t *object) {
    const answer alone = {.holder = object};
    return json_string_length(member(&alone, access_token_names)) > 0;
}

/* Neither absent nor text: then this is no place to look further. */
static bool has_odd_token(json_t *object) {
    const answer alone = {.holder = object};
    const json_t *token = member(&alone, access_token_names);
    return token && !json_is_string(token);
}

/* {"data": {...}}, {"body": {...}}: the one object inside that has an access token, where the top
 * has none. */
static json_t *find_holder(json_t *top) {
    const char *name;
    json_t *value, *envelope = NULL;
    if (holds_access_token(top) || has_odd_token(top)) return top;
    json_object_foreach(top, name, value) {
        if (!json_is_object(value) || !holds_access_token(value)) continue;
        if (envelope) return top; /* two: whose, only a dialect can tell */
        envelope = value;
    }
    return envelope ? envelope : top;
}

/* --- errors --- */

static void describe_error(tacit_error *error, const answer *answer, const ti_token_error *found) {
    describe_answer(error, answer);
    ti_error_text(error->oauth_error, sizeof error->oauth_error, found->code);
    ti_error_text(error->oauth_error_description, sizeof error->oauth_error_description,
                  found->description);
}

static ti_verdict server_trouble(tacit_error *error, const answer *answer) {
    ti_token_error found;
    ti_token_error_read(answer->top, &found);
    ti_error_set(error, TACIT_ERR_SERVER,
                 answer->http_status == 429
                     ? "The authorization server asks for fewer requests (%d)."
                     : "The authorization server has trouble of its own (%d).",
                 answer->http_status);
    describe_error(error, answer, &found);
    return TI_VERDICT_ERROR;
}

static ti_verdict oauth_error(tacit_error *error, const answer *answer,
                              const ti_token_error *found) {
    char shown[sizeof error->oauth_error];
    ti_error_text(shown, sizeof shown, *found->code ? found->code : "an error without a code");
    ti_error_set(error, TACIT_ERR_OAUTH, "The authorization server refused the request: %s.",
                 shown);
    describe_error(error, answer, found);
    error->retryable = ti_token_error_passes(found->code);
    return ti_token_error_refuses_grant(found->code) ? TI_VERDICT_REFUSED : TI_VERDICT_ERROR;
}

/* Answers true, and *verdict, unless this is a 2xx that may hold tokens. */
static bool is_refused(const answer *answer, ti_verdict *verdict, tacit_error *error) {
    int status = answer->http_status;
    if (answer->body == TI_TOKEN_BODY_NO_MEMORY) {
        *verdict = no_memory(error, answer);
        return true;
    }
    /* First, since a broken server's invalid_grant must not end a session. */
    if (status == 429 || status >= 500) {
        *verdict = server_trouble(error, answer);
        return true;
    }
    bool succeeded = status >= 200 && status < 300;
    ti_token_error found;
    if (ti_token_error_read(answer->top, &found) && (succeeded || status >= 400)) {
        *verdict = succeeded && holds_access_token(answer->holder)
                       ? lost_answer(error, answer, "an error and an access token at once")
                       : oauth_error(error, answer, &found);
        return true;
    }
    if (succeeded && answer->body != TI_TOKEN_BODY_MARKUP) return false;
    *verdict = not_an_answer(error, answer,
                             status >= 300 && status < 400 ? "a redirect, which is not followed"
                             : answer->body == TI_TOKEN_BODY_MARKUP
                                 ? "a web page instead of a token response"
                                 : "something that is not an OAuth error response");
    return true;
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

/* What is wrong with the access token, or NULL. It becomes part of a header line. */
static const char *access_token_fault(const json_t *token) {
    size_t size = json_string_length(token);
    if (!token) return "no access token in it";
    if (!json_is_string(token)) return "an access token that is not a string";
    if (size == 0) return "an empty access token";
    if (size > TOKEN_SIZE_MAX) return "an access token over 64 KiB";
    if (!is_visible_ascii(json_string_value(token), size)) {
        return "an access token with characters that no header may hold";
    }
    return NULL;
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
static int64_t read_lifetime_s(const answer *answer, const ti_secret *token, int64_t wall_ms) {
    int64_t lifetime_s = ti_lifetime_relative_s(member(answer, expires_in_names));
    if (lifetime_s > 0 || ti_jwt_lifetime_s(token, wall_ms, &lifetime_s)) return lifetime_s;
    for (size_t i = 0; i < sizeof expires_names / sizeof *expires_names; i++) {
        lifetime_s = ti_lifetime_absolute_s(member(answer, expires_names[i]), wall_ms);
        if (lifetime_s > 0) return lifetime_s;
    }
    return -1;
}

/* Takes a copy of a string that is there and not empty; anything else counts as absent. false: no
 * memory. */
static bool take_secret(const json_t *value, ti_secret **secret) {
    if (json_string_length(value) == 0) return true;
    *secret = ti_secret_new(json_string_value(value), json_string_length(value));
    return *secret != NULL;
}

/* false: no memory. What is wrong with an id_token is found later: it must not cost the others. */
static bool take_tokens(const answer *answer, int64_t wall_ms, ti_token_response *response) {
    if (!take_secret(member(answer, access_token_names), &response->access_token) ||
        !take_secret(member(answer, refresh_token_names), &response->refresh_token) ||
        !take_secret(member(answer, id_token_names), &response->id_token) ||
        !read_scope(member(answer, scope_names), &response->scope)) {
        return false;
    }
    memcpy(response->type, "Bearer", sizeof "Bearer");
    response->lifetime_s = read_lifetime_s(answer, response->access_token, wall_ms);
    response->refresh_in_s = ti_lifetime_relative_s(member(answer, refresh_in_names));
    return true;
}

/* Why a 2xx is no token response, or NULL. */
static const char *response_fault(const answer *answer) {
    switch (answer->body) {
    case TI_TOKEN_BODY_OBJECT:
        break;
    case TI_TOKEN_BODY_EMPTY:
        return "an empty body";
    case TI_TOKEN_BODY_TOO_LARGE:
        return "more than a token response can be";
    case TI_TOKEN_BODY_CONTRADICTION:
        return "two different access tokens";
    default:
        return "something that is neither JSON nor a form";
    }
    const char *fault = access_token_fault(member(answer, access_token_names));
    if (!fault) fault = refresh_token_fault(member(answer, refresh_token_names));
    if (!fault && !is_bearer(member(answer, token_type_names))) {
        fault = "a token of a type other than Bearer";
    }
    return fault;
}

static ti_verdict read_answer(const answer *answer, int64_t wall_ms, ti_token_response *response,
                              tacit_error *error) {
    ti_verdict verdict;
    if (is_refused(answer, &verdict, error)) return verdict;
    const char *fault = response_fault(answer);
    if (fault) return lost_answer(error, answer, fault);
    if (!take_tokens(answer, wall_ms, response)) {
        ti_token_response_free(response);
        return no_memory(error, answer);
    }
    ti_error_clear(error);
    return TI_VERDICT_TOKEN;
}

ti_verdict ti_token_response_parse(int http_status, const char *body, size_t size, int64_t wall_ms,
                                   int retry_after_s, ti_token_response *response,
                                   tacit_error *error) {
    tacit_error unasked;
    if (!error) error = &unasked;
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;

    answer answer = {.http_status = http_status, .retry_after_s = retry_after_s};
    answer.body = ti_token_body_read(body, size, &answer.top);
    answer.holder = find_holder(answer.top);
    ti_verdict verdict = read_answer(&answer, wall_ms, response, error);
    ti_json_wipe_and_free(answer.top);
    return verdict;
}
