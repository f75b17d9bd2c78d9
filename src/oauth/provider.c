#include "oauth/provider.h"

#include "base/error.h"
#include "oauth/json.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct tacit_provider {
    atomic_size_t references;
    /* set at creation, then read-only */
    char *issuer;
    char *token_endpoint;
    char *revocation_endpoint; /* NULL: none */
    bool takes_basic, takes_post;
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

static json_t *load(const char *json, tacit_error *error) {
    size_t size = strlen(json);
    if (strncmp(json, "\xEF\xBB\xBF", 3) == 0) { /* RFC 8259 section 8.1 */
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

static bool read_issuer(tacit_provider *provider, const json_t *root, tacit_error *error) {
    const json_t *member = json_object_get(root, "issuer");
    const char *issuer = ti_json_string(root, "issuer");
    if (is_absent(member)) {
        issuer = provider->token_endpoint;
    } else if (!issuer || !*issuer) {
        ti_error_argument(error, "/issuer:", "is not a string with something in it");
        return false;
    }
    provider->issuer = strdup(issuer);
    if (!provider->issuer) ti_error_no_memory(error);
    return provider->issuer != NULL;
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

static bool read_auth_methods(tacit_provider *provider, const json_t *root, tacit_error *error) {
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
        if (strcmp(method, "client_secret_basic") == 0) provider->takes_basic = true;
        if (strcmp(method, "client_secret_post") == 0) provider->takes_post = true;
    }
    if (json_array_size(methods) == 0) provider->takes_basic = true; /* RFC 8414's default */
    return true;
}

static bool read_metadata(tacit_provider *provider, const json_t *root, tacit_error *error) {
    if (!is_absent(json_object_get(root, "dialect"))) {
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "/dialect: this version speaks to servers that follow OAuth only");
        return false;
    }
    if (!read_endpoint(root, "token_endpoint", "/token_endpoint:", &provider->token_endpoint,
                       error)) {
        return false;
    }
    if (!provider->token_endpoint) {
        ti_error_argument(error, "/token_endpoint:", "is missing");
        return false;
    }
    return read_endpoint(root, "revocation_endpoint",
                         "/revocation_endpoint:", &provider->revocation_endpoint, error) &&
           read_issuer(provider, root, error) && read_auth_methods(provider, root, error);
}

tacit_provider *tacit_provider_from_json(const char *json, tacit_error *error) {
    if (!json) {
        ti_error_argument(error, "json", "is NULL");
        return NULL;
    }
    json_t *root = load(json, error);
    if (!root) return NULL;

    tacit_provider *provider = calloc(1, sizeof *provider);
    if (provider) {
        atomic_init(&provider->references, 1);
        if (read_metadata(provider, root, error)) {
            ti_error_clear(error);
        } else {
            tacit_provider_unref(provider);
            provider = NULL;
        }
    } else {
        ti_error_no_memory(error);
    }
    json_decref(root);
    return provider;
}

/* --- the rest --- */

tacit_provider *ti_provider_ref(tacit_provider *provider) {
    atomic_fetch_add_explicit(&provider->references, 1, memory_order_relaxed);
    return provider;
}

void tacit_provider_unref(tacit_provider *provider) {
    if (!provider) return;
    if (atomic_fetch_sub_explicit(&provider->references, 1, memory_order_acq_rel) > 1) return;
    free(provider->issuer);
    free(provider->token_endpoint);
    free(provider->revocation_endpoint);
    free(provider);
}

const char *ti_provider_issuer(const tacit_provider *provider) {
    return provider->issuer;
}

const char *ti_provider_token_endpoint(const tacit_provider *provider) {
    return provider->token_endpoint;
}

const char *ti_provider_revocation_endpoint(const tacit_provider *provider) {
    return provider->revocation_endpoint;
}

bool ti_provider_client_auth(const tacit_provider *provider, bool has_secret,
                             ti_client_auth *auth) {
    *auth = TI_CLIENT_AUTH_NONE;
    if (!has_secret) return true;
    if (provider->takes_basic) {
        *auth = TI_CLIENT_AUTH_BASIC;
    } else if (provider->takes_post) {
        *auth = TI_CLIENT_AUTH_POST;
    }
    return *auth != TI_CLIENT_AUTH_NONE;
}
