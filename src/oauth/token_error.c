#include "oauth/token_error.h"

#include "oauth/ascii.h"
#include "oauth/json.h"
#include "oauth/json_pointer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The first of the names (NULL-terminated) that is a string with something in it. */
static const char *first_text(const json_t *object, const char *const *names) {
    for (size_t i = 0; names[i]; i++) {
        const char *text = ti_json_string(object, names[i]);
        if (text && *text) return text;
    }
    return NULL;
}

/* {"error": "code"}, {"error": {"code": ...}}, {"errors": [either of them]}; NULL: none. */
static const json_t *find_error(const json_t *object) {
    const json_t *candidates[] = {json_object_get(object, "error"),
                                  json_array_get(json_object_get(object, "errors"), 0)};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        /* "", {}, null, false and 0 are ways to say that nothing failed. */
        if (json_string_length(candidates[i]) > 0 || json_object_size(candidates[i]) > 0) {
            return candidates[i];
        }
    }
    return NULL;
}

static void read_usual(const json_t *object, const json_t *found, ti_token_error *error) {
    static const char *const code_names[] = {"code", "error", "errorType", "type", "status", NULL};
    static const char *const inner_names[] = {"message", "error_description", "description", "msg",
                                              NULL};
    static const char *const outer_names[] = {"error_description", "errorDescription", "message",
                                              NULL};
    const char *code = json_string_value(found);
    if (!code) code = first_text(found, code_names);

    error->code = code ? code : "";
    error->description = first_text(found, inner_names);
    if (!error->description) error->description = first_text(object, outer_names);
}

/* --- where a dialect is --- */

/* A text, or the first of several. */
static const char *text_of(const json_t *value) {
    if (json_is_array(value)) value = json_array_get(value, 0);
    return json_string_length(value) > 0 ? json_string_value(value) : NULL;
}

static bool is_one_of(char *const *list, const char *text) {
    for (; list && *list; list++) {
        if (ti_ascii_equal_ignoring_case(*list, text)) return true;
    }
    return false;
}

bool ti_token_error_is_named(const ti_dialect *dialect, const char *text) {
    return is_one_of(dialect->signed_out_errors, text) || is_one_of(dialect->reuse_errors, text);
}

static bool is_known(const ti_dialect *dialect, const char *code) {
    return ti_token_error_refuses_grant(code) || ti_token_error_blames_client(code) ||
           ti_token_error_passes(code) || ti_token_error_is_named(dialect, code);
}

/* {"statusCode": 401, "message": ..., "error": "Unauthorized"}, as the frameworks of Node have it: error only names the status, unless
 * the server's authors put a code there. */
static bool read_framework(const json_t *object, const ti_dialect *dialect, ti_token_error *error) {
    const char *code = text_of(json_object_get(object, "code"));
    if (!error->description) error->description = text_of(json_object_get(object, "message"));
    if (json_number_value(json_object_get(object, "statusCode")) < 400) return false;
    if (code) {
        error->code = code;
    } else if (!is_known(dialect, error->code)) {
        error->code = "";
    }
    return true;
}

/* 0, "0000" and 200 name a success. */
static bool is_code_of_success(const json_t *value) {
    const char *text = json_string_value(value);
    double number;
    if (text && text[strspn(text, "0")] == '\0') return true;
    return ti_json_number(value, &number) && (number == 0 || (number >= 200 && number < 300));
}

/* "", false, null and {} are ways to say that nothing failed, too. */
static bool read_code(const json_t *value, ti_token_error *error) {
    double number = json_number_value(value);
    error->code = "";
    if (is_code_of_success(value)) return false;
    if (json_is_string(value)) error->code = json_string_value(value);
    if (json_is_number(value)) {
        snprintf(error->number, sizeof error->number, "%.0f", number);
        error->code = error->number;
    }
    return *error->code || json_is_true(value) || json_object_size(value) > 0;
}

bool ti_token_error_read(const json_t *object, const ti_dialect *dialect, ti_token_error *error) {
    const json_t *found = find_error(object);
    bool is_error = found != NULL;
    read_usual(object, found, error);
    dialect = ti_dialect_in_use(dialect);
    if (!dialect) return is_error;

    const ti_dialect_response *named = &dialect->response;
    json_t *top = (json_t *)(uintptr_t)object;
    if (read_framework(object, dialect, error)) is_error = true;
    if (named->error) is_error = read_code(ti_json_pointer_find(top, named->error), error);
    if (named->error_description) {
        error->description = text_of(ti_json_pointer_find(top, named->error_description));
    }
    return is_error;
}

bool ti_token_error_refuses_grant(const char *code) {
    static const char *const codes[] = {"invalid_grant",         "invalid_token",
                                        "expired_token",         "app_session_terminated",
                                        "invalid_refresh_token", "bad_refresh_token",
                                        "token is not active"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (ti_ascii_equal_ignoring_case(code, codes[i])) return true;
    }
    return false;
}

bool ti_token_error_blames_client(const char *code) {
    return strcmp(code, "invalid_client") == 0 || strcmp(code, "unauthorized_client") == 0;
}

bool ti_token_error_passes(const char *code) {
    /* Of the authorization endpoint and the device flow (RFC 6749 section 4.1.2.1, RFC 8628 section
     * 3.5); some token endpoints use them with a 400. */
    return strcmp(code, "temporarily_unavailable") == 0 || strcmp(code, "server_error") == 0 ||
           strcmp(code, "slow_down") == 0;
}
