/*
 * The authorization endpoint (RFC 6749 section 4.1, PKCE: RFC 7636, iss: RFC 9207), and the grant
 * that redeems its codes. The user is there and says yes at once.
 */
#include "server_internal.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_LIFETIME_MS = 60000, MIN_VERIFIER = 43, MAX_VERIFIER = 128 /* RFC 7636 section 4.1 */ };

struct ts_code {
    ts_code *next;
    char *value, *client_id, *redirect_uri, *challenge;
    char *scope, *nonce; /* nonce NULL: none was asked for */
    int64_t expires_ms;
    ts_family *family; /* NULL: not redeemed yet */
};

static const char *query(const ts_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool is_equal(const char *given, const char *wanted) {
    return given && strcmp(given, wanted) == 0;
}

/* Absolute, and without a fragment: RFC 6749 section 3.1.2. */
static bool is_redirect_uri(const char *uri) {
    return uri && strchr(uri, ':') && !strchr(uri, '#');
}

/* To whom nothing may be sent: the user sees the error. RFC 6749 section 4.1.2.1. */
static bool may_redirect_locked(const ts_request *request) {
    const char *client_id = request->server->options.client_id;
    const char *given = query(request, "client_id");

    return given && (!client_id || strcmp(given, client_id) == 0) &&
           is_redirect_uri(query(request, "redirect_uri"));
}

/* NULL: nothing is wrong with the request. */
static const char *problem_locked(const ts_request *request) {
    const char *challenge = query(request, "code_challenge");

    if (request->server->options.authorize_error) return request->server->options.authorize_error;
    if (!query(request, "response_type")) return "invalid_request";
    if (!is_equal(query(request, "response_type"), "code")) return "unsupported_response_type";
    if (!challenge || strlen(challenge) != 43) return "invalid_request";
    if (!is_equal(query(request, "code_challenge_method"), "S256")) return "invalid_request";
    return NULL;
}

static ts_code *new_code_locked(const ts_request *request) {
    const char *scope = query(request, "scope");
    ts_code *code = ts_alloc(sizeof *code);

    code->value = ts_random_value("code", 0);
    code->client_id = ts_strdup(query(request, "client_id"));
    code->redirect_uri = ts_strdup(query(request, "redirect_uri"));
    code->challenge = ts_strdup(query(request, "code_challenge"));
    code->scope = ts_strdup(scope ? scope : "");
    code->nonce = ts_strdup(query(request, "nonce"));
    code->expires_ms = ts_now_ms() + CODE_LIFETIME_MS;
    code->next = request->server->codes;
    request->server->codes = code;
    return code;
}

static char *callback_locked(const ts_request *request) {
    const ts_server *server = request->server;
    const ts_options *options = &server->options;
    const char *problem = problem_locked(request);
    char *url = ts_strdup(query(request, "redirect_uri"));

    if (problem)
        ts_query_add(&url, "error", problem);
    else
        ts_query_add(&url, "code", new_code_locked(request)->value);
    ts_query_add(&url, "state", query(request, "state"));
    if (!options->no_callback_iss) ts_query_add(&url, "iss", ts_issuer_locked(server));
    if (!options->callback_params) return url;

    char *longer = ts_format("%s%s", url, options->callback_params);
    free(url);
    return longer;
}

void ts_process_authorize(ts_request *request) {
    ts_server *server = request->server;

    pthread_mutex_lock(&server->lock);
    if (strcmp(request->method, "GET") != 0) {
        request->answer.status = 405;
    } else if (!may_redirect_locked(request)) {
        ts_answer_error(&request->answer, 400, "invalid_request");
    } else {
        char *url = callback_locked(request);
        char *header = ts_format("Location: %s", url);
        request->answer.status = 302;
        ts_answer_add_header(&request->answer, header);
        free(header);
        free(url);
    }
    pthread_mutex_unlock(&server->lock);
}

static ts_code *find(ts_code *codes, const char *value) {
    while (codes && strcmp(codes->value, value) != 0) codes = codes->next;
    return codes;
}

static bool is_verified(const ts_code *code, const char *verifier) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    size_t size = verifier ? strlen(verifier) : 0;

    if (size < MIN_VERIFIER || size > MAX_VERIFIER) return false;
    SHA256((const unsigned char *)verifier, size, hash);
    char *challenge = ts_base64url((const char *)hash, sizeof hash);
    bool verified = strcmp(challenge, code->challenge) == 0;
    free(challenge);
    return verified;
}

/* The client that the code is for has sent its whole request: RFC 6749 section 4.1.3. */
static bool is_for_this_client(const ts_request *request, const ts_code *code) {
    char *client_id = ts_grant_client_id(request);
    char *redirect_uri = ts_form_field(request->body, "redirect_uri");
    char *verifier = ts_form_field(request->body, "code_verifier");
    bool right = is_equal(client_id, code->client_id) &&
                 is_equal(redirect_uri, code->redirect_uri) && is_verified(code, verifier);

    free(verifier);
    free(redirect_uri);
    free(client_id);
    return right;
}

static void redeem_locked(ts_request *request, ts_code *code) {
    ts_server *server = request->server;

    if (code && code->family) { /* RFC 6749 section 4.1.2: what it gave is revoked */
        server->counters.code_replays++;
        ts_family_revoke(code->family);
    }
    if (!code || code->family || code->expires_ms <= ts_now_ms() ||
        !is_for_this_client(request, code)) {
        ts_answer_error(&request->answer, 400, "invalid_grant");
        return;
    }
    server->counters.code_grants++;
    code->family =
        ts_grant_sign_in_locked(request, ts_user_locked(server), code->scope, code->nonce);
}

void ts_grant_code_locked(ts_request *request) {
    char *value = ts_form_field(request->body, "code");

    if (value)
        redeem_locked(request, find(request->server->codes, value));
    else
        ts_answer_error(&request->answer, 400, "invalid_request");
    free(value);
}

void ts_codes_free(ts_code *codes) {
    for (ts_code *next, *code = codes; code; code = next) {
        next = code->next;
        free(code->value);
        free(code->client_id);
        free(code->redirect_uri);
        free(code->challenge);
        free(code->scope);
        free(code->nonce);
        free(code);
    }
}
