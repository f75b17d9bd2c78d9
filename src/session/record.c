#include "session/record.h"

#include "base/error.h"
#include "oauth/json.h"
#include "session/record_terms.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, TOKENS_MAX = 256 };

/* What every JSON reader holds exactly (RFC 8259 section 6), and far from where sums of times overflow. */
#define INTEGER_MAX ((int64_t)1 << 53)

static const char by_credentials[] = "client_credentials";

void ti_record_free(ti_record *record) {
    for (size_t i = 0; i < record->token_count; i++) ti_secret_unref(record->tokens[i].value);
    free(record->tokens);
    ti_record_terms_free(record->terms);
    ti_secret_unref(record->refresh_token);
    ti_secret_unref(record->id_token);
    *record = (ti_record){.tokens = NULL};
}

bool ti_record_token_lives(const ti_record_token *token, int64_t now_wall_ms) {
    return token->expires_wall_ms < 0 || token->expires_wall_ms > now_wall_ms;
}

/* ------------------------------------------------------------------ writing */

void ti_record_to_hex(const unsigned char bytes[16], char hex[TI_RECORD_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 16; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[TI_RECORD_HEX_SIZE - 1] = '\0';
}

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static json_t *secret_to_json(const ti_secret *secret) {
    return json_stringn(ti_secret_data(secret), ti_secret_size(secret));
}

static bool put_tokens(json_t *root, const ti_record *record) {
    json_t *list = json_array();

    if (!put(root, "access_tokens", list)) return false;
    for (size_t i = 0; i < record->token_count && i < TOKENS_MAX; i++) {
        const ti_record_token *token = &record->tokens[i];
        json_t *item = json_object();

        if (json_array_append_new(list, item) != 0 ||
            !put(item, "view", json_string(token->view)) ||
            !put(item, "value", secret_to_json(token->value)) ||
            !put(item, "generation", json_integer((json_int_t)token->generation)) ||
            !put(item, "expires_unix_ms", json_integer(token->expires_wall_ms)) ||
            !put(item, "lifetime_ms", json_integer(token->lifetime_ms)))
            return false;
    }
    return true;
}

/* What a record of an earlier version has not, either. */
static bool put_optional(json_t *root, const ti_record *record, bool with_id_token) {
    if (record->by_credentials && !put(root, "renewal", json_string(by_credentials))) return false;
    if (!ti_record_terms_put(root, record->terms)) return false;
    return !with_id_token || record->id_token == NULL ||
           put(root, "id_token", secret_to_json(record->id_token));
}

/* What a small store has room for. */
typedef struct extent {
    bool tokens, id_token;
} extent;

static json_t *to_json(const ti_record *record, const char *issuer, const char *client_id,
                       const extent *with) {
    char id[TI_RECORD_HEX_SIZE];
    json_t *root = json_object();

    ti_record_to_hex(record->sign_in_id.bytes, id);
    if (put(root, "tacit_record", json_integer(VERSION)) &&
        put(root, "issuer", json_string(issuer)) &&
        put(root, "client_id", json_string(client_id)) &&
        put(root, "sign_in_id", json_string(id)) &&
        put(root, "generation", json_integer((json_int_t)record->generation)) &&
        put(root, "refused", json_boolean(record->refused)) &&
        put(root, "refresh_token",
            record->refresh_token == NULL ? json_null() : secret_to_json(record->refresh_token)) &&
        put_optional(root, record, with->id_token) && (!with->tokens || put_tokens(root, record)))
        return root;
    ti_json_wipe_and_free(root);
    return NULL;
}

/* Of JSON's own a brace is before a name, or before the next: any other is of a text. */
static bool is_of_a_text(const ti_buffer *json, size_t at) {
    const char *next = &json->data[at + 1];

    return json->data[at] == '{' && at + 1 < json->size && *next != '"' && *next != '}';
}

/* KeePassXC fills in what it takes for placeholders ({TITLE}, {REF:...}): in a token, which a server chose, that would be another
 * secret of the user's. An escape means the same to whoever reads JSON. false: no memory. */
static bool escape_placeholders(ti_buffer *json) {
    ti_buffer escaped = TI_BUFFER_SECRET;
    size_t copied = 0;

    for (size_t at = 0; at < json->size; at++) {
        if (!is_of_a_text(json, at)) continue;
        ti_buffer_append(&escaped, json->data + copied, at - copied);
        ti_buffer_append_string(&escaped, "\\u007b");
        copied = at + 1;
    }
    if (copied == 0) return true;
    ti_buffer_append(&escaped, json->data + copied, json->size - copied);
    ti_buffer_free(json);
    *json = escaped;
    return !escaped.failed;
}

static tacit_status write_once(const ti_record *record, const char *issuer, const char *client_id,
                               const extent *with, ti_buffer *bytes, tacit_error *error) {
    json_t *root = to_json(record, issuer, client_id, with);
    bool dumped;

    bytes->secret = true;
    dumped = root != NULL && ti_json_dump(root, bytes) && escape_placeholders(bytes);
    ti_json_wipe_and_free(root);
    return dumped ? ti_error_clear(error) : ti_error_no_memory(error);
}

tacit_status ti_record_write(const ti_record *record, const char *issuer, const char *client_id,
                             size_t size_max, ti_buffer *bytes, tacit_error *error) {
    /* An access token can be had again at any time; an id_token perhaps not. */
    static const extent extents[] = {{true, true}, {false, true}, {true, false}, {false, false}};

    /* What is written must be read again. */
    if (size_max == 0 || size_max > TI_JSON_SIZE_MAX) size_max = TI_JSON_SIZE_MAX;
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        tacit_status status = write_once(record, issuer, client_id, &extents[i], bytes, error);

        if (status != TACIT_OK || bytes->size <= size_max) return status;
    }
    return ti_error_set(error, TACIT_ERR_STORE_TOO_LARGE,
                        "The record has %zu bytes, and the store takes at most %zu.", bytes->size,
                        size_max);
}

/* ------------------------------------------------------------------ reading */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool ti_record_from_hex(const char *hex, unsigned char bytes[16]) {
    if (hex == NULL || strlen(hex) != TI_RECORD_HEX_SIZE - 1) return false;
    for (size_t i = 0; i < 16; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0) return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool ti_record_get_integer(const json_t *object, const char *name, int64_t least, int64_t *value) {
    const json_t *item = json_object_get(object, name);

    if (!json_is_integer(item) || json_integer_value(item) < least) return false;
    if (json_integer_value(item) > INTEGER_MAX) return false;
    *value = json_integer_value(item);
    return true;
}

/* A token goes into a header line: visible ASCII only, whoever wrote the record. */
static bool is_token_text(const char *text) {
    if (text == NULL || *text == '\0') return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

static ti_record_reading read_token(const json_t *item, ti_record_token *token) {
    const char *view = ti_json_string(item, "view"), *value = ti_json_string(item, "value");
    int64_t generation;

    if (view == NULL || strlen(view) >= sizeof token->view || !is_token_text(value))
        return TI_RECORD_FOREIGN;
    if (!ti_record_get_integer(item, "generation", 1, &generation) ||
        !ti_record_get_integer(item, "expires_unix_ms", -1, &token->expires_wall_ms) ||
        !ti_record_get_integer(item, "lifetime_ms", -1, &token->lifetime_ms))
        return TI_RECORD_FOREIGN;
    memcpy(token->view, view, strlen(view) + 1);
    token->generation = (uint64_t)generation;
    token->value = ti_secret_from_string(value);
    return token->value == NULL ? TI_RECORD_NO_MEMORY : TI_RECORD_READ;
}

static ti_record_reading read_tokens(const json_t *root, ti_record *record) {
    const json_t *list = json_object_get(root, "access_tokens");
    size_t count = json_array_size(list);

    if (list == NULL || count == 0) return TI_RECORD_READ;
    if (count > TOKENS_MAX) return TI_RECORD_FOREIGN;
    record->tokens = calloc(count, sizeof *record->tokens);
    if (record->tokens == NULL) return TI_RECORD_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        ti_record_reading result = read_token(json_array_get(list, i), &record->tokens[i]);

        record->token_count = i + 1;
        if (result != TI_RECORD_READ) return result;
    }
    return TI_RECORD_READ;
}

static ti_record_reading read_refresh_token(const json_t *root, ti_record *record) {
    const json_t *item = json_object_get(root, "refresh_token");

    if (json_is_null(item)) return TI_RECORD_READ;
    if (!json_is_string(item) || json_string_length(item) == 0) return TI_RECORD_FOREIGN;
    record->refresh_token = ti_secret_new(json_string_value(item), json_string_length(item));
    return record->refresh_token == NULL ? TI_RECORD_NO_MEMORY : TI_RECORD_READ;
}

/* As a token: it goes into URLs. */
static ti_record_reading read_id_token(const json_t *root, ti_record *record) {
    const char *text = ti_json_string(root, "id_token");

    if (json_object_get(root, "id_token") == NULL) return TI_RECORD_READ;
    if (!is_token_text(text)) return TI_RECORD_FOREIGN;
    record->id_token = ti_secret_from_string(text);
    return record->id_token == NULL ? TI_RECORD_NO_MEMORY : TI_RECORD_READ;
}

static ti_record_reading read_renewal(const json_t *root, ti_record *record) {
    const char *text = ti_json_string(root, "renewal");

    if (json_object_get(root, "renewal") == NULL) return TI_RECORD_READ;
    if (text == NULL || strcmp(text, by_credentials) != 0) return TI_RECORD_FOREIGN;
    if (record->refresh_token != NULL) return TI_RECORD_FOREIGN;
    record->by_credentials = true;
    return TI_RECORD_READ;
}

static ti_record_reading read_members(const json_t *root, ti_record *record) {
    const json_t *refused = json_object_get(root, "refused");
    int64_t generation;
    ti_record_reading result;

    if (!ti_record_from_hex(ti_json_string(root, "sign_in_id"), record->sign_in_id.bytes) ||
        ti_sign_in_id_is_none(&record->sign_in_id) ||
        !ti_record_get_integer(root, "generation", 1, &generation) || !json_is_boolean(refused))
        return TI_RECORD_FOREIGN;
    record->generation = (uint64_t)generation;
    record->refused = json_is_true(refused);
    result = read_refresh_token(root, record);
    if (result == TI_RECORD_READ) result = read_id_token(root, record);
    if (result == TI_RECORD_READ) result = read_renewal(root, record);
    if (result == TI_RECORD_READ) result = ti_record_terms_get(root, &record->terms);
    return result == TI_RECORD_READ ? read_tokens(root, record) : result;
}

static tacit_status corrupt(tacit_error *error, const char *what) {
    return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                        "The store holds something under this key that %s; it is left as it is.",
                        what);
}

static bool names(const json_t *root, const char *name, const char *expected) {
    const char *found = ti_json_string(root, name);

    return found != NULL && strcmp(found, expected) == 0;
}

static tacit_status from_json(const json_t *root, const char *issuer, const char *client_id,
                              ti_record *record, tacit_error *error) {
    int64_t version;

    if (!ti_record_get_integer(root, "tacit_record", 1, &version))
        return corrupt(error, "is not a tacit record");
    if (version != VERSION) return corrupt(error, "a later version of tacit wrote");
    if (!names(root, "issuer", issuer) || !names(root, "client_id", client_id))
        return corrupt(error, "belongs to another issuer or client");
    switch (read_members(root, record)) {
    case TI_RECORD_READ:
        return ti_error_clear(error);
    case TI_RECORD_NO_MEMORY:
        return ti_error_no_memory(error);
    default:
        return corrupt(error, "is a damaged tacit record");
    }
}

tacit_status ti_record_read(const char *bytes, size_t size, const char *issuer,
                            const char *client_id, ti_record *record, tacit_error *error) {
    json_t *root = NULL;
    tacit_status status;

    *record = (ti_record){.tokens = NULL};
    switch (ti_json_load(bytes, size, JSON_REJECT_DUPLICATES, &root, NULL)) {
    case TI_JSON_OK:
        break;
    case TI_JSON_NO_MEMORY:
        return ti_error_no_memory(error);
    default:
        return corrupt(error, "is not a tacit record");
    }
    status = from_json(root, issuer, client_id, record, error);
    ti_json_wipe_and_free(root);
    if (status != TACIT_OK) ti_record_free(record);
    return status;
}
