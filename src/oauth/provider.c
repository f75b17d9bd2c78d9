/*
 * Properties: a provider takes no lock, so that a forked child can use its parent's.
 *
 * Operation: what was found is prepended to a list, of which the first counts; the others stay until the provider goes, since somebody
 * may be looking at them. That happens when a server changes its metadata, which is seldom.
 */
#include "oauth/provider.h"

#include "base/error.h"
#include "transport/url.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct found {
    struct found *older;
    ti_metadata *metadata;
    atomic_int_fast64_t fetched_wall_ms;
} found;

struct tacit_provider {
    atomic_size_t references;
    char *issuer;            /* named by it; set at creation. NULL: by its metadata */
    _Atomic(found *) newest; /* NULL: not found yet */
    atomic_int_fast64_t rests_until_boot_ms;
};

static tacit_provider *new_provider(tacit_error *error) {
    tacit_provider *provider = calloc(1, sizeof *provider);

    if (!provider) {
        ti_error_no_memory(error);
        return NULL;
    }
    atomic_init(&provider->references, 1);
    atomic_init(&provider->newest, NULL);
    atomic_init(&provider->rests_until_boot_ms, INT64_MIN);
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
    if (provider && !ti_provider_found(provider, metadata, 0)) {
        ti_error_no_memory(error);
        tacit_provider_unref(provider);
        provider = NULL;
    }
    ti_metadata_unref(metadata);
    if (provider) ti_error_clear(error);
    return provider;
}

/* Whoever has the issuer's metadata compares it with this text, so a query or fragment is none of it (RFC 8414 section 2). */
static bool check_issuer(const char *issuer, tacit_error *error) {
    if (!issuer) {
        ti_error_argument(error, "issuer", "is NULL");
        return false;
    }
    if (strpbrk(issuer, "?#")) {
        ti_error_argument(error, "issuer", "has a query or a fragment");
        return false;
    }
    ti_url *url = ti_url_parse(issuer, "issuer", error);
    ti_url_free(url);
    return url != NULL;
}

tacit_provider *tacit_provider_from_issuer(const char *issuer, tacit_error *error) {
    if (!check_issuer(issuer, error)) return NULL;
    tacit_provider *provider = new_provider(error);
    if (!provider) return NULL;
    provider->issuer = strdup(issuer);
    if (!provider->issuer) {
        ti_error_no_memory(error);
        tacit_provider_unref(provider);
        return NULL;
    }
    ti_error_clear(error);
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
    return ti_metadata_name(atomic_load(&provider->newest)->metadata);
}

ti_metadata *ti_provider_metadata(tacit_provider *provider) {
    found *newest = atomic_load(&provider->newest);

    return newest ? ti_metadata_ref(newest->metadata) : NULL;
}

bool ti_provider_is_fresh(tacit_provider *provider, int64_t wall_ms) {
    found *newest = atomic_load(&provider->newest);

    if (!provider->issuer) return true;
    return newest && ti_metadata_is_fresh(atomic_load(&newest->fetched_wall_ms), wall_ms);
}

bool ti_provider_found(tacit_provider *provider, ti_metadata *metadata, int64_t fetched_wall_ms) {
    found *newest = atomic_load(&provider->newest);

    if (newest && ti_metadata_equal(newest->metadata, metadata)) {
        atomic_store(&newest->fetched_wall_ms, fetched_wall_ms);
        return true;
    }
    newest = calloc(1, sizeof *newest);
    if (!newest) return false;
    newest->metadata = ti_metadata_ref(metadata);
    atomic_init(&newest->fetched_wall_ms, fetched_wall_ms);
    newest->older = atomic_load(&provider->newest);
    while (!atomic_compare_exchange_weak(&provider->newest, &newest->older, newest)) continue;
    return true;
}

void ti_provider_rest(tacit_provider *provider, int64_t until_boot_ms) {
    atomic_store(&provider->rests_until_boot_ms, until_boot_ms);
}

bool ti_provider_rests(const tacit_provider *provider, int64_t boot_ms) {
    return boot_ms < atomic_load(&provider->rests_until_boot_ms);
}
