/* What a store answers. A record that is read must read back the same after it was written. */
#include "session/record.h"

#include <stdlib.h>
#include <string.h>

#define ISSUER "https://i"
#define CLIENT "c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void check_visible(const ti_secret *secret) {
    const char *value = ti_secret_data(secret);

    require(ti_secret_size(secret) > 0);
    for (size_t i = 0; i < ti_secret_size(secret); i++) require(value[i] > 0x20 && value[i] < 0x7F);
}

static void check_tokens(const ti_record *record) {
    for (size_t i = 0; i < record->token_count; i++) {
        const ti_record_token *token = &record->tokens[i];

        require(token->generation > 0 && token->expires_wall_ms >= -1 && token->lifetime_ms >= -1);
        require(memchr(token->view, '\0', sizeof token->view) != NULL);
        check_visible(token->value);
    }
}

static void require_same_terms(const ti_record_terms *a, const ti_record_terms *b) {
    char **before = a->fingerprint, **after = b->fingerprint;

    require(a->refresh_expires_wall_ms == b->refresh_expires_wall_ms);
    require(a->refresh_lifetime_ms == b->refresh_lifetime_ms);
    require((before == NULL) == (after == NULL));
    if (before == NULL) return;
    for (; *before != NULL; before++, after++) {
        require(*after != NULL && strcmp(*before, *after) == 0);
        require(strchr(*before, ':') != NULL && strpbrk(*before, "\r\n") == NULL);
    }
    require(*after == NULL);
}

static void check_same(const ti_record *a, const ti_record *b) {
    require(ti_sign_in_id_equal(&a->sign_in_id, &b->sign_in_id));
    require(a->generation == b->generation && a->refused == b->refused);
    require(ti_secret_equal(a->refresh_token, b->refresh_token));
    require(ti_secret_equal(a->id_token, b->id_token) && a->by_credentials == b->by_credentials);
    require((a->terms == NULL) == (b->terms == NULL));
    if (a->terms != NULL) require_same_terms(a->terms, b->terms);
    require(a->token_count == b->token_count);
    for (size_t i = 0; i < a->token_count; i++) {
        require(strcmp(a->tokens[i].view, b->tokens[i].view) == 0);
        require(ti_secret_equal(a->tokens[i].value, b->tokens[i].value));
        require(a->tokens[i].expires_wall_ms == b->tokens[i].expires_wall_ms);
        require(a->tokens[i].lifetime_ms == b->tokens[i].lifetime_ms);
    }
}

static void check_round_trip(const ti_record *record) {
    ti_buffer bytes = TI_BUFFER_INIT;
    ti_record back;

    if (ti_record_write(record, ISSUER, CLIENT, 0, &bytes, NULL) == TACIT_OK) {
        require(ti_record_read(bytes.data, bytes.size, ISSUER, CLIENT, &back, NULL) == TACIT_OK);
        check_same(record, &back);
        ti_record_free(&back);
    }
    ti_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ti_record record;
    tacit_error error;
    tacit_status status = ti_record_read((const char *)data, size, ISSUER, CLIENT, &record, &error);

    if (status == TACIT_OK) {
        require(!ti_sign_in_id_is_none(&record.sign_in_id) && record.generation > 0);
        require(record.refresh_token == NULL || ti_secret_size(record.refresh_token) > 0);
        require(record.refresh_token == NULL || !record.by_credentials);
        if (record.id_token != NULL) check_visible(record.id_token);
        check_tokens(&record);
        check_round_trip(&record);
    } else {
        require(status == TACIT_ERR_STORE_CORRUPT || status == TACIT_ERR_NO_MEMORY);
        require(error.status == status && record.refresh_token == NULL && record.tokens == NULL);
        require(record.id_token == NULL);
    }
    ti_record_free(&record);
    return 0;
}
