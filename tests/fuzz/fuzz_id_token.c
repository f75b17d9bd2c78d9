/*
 * Claims, put into a token here, since no mutation finds its way through base64url. What stands
 * before a newline are those of an earlier one. A token that passes says who issued it, and to whom.
 */
#include "oauth/id_token.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <tacit/client.h>

#include "tests/support/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static ti_secret *make_token(const uint8_t *claims, size_t size) {
    return jwt_secret("{}", (const char *)claims, size, ".");
}

static bool says(const json_t *claims, const char *name, const char *expected) {
    const char *text = json_string_value(json_object_get(claims, name));
    return text && strcmp(text, expected) == 0;
}

/* What passed can be told, and says the same to another reader. */
static void check_passed(const ti_secret *token) {
    char *text;
    if (!ti_id_token_claims(token, &text)) return;
    require(text != NULL);
    json_t *claims = json_loads(text, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    require(claims != NULL);
    require(says(claims, "iss", "i") && json_string_length(json_object_get(claims, "sub")) > 0);
    require(json_object_get(claims, "aud") && json_object_get(claims, "exp"));
    require(!json_object_get(claims, "azp") || says(claims, "azp", "c"));
    require(says(claims, "nonce", "n"));
    json_decref(claims);
    tacit_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t earlier_size = newline ? (size_t)(newline - data) : 0;
    size_t start = newline ? earlier_size + 1 : 0;
    ti_secret *earlier = newline ? make_token(data, earlier_size) : NULL;
    ti_secret *token = make_token(data + start, size - start);
    ti_id_token_wanted wanted = {.issuer = "i",
                                 .client_id = "c",
                                 .nonce = "n",
                                 .earlier = earlier,
                                 .wall_ms = INT64_C(1767225600000)};
    tacit_error error;

    tacit_status status = ti_id_token_check(token, &wanted, &error);

    require(status == error.status);
    require(status == TACIT_OK || status == TACIT_ERR_PROTOCOL || status == TACIT_ERR_NO_MEMORY);
    if (status == TACIT_OK) {
        check_passed(token);
        wanted.earlier = token; /* it is like itself */
        require(ti_id_token_check(token, &wanted, NULL) != TACIT_ERR_PROTOCOL);
    }
    ti_secret_unref(token);
    ti_secret_unref(earlier);
    return 0;
}
