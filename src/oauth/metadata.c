#include "oauth/metadata.h"

#include "base/error.h"
#include "base/strings.h"
#include "oauth/json.h"
#include "transport/url.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

struct ti_metadata {
    atomic_size_t references;
    /* set at creation, then read-only; NULL: not in it */
    char *issuer, *token_endpoint, *authorization_endpoint, *device_authorization_endpoint,
        *revocation_endpoint, *end_session_endpoint;
    ti_dialect *dialect;
    bool takes_basic, takes_post, sends_iss;
};

/* --- reading metadata --- */

static bool is_absent(const json_t *member) {
    return !member || json_is_null(member);
}

/* The app wrote this text, so where the parser stopped may be told; what it read there is left out
 * all the same. */
static void describe_syntax(const json_error_t *where, tacit_error *error) {
    const char *near = strstr(where->text, " near ");
    int length = near ? (int)(near - where->text) : (int)strlen(where->text);
    ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "json: line %d, column %d: %.*s", where->line,
                 where->column, length, where->text);
}

static json_t *load(const char *json, size_t size, tacit_error *error) {
    if (size >= 3 && memcmp(json, "\xEF\xBB\xBF", 3) == 0) { /* RFC 8259 section 8.1 */
        json += 3;
        size -= 3;
    }
    json_error_t where;
    json_t *root;
    switch (ti_json_load(json, size,
                         JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL |
                             JSON_REJECT_DUPLICATES,
                         &root, &where)) {
    case TI_JSON_OK:
        break;
    case TI_JSON_INVALID:
        describe_syntax(&where, error);
        return NULL;
    case TI_JSON_TOO_LARGE:
        ti_error_argument(error, "json", "is over 1 MiB, or nested deeper than 32 levels");
        return NULL;
    case TI_JSON_NO_MEMORY:
        ti_error_no_memory(error);
        return NULL;
    }
    if (json_is_object(root)) return root;
    ti_error_argument(error, "json", "is not an object");
    json_decref(root);
    return NULL;
}

/* Whether only one of them has a slash at its end, which is how most issuers come to be mistyped. */
static bool differ_in_slash(const char *a, const char *b) {
    size_t a_size = strlen(a), b_size = strlen(b);
    const char *longer = a_size > b_size ? a : b;
    size_t common = a_size < b_size ? a_size : b_size;
    return strncmp(a, b, common) == 0 && strcmp(longer + common, "/") == 0;
}

static void another_issuer(const char *issuer, const char *wanted, tacit_error *error) {
    if (!issuer) {
        ti_error_set(error, TACIT_ERR_PROTOCOL, "The metadata of %s names no issuer.", wanted);
    } else if (!differ_in_slash(issuer, wanted)) {
        ti_error_set(error, TACIT_ERR_PROTOCOL, "The metadata of %s names another issuer.", wanted);
    } else {
        ti_error_set(error, TACIT_ERR_PROTOCOL,
                     "The metadata of %s names another issuer: %s a slash at its end.", wanted,
                     strlen(issuer) > strlen(wanted) ? "with" : "without");
    }
}

static bool read_issuer(ti_metadata *metadata, const json_t *root, const char *wanted,
                        tacit_error *error) {
    const char *issuer = ti_json_string(root, "issuer");
    if (!is_absent(json_object_get(root, "issuer")) && (!issuer || !*issuer)) {
        ti_error_argument(error, "/issuer:", "is not a string with something in it");
        return false;
    }
    if (wanted && (!issuer || strcmp(issuer, wanted) != 0)) {
        another_issuer(issuer, wanted, error);
        return false;
    }
    if (!issuer) return true;
    metadata->issuer = strdup(issuer);
    if (!metadata->issuer) ti_error_no_memory(error);
    return metadata->issuer != NULL;
}

/* *endpoint stays NULL where the member is absent. */
static bool read_endpoint(const json_t *root, const char *name, const char *what, char **endpoint,
                          tacit_error *error) {
    if (is_absent(json_object_get(root, name))) return true;
    const char *text = ti_json_string(root, name);
    if (!text) {
        ti_error_argument(error, what, "is not a string");
        return false;
    }
    ti_url *url = ti_url_parse(text, what, error);
    if (!url) return false;
    *endpoint = strdup(ti_url_text(url));
    ti_url_free(url);
    if (!*endpoint) ti_error_no_memory(error);
    return *endpoint != NULL;
}

static bool read_endpoints(ti_metadata *metadata, const json_t *root, tacit_error *error) {
    const struct {
        const char *name, *what;
        char **endpoint;
    } endpoints[] = {
        {"token_endpoint", "/token_endpoint:", &metadata->token_endpoint},
        {"authorization_endpoint", "/authorization_endpoint:", &metadata->authorization_endpoint},
        {"device_authorization_endpoint",
         "/device_authorization_endpoint:", &metadata->device_authorization_endpoint},
        {"revocation_endpoint", "/revocation_endpoint:", &metadata->revocation_endpoint},
        {"end_session_endpoint", "/end_session_endpoint:", &metadata->end_session_endpoint},
    };
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        if (!read_endpoint(root, endpoints[i].name, endpoints[i].what, endpoints[i].endpoint,
                           error)) {
            return false;
        }
    }
    return true;
}

static bool read_auth_methods(ti_metadata *metadata, const json_t *root, tacit_error *error) {
    static const char name[] = "token_endpoint_auth_methods_supported";
    const json_t *methods = json_object_get(root, name);
    if (!is_absent(methods) && !json_is_array(methods)) {
        ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "/%s: is not an array", name);
        return false;
    }
    for (size_t i = 0; i < json_array_size(methods); i++) {
        const char *method = json_string_value(json_array_get(methods, i));
        if (!method) {
            ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "/%s/%zu: is not a string", name, i);
            return false;
        }
        if (strcmp(method, "client_secret_basic") == 0) metadata->takes_basic = true;
        if (strcmp(method, "client_secret_post") == 0) metadata->takes_post = true;
    }
    if (json_array_size(methods) == 0) metadata->takes_basic = true; /* RFC 8414's default */
    return true;
}

static bool read_dialect(ti_metadata *metadata, const json_t *root, tacit_error *error) {
    const json_t *dialect = json_object_get(root, "dialect");
    if (is_absent(dialect)) return true;
    metadata->dialect = ti_dialect_parse(dialect, error);
    return metadata->dialect != NULL;
}

/* Where the answers to requests renew the token, nothing is sent to a token endpoint. */
static bool check_token_endpoint(const ti_metadata *metadata, tacit_error *error) {
    const ti_dialect *dialect = ti_metadata_dialect(metadata);
    if (metadata->token_endpoint || (dialect && dialect->sliding_header && !dialect->refresh)) {
        return true;
    }
    ti_error_argument(error, "/token_endpoint:", "is missing");
    return false;
}

/* By which its sign-ins are known in the store. */
static bool check_name(const ti_metadata *metadata, tacit_error *error) {
    if (metadata->issuer || metadata->token_endpoint || metadata->dialect->sign_in) return true;
    ti_error_argument(error, "/issuer:",
                      "is missing, and so are /token_endpoint and /dialect/sign_in, which could "
                      "stand for it");
    return false;
}

/* What a server says of itself must not change how tokens travel, or where to: a dialect is the app's
 * own word only. */
static bool read_metadata(ti_metadata *metadata, const json_t *root, const char *issuer,
                          tacit_error *error) {
    metadata->sends_iss =
        json_is_true(json_object_get(root, "authorization_response_iss_parameter_supported"));
    return read_endpoints(metadata, root, error) &&
           (issuer || read_dialect(metadata, root, error)) &&
           check_token_endpoint(metadata, error) && read_issuer(metadata, root, issuer, error) &&
           check_name(metadata, error) && read_auth_methods(metadata, root, error);
}

ti_metadata *ti_metadata_parse(const char *json, size_t size, const char *issuer,
                               tacit_error *error) {
    json_t *root = load(json, size, error);
    if (!root) return NULL;

    ti_metadata *metadata = calloc(1, sizeof *metadata);
    if (metadata) {
        atomic_init(&metadata->references, 1);
        if (read_metadata(metadata, root, issuer, error)) {
            ti_error_clear(error);
        } else {
            ti_metadata_unref(metadata);
            metadata = NULL;
        }
    } else {
        ti_error_no_memory(error);
    }
    json_decref(root);
    return metadata;
}

/* --- the rest --- */

ti_metadata *ti_metadata_ref(ti_metadata *metadata) {
    atomic_fetch_add_explicit(&metadata->references, 1, memory_order_relaxed);
    return metadata;
}

void ti_metadata_unref(ti_metadata *metadata) {
    if (!metadata) return;
    if (atomic_fetch_sub_explicit(&metadata->references, 1, memory_order_acq_rel) > 1) return;
    free(metadata->issuer);
    free(metadata->token_endpoint);
    free(metadata->authorization_endpoint);
    free(metadata->device_authorization_endpoint);
    free(metadata->revocation_endpoint);
    free(metadata->end_session_endpoint);
    ti_dialect_free(metadata->dialect);
    free(metadata);
}

bool ti_metadata_equal(const ti_metadata *a, const ti_metadata *b) {
    return ti_string_equal(a->issuer, b->issuer) &&
           ti_string_equal(a->token_endpoint, b->token_endpoint) &&
           ti_string_equal(a->authorization_endpoint, b->authorization_endpoint) &&
           ti_string_equal(a->device_authorization_endpoint, b->device_authorization_endpoint) &&
           ti_string_equal(a->revocation_endpoint, b->revocation_endpoint) &&
           ti_string_equal(a->end_session_endpoint, b->end_session_endpoint) &&
           a->takes_basic == b->takes_basic && a->takes_post == b->takes_post &&
           a->sends_iss == b->sends_iss && ti_dialect_equal(a->dialect, b->dialect);
}

bool ti_metadata_is_fresh(int64_t fetched_wall_ms, int64_t wall_ms) {
    return wall_ms >= fetched_wall_ms && wall_ms - fetched_wall_ms < DAY_MS;
}

const char *ti_metadata_issuer(const ti_metadata *metadata) {
    return metadata->issuer;
}

const char *ti_metadata_name(const ti_metadata *metadata) {
    if (metadata->issuer) return metadata->issuer;
    if (metadata->token_endpoint) return metadata->token_endpoint;
    return metadata->dialect->sign_in->url;
}

const char *ti_metadata_token_endpoint(const ti_metadata *metadata) {
    return metadata->token_endpoint;
}

const char *ti_metadata_authorization_endpoint(const ti_metadata *metadata) {
    return metadata->authorization_endpoint;
}

const char *ti_metadata_device_authorization_endpoint(const ti_metadata *metadata) {
    return metadata->device_authorization_endpoint;
}

const char *ti_metadata_revocation_endpoint(const ti_metadata *metadata) {
    return metadata->revocation_endpoint;
}

const char *ti_metadata_end_session_endpoint(const ti_metadata *metadata) {
    return metadata->end_session_endpoint;
}

const ti_dialect *ti_metadata_own_dialect(const ti_metadata *metadata) {
    return metadata->dialect;
}

bool ti_metadata_sends_iss(const ti_metadata *metadata) {
    return metadata->sends_iss;
}

bool ti_metadata_client_auth(const ti_metadata *metadata, bool has_secret, ti_client_auth *auth) {
    *auth = TI_CLIENT_AUTH_NONE;
    if (!has_secret) return true;
    if (metadata->takes_basic) {
        *auth = TI_CLIENT_AUTH_BASIC;
    } else if (metadata->takes_post) {
        *auth = TI_CLIENT_AUTH_POST;
    }
    return *auth != TI_CLIENT_AUTH_NONE;
}
