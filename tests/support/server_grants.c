/* The token endpoint (RFC 6749 section 3.2) and revocation (RFC 7009). */
#include "server_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* application/x-www-form-urlencoded; yours. */
static char *form_decode(const char *text, size_t size) {
    char *decoded = ts_alloc(size + 1), *out = decoded;

    for (size_t i = 0; i < size; i++) {
        int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (text[i] == '%' && low >= 0) {
            *out++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *out++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

/* NULL: the field is not there; else yours. */
static char *form_field(const char *body, const char *name) {
    size_t name_size = strlen(name);

    for (const char *field = body; field && *field;) {
        size_t size = strcspn(field, "&");
        if (size > name_size && field[name_size] == '=' && strncmp(field, name, name_size) == 0) {
            return form_decode(field + name_size + 1, size - name_size - 1);
        }
        field += size + (field[size] == '&');
    }
    return NULL;
}

static bool is_equal(const char *given, const char *wanted) {
    return given && (!wanted || strcmp(given, wanted) == 0);
}

static void refuse(ts_request *request, int status, const char *error) {
    ts_answer_json(&request->answer, status, json_pack("{s:s}", "error", error));
}

/* RFC 6749 section 2.3.1: both parts are form-encoded before they are joined and base64-encoded. */
static bool basic_is_right(const ts_options *options, const char *authorization) {
    if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0) return false;

    const char *encoded = authorization + 6;
    int size = (int)strlen(encoded);
    char *plain = ts_alloc((size_t)size + 1);
    bool right = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)encoded, size) > 0;
    char *colon = right ? strchr(plain, ':') : NULL;
    if (colon) {
        char *id = form_decode(plain, (size_t)(colon - plain));
        char *secret = form_decode(colon + 1, strlen(colon + 1));
        right = is_equal(id, options->client_id) && is_equal(secret, options->client_secret);
        free(secret);
        free(id);
    }
    free(plain);
    return right && colon;
}

static bool client_is_right(const ts_request *request, const ts_options *options) {
    if (options->client_auth == TS_CLIENT_AUTH_BASIC) {
        return basic_is_right(options, ts_request_header(request, "Authorization"));
    }
    char *id = form_field(request->body, "client_id");
    char *secret = form_field(request->body, "client_secret");
    bool right = id ? is_equal(id, options->client_id) : !options->client_id;
    if (options->client_auth == TS_CLIENT_AUTH_POST) {
        right = right && is_equal(secret, options->client_secret);
    }
    free(secret);
    free(id);
    return right;
}

static bool check_client(ts_request *request, const ts_options *options) {
    if (strcmp(request->method, "POST") != 0) {
        refuse(request, 405, "invalid_request");
        return false;
    }
    if (client_is_right(request, options)) return true;
    refuse(request, 401, "invalid_client");
    if (options->client_auth == TS_CLIENT_AUTH_BASIC) {
        ts_answer_add_header(&request->answer, "WWW-Authenticate: Basic realm=\"token\"");
    }
    return false;
}

static json_t *expires_in(const ts_options *options) {
    if (!options->expires_in) return json_integer((options->access_lifetime_ms + 999) / 1000);
    return options->expires_in[0] ? json_loads(options->expires_in, JSON_DECODE_ANY, NULL) : NULL;
}

/* The lock is held. scope NULL: the sign-in's. */
static void grant_locked(ts_request *request, const ts_issued *issued, const char *scope) {
    const ts_options *options = &request->server->options;
    json_t *json = json_pack("{s:s,s:s}", "access_token", issued->access, "token_type", "Bearer");
    json_t *lifetime = expires_in(options);
    json_t *extra = options->extra_members ? json_loads(options->extra_members, 0, NULL) : NULL;

    if (lifetime) json_object_set_new(json, "expires_in", lifetime);
    if (issued->refresh) {
        json_object_set_new(json, "refresh_token", json_string(issued->refresh));
    }
    if (!scope) scope = issued->scope;
    if (scope && scope[0]) json_object_set_new(json, "scope", json_string(scope));
    if (extra) json_object_update(json, extra);
    json_decref(extra);
    ts_answer_json(&request->answer, 200, json);
    ts_answer_add_header(&request->answer, "Cache-Control: no-store");
}

static void refresh_locked(ts_request *request) {
    ts_server *server = request->server;
    char *token = form_field(request->body, "refresh_token");
    char *scope = form_field(request->body, "scope");
    ts_issued issued;

    server->counters.refresh_grants++;
    if (!token) {
        server->counters.refreshes_refused++;
        refuse(request, 400, "invalid_request");
    } else if (ts_tokens_refresh_locked(server, token, &issued) == TS_REFRESH_OK) {
        grant_locked(request, &issued, scope);
    } else {
        refuse(request, 400, "invalid_grant");
    }
    free(scope);
    free(token);
}

static void sign_in_locked(ts_request *request, const char *user, bool with_refresh) {
    char *scope = form_field(request->body, "scope");
    ts_issued issued;

    ts_tokens_sign_in_locked(request->server, user, scope ? scope : "", with_refresh, &issued);
    grant_locked(request, &issued, NULL);
    free(scope);
}

static void password_locked(ts_request *request) {
    const ts_options *options = &request->server->options;
    char *user = form_field(request->body, "username");
    char *password = form_field(request->body, "password");

    request->server->counters.password_grants++;
    if (is_equal(user, options->username) && is_equal(password, options->password)) {
        sign_in_locked(request, user, true);
    } else {
        refuse(request, 400, "invalid_grant");
    }
    free(password);
    free(user);
}

void ts_process_grant(ts_request *request) {
    ts_server *server = request->server;
    char *type = form_field(request->body, "grant_type");

    pthread_mutex_lock(&server->lock);
    if (!check_client(request, &server->options)) {
        /* already refused */
    } else if (!type) {
        refuse(request, 400, "invalid_request");
    } else if (strcmp(type, "refresh_token") == 0) {
        refresh_locked(request);
    } else if (strcmp(type, "password") == 0) {
        password_locked(request);
    } else if (strcmp(type, "client_credentials") == 0) {
        server->counters.client_credentials_grants++;
        sign_in_locked(request, "client", false); /* RFC 6749 section 4.4.3: no refresh token */
    } else {
        refuse(request, 400, "unsupported_grant_type");
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    free(type);
}

void ts_process_revocation(ts_request *request) {
    ts_server *server = request->server;
    char *token = form_field(request->body, "token");

    pthread_mutex_lock(&server->lock);
    if (!check_client(request, &server->options)) {
        /* already refused */
    } else if (!token) {
        refuse(request, 400, "invalid_request");
    } else {
        /* RFC 7009 section 2.2: an unknown token is 200 too. */
        ts_tokens_revoke_locked(server, token);
        request->answer.status = 200;
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    free(token);
}
