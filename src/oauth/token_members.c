#include "oauth/token_members.h"

#include "oauth/json_pointer.h"

#include <string.h>

/* Each with a NUL behind it, and one more behind the last. */
static const char *const names_of[] = {
    [TI_MEMBER_ACCESS_TOKEN] = "access_token\0accessToken\0",
    [TI_MEMBER_REFRESH_TOKEN] = "refresh_token\0refreshToken\0",
    [TI_MEMBER_ID_TOKEN] = "id_token\0idToken\0",
    [TI_MEMBER_TOKEN_TYPE] = "token_type\0tokenType\0",
    [TI_MEMBER_SCOPE] = "scope\0scopes\0",
    [TI_MEMBER_EXPIRES_IN] = "expires_in\0expiresIn\0",
    [TI_MEMBER_EXPIRES_ON] = "expires_on\0expiresOn\0",
    [TI_MEMBER_EXPIRES_AT] = "expires_at\0expiresAt\0",
    [TI_MEMBER_EXPIRES] = "expires\0",
    [TI_MEMBER_REFRESH_IN] = "refresh_in\0refreshIn\0",
    [TI_MEMBER_REFRESH_EXPIRES_IN] = ("refresh_expires_in\0"
                                      "refresh_token_expires_in\0"
                                      "refreshExpiresIn\0"
                                      "refreshTokenExpiresIn\0"
                                      "x_refresh_token_expires_in\0"),
    [TI_MEMBER_REFRESH_EXPIRES_AT] = ("refresh_expires_at\0"
                                      "refresh_token_expires_at\0"
                                      "refreshExpiresAt\0"
                                      "refreshTokenExpiresAt\0"),
};

/* The dialect's pointer, or NULL. */
static const char *pointer_to(const ti_dialect *dialect, ti_token_member which) {
    if (!dialect) return NULL;
    const ti_dialect_response *named = &dialect->response;
    switch (which) {
    case TI_MEMBER_ACCESS_TOKEN:
        return named->access_token;
    case TI_MEMBER_REFRESH_TOKEN:
        return named->refresh_token;
    case TI_MEMBER_ID_TOKEN:
        return named->id_token;
    case TI_MEMBER_TOKEN_TYPE:
        return named->token_type;
    case TI_MEMBER_SCOPE:
        return named->scope;
    case TI_MEMBER_EXPIRES_IN:
        return named->expires_in;
    case TI_MEMBER_EXPIRES_AT:
        return named->expires_at;
    case TI_MEMBER_REFRESH_EXPIRES_IN:
        return named->refresh_expires_in;
    case TI_MEMBER_REFRESH_EXPIRES_AT:
        return named->refresh_expires_at;
    default:
        return NULL;
    }
}

static json_t *unless_null(json_t *value) {
    return json_is_null(value) ? NULL : value;
}

/* The first of its names that is there and not null. */
static json_t *member_of(const json_t *object, ti_token_member which) {
    for (const char *name = names_of[which]; *name; name += strlen(name) + 1) {
        json_t *found = unless_null(json_object_get(object, name));
        if (found) return found;
    }
    return NULL;
}

static bool holds_access_token(const json_t *object) {
    return json_string_length(member_of(object, TI_MEMBER_ACCESS_TOKEN)) > 0;
}

/* Neither absent nor text: then this is no place to look further. */
static bool has_odd_token(const json_t *object) {
    const json_t *token = member_of(object, TI_MEMBER_ACCESS_TOKEN);
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

ti_token_members ti_token_members_of(json_t *top, const ti_dialect *dialect) {
    const char *pointer = pointer_to(ti_dialect_in_use(dialect), TI_MEMBER_ACCESS_TOKEN);
    json_t *holder = pointer ? ti_json_pointer_holder(top, pointer) : find_holder(top);
    return (ti_token_members){.top = top, .holder = holder ? holder : top, .dialect = dialect};
}

json_t *ti_token_member_find(const ti_token_members *members, ti_token_member which) {
    const char *pointer = pointer_to(ti_dialect_in_use(members->dialect), which);
    if (pointer) return unless_null(ti_json_pointer_find(members->top, pointer));

    json_t *found = member_of(members->holder, which);
    /* What an envelope lacks may stand beside it, but not what belongs to another token there. */
    if (found || holds_access_token(members->top)) return found;
    return member_of(members->top, which);
}

bool ti_token_members_have_access_token(const ti_token_members *members) {
    return json_string_length(ti_token_member_find(members, TI_MEMBER_ACCESS_TOKEN)) > 0;
}
