#include "base/secret.h"

#include "platform/os.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ti_secret {
    atomic_size_t references;
    size_t size;  /* set at creation, then read-only, as are the bytes */
    char bytes[]; /* with a NUL behind them */
};

ti_secret *ti_secret_new(const void *bytes, size_t size) {
    if (size > SIZE_MAX - sizeof(ti_secret) - 1) return NULL;
    ti_secret *secret = malloc(sizeof *secret + size + 1);
    if (!secret) return NULL;
    atomic_init(&secret->references, 1);
    secret->size = size;
    if (size > 0) memcpy(secret->bytes, bytes, size);
    secret->bytes[size] = '\0';
    return secret;
}

ti_secret *ti_secret_from_string(const char *text) {
    assert(text);
    return ti_secret_new(text, strlen(text));
}

ti_secret *ti_secret_ref(ti_secret *secret) {
    if (secret) atomic_fetch_add_explicit(&secret->references, 1, memory_order_relaxed);
    return secret;
}

void ti_secret_unref(ti_secret *secret) {
    if (!secret) return;
    /* Release: our reads come before the wipe of whoever is last. Acquire: that one is us. */
    if (atomic_fetch_sub_explicit(&secret->references, 1, memory_order_acq_rel) > 1) return;
    ti_os_wipe(secret, sizeof *secret + secret->size + 1);
    free(secret);
}

const char *ti_secret_data(const ti_secret *secret) {
    return secret ? secret->bytes : NULL;
}

size_t ti_secret_size(const ti_secret *secret) {
    return secret ? secret->size : 0;
}

bool ti_secret_equal(const ti_secret *a, const ti_secret *b) {
    if (a == b) return true;
    if (!a || !b || a->size != b->size) return false;
    /* volatile keeps the compiler from leaving the loop at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a->size; i++) {
        difference = (unsigned char)(difference | (a->bytes[i] ^ b->bytes[i]));
    }
    return difference == 0;
}
