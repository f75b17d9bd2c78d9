/* What is worth a thought in a provider that the library takes. */
#include "provider_summary.h"

#include "provider_file.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

static void note(json_t *notes, bool applies, const char *sentence) {
    if (applies) json_array_append_new(notes, json_string(sentence));
}

/* ------------------------------------------------------------------ where secrets travel */

/* Also in objects in it. */
static bool has_value(const json_t *fields, const char *wanted) {
    const char *name, *text;
    json_t *value;

    json_object_foreach((json_t *)fields, name, value) {
        text = json_string_value(value);
        if ((text != NULL && strcmp(text, wanted) == 0) || has_value(value, wanted)) return true;
    }
    return false;
}

static bool is_in_url(const json_t *request, const char *way, const char *placeholder) {
    const char *chosen = text_of(request, way);

    if (request == NULL) return false;
    if (chosen != NULL && strcmp(chosen, "query") == 0) return true;
    return !provider_has_body(request) &&
           has_value(json_object_get(request, "fields"), placeholder);
}

static bool token_is_in_url(const json_t *dialect) {
    return is_in_url(json_object_get(dialect, "refresh"), "send", "{refresh_token}") ||
           is_in_url(json_object_get(dialect, "sign_out"), "send", "{refresh_token}");
}

/* ------------------------------------------------------------------ how a sign-in ends */

/* A route of one's own seldom knows RFC 6749's invalid_grant. */
static bool may_never_end(const json_t *dialect) {
    const json_t *refresh = json_object_get(dialect, "refresh");
    const char *send = text_of(refresh, "send");

    return refresh != NULL && send != NULL && strcmp(send, "form") != 0 &&
           json_object_get(dialect, "signed_out_statuses") == NULL &&
           json_object_get(dialect, "signed_out_errors") == NULL;
}

static bool sign_out_is_local(const json_t *provider) {
    return json_object_get(provider, "revocation_endpoint") == NULL &&
           json_object_get(provider_dialect(provider), "sign_out") == NULL;
}

static bool sign_out_wants_access_token(const json_t *dialect) {
    const char *token = text_of(json_object_get(dialect, "sign_out"), "token");

    return token != NULL && strcmp(token, "access_token") == 0;
}

json_t *provider_notes(const json_t *provider) {
    const json_t *dialect = provider_dialect(provider);
    const json_t *sign_in = json_object_get(dialect, "sign_in");
    const json_t *refresh = json_object_get(dialect, "refresh");
    json_t *notes = json_array();

    if (notes == NULL) return NULL;
    note(notes, token_is_in_url(dialect),
         "A token travels in a URL, which servers and proxies log. tacit masks it in its "
         "own log; better is a header or the body.");
    note(notes, sign_in != NULL && !has_value(json_object_get(sign_in, "fields"), "{password}"),
         "The sign-in sends no password: \"fields\" says under which name, such as "
         "{\"email\": \"{username}\", \"password\": \"{password}\"}.");
    note(notes, is_in_url(sign_in, "body", "{password}"),
         "The password travels in a URL, which servers and proxies log.");
    note(notes, may_never_end(dialect),
         "Only the error invalid_grant ends a sign-in. If the refresh route answers otherwise when "
         "the refresh token is over, say so: \"signed_out_statuses\": [401].");
    note(notes, provider_ends_with(provider, 403),
         "A 403 ends a sign-in: be sure that no firewall or proxy before the server answers one.");
    note(notes, sign_out_is_local(provider),
         "The server is not told of a sign-out: there is neither revocation_endpoint nor sign_out. "
         "A token that was stolen works on until its end.");
    note(notes, sign_out_wants_access_token(dialect) && !provider_slides(provider),
         "The sign-out wants the access token: when that is over, the server is not told, and the "
         "refresh token works on until its end.");
    note(notes,
         provider_slides(provider) && refresh == NULL &&
             json_object_get(provider, "token_endpoint") == NULL,
         "Nothing but the API's answers renews the token: whoever makes no request for as long as "
         "it lives has to sign in again.");
    return notes;
}
