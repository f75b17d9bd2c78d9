/* The options by name, for the command line and /__control. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

typedef enum option_type {
    OPTION_BOOL,
    OPTION_INT,
    OPTION_PORT,
    OPTION_UNSIGNED,
    OPTION_SIZE,
    OPTION_STRING,
    OPTION_CLIENT_AUTH
} option_type;

typedef struct option {
    const char *name;
    option_type type;
    size_t offset; /* in ts_options */
} option;

#define OPTION(name, type)                                                                         \
    { #name, OPTION_##type, offsetof(ts_options, name) }
static const option list[] = {
    OPTION(port, PORT),
    OPTION(threads, UNSIGNED),
    OPTION(tls_cert, STRING),
    OPTION(tls_key, STRING),
    OPTION(own_authorization_port, BOOL),
    OPTION(record_limit, SIZE),
    OPTION(access_lifetime_ms, INT),
    OPTION(expires_in, STRING),
    OPTION(extra_members, STRING),
    OPTION(token_size, SIZE),
    OPTION(jwt, BOOL),
    OPTION(jwt_ahead_s, INT),
    OPTION(sliding_header, STRING),
    OPTION(sliding_ends_older_access, BOOL),
    OPTION(rotate, BOOL),
    OPTION(repeat_refresh_token, BOOL),
    OPTION(detect_reuse, BOOL),
    OPTION(grace_ms, INT),
    OPTION(grace_same_successor, BOOL),
    OPTION(refresh_ends_older_access, BOOL),
    OPTION(client_auth, CLIENT_AUTH),
    OPTION(client_id, STRING),
    OPTION(client_secret, STRING),
    OPTION(username, STRING),
    OPTION(password, STRING),
    OPTION(slow_ms, INT),
    OPTION(issuer, STRING),
    OPTION(no_openid_configuration, BOOL),
    OPTION(no_oauth_metadata, BOOL),
    OPTION(metadata_members, STRING),
    OPTION(callback_params, STRING),
    OPTION(no_callback_iss, BOOL),
    OPTION(authorize_error, STRING),
    OPTION(no_id_token, BOOL),
    OPTION(id_token_members, STRING),
    OPTION(device_expires_in_s, INT),
    OPTION(device_interval, STRING),
    OPTION(device_members, STRING),
};
#undef OPTION

/* A dash in the name given stands for an underscore. */
static bool is_same_name(const char *name, const char *given) {
    while (*name && (*name == *given || (*name == '_' && *given == '-'))) {
        name++;
        given++;
    }
    return *name == *given;
}

static const option *find(const char *given) {
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (is_same_name(list[i].name, given)) return &list[i];
    }
    return NULL;
}

static bool set_number(ts_options *options, const option *option, long long number) {
    void *field = (char *)options + option->offset;

    switch (option->type) {
    case OPTION_BOOL:
        *(bool *)field = number != 0;
        return true;
    case OPTION_INT:
        *(int *)field = (int)number;
        return true;
    case OPTION_PORT:
        *(uint16_t *)field = (uint16_t)number;
        return true;
    case OPTION_UNSIGNED:
        *(unsigned *)field = (unsigned)number;
        return true;
    case OPTION_SIZE:
        *(size_t *)field = (size_t)number;
        return true;
    default:
        return false;
    }
}

static bool set_client_auth(ts_options *options, const char *name) {
    static const char *const names[] = {"public", "basic", "post"}; /* by ts_client_auth */

    for (int i = 0; name && i < 3; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        options->client_auth = (ts_client_auth)i;
        return true;
    }
    return false;
}

static bool set_text(ts_options *options, const option *option, const char *text) {
    if (option->type == OPTION_CLIENT_AUTH) return set_client_auth(options, text);
    if (option->type != OPTION_STRING) return false;
    *(const char **)((char *)options + option->offset) = text;
    return true;
}

const char **ts_option_string(ts_options *options, size_t index) {
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (list[i].type != OPTION_STRING || index-- > 0) continue;
        return (const char **)((char *)options + list[i].offset);
    }
    return NULL;
}

bool ts_option_set_json(ts_options *options, const char *name, const json_t *value) {
    const option *option = find(name);

    if (!option) return false;
    if (json_is_boolean(value) && option->type == OPTION_BOOL) {
        return set_number(options, option, json_is_true(value));
    }
    if (json_is_integer(value) && option->type != OPTION_BOOL) {
        return set_number(options, option, json_integer_value(value));
    }
    if (json_is_string(value) || json_is_null(value)) {
        return set_text(options, option, json_string_value(value));
    }
    return false;
}

int ts_option_set_argument(ts_options *options, const char *name, const char *value) {
    const option *option = find(name); /* some are named no_ themselves */
    bool negated = !option && strncmp(name, "no-", 3) == 0;
    char *end;

    if (negated) option = find(name + 3);
    if (!option) return 0;
    if (option->type == OPTION_BOOL) return set_number(options, option, !negated) ? 1 : 0;
    if (negated || !value) return 0;
    if (option->type == OPTION_STRING || option->type == OPTION_CLIENT_AUTH) {
        return set_text(options, option, value) ? 2 : 0;
    }
    long long number = strtoll(value, &end, 10);
    if (end == value || *end || number < 0) return 0;
    return set_number(options, option, number) ? 2 : 0;
}
