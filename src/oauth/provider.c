/*
 * Properties: a provider takes no lock, so that a forked child can use its parent's.
 *
 * Operation: what was found is prepended to a list, of which the first counts; the others stay until the provider goes, since somebody
 * may be looking at them. That happens when a server changes its metadata, which is seldom.
 */
#include "oauth/provider.h"

#include "base/error.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct found {
    struct found *older;
    ti_metadata *metadata;
    atomic_int_fast64_t fresh_until_wall_ms;
} found;

struct tacit_provider {
    atomic_size_t references;
    char *issuer;            /* named by it; set at creation. NULL: by its metadata */
    _Atomic(found *) newest; /* NULL: not found yet */
};

static tacit_provider *new_provider(tacit_error *error) {
    tacit_provider *provider = calloc(1, sizeof *provider);

    if (!provider) {
        ti_error_no_memory(error);
        return NULL;
    }
    atomic_init(&provider->references, 1);
    atomic_init(&provider->newest, NULL);
    return provider;
}

tacit_provider *tacit_provider_from_json(const char *json, tacit_error *error) {
    if (!json) {
        ti_error_argument(error, "json", "is NULL");
        return NULL;
    }
    ti_metadata *metadata = ti_metadata_parse(json, strlen(json), NULL, error);
    if (!metadata) return NULL;
    tacit_provider *provider = new_provider(error);
    if (provider && !ti_provider_found(provider, metadata, INT64_MAX)) {
        ti_error_no_memory(error);
        tacit_provider_unref(provider);
        provider = NULL;
    }
    ti_metadata_unref(metadata);
    if (provider) ti_error_clear(error);
    return provider;
}

tacit_provider *ti_provider_ref(tacit_provider *provider) {
    atomic_fetch_add_explicit(&provider->references, 1, memory_order_relaxed);
    return provider;
}

void tacit_provider_unref(tacit_provider *provider) {
    if (!provider) return;
    if (atomic_fetch_sub_explicit(&provider->references, 1, memory_order_acq_rel) > 1) return;
    found *each = atomic_load(&provider->newest);
    while (each) {
        found *older = each->older;
        ti_metadata_unref(each->metadata);
        free(each);
        each = older;
    }
    free(provider->issuer);
    free(provider);
}

const char *ti_provider_issuer(const tacit_provider *provider) {
    if (provider->issuer) return provider->issuer;
    const ti_metadata *metadata = atomic_load(&provider->newest)->metadata;
    const char *issuer = ti_metadata_issuer(metadata);
    return issuer ? issuer : ti_metadata_token_endpoint(metadata);
}

ti_metadata *ti_provider_metadata(tacit_provider *provider) {
    found *newest = atomic_load(&provider->newest);

    return newest ? ti_metadata_ref(newest->metadata) : NULL;
}

bool ti_provider_is_named(const tacit_provider *provider) {
    return provider->issuer != NULL;
}

bool ti_provider_is_fresh(tacit_provider *provider, int64_t wall_ms) {
    found *newest = atomic_load(&provider->newest);

    return newest && wall_ms < atomic_load(&newest->fresh_until_wall_ms);
}

bool ti_provider_found(tacit_provider *provider, ti_metadata *metadata,
                       int64_t fresh_until_wall_ms) {
    found *newest = atomic_load(&provider->newest);

    if (newest && newest->metadata == metadata) {
        atomic_store(&newest->fresh_until_wall_ms, fresh_until_wall_ms);
        return true;
    }
    newest = calloc(1, sizeof *newest);
    if (!newest) return false;
    newest->metadata = ti_metadata_ref(metadata);
    atomic_init(&newest->fresh_until_wall_ms, fresh_until_wall_ms);
    newest->older = atomic_load(&provider->newest);
    while (!atomic_compare_exchange_weak(&provider->newest, &newest->older, newest)) continue;
    return true;
}
