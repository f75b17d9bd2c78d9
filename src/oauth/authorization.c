#include "oauth/authorization.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/strings.h"
#include "oauth/token_error.h"
#include "platform/os.h"
#include "transport/url.h"

#include <stdlib.h>
#include <string.h>

bool ti_authorization_begin(ti_authorization *authorization, const ti_metadata *metadata,
                            const char *redirect_uri, tacit_error *error) {
    const char *issuer = ti_metadata_issuer(metadata);

    memset(authorization, 0, sizeof *authorization);
    if (!ti_pkce_draw(authorization->verifier) || !ti_pkce_draw(authorization->state) ||
        !ti_pkce_draw(authorization->nonce)) {
        ti_authorization_end(authorization);
        ti_error_set(error, TACIT_ERR_UNSUPPORTED, "The system has no source of random.");
        return false;
    }
    authorization->sends_iss = ti_metadata_sends_iss(metadata);
    authorization->redirect_uri = strdup(redirect_uri);
    if (issuer) authorization->issuer = strdup(issuer);
    if (authorization->redirect_uri && (!issuer || authorization->issuer)) return true;
    ti_authorization_end(authorization);
    ti_error_no_memory(error);
    return false;
}

void ti_authorization_end(ti_authorization *authorization) {
    free(authorization->redirect_uri);
    free(authorization->issuer);
    ti_os_wipe(authorization, sizeof *authorization);
}

/* --- the request --- */

static void append(ti_buffer *form, const char *name, const char *value) {
    if (value) ti_buffer_append_form(form, name, value, strlen(value));
}

static void append_params(ti_buffer *form, const char *const *params) {
    for (; params && *params; params++) {
        const char *equals = strchr(*params, '=');
        char *name = ti_string_of(*params, (size_t)(equals - *params));
        if (name)
            append(form, name, equals + 1);
        else
            form->failed = true;
        free(name);
    }
}

bool ti_authorization_is_openid(const char *scope) {
    static const char openid[] = "openid";
    while (scope && *scope) {
        size_t size = strcspn(scope, " ");
        if (size == strlen(openid) && memcmp(scope, openid, size) == 0) return true;
        scope += size + strspn(scope + size, " ");
    }
    return false;
}

/* RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2.1, OpenID Connect Core section
 * 3.1.2.1 */
static void append_request(ti_buffer *form, const ti_authorization *authorization,
                           const ti_authorization_request *request, const char *challenge) {
    append(form, "response_type", "code");
    append(form, "client_id", request->client_id);
    append(form, "redirect_uri", authorization->redirect_uri);
    append(form, "scope", request->scope);
    append(form, "state", authorization->state);
    append(form, "code_challenge", challenge);
    append(form, "code_challenge_method", "S256");
    if (ti_authorization_is_openid(request->scope)) append(form, "nonce", authorization->nonce);
    append(form, "resource", request->resource);
    append_params(form, request->params);
}

char *ti_authorization_url(const ti_authorization *authorization, const ti_metadata *metadata,
                           const ti_authorization_request *request, tacit_error *error) {
    const char *endpoint = ti_metadata_authorization_endpoint(metadata);
    char challenge[TI_PKCE_SIZE];
    ti_buffer form = TI_BUFFER_INIT, url = TI_BUFFER_INIT;

    if (!endpoint) {
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "The authorization server's metadata has no authorization_endpoint.");
        return NULL;
    }
    if (ti_pkce_challenge(authorization->verifier, challenge)) {
        append_request(&form, authorization, request, challenge);
        ti_url_append_query(&url, endpoint, &form); /* RFC 6749 section 3.1 */
    }
    ti_buffer_free(&form);
    if (url.data && !url.failed) return url.data;
    ti_buffer_free(&url);
    ti_error_no_memory(error);
    return NULL;
}

/* --- what comes back --- */

typedef enum parameter { CODE, STATE, ISS, ERROR, ERROR_DESCRIPTION, PARAMETERS } parameter;

typedef struct answer {
    ti_secret *values[PARAMETERS]; /* NULL: not there */
    bool odd;                      /* one comes twice, or holds a NUL */
} answer;

static int find(const ti_secret *name) {
    static const char *const names[PARAMETERS] = {[CODE] = "code",
                                                  [STATE] = "state",
                                                  [ISS] = "iss",
                                                  [ERROR] = "error",
                                                  [ERROR_DESCRIPTION] = "error_description"};
    for (int i = 0; i < PARAMETERS; i++)
        if (strcmp(ti_secret_data(name), names[i]) == 0) return i;
    return PARAMETERS;
}

/* What is not known is to be ignored (RFC 6749 section 4.1.2). false: no memory. */
static bool read_pair(answer *a, const char *pair, size_t size) {
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals ? (size_t)(equals - pair) : size;
    ti_secret *name = ti_url_decode(pair, name_size), *value;
    if (!name) return false;
    int which = find(name);
    ti_secret_unref(name);
    if (which == PARAMETERS) return true;

    value = equals ? ti_url_decode(equals + 1, size - name_size - 1) : ti_url_decode("", 0);
    if (!value) return false;
    if (a->values[which] || strlen(ti_secret_data(value)) != ti_secret_size(value)) a->odd = true;
    ti_secret_unref(a->values[which]);
    a->values[which] = value;
    return true;
}

static bool read_query(answer *a, const char *query, size_t size) {
    const char *end = query + size;
    while (query < end) {
        const char *ampersand = memchr(query, '&', (size_t)(end - query));
        const char *pair_end = ampersand ? ampersand : end;
        if (!read_pair(a, query, (size_t)(pair_end - query))) return false;
        query = ampersand ? ampersand + 1 : end;
    }
    return true;
}

/* VSCHAR (RFC 6749 appendix A.11), at least one. */
static bool is_code(const ti_secret *code) {
    const char *text = ti_secret_data(code);
    if (!text || !*text) return false;
    for (; *text; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* RFC 9207 section 2.4: an answer of another server than the one that was asked is believed in
 * nothing, refusals included. */
static bool is_of_issuer(const ti_authorization *authorization, const answer *a,
                         tacit_error *error) {
    const char *iss = ti_secret_data(a->values[ISS]);
    if (!iss && authorization->sends_iss) {
        ti_error_set(error, TACIT_ERR_PROTOCOL,
                     "The browser came back without the issuer that the authorization server "
                     "promises to name.");
        return false;
    }
    if (iss && authorization->issuer && strcmp(iss, authorization->issuer) != 0) {
        ti_error_set(error, TACIT_ERR_PROTOCOL,
                     "The browser came back from another authorization server.");
        return false;
    }
    return true;
}

static void describe_refusal(const answer *a, tacit_error *error) {
    const char *code = ti_secret_data(a->values[ERROR]);
    tacit_error why;
    char shown[sizeof why.oauth_error];

    ti_error_text(shown, sizeof shown, code);
    if (strcmp(code, "access_denied") == 0)
        ti_error_set(&why, TACIT_ERR_ACCESS_DENIED, "The sign-in was declined in the browser.");
    else
        ti_error_set(&why, TACIT_ERR_OAUTH, "The authorization server refused the sign-in: %s.",
                     *shown ? shown : "an error without a code");
    ti_error_text(why.oauth_error, sizeof why.oauth_error, code);
    ti_error_text(why.oauth_error_description, sizeof why.oauth_error_description,
                  ti_secret_data(a->values[ERROR_DESCRIPTION]));
    why.retryable = ti_token_error_passes(code);
    ti_error_copy(error, &why);
}

static ti_callback judge(const ti_authorization *authorization, const answer *a,
                         const ti_secret *state, ti_secret **code, tacit_error *error) {
    /* a missing one differs, too */
    if (a->odd || !ti_secret_equal(a->values[STATE], state)) return TI_CALLBACK_OTHER;
    if (!a->values[ERROR] && !is_code(a->values[CODE])) return TI_CALLBACK_OTHER;
    if (!is_of_issuer(authorization, a, error)) return TI_CALLBACK_REFUSED;
    if (a->values[ERROR]) {
        describe_refusal(a, error);
        return TI_CALLBACK_REFUSED;
    }
    *code = ti_secret_ref(a->values[CODE]);
    return TI_CALLBACK_CODE;
}

ti_callback ti_authorization_read(const ti_authorization *authorization, const char *query,
                                  size_t size, ti_secret **code, tacit_error *error) {
    answer a = {.odd = false};
    ti_secret *state = ti_secret_from_string(authorization->state);
    ti_callback callback = TI_CALLBACK_FAILED;

    *code = NULL;
    if (state && read_query(&a, query, size))
        callback = judge(authorization, &a, state, code, error);
    else
        ti_error_no_memory(error);
    for (int i = 0; i < PARAMETERS; i++) ti_secret_unref(a.values[i]);
    ti_secret_unref(state);
    return callback;
}
