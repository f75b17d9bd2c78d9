#include "oauth/mask.h"

#include "base/error.h"
#include "platform/os.h"

#include <assert.h>
#include <string.h>

/* A mask must not depend on how much of a long token the error had room for. */
#define PREFIX_MIN 4
#define PREFIX_MAX 16

void ti_mask_add(ti_mask *mask, const ti_secret *secret) {
    for (size_t i = 0; i < mask->count; i++) {
        if (mask->secrets[i] == secret) return;
    }
    if (!secret) return;
    assert(mask->count < TI_MASK_SECRETS_MAX);
    mask->secrets[mask->count++] = secret;
}

bool ti_mask_begin(ti_mask *mask, ti_log *log) {
    bool done = true;
    mask->log = log;
    for (size_t i = 0; i < mask->count; i++) {
        const char *bytes = ti_secret_data(mask->secrets[i]);
        size_t size = ti_secret_size(mask->secrets[i]);
        ti_buffer *encoded = &mask->encoded[i];
        encoded->secret = true;
        done = ti_buffer_append_form_encoded(encoded, bytes, size) && done;
        ti_log_mask_add(log, &mask->as_is[i], bytes, size);
        ti_log_mask_add(log, &mask->as_encoded[i], encoded->data, encoded->size);
    }
    return done;
}

void ti_mask_end(ti_mask *mask) {
    if (!mask->log) return;
    for (size_t i = 0; i < mask->count; i++) {
        ti_log_mask_remove(mask->log, &mask->as_is[i]);
        ti_log_mask_remove(mask->log, &mask->as_encoded[i]);
        ti_buffer_free(&mask->encoded[i]);
    }
    mask->log = NULL;
}

static void mask_text(char *text, size_t size, const char *prefix) {
    char *found = strstr(text, prefix);
    if (found) ti_error_text(found, size - (size_t)(found - text), "***");
}

static void mask_error(tacit_error *error, const char *bytes, size_t size) {
    if (size < PREFIX_MIN) return;
    char prefix[PREFIX_MAX + 1] = "";
    memcpy(prefix, bytes, size < PREFIX_MAX ? size : PREFIX_MAX);
    mask_text(error->oauth_error, sizeof error->oauth_error, prefix);
    mask_text(error->oauth_error_description, sizeof error->oauth_error_description, prefix);
    mask_text(error->message, sizeof error->message, prefix);
    ti_os_wipe(prefix, sizeof prefix);
}

void ti_mask_error(const ti_mask *mask, tacit_error *error) {
    for (size_t i = 0; i < mask->count; i++) {
        mask_error(error, ti_secret_data(mask->secrets[i]), ti_secret_size(mask->secrets[i]));
        mask_error(error, mask->encoded[i].data, mask->encoded[i].size);
    }
}
