#include "oauth/id_token.h"

#include "base/error.h"
#include "oauth/jwt.h"

#include <tacit/client.h>

#include <string.h>

#define EXP_LEEWAY_S 300
#define AUDIENCES_MAX 64
#define CLOCK_IS_SET_MS INT64_C(1577836800000) /* 2020 */

/* A member that came twice would mean one thing here and perhaps another to who reads the text. */
static ti_json_result load(const ti_secret *id_token, ti_buffer *text, json_t **claims) {
    return ti_jwt_claims(id_token, JSON_REJECT_DUPLICATES, text, claims);
}

/* --- claims --- */

static bool is_text(const json_t *claims, const char *name, const char *expected) {
    const char *found = ti_json_string(claims, name);
    return found && strcmp(found, expected) == 0;
}

static bool is_same_text(const json_t *claims, const json_t *earlier, const char *name) {
    const char *expected = ti_json_string(earlier, name);
    return expected && is_text(claims, name, expected);
}

/* One audience may stand alone, without an array around it. */
static size_t audience_count(const json_t *claims) {
    const json_t *aud = json_object_get(claims, "aud");
    return json_is_string(aud) ? 1 : json_array_size(aud);
}

/* NULL: no string, or one with a NUL in it, which would end a comparison early. */
static const char *audience(const json_t *claims, size_t index) {
    const json_t *aud = json_object_get(claims, "aud");
    const json_t *one = json_is_string(aud) ? aud : json_array_get(aud, index);
    const char *text = json_string_value(one);
    return text && strlen(text) == json_string_length(one) ? text : NULL;
}

static bool has_audience(const json_t *claims, const char *name) {
    for (size_t i = 0; i < audience_count(claims); i++) {
        const char *found = audience(claims, i);
        if (found && strcmp(found, name) == 0) return true;
    }
    return false;
}

static bool has_audiences_of(const json_t *claims, const json_t *other) {
    for (size_t i = 0; i < audience_count(other); i++) {
        const char *name = audience(other, i);
        if (!name || !has_audience(claims, name)) return false;
    }
    return true;
}

/* --- what is wrong with them, or NULL --- */

static const char *audience_fault(const json_t *claims, const char *client_id) {
    if (audience_count(claims) > AUDIENCES_MAX) return "has more than 64 audiences (aud)";
    if (!has_audiences_of(claims, claims)) return "has an audience that is no text (aud)";
    if (!has_audience(claims, client_id)) return "is not for this client (aud)";
    if (json_object_get(claims, "azp")) {
        return is_text(claims, "azp", client_id) ? NULL : "was issued to another client (azp)";
    }
    if (audience_count(claims) > 1) return "has several audiences, and does not say whose it is";
    return NULL;
}

static const char *time_fault(const json_t *claims, int64_t wall_ms) {
    double expires;
    if (!ti_json_number(json_object_get(claims, "exp"), &expires)) {
        return "does not say how long it lasts (exp)";
    }
    bool over = expires + EXP_LEEWAY_S <= (double)wall_ms / 1000;
    return over && wall_ms >= CLOCK_IS_SET_MS ? "is over already (exp), or the clock is wrong"
                                              : NULL;
}

static const char *fault(const json_t *claims, const ti_id_token_wanted *wanted) {
    const char *issuer = ti_json_string(claims, "iss"), *subject = ti_json_string(claims, "sub");
    if (!issuer) return "does not say who issued it (iss)";
    if (wanted->issuer && strcmp(issuer, wanted->issuer) != 0) return "has another issuer (iss)";
    if (!subject || !*subject) return "does not say who signed in (sub)";
    const char *found = audience_fault(claims, wanted->client_id);
    if (!found) found = time_fault(claims, wanted->wall_ms);
    if (!found && wanted->nonce && !is_text(claims, "nonce", wanted->nonce)) {
        found = "does not belong to this sign-in (nonce)";
    }
    return found;
}

/* A refresh may leave the nonce out, so the earlier one may have none to compare with. */
static const char *difference(const json_t *claims, const json_t *earlier) {
    if (!is_same_text(claims, earlier, "iss")) return "has another issuer than before (iss)";
    if (!is_same_text(claims, earlier, "sub")) return "is of another user than before (sub)";
    if (!has_audiences_of(claims, earlier) || !has_audiences_of(earlier, claims)) {
        return "has other audiences than before (aud)";
    }
    if (json_object_get(claims, "nonce") && json_object_get(earlier, "nonce") &&
        !is_same_text(claims, earlier, "nonce")) {
        return "belongs to another sign-in than before (nonce)";
    }
    return NULL;
}

/* --- the check --- */

static tacit_status wrong(tacit_error *error, const char *what) {
    return ti_error_set(error, TACIT_ERR_PROTOCOL, "The id_token that the server sent %s.", what);
}

static tacit_status unreadable(ti_json_result result, tacit_error *error) {
    if (result == TI_JSON_NO_MEMORY) return ti_error_no_memory(error);
    return wrong(error, result == TI_JSON_TOO_LARGE ? "is over 64 KiB, or nested too deep"
                                                    : "is not a signed JWT with claims in it");
}

/* What the store gave back, and is none, cannot be held against the new one. */
static tacit_status compare(const json_t *claims, const ti_secret *earlier, tacit_error *error) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *before;
    ti_json_result result = load(earlier, &text, &before);
    const char *what = result == TI_JSON_OK ? difference(claims, before) : NULL;
    ti_json_wipe_and_free(before);
    ti_buffer_free(&text);
    if (result == TI_JSON_NO_MEMORY) return ti_error_no_memory(error);
    return what ? wrong(error, what) : ti_error_clear(error);
}

tacit_status ti_id_token_check(const ti_secret *id_token, const ti_id_token_wanted *wanted,
                               tacit_error *error) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *claims;
    ti_json_result result = load(id_token, &text, &claims);
    tacit_status status;
    if (result == TI_JSON_OK) {
        const char *what = fault(claims, wanted);
        status = what ? wrong(error, what) : compare(claims, wanted->earlier, error);
    } else {
        status = unreadable(result, error);
    }
    ti_json_wipe_and_free(claims);
    ti_buffer_free(&text);
    return status;
}

bool ti_id_token_claims(const ti_secret *id_token, char **claims) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *object;
    ti_json_result result = load(id_token, &text, &object);
    *claims = NULL;
    if (result == TI_JSON_OK) {
        *claims = tacit_alloc(text.size + 1);
        if (*claims) memcpy(*claims, text.data, text.size + 1);
    }
    ti_json_wipe_and_free(object);
    ti_buffer_free(&text);
    return *claims || (result != TI_JSON_OK && result != TI_JSON_NO_MEMORY);
}
