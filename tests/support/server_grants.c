/* The token endpoint (RFC 6749 section 3.2) and revocation (RFC 7009). */
#include "server_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_equal(const char *given, const char *wanted) {
    return given && (!wanted || strcmp(given, wanted) == 0);
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
        char *id = ts_form_decode(plain, (size_t)(colon - plain));
        char *secret = ts_form_decode(colon + 1, strlen(colon + 1));
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
    char *id = ts_form_field(request->body, "client_id");
    char *secret = ts_form_field(request->body, "client_secret");
    bool right = id ? is_equal(id, options->client_id) : !options->client_id;
    if (options->client_auth == TS_CLIENT_AUTH_POST) {
        right = right && is_equal(secret, options->client_secret);
    }
    free(secret);
    free(id);
    return right;
}

bool ts_grant_check_client_locked(ts_request *request) {
    const ts_options *options = &request->server->options;

    if (strcmp(request->method, "POST") != 0) {
        ts_answer_error(&request->answer, 405, "invalid_request");
        return false;
    }
    if (client_is_right(request, options)) return true;
    ts_answer_error(&request->answer, 401, "invalid_client");
    if (options->client_auth == TS_CLIENT_AUTH_BASIC) {
        ts_answer_add_header(&request->answer, "WWW-Authenticate: Basic realm=\"token\"");
    }
    return false;
}

/* The client is authenticated: with Basic there is only one that it can be. */
char *ts_grant_client_id(const ts_request *request) {
    const char *configured = request->server->options.client_id;
    char *given = configured ? ts_strdup(configured) : ts_form_field(request->body, "client_id");

    return given ? given : ts_strdup("");
}

const char *ts_user_locked(const ts_server *server) {
    return server->options.username ? server->options.username : "alice";
}

static json_t *expires_in(const ts_options *options) {
    if (!options->expires_in) return json_integer((options->access_lifetime_ms + 999) / 1000);
    return options->expires_in[0] ? json_loads(options->expires_in, JSON_DECODE_ANY, NULL) : NULL;
}

static void add_id_token_locked(ts_request *request, json_t *json, const ts_family *family,
                                const char *nonce) {
    char *client_id = ts_grant_client_id(request);
    char *id_token = ts_id_token_locked(request->server, family, client_id, nonce);

    if (id_token) json_object_set_new(json, "id_token", json_string(id_token));
    free(id_token);
    free(client_id);
}

/* The answer, without an ID token. scope NULL: the sign-in's. */
static json_t *answer_json_locked(const ts_server *server, const ts_issued *issued,
                                  const char *scope) {
    json_t *json = json_pack("{s:s,s:s}", "access_token", issued->access, "token_type", "Bearer");
    json_t *lifetime = expires_in(&server->options);

    if (lifetime) json_object_set_new(json, "expires_in", lifetime);
    if (issued->refresh) {
        json_object_set_new(json, "refresh_token", json_string(issued->refresh));
    }
    if (!scope) scope = ts_family_scope(issued->family);
    if (scope[0]) json_object_set_new(json, "scope", json_string(scope));
    return json;
}

static void answer_locked(ts_request *request, json_t *taken) {
    const char *members = request->server->options.extra_members;
    json_t *extra = members ? json_loads(members, 0, NULL) : NULL;

    if (extra) json_object_update(taken, extra);
    json_decref(extra);
    ts_answer_json(&request->answer, 200, taken);
    ts_answer_add_header(&request->answer, "Cache-Control: no-store");
}

ts_family *ts_grant_sign_in_locked(ts_request *request, const char *user, const char *scope,
                                   const char *nonce) {
    ts_issued issued;

    ts_tokens_sign_in_locked(request->server, user, scope, true, &issued);
    json_t *json = answer_json_locked(request->server, &issued, NULL);
    add_id_token_locked(request, json, issued.family, nonce);
    answer_locked(request, json);
    return issued.family;
}

/* OpenID Connect Core section 12.2: the ID token of a refresh has no nonce. */
static void refreshed_locked(ts_request *request, const ts_issued *issued, const char *scope) {
    json_t *json = answer_json_locked(request->server, issued, scope);

    add_id_token_locked(request, json, issued->family, NULL);
    answer_locked(request, json);
}

static void refresh_locked(ts_request *request) {
    ts_server *server = request->server;
    char *token = ts_form_field(request->body, "refresh_token");
    char *scope = ts_form_field(request->body, "scope");
    ts_issued issued;

    server->counters.refresh_grants++;
    if (!token) {
        server->counters.refreshes_refused++;
        ts_answer_error(&request->answer, 400, "invalid_request");
    } else if (ts_tokens_refresh_locked(server, token, &issued) == TS_REFRESH_OK) {
        refreshed_locked(request, &issued, scope);
    } else {
        ts_answer_error(&request->answer, 400, "invalid_grant");
    }
    free(scope);
    free(token);
}

static void password_locked(ts_request *request) {
    const ts_options *options = &request->server->options;
    char *user = ts_form_field(request->body, "username");
    char *password = ts_form_field(request->body, "password");
    char *scope = ts_form_field(request->body, "scope");

    request->server->counters.password_grants++;
    if (is_equal(user, options->username) && is_equal(password, options->password)) {
        ts_grant_sign_in_locked(request, user, scope ? scope : "", NULL);
    } else {
        ts_answer_error(&request->answer, 400, "invalid_grant");
    }
    free(scope);
    free(password);
    free(user);
}

/* No user signs in: no ID token, and no refresh token either (RFC 6749 section 4.4.3). */
static void client_credentials_locked(ts_request *request) {
    ts_server *server = request->server;
    char *scope = ts_form_field(request->body, "scope");
    ts_issued issued;

    server->counters.client_credentials_grants++;
    ts_tokens_sign_in_locked(server, "client", scope ? scope : "", false, &issued);
    answer_locked(request, answer_json_locked(server, &issued, NULL));
    free(scope);
}

/* NULL: no such grant type. */
static void (*grant_of_type(const char *type))(ts_request *) {
    static const struct {
        const char *type;
        void (*process_locked)(ts_request *request);
    } grants[] = {
        {"refresh_token", refresh_locked},
        {"password", password_locked},
        {"client_credentials", client_credentials_locked},
        {"authorization_code", ts_grant_code_locked},
        {"urn:ietf:params:oauth:grant-type:device_code", ts_grant_device_locked},
    };

    for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
        if (strcmp(type, grants[i].type) == 0) return grants[i].process_locked;
    }
    return NULL;
}

void ts_process_grant(ts_request *request) {
    ts_server *server = request->server;
    char *type = ts_form_field(request->body, "grant_type");
    void (*process_locked)(ts_request *) = type ? grant_of_type(type) : NULL;

    pthread_mutex_lock(&server->lock);
    if (!ts_grant_check_client_locked(request)) {
        /* already refused */
    } else if (!type) {
        ts_answer_error(&request->answer, 400, "invalid_request");
    } else if (!process_locked) {
        ts_answer_error(&request->answer, 400, "unsupported_grant_type");
    } else {
        process_locked(request);
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    free(type);
}

void ts_process_revocation(ts_request *request) {
    ts_server *server = request->server;
    char *token = ts_form_field(request->body, "token");

    pthread_mutex_lock(&server->lock);
    if (!ts_grant_check_client_locked(request)) {
        /* already refused */
    } else if (!token) {
        ts_answer_error(&request->answer, 400, "invalid_request");
    } else {
        /* RFC 7009 section 2.2: an unknown token is 200 too. */
        ts_tokens_revoke_locked(server, token);
        request->answer.status = 200;
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    free(token);
}
