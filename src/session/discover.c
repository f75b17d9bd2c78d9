/*
 * Properties: metadata that is known is used, however old, until the server gives newer of the same issuer. While that fails the server
 * is asked once a minute, and not before each grant.
 *
 * Operation: memory, then the cache, then the server; what the server says goes into both. Where something is known already, the server
 * has a few seconds only: the grant that waits may well succeed without.
 *
 * Safety: no lock. Whoever comes while another asks, asks too, so that nobody waits longer than his own deadline; the last answer stays.
 */
#include "session/discover.h"

#include "base/error.h"
#include "session/client.h"
#include "session/metadata_cache.h"

enum { RENEWAL_MS = 5 * 1000, PAUSE_S = 60, PAUSE_MAX_S = 3600 };

static const ti_clock *clock_of(const tacit_client *client) {
    return &client->context->clock;
}

static bool is_known(tacit_provider *provider) {
    ti_metadata *metadata = ti_provider_metadata(provider);

    ti_metadata_unref(metadata);
    return metadata != NULL;
}

/* What another process fetched, or an earlier one; memory has as good, or takes it over. false: no memory. */
static bool recall(tacit_client *client, tacit_provider *provider, ti_discovery *cached) {
    int64_t wall_ms = ti_clock_wall_ms(clock_of(client)), fetched_wall_ms;

    if (!ti_metadata_cache_load(client, ti_provider_issuer(provider), cached, &fetched_wall_ms))
        return true;
    if (is_known(provider) && !ti_metadata_is_fresh(fetched_wall_ms, wall_ms)) return true;
    return ti_provider_found(provider, cached->metadata, fetched_wall_ms);
}

static void keep(tacit_client *client, const char *issuer, const ti_discovery *known,
                 int64_t wall_ms) {
    tacit_error error;

    if (ti_metadata_cache_save(client, issuer, known, wall_ms, &error) != TACIT_OK)
        ti_log_write(&client->context->log, TACIT_LOG_INFO,
                     "The metadata of %s could not be kept: %s", issuer, error.message);
}

static tacit_status ask(tacit_client *client, tacit_provider *provider, const ti_discovery *cached,
                        int64_t deadline_boot_ms, const atomic_bool *cancelled,
                        tacit_error *error) {
    const char *issuer = ti_provider_issuer(provider);
    int64_t wall_ms = ti_clock_wall_ms(clock_of(client));
    ti_discovery answer = {.metadata = NULL};
    const ti_discovery *known = cached;
    tacit_status status = ti_discovery_fetch(client->transport, issuer, cached->url, cached->etag,
                                             deadline_boot_ms, cancelled, &answer, error);

    if (status != TACIT_OK) return status;
    if (!answer.unchanged) known = &answer;
    if (ti_provider_found(provider, known->metadata, wall_ms))
        keep(client, issuer, known, wall_ms);
    else
        status = ti_error_no_memory(error);
    ti_discovery_free(&answer);
    return status;
}

/* What is known has to do. */
static tacit_status make_do(tacit_client *client, tacit_provider *provider, tacit_error *error) {
    int pause_s = error->retry_after_s;

    if (pause_s < PAUSE_S) pause_s = PAUSE_S;
    if (pause_s > PAUSE_MAX_S) pause_s = PAUSE_MAX_S;
    ti_provider_rest(provider, ti_clock_deadline(clock_of(client), (int64_t)pause_s * 1000));
    ti_log_write(&client->context->log, TACIT_LOG_WARNING,
                 "The metadata of %s could not be renewed, and is used as it was: %s",
                 ti_provider_issuer(provider), error->message);
    return ti_error_clear(error);
}

static tacit_status renew(tacit_client *client, tacit_provider *provider,
                          const ti_discovery *cached, int64_t deadline_boot_ms,
                          const atomic_bool *cancelled, tacit_error *error) {
    bool known = is_known(provider);
    int64_t soon = ti_clock_deadline(clock_of(client), RENEWAL_MS);
    tacit_status status;

    if (known && soon < deadline_boot_ms) deadline_boot_ms = soon;
    status = ask(client, provider, cached, deadline_boot_ms, cancelled, error);
    if (status == TACIT_OK || status == TACIT_ERR_CANCELLED || !known) return status;
    return make_do(client, provider, error);
}

static bool will_do(tacit_client *client, tacit_provider *provider) {
    return ti_provider_is_fresh(provider, ti_clock_wall_ms(clock_of(client))) ||
           ti_provider_rests(provider, ti_clock_boot_ms(clock_of(client)));
}

tacit_status ti_discover(tacit_client *client, tacit_provider *provider, int64_t deadline_boot_ms,
                         const atomic_bool *cancelled, tacit_error *error) {
    ti_discovery cached = {.metadata = NULL};
    tacit_error unasked;
    tacit_status status;

    if (error == NULL) error = &unasked;
    if (will_do(client, provider)) return ti_error_clear(error);
    if (!recall(client, provider, &cached))
        status = ti_error_no_memory(error);
    else if (will_do(client, provider))
        status = ti_error_clear(error);
    else
        status = renew(client, provider, &cached, deadline_boot_ms, cancelled, error);
    ti_discovery_free(&cached);
    return status;
}

ti_metadata *ti_discover_known(tacit_client *client, tacit_provider *provider) {
    ti_metadata *known = ti_provider_metadata(provider);
    ti_discovery cached = {.metadata = NULL};

    if (known != NULL) return known;
    recall(client, provider, &cached);
    ti_discovery_free(&cached);
    return ti_provider_metadata(provider);
}
