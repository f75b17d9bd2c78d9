#include "provider_summary.h"

#include "provider_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

static const char *text_or(const json_t *object, const char *member, const char *otherwise) {
    const char *text = text_of(object, member);

    return text == NULL ? otherwise : text;
}

/* ------------------------------------------------------------------ texts that grow */

typedef struct phrase {
    char *text;
    size_t size;
    FILE *file;
} phrase;

static void begin(phrase *phrase) {
    *phrase = (struct phrase){.text = NULL};
    phrase->file = open_memstream(&phrase->text, &phrase->size);
}

static void add(phrase *phrase, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(phrase *phrase, const char *format, ...) {
    va_list arguments;

    if (phrase->file == NULL) return;
    va_start(arguments, format);
    vfprintf(phrase->file, format, arguments);
    va_end(arguments);
}

/* Into the summary, where it says anything. */
static void put(json_t *summary, const char *name, phrase *phrase) {
    if (phrase->file != NULL) fclose(phrase->file);
    if (phrase->text != NULL && *phrase->text != '\0')
        json_object_set_new(summary, name, json_string(phrase->text));
    free(phrase->text);
}

/* "a, b, c" */
static void add_list(phrase *phrase, const json_t *list, const char *first) {
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        add(phrase, "%s", i == 0 ? first : ", ");
        if (json_is_string(item)) add(phrase, "%s", json_string_value(item));
        if (json_is_integer(item)) add(phrase, "%d", (int)json_integer_value(item));
    }
}

/* ------------------------------------------------------------------ requests */

/* "user.email, user.password": of an object in it, what it holds. */
static void add_names_below(phrase *phrase, const json_t *fields, const char *above,
                            const char **first) {
    const char *name;
    char *below = NULL;
    json_t *value;

    json_object_foreach((json_t *)fields, name, value) {
        if (json_object_size(value) == 0) {
            add(phrase, "%s%s%s", *first, above, name);
            *first = ", ";
        } else if (asprintf(&below, "%s%s.", above, name) >= 0) {
            add_names_below(phrase, value, below, first);
            free(below);
        }
    }
}

static void add_names(phrase *phrase, const json_t *fields, const char *first) {
    add_names_below(phrase, fields, "", &first);
}

static const char *body_words(const char *body) {
    if (strcmp(body, "query") == 0) return "the URL";
    return strcmp(body, "form") == 0 ? "a form" : "JSON";
}

static void add_token(phrase *phrase, const json_t *request, const char *token) {
    const char *send = text_or(request, "send", "form");

    if (strcmp(send, "bearer") == 0)
        add(phrase, "; %s as \"Authorization: Bearer ...\"", token);
    else if (strcmp(send, "cookie") == 0)
        add(phrase, "; %s as the cookie %s", token, text_of(request, "field"));
    else
        add(phrase, "; %s in %s, as %s", token, body_words(send),
            text_or(request, "field", "refresh_token"));
}

static void put_request(json_t *summary, const char *name, const json_t *request, const char *url,
                        const char *token) {
    phrase words;

    begin(&words);
    add(&words, "%s %s", text_or(request, "method", "POST"), text_or(request, "url", url));
    if (token != NULL) add_token(&words, request, token);
    if (token == NULL)
        add(&words, "; in %s",
            body_words(text_or(request, "body", provider_has_body(request) ? "json" : "query")));
    add_names(&words, json_object_get(request, "fields"), token == NULL ? ": " : "; with ");
    put(summary, name, &words);
}

static void put_endpoint(json_t *summary, const char *name, const char *url, const char *how) {
    phrase words;

    begin(&words);
    if (url != NULL) add(&words, "%s (%s)", url, how);
    put(summary, name, &words);
}

static void put_sign_in(json_t *summary, const json_t *provider) {
    const json_t *request = json_object_get(provider_dialect(provider), "sign_in");

    if (request != NULL) put_request(summary, "sign-in", request, "", NULL);
    put_endpoint(summary, "browser", text_of(provider, "authorization_endpoint"),
                 "authorization code with PKCE");
    put_endpoint(summary, "device code", text_of(provider, "device_authorization_endpoint"),
                 "RFC 8628");
    if (request == NULL)
        put_endpoint(summary, "password", text_of(provider, "token_endpoint"),
                     "RFC 6749, 4.3, where the server still takes it");
}

static void put_refresh(json_t *summary, const json_t *provider) {
    const json_t *request = json_object_get(provider_dialect(provider), "refresh");
    const char *endpoint = text_of(provider, "token_endpoint");

    if (request != NULL)
        put_request(summary, "refresh", request, endpoint, "the refresh token");
    else
        put_endpoint(summary, "refresh", endpoint, "RFC 6749, 6");
}

static void put_sign_out(json_t *summary, const json_t *provider) {
    const json_t *request = json_object_get(provider_dialect(provider), "sign_out");
    bool access = strcmp(text_or(request, "token", ""), "access_token") == 0;

    if (request != NULL)
        put_request(summary, "sign-out", request, "",
                    access ? "the access token" : "the refresh token");
    else
        put_endpoint(summary, "sign-out", text_of(provider, "revocation_endpoint"), "RFC 7009");
}

/* ------------------------------------------------------------------ answers and limits */

static void put_answer(json_t *summary, const json_t *dialect) {
    const char *name, *first = "";
    json_t *pointer;
    phrase words;

    begin(&words);
    json_object_foreach(json_object_get(dialect, "response"), name, pointer) {
        add(&words, "%s%s at %s", first, name, json_string_value(pointer));
        first = ", ";
    }
    add(&words, "%s", *first == '\0' ? "usual names" : "; the rest under usual names");
    put(summary, "answers", &words);
}

static void put_list(json_t *summary, const char *name, const json_t *list, const char *first) {
    phrase words;

    begin(&words);
    add_list(&words, list, first);
    put(summary, name, &words);
}

static void put_end(json_t *summary, const json_t *provider) {
    const json_t *dialect = provider_dialect(provider);
    phrase words;

    if (json_object_get(provider, "token_endpoint") == NULL) return; /* nothing is ever refreshed */
    begin(&words);
    add(&words, "error invalid_grant");
    add_list(&words, json_object_get(dialect, "signed_out_errors"), ", ");
    add_list(&words, json_object_get(dialect, "signed_out_statuses"), "; status ");
    put(summary, "over with", &words);
    put_list(summary, "reuse", json_object_get(dialect, "reuse_errors"), "error ");
}

static void put_limit(json_t *summary, const json_t *dialect) {
    const json_t *most = json_object_get(dialect, "refreshes_per_hour_max");
    phrase words;

    begin(&words);
    if (most != NULL) add(&words, "%d refreshes an hour", (int)json_integer_value(most));
    put(summary, "limit", &words);
}

static void put_sliding(json_t *summary, const json_t *dialect) {
    const char *header = text_of(dialect, "sliding_header");
    phrase words;

    begin(&words);
    if (header != NULL) add(&words, "the API's answers renew the token, in the header %s", header);
    put(summary, "sliding", &words);
}

json_t *provider_summary(const json_t *provider) {
    const json_t *dialect = provider_dialect(provider);
    json_t *summary = json_object();

    if (summary == NULL) return NULL;
    if (text_of(provider, "issuer") != NULL)
        json_object_set(summary, "issuer", json_object_get(provider, "issuer"));
    put_sign_in(summary, provider);
    put_refresh(summary, provider);
    put_sliding(summary, dialect);
    put_sign_out(summary, provider);
    put_answer(summary, dialect);
    put_end(summary, provider);
    put_list(summary, "frozen", json_object_get(dialect, "fingerprint"), "");
    put_limit(summary, dialect);
    return summary;
}
