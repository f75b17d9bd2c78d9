#include "provider_answer.h"

#include "provider_hints.h"
#include "request_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tacit/client.h>

enum { HOUR_S = 3600 };

static void note(provider_answer *answer, const char *text) {
    json_array_append_new(answer->notes, json_string(text));
}

/* text is freed; NULL: there is nothing to say. */
static void note_found(provider_answer *answer, char *text) {
    if (text != NULL) note(answer, text);
    free(text);
}

static bool has(const provider_answer *answer, const char *member) {
    return json_object_get(answer->read, member) != NULL;
}

/* ------------------------------------------------------------------ what is missing */

static bool is_token(const provider_answer *answer) {
    const char *verdict = json_string_value(json_object_get(answer->read, "verdict"));

    return verdict != NULL && strcmp(verdict, "token") == 0;
}

bool provider_answer_is_unknown(const provider_answer *answer) {
    const char *verdict = json_string_value(json_object_get(answer->read, "verdict"));

    return verdict == NULL || strcmp(verdict, "unknown") == 0;
}

/* The server would raise its alarm at a client that only does what the lifetime asks for. */
static void look_at_limit(provider_answer *answer, const json_t *provider) {
    json_int_t most = json_integer_value(
                   json_object_get(provider_dialect(provider), "refreshes_per_hour_max")),
               lifetime_s = json_integer_value(json_object_get(answer->read, "expires_in"));

    if (most > 0 && lifetime_s > 0 && lifetime_s * most < HOUR_S)
        note(answer, "A token that lives so short needs more refreshes than refreshes_per_hour_max "
                     "allows: requests will have to wait.");
}

static void look_at_token(provider_answer *answer, const json_t *provider, tacit_answer_kind kind,
                          const request_body *body) {
    if (kind == TACIT_ANSWER_SIGN_IN && !has(answer, "refresh_token") &&
        !provider_slides(provider)) {
        note(answer, "No refresh token was found: the user has to sign in again when the access "
                     "token ends.");
        note_found(answer, provider_hint(body->bytes, body->size));
    }
    if (!has(answer, "expires_in"))
        note(answer,
             "How long the token lives was not found, so it is renewed when the API "
             "refuses it: \"expires_in\" or \"expires_at\" in \"response\" say where it is.");
    look_at_limit(answer, provider);
}

/* Those pass; neither may end a sign-in. */
static bool is_for_now(json_int_t status) {
    return status == 408 || status == 425 || status == 429;
}

/* It may have been meant to end one. */
static void look_at_error(provider_answer *answer, const json_t *provider, tacit_answer_kind kind) {
    json_int_t status = json_integer_value(json_object_get(answer->read, "http_status"));

    if (kind != TACIT_ANSWER_REFRESH || status < 400 || status > 499) return;
    if (is_for_now(status) || provider_ends_with(provider, status)) return;
    note(answer, "This ends no sign-in. If the refresh token was over, \"signed_out_statuses\" or "
                 "\"signed_out_errors\" in the dialect has to say so; a web page never ends one.");
}

static void look(provider_answer *answer, const json_t *provider, tacit_answer_kind kind,
                 const request_body *body) {
    if (kind == TACIT_ANSWER_API) {
        if (provider_slides(provider) && !has(answer, "access_token"))
            note(answer, "It has no newer token in the header that the dialect names.");
    } else if (is_token(answer)) {
        look_at_token(answer, provider, kind, body);
    } else if (provider_answer_is_unknown(answer)) {
        note(answer, "Nothing that tacit knows was found; \"response\" in the dialect says where "
                     "it is.");
        note_found(answer, provider_hint(body->bytes, body->size));
    } else {
        look_at_error(answer, provider, kind);
    }
}

/* ------------------------------------------------------------------ reading */

exit_code provider_answer_read(provider_answer *answer, const provider_file *provider,
                               tacit_answer_kind kind, const char *path) {
    request_body body;
    tacit_error error;
    char *data = NULL, *text = NULL;
    exit_code code;

    *answer = (provider_answer){.notes = json_array()};
    if (asprintf(&data, "@%s", path) < 0) return complain(EXIT_FAILED, "Out of memory.");
    code = request_body_read(&body, data);
    free(data);
    if (code == EXIT_OK && body.size == 0)
        code = complain(EXIT_FAILED, "%s: it is empty: no answer came (curl -S says why).", path);
    if (code == EXIT_OK) {
        text = tacit_provider_read_answer(provider->provider, kind, body.bytes, body.size, &error);
        if (text == NULL)
            code = complain(exit_code_of(error.status), "%s: %s", path, error.message);
    }
    if (text != NULL) {
        answer->read = json_loads(text, 0, NULL);
        look(answer, provider->json, kind, &body);
    }
    tacit_free(text);
    if (body.bytes != NULL) explicit_bzero(body.bytes, body.size); /* tokens */
    request_body_free(&body);
    return code;
}

void provider_answer_free(provider_answer *answer) {
    json_decref(answer->read);
    json_decref(answer->notes);
    *answer = (provider_answer){.read = NULL};
}
