#include "session/token.h"

#include "platform/os.h"

#include <stdlib.h>
#include <string.h>

#define NAME "Authorization: "
static const char PREFIX[] = NAME "Bearer ";

bool ti_sign_in_id_equal(const ti_sign_in_id *a, const ti_sign_in_id *b) {
    return memcmp(a->bytes, b->bytes, TI_SIGN_IN_ID_SIZE) == 0;
}

bool ti_sign_in_id_is_none(const ti_sign_in_id *id) {
    static const ti_sign_in_id none;

    return ti_sign_in_id_equal(id, &none);
}

tacit_token *ti_token_new(ti_context *context, const ti_token_facts *facts) {
    size_t value_size = ti_secret_size(facts->value);
    size_t line_size = sizeof PREFIX - 1 + value_size;
    tacit_token *token = calloc(1, sizeof *token + line_size + 1);

    if (token == NULL) return NULL;
    atomic_init(&token->refs, 1);
    token->id = atomic_fetch_add(&context->token_ids, 1) + 1;
    token->generation = facts->generation;
    token->sign_in_id = facts->sign_in_id;
    token->issued_boot_ms = facts->issued_boot_ms;
    token->lifetime_ms = facts->lifetime_ms;
    token->expires_boot_ms =
        facts->lifetime_ms < 0 ? TI_NEVER : ti_boot_plus(facts->issued_boot_ms, facts->lifetime_ms);
    token->context = ti_context_ref(context);
    token->line_size = line_size;
    memcpy(token->line, PREFIX, sizeof PREFIX - 1);
    memcpy(token->line + sizeof PREFIX - 1, ti_secret_data(facts->value), value_size);
    ti_log_mask_add(&context->log, &token->mask, token->line + sizeof PREFIX - 1, value_size);
    return token;
}

const char *ti_token_line(const tacit_token *token) {
    return token->line;
}

ti_secret *ti_token_copy_value(const tacit_token *token) {
    return ti_secret_new(token->line + sizeof PREFIX - 1, token->line_size - (sizeof PREFIX - 1));
}

bool ti_token_has_value(const tacit_token *token, const char *value, size_t size) {
    const char *own = token->line + sizeof PREFIX - 1;
    volatile unsigned char difference = 0; /* or the compiler leaves the loop early */

    if (size != token->line_size - (sizeof PREFIX - 1)) return false;
    for (size_t i = 0; i < size; i++)
        difference = (unsigned char)(difference | (own[i] ^ value[i]));
    return difference == 0;
}

bool ti_token_lives(const tacit_token *token, int64_t now_boot_ms, int min_valid_s) {
    int64_t needed_ms = (int64_t)min_valid_s * 1000;

    if (token->expires_boot_ms == TI_NEVER) return true;
    if (needed_ms > token->lifetime_ms / 2) needed_ms = token->lifetime_ms / 2;
    return now_boot_ms < token->expires_boot_ms - needed_ms;
}

bool ti_token_outlives(const tacit_token *token, const tacit_token *other) {
    if (token->expires_boot_ms == TI_NEVER || other->expires_boot_ms == TI_NEVER)
        return token->generation > other->generation;
    return token->expires_boot_ms > other->expires_boot_ms;
}

tacit_token *tacit_token_ref(tacit_token *token) {
    if (token != NULL) atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
    return token;
}

void tacit_token_unref(tacit_token *token) {
    if (token == NULL) return;
    if (atomic_fetch_sub_explicit(&token->refs, 1, memory_order_acq_rel) != 1) return;
    /* A forked child leaves the parent's context as it is: nothing looks at its masks any more. */
    if (!ti_context_forked(token->context)) {
        ti_log_mask_remove(&token->context->log, &token->mask);
        ti_context_unref(token->context);
    }
    ti_os_wipe(token->line, token->line_size);
    free(token);
}

const char *tacit_token_value(const tacit_token *token) {
    return token == NULL ? NULL : token->line + sizeof PREFIX - 1;
}

const char *tacit_token_type(const tacit_token *token) {
    return token == NULL ? NULL : "Bearer";
}

const char *tacit_token_authorization(const tacit_token *token) {
    return token == NULL ? NULL : token->line + sizeof NAME - 1;
}

int64_t tacit_token_expires_in_s(const tacit_token *token) {
    int64_t left_ms;

    if (token == NULL || token->expires_boot_ms == TI_NEVER) return -1;
    left_ms = token->expires_boot_ms - ti_clock_boot_ms(&token->context->clock);
    return left_ms > 0 ? left_ms / 1000 : 0;
}

uint64_t tacit_token_generation(const tacit_token *token) {
    return token == NULL ? 0 : token->generation;
}
