#include "oauth/token_error.h"

#include "oauth/ascii.h"
#include "oauth/json.h"

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

bool ti_token_error_read(const json_t *object, ti_token_error *error) {
    static const char *const code_names[] = {"code", "error", "errorType", "type", "status", NULL};
    static const char *const inner_names[] = {"message", "error_description", "description", NULL};
    static const char *const outer_names[] = {"error_description", "errorDescription", "message",
                                              NULL};
    const json_t *found = find_error(object);
    const char *code = json_string_value(found);
    if (!code) code = first_text(found, code_names);

    error->code = code ? code : "";
    error->description = first_text(found, inner_names);
    if (!error->description) error->description = first_text(object, outer_names);
    return found != NULL;
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

bool ti_token_error_passes(const char *code) {
    /* Of the authorization endpoint and the device flow (RFC 6749 section 4.1.2.1, RFC 8628 section
     * 3.5); some token endpoints use them with a 400. */
    return strcmp(code, "temporarily_unavailable") == 0 || strcmp(code, "server_error") == 0 ||
           strcmp(code, "slow_down") == 0;
}
